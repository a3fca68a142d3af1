//! Spark runs through the real program, on a host behind a real SSH server and a real cluster of Spark's own with two
//! workers. Where there is none, one line says so and the tests pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, eventually, is_there, until};
use outhaul_testkit::spark::{self, Cluster};
use outhaul_testkit::sshd::{Setup, Sshd};
use serde_json::Value;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/iris-spark");

/// Marks its start, and uses Spark when its gate is there.
const GATED: &str = r#"
import os, sys, time
mark, gate = sys.argv[1], sys.argv[2]
with open(mark, "a") as file:
    file.write("started\n")
while not os.path.exists(gate):
    time.sleep(0.02)
from pyspark.sql import SparkSession
print("sum", SparkSession.builder.getOrCreate().range(5).groupBy().sum().collect()[0][0])
"#;

const LONG: Duration = Duration::from_secs(600);

/// What the test knows of certificates and package indexes, a login on the host knows, too. One line: of more, only the
/// first one counts.
fn login_variables() -> String {
    let mut line = "SetEnv SPARK_LOCAL_IP=127.0.0.1".to_owned();
    for name in [
        "SSL_CERT_FILE",
        "PIP_CERT",
        "PIP_INDEX_URL",
        "UV_INDEX_URL",
        "HTTPS_PROXY",
    ] {
        if let Ok(value) = std::env::var(name) {
            line.push_str(&format!(" {name}={value}"));
        }
    }
    line
}

/// A data folder and a host with Spark.
struct Bench {
    home: Home,
    sshd: Sshd,
    spark: PathBuf,
}

impl Bench {
    fn new() -> Option<Self> {
        let spark = spark::home()?;
        let sshd = Setup::new().line(&login_variables()).start()?;
        let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
        let key = home.write("key", sshd.client_key());
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
        home.write("gated/gated.py", GATED);
        let bench = Self { home, sshd, spark };
        std::fs::create_dir(bench.marks()).unwrap();
        std::fs::set_permissions(bench.marks(), std::fs::Permissions::from_mode(0o777)).unwrap();
        Some(bench)
    }

    /// A cluster whose processes belong to the user who logs in.
    fn cluster(&self) -> Cluster {
        let user = nix::unistd::User::from_name(self.sshd.username())
            .unwrap()
            .unwrap();
        let user = nix::unistd::geteuid()
            .is_root()
            .then(|| (user.uid.as_raw(), user.gid.as_raw()));
        Cluster::start(user).unwrap()
    }

    fn attach_with(&self, place: &[&str], more: &[&str]) -> Answer {
        let mut command = self.home.command(["target", "attach", "hdinsight", "myhdi"]);
        command
            .args(place)
            .args(["--username", self.sshd.username()])
            .args(["--private-key-file", "key", "--yes"])
            .args(more)
            .env("HOME", self.home.work())
            .env_remove("SSH_AUTH_SOCK");
        Answer::of(command)
    }

    fn attach(&self, more: &[&str]) -> Answer {
        let port = self.sshd.address().port().to_string();
        let home = self.spark.display().to_string();
        let place = ["--address", "127.0.0.1", "--port", &port, "--spark-home", &home];
        self.attach_with(&place, more)
    }

    fn marks(&self) -> PathBuf {
        self.sshd.folder().join("marks")
    }

    fn mark(&self, number: usize) -> PathBuf {
        self.marks().join(format!("mark-{number}"))
    }

    fn gate(&self, number: usize) -> PathBuf {
        self.marks().join(format!("gate-{number}"))
    }

    fn starts(&self, number: usize) -> usize {
        let text = std::fs::read_to_string(self.mark(number)).unwrap_or_default();
        text.lines().count()
    }

    /// Spark's own Python as it is: nothing is built.
    fn submit(&self, number: usize) -> String {
        self.home.write(
            "environment.toml",
            &format!("python-path = \"{}\"\n", spark::python().display()),
        );
        let mut command = self
            .home
            .command(["run", "--target", "myhdi", "--framework", "PySpark"]);
        command
            .args(["--spark-conf", "spark.executor.memory=512m"])
            .args([
                "--environment",
                "environment.toml",
                "--detach",
                "gated/gated.py",
                "--",
            ])
            .args([self.mark(number), self.gate(number)]);
        Answer::of(command).success().text().to_owned()
    }

    fn wait_for(&self, id: &str, state: &str) -> Value {
        eventually(&format!("the run is {state}"), || {
            let run = self.home.json(["runs", "show", id]);
            let ended = ["Completed", "Failed", "Canceled"].contains(&run["state"].as_str().unwrap());
            assert!(
                !ended || run["state"] == state,
                "{run:#}\n{}",
                self.home.server_log()
            );
            (run["state"] == state).then_some(run)
        })
    }

    /// How many runs have a folder on the host.
    fn runs(&self) -> usize {
        let ours = std::fs::read_dir(self.sshd.home().join(".outhaul"))
            .unwrap()
            .flatten();
        ours.filter_map(|entry| std::fs::read_dir(entry.path().join("runs")).ok())
            .flatten()
            .count()
    }

    fn is_clean(&self) -> bool {
        let mut left = std::fs::read_dir(self.sshd.home()).unwrap().flatten();
        left.all(|entry| ![".outhaul", ".ivy2"].contains(&&*entry.file_name().to_string_lossy()))
    }
}

fn said(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.stderr).into_owned()
}

#[test]
fn the_example_trains_on_a_cluster_and_keeps_its_model() {
    let Some(bench) = Bench::new() else { return };
    let cluster = bench.cluster();
    let _ = bench.attach(&["--master", cluster.master()]).success();
    let target = bench.home.json(["target", "show", "myhdi"]);
    assert_eq!(target["kind"], "hdinsight", "{target:#}");

    let command = |more: &[&str]| {
        let mut command = bench.home.command(["run", "--target", "myhdi"]);
        command
            .args([
                "--framework",
                "pyspark",
                "--spark-conf",
                "spark.executor.memory=600m",
            ])
            .args(more)
            .args(["--environment", "environment.yml", "train_spark.py"])
            .current_dir(EXAMPLE);
        Answer::of(command)
    };
    let planned = command(&["--dry-run"]).success();
    let planned = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(
        planned.contains("bin/spark-submit") && planned.contains(cluster.master()),
        "{planned}"
    );

    let id = command(&["--detach"]).success().text().to_owned();
    // An environment, Java three times, and a machine that may do much else.
    let begin = Instant::now();
    while bench.home.json(["runs", "show", &id])["ended_at"].is_null() && begin.elapsed() < LONG {
        std::thread::sleep(Duration::from_millis(500));
    }
    let _ = bench.wait_for(&id, "Completed");
    let metrics = bench.home.json(["runs", "metrics", &id]);
    let accuracy = metrics
        .as_array()
        .unwrap()
        .iter()
        .find(|metric| metric["name"] == "accuracy")
        .and_then(|metric| metric["value"].as_f64());
    assert!(accuracy > Some(0.75), "{metrics:#}");
    let folder = bench.home.work().join("model");
    let mut download = bench.home.command(["runs", "outputs", &id, "--download"]);
    download.arg(&folder);
    let _ = Answer::of(download).success();
    let parts = |path: &Path| std::fs::read_dir(folder.join(path)).unwrap().count();
    let model = Path::new("outputs/iris-model");
    assert_eq!(parts(&model.join("stages")), 3);
    assert!(parts(&model.join("metadata")) >= 2);
    assert!(
        cluster.log("master").contains(&id),
        "the cluster knows it by its run key"
    );

    let _ = bench.home.call(["target", "detach", "myhdi"]).success();
    assert!(bench.is_clean());
}

/// The steps at which what the host knows and what we know differ most.
const POINTS: &[&str] = &["life.after-intent", "life.after-submit", "life.before-end"];

#[test]
fn a_server_that_dies_submits_no_application_twice() {
    let Some(bench) = Bench::new() else { return };
    if !cfg!(debug_assertions) {
        return;
    }
    let _ = bench.attach(&["--master", "local[1]"]).success();
    for (number, name) in POINTS.iter().enumerate() {
        let _ = bench.home.kill_server();
        let server = bench
            .home
            .start_server(&[("OUTHAUL_FAILPOINT", std::ffi::OsStr::new(name))]);
        std::fs::write(bench.gate(number), "").unwrap();
        let id = bench.submit(number);
        until(&format!("the server dies at `{name}`"), || !is_there(server));
        let run = bench.wait_for(&id, "Completed");
        assert_eq!(bench.starts(number), 1, "{run:#}");
        let log = bench
            .home
            .call(["runs", "logs", &id, "--stream", "stdout"])
            .success();
        assert_eq!(String::from_utf8_lossy(&log.stdout), "sum 10\n");
        // A server that is killed before this is durable meets the end once more, and its fail point.
        until("its folder is removed", || bench.runs() == 0);
    }
    let last = POINTS.len();
    let id = bench.submit(last);
    until("the script is started", || bench.starts(last) == 1);
    let _ = bench.home.call(["runs", "cancel", &id]).success();
    let _ = bench.wait_for(&id, "Canceled");
}

#[test]
fn what_is_no_cluster_is_refused() {
    let Some(bench) = Bench::new() else { return };
    // Found before anything is reached.
    for (place, more, words) in [
        (
            &["--address", "127.0.0.1"][..],
            &["--master", "sprk://x"][..],
            "spark://HOST:PORT",
        ),
        (&["--cluster-name", "x"], &[], "3 to 59"),
        (
            &["--cluster-name", "myhdi", "--address", "h"],
            &[],
            "cannot be used with",
        ),
    ] {
        let answer = bench.attach_with(place, more);
        assert!(!answer.is_success() && said(&answer).contains(words), "{answer}");
    }
    let wrong = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm";
    let _ = bench
        .home
        .call(["resource", "map", wrong, &bench.sshd.address().to_string()])
        .success();
    let answer = bench.attach_with(&["--resource-id", wrong], &[]);
    assert!(
        !answer.is_success() && said(&answer).contains("HDInsight cluster"),
        "{answer}"
    );

    // Found on the host.
    for (more, words) in [
        (&["--master", "spark://127.0.0.1:1"][..], "does not answer"),
        (&["--master", "yarn"], "`yarn` is not on the PATH"),
        (&["--master", "local[0]"], "number of threads"),
        (
            &["--master", "local[1]", "--deploy-mode", "cluster"],
            "deploy-mode client",
        ),
    ] {
        let answer = bench.attach(more);
        assert!(
            !answer.is_success() && said(&answer).contains(words),
            "{more:?}: {answer}"
        );
    }
    let port = bench.sshd.address().port().to_string();
    let at = [
        "--address",
        "127.0.0.1",
        "--port",
        &port,
        "--spark-home",
        "/nowhere",
    ];
    let answer = bench.attach_with(&at, &[]);
    assert!(
        !answer.is_success() && said(&answer).contains("no Spark in `/nowhere`"),
        "{answer}"
    );

    // By its resource id, as the address book has it; and what runs cannot ask.
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.HDInsight/clusters/myhdi";
    let _ = bench
        .home
        .call(["resource", "map", id, &bench.sshd.address().to_string()])
        .success();
    let home = bench.spark.display().to_string();
    let by_id = ["--resource-id", id, "--spark-home", &home, "--master", "local[1]"];
    let _ = bench.attach_with(&by_id, &[]).success();
    let on = |target: &str, more: &[&str]| {
        let mut command = bench.home.command(["run", "--target", target]);
        command.args(more).arg("gated/gated.py");
        Answer::of(command)
    };
    for (target, more, words) in [
        (
            "myhdi",
            &["--framework", "spark"][..],
            "there is `python`, `pyspark`",
        ),
        (
            "myhdi",
            &["--spark-conf", "spark.a=1"],
            "need `--framework pyspark`",
        ),
        (
            "myhdi",
            &["--framework", "pyspark", "--spark-package", "x"],
            "GROUP:ARTIFACT:VERSION",
        ),
        (
            "myhdi",
            &["--framework", "pyspark", "--spark-conf", "spark.master=yarn"],
            "not set by configuration",
        ),
        (
            "myhdi",
            &["--framework", "pyspark", "--deploy-mode", "cluster"],
            "does not start drivers",
        ),
        ("myhdi", &["--framework", "pyspark", "--gpus", "1"], "`--gpus`"),
        ("local", &["--framework", "pyspark"], "starts no Spark"),
    ] {
        let answer = on(target, more);
        assert!(
            !answer.is_success() && said(&answer).contains(words),
            "{more:?}: {answer}"
        );
    }
    assert_eq!(bench.home.json(["runs", "list"]).as_array().unwrap().len(), 0);
}
