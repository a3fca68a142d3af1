//! A warm Spark run on a host over SSH, against `spark-submit` by hand on that host. The host is this machine.

use anyhow::{Result, ensure};

use super::machine::Machine;
use super::remote::bed::Bed;
use super::sample::{alternate, time};
use super::table::{Aim, Row};
use crate::{repo, shell};

/// Where `cargo xtask test` installs Spark.
const SPARK: &str = "/var/tmp/outhaul-test-spark";

const SCRIPT: &str = "
from pyspark.sql import SparkSession
session = SparkSession.builder.getOrCreate()
print(session.range(1000).selectExpr('sum(id)').collect())
session.stop()
";

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let python = format!("{SPARK}/bin/python3");
    let found = "import os, pyspark; print(os.path.dirname(pyspark.__file__))";
    let home = shell::output(repo::clean(&python).args(["-c", found]));
    ensure!(
        home.is_ok(),
        "there is no Spark in `{SPARK}`; `cargo xtask test` installs it"
    );
    let home = home?.trim().to_owned();
    let bed = Bed::of_kind(
        machine,
        1,
        "hdinsight",
        &["--master", "local[1]", "--spark-home", &home],
    )?;
    let source = bed.scratch().join("source");
    std::fs::create_dir(&source)?;
    std::fs::write(source.join("job.py"), SCRIPT)?;
    let environment = bed.scratch().join("environment.toml");
    std::fs::write(&environment, format!("python-path = \"{python}\"\n"))?;

    let outhaul = || {
        let mut command = bed.outhaul.command(&["run", "-q", "--target", Bed::TARGET]);
        command
            .args(["--framework", "pyspark"])
            .arg("--environment")
            .arg(&environment);
        command.arg(source.join("job.py"));
        command
    };
    let by_hand = || {
        let mut command = repo::clean(format!("{home}/bin/spark-submit"));
        command
            .args(["--master", "local[1]", "job.py"])
            .env("PYSPARK_PYTHON", &python)
            .env("SPARK_HOME", &home)
            .current_dir(&source);
        command
    };
    // Errors of the first ones are worth reading.
    shell::output(&mut outhaul())?;
    shell::output(&mut by_hand())?;
    let pair = alternate(
        machine.rounds(7),
        || time(&mut outhaul()),
        || time(&mut by_hand()),
    )?;
    let what = "warm `outhaul run -q --framework pyspark`, one sum";
    Ok(vec![
        Row::pair(what, "`spark-submit` by hand on the host", pair).aim(Aim::RatioAtMost(1.05)),
    ])
}
