//! The way through YARN with stand-ins for its programs: no YARN can be had for tests. What YARN does to a Python driver
//! in cluster mode (archives unpacked beside it, a folder of its own) is played by a script; Spark and the driver's Java
//! process are real.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use outhaul_driver::TargetLog;
use outhaul_testkit::spark;
use outhaul_types::Exit;

use crate::host::Host;
use crate::run::{Wanted, end, start, text};
use crate::runtime;

/// Plays `spark-submit --deploy-mode cluster`: a folder of its own for the driver, with the archives unpacked by name.
const SUBMIT: &str = r#"#!/bin/bash
echo "$*" >> "$HOME/submitted"
while [ $# -gt 0 ]; do
    case $1 in
    --archives) archives=$2; shift 2 ;;
    --*) shift 2 ;;
    *) break ;;
    esac
done
place=$(mktemp -d) && cp "$1" "$place/driver.py" && shift
cd "$place" || exit 1
for archive in ${archives//,/ }; do
    mkdir "${archive##*#}" && tar -xzf "${archive%#*}" -C "${archive##*#}"
done
# Nothing of the submitter's own variables reaches a driver in the cluster.
env -i PATH="$PATH" HOME="$HOME" SPARK_LOCAL_IP=127.0.0.1 SPARK_HOME="$SPARK_HOME" PYSPARK_PYTHON="$PYSPARK_PYTHON" \
    REAL_SPARK --master 'local[1]' --driver-java-options "-Duser.home=$HOME" driver.py "$@" > "$HOME/container.log" 2>&1
[ $? -eq 0 ] || exit 1
"#;

const HADOOP: &str = r#"#!/bin/bash
cd "$HOME" || exit 1
case "$2" in
-mkdir) mkdir -p "$4" ;;
-chmod) chmod "$3" "$4" ;;
-get) cp "$3" "$4" ;;
-rm) rm -r "$5" ;;
*) echo "unexpected: $*" >&2; exit 9 ;;
esac
"#;

const YARN: &str = r#"#!/bin/bash
echo "$*" >> "$HOME/asked-yarn"
case "$1 $2" in
"application -list") printf 'application_1_0001\t k\t SPARK\t me\t default\t FINISHED\t FAILED\t 100%%\t url\n' ;;
"logs -applicationId") echo "logs of $3" ;;
esac
"#;

const SCRIPT: &str = r#"
import os, sys
from outhaul.run import Run
from pyspark.sql import SparkSession

session = SparkSession.builder.getOrCreate()
lines = session.read.text("file://" + os.path.abspath("data.txt"))
print("counted", lines.count(), sys.argv[1:], os.environ["WORD"], flush=True)
print("to the side", file=sys.stderr, flush=True)
Run.get_context().log("count", lines.count())
lines.write.text("file://" + os.path.abspath("outputs/copy"))
sys.exit(int(os.environ["CODE"]))
"#;

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test(
        "on_yarn_the_driver_s_leavings_come_back",
        || -> Result<(), Failed> {
            if let Some(home) = spark::home() {
                runtime().block_on(round_trip(&home));
            }
            Ok(())
        },
    )]
}

fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn round_trip(home: &Path) {
    let programs = tempfile::tempdir().unwrap();
    let real = format!("{}/bin/spark-submit", home.display());
    let submit = program(
        programs.path(),
        "spark-submit",
        &SUBMIT.replace("REAL_SPARK", &real),
    );
    program(programs.path(), "hadoop", HADOOP);
    program(programs.path(), "yarn", YARN);
    let host = Host::new(&submit, "yarn", Some(programs.path()));
    for code in [0, 7] {
        let variables = [
            ("WORD".to_owned(), "it's $HOME".to_owned()),
            ("CODE".to_owned(), code.to_string()),
            ("SPARK_HOME".to_owned(), home.display().to_string()),
        ];
        let wanted = Wanted {
            files: &[("data.txt", "one\ntwo\n")],
            variables: variables.into(),
            ..Wanted::script(SCRIPT)
        };
        let id = start(&host, wanted).await;
        let exit = end(&host, &id).await;
        let container = std::fs::read_to_string(host.folder.path().join("container.log")).unwrap_or_default();
        let log = text(&host, &id, TargetLog::Stderr).await;
        assert_eq!(exit, Exit::Code { code }, "{log}\n{container}");
        let printed = text(&host, &id, TargetLog::Stdout).await;
        assert_eq!(printed, "counted 2 ['one', 'two words'] it's $HOME\n");
        assert!(log.contains("to the side\n"), "{log}");
        let metrics = text(&host, &id, TargetLog::Metrics).await;
        assert!(metrics.contains("count"), "{metrics}");
        let run_dir = host.folder.path().join(format!("local/runs/{id}"));
        assert!(run_dir.join("code/outputs/copy/_SUCCESS").exists());
        let kept = std::fs::read_to_string(run_dir.join("code/logs/yarn.txt")).unwrap();
        assert_eq!(kept, "logs of application_1_0001\n");
        assert!(!run_dir.join("bundle.tar.gz").exists() && !run_dir.join("variables.json").exists());
        assert!(!host.folder.path().join(".outhaul-runs").join(&id.0).exists());
    }
    let submitted = std::fs::read_to_string(host.folder.path().join("submitted")).unwrap();
    assert_eq!(submitted.lines().count(), 2, "{submitted}");
    assert!(
        submitted.contains("--conf spark.yarn.maxAppAttempts=1"),
        "{submitted}"
    );
}
