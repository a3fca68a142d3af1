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

/// Cases that `spark-submit` by its nature does not pass.
const NOT_BY_SPARK: &[&str] = &[
    // The command begins with `spark-submit`; `submit::tests` has the plan.
    "a_plan_is_pure_and_shows_the_command",
    // Java ends with 143 by a signal, whatever code the script then ends with.
    "a_polite_process_may_clean_up",
    // Spark writes a log of its own.
    "an_end_by_signal_is_seen",
];

/// Cases that start one process or none of Spark's, beside which the host's own suite says the rest.
const IN_SHORT: &[&str] = &[
    "submitted_again_and_again_it_starts_once",
    "submitted_at_the_same_time_it_starts_once",
    "it_is_found_by_its_key_and_only_then",
    "a_launch_that_was_prevented_starts_no_process",
    "the_process_sees_its_code_and_its_variables",
    "a_stubborn_process_ends_by_force_with_its_children",
    "ending_what_has_ended_is_no_error",
    "any_bytes_come_back_as_they_were",
    "the_metrics_file_is_read_like_a_log",
    "outputs_of_a_failed_run_are_kept_too",
    "release_removes_all_and_may_be_repeated",
];

fn chosen(name: &str) -> bool {
    let full = std::env::var_os("OUTHAUL_TEST_FULL").is_some();
    !NOT_BY_SPARK.contains(&name) && (full || IN_SHORT.contains(&name))
}

/// The cases one after the other: each run starts Java.
fn suite(only: &str) -> Result<(), Failed> {
    let Some(home) = spark::home() else {
        return Ok(());
    };
    let (variant, wrap) = variants().into_iter().find(|(name, _)| *name == only).unwrap();
    let mut failed = Vec::new();
    let all = cases();
    for name in NOT_BY_SPARK.iter().chain(IN_SHORT) {
        assert!(
            all.iter().any(|case| case.name == *name),
            "there is no case `{name}`"
        );
    }
    for case in all.into_iter().filter(|case| chosen(case.name)) {
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
