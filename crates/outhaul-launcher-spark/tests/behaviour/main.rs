//! The behaviour suite of drivers with every run started by a real `spark-submit`, and what Spark adds: a cluster of its
//! own, failures with their causes, and the way through YARN. Where there is no Spark, one line says so and the tests pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod causes;
mod host;
mod run;
mod yarn;

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use outhaul_testkit::driver_suite::{Bench as _, Subject, cases, variants};
use outhaul_testkit::spark;

use host::{BySpark, Host};

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// All cases, some at a time: each run starts Java.
fn suite(only: &str) -> Result<(), Failed> {
    let Some(home) = spark::home() else {
        return Ok(());
    };
    let (variant, wrap) = variants().into_iter().find(|(name, _)| *name == only).unwrap();
    let mut failed = Vec::new();
    for case in cases() {
        let ended = runtime().block_on(async {
            let bench = Arc::new(Host::new(&home.join("bin/spark-submit"), "local[1]", None));
            let driver = wrap(Arc::new(BySpark(bench.driver())));
            if !(case.applies)(&driver.capabilities()) {
                return Ok(());
            }
            tokio::spawn((case.run)(Subject { driver, bench })).await
        });
        if ended.is_err() {
            failed.push(case.name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("{variant}: {}", failed.join(", ")).into())
}

fn main() {
    // Each call of the suite under chaos starts Java many times over: the long form has it.
    let variants: &[&str] = match std::env::var_os("OUTHAUL_TEST_FULL") {
        Some(_) => &["bare", "chaos-1"],
        None => &["bare"],
    };
    let mut trials: Vec<Trial> = variants
        .iter()
        .copied()
        .map(|variant| Trial::test(format!("suite::{variant}"), move || suite(variant)))
        .collect();
    trials.extend(causes::trials());
    trials.extend(yarn::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
