//! Runs as jobs of a real Slurm cluster behind a real SSH server, through the real program. Where neither can be had, one
//! line says so and the tests pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adopted;
mod arrays;
mod here;
mod trouble;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, eventually, is_there, until};
use outhaul_testkit::slurm::Cluster;
use outhaul_testkit::sshd::{Setup, Sshd};
use serde_json::Value;

/// Appends its start to a mark, prints numbered lines and logs metrics until its gate is there, and leaves a file.
const STEPS: &str = r#"
import os, sys, time
from outhaul.run import Run

mark, gate = sys.argv[1], sys.argv[2]
with open(mark, "a") as file:
    file.write("started\n")
run = Run.get_context()
count = 0
while count < 10 or not os.path.exists(gate):
    print("line", count, flush=True)
    run.log("step", count)
    count += 1
    time.sleep(0.01)
with open("outputs/count", "w") as file:
    file.write(str(count))
"#;

/// A data folder with a cluster, attached as `hpc`.
struct Bench {
    home: Home,
    sshd: Sshd,
    cluster: Cluster,
}

impl Bench {
    fn new() -> Option<Self> {
        let cluster = Cluster::start()?;
        let sshd = Setup::new()
            .line(&format!("SetEnv SLURM_CONF={}", cluster.conf().display()))
            .start()?;
        let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
        home.write("steps/train.py", STEPS);
        let key = home.write("key", sshd.client_key());
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let bench = Self { home, sshd, cluster };
        std::fs::create_dir(bench.marks()).unwrap();
        std::fs::set_permissions(bench.marks(), std::fs::Permissions::from_mode(0o777)).unwrap();
        Some(bench)
    }

    fn attach(&self, more: &[&str]) -> Answer {
        let port = self.sshd.address().port().to_string();
        let mut command = self
            .home
            .command(["target", "attach", "slurm", "hpc", "--address", "127.0.0.1"]);
        command
            .args(["--port", &port, "--username", self.sshd.username()])
            .args(["--private-key-file", "key", "--yes"])
            .args(more)
            .env("HOME", self.home.work())
            .env_remove("SSH_AUTH_SOCK");
        Answer::of(command)
    }

    fn attached() -> Option<Self> {
        let bench = Self::new()?;
        let _ = bench.attach(&[]).success();
        Some(bench)
    }

    fn marks(&self) -> PathBuf {
        self.sshd.folder().join("marks")
    }

    fn mark(&self, number: usize) -> PathBuf {
        self.marks().join(format!("mark-{number}"))
    }

    fn go_on(&self, number: usize) {
        std::fs::write(self.marks().join(format!("gate-{number}")), "").unwrap();
    }

    fn starts(&self, number: usize) -> usize {
        std::fs::read_to_string(self.mark(number))
            .unwrap_or_default()
            .lines()
            .count()
    }

    fn submit(&self, number: usize) -> String {
        let mut command = self.home.command([
            "run",
            "--target",
            "hpc",
            "--detach",
            "--memory",
            "200M",
            "steps/train.py",
            "--",
        ]);
        command.args([self.mark(number), self.marks().join(format!("gate-{number}"))]);
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

    /// Sees that the script was started once, and that all it left arrived.
    fn check(&self, id: &str, number: usize) {
        let run = self.wait_for(id, "Completed");
        assert_eq!(self.starts(number), 1, "{run:#}");
        let folder = self.home.work().join(format!("outputs-of-{id}"));
        let mut command = self.home.command(["runs", "outputs", id, "--download"]);
        command.arg(&folder);
        let _ = Answer::of(command).success();
        let count: usize = std::fs::read_to_string(folder.join("outputs/count"))
            .unwrap()
            .parse()
            .unwrap();
        let expected: String = (0..count).map(|line| format!("line {line}\n")).collect();
        let log = self
            .home
            .call(["runs", "logs", id, "--stream", "stdout"])
            .success();
        assert!(
            log.stdout == expected.as_bytes(),
            "{} bytes and not {}",
            log.stdout.len(),
            expected.len()
        );
        let metrics = self.home.json(["runs", "metrics", id]);
        assert_eq!(metrics.as_array().unwrap().len(), count);
    }
}

#[test]
fn the_same_run_is_made_as_a_job() {
    let Some(bench) = Bench::attached() else { return };
    let target = bench.home.json(["target", "show", "hpc"]);
    assert_eq!(target["kind"], "slurm", "{target:#}");
    let plan = bench.home.json([
        "run",
        "--target",
        "hpc",
        "--nodes",
        "2",
        "--dry-run",
        "steps/train.py",
    ]);
    let batch = plan["server"]["batch"].as_str().unwrap_or_default();
    assert!(batch.contains("#SBATCH --nodes=2"), "{plan:#}");

    let id = bench.submit(0);
    until("the script is started", || bench.starts(0) == 1);
    let run = bench.wait_for(&id, "Running");
    assert!(
        run["native_id"].as_str().unwrap().starts_with("slurm:"),
        "{run:#}"
    );
    bench.go_on(0);
    bench.check(&id, 0);

    let id = bench.submit(1);
    until("the script is started", || bench.starts(1) == 1);
    let _ = bench.home.call(["runs", "cancel", &id]).success();
    let _ = bench.wait_for(&id, "Canceled");
    until("no job is left", || {
        bench.cluster.ask(&["squeue", "-h"]).is_empty()
    });

    // Refused in the scheduler's own words, and nobody else is to blame.
    let answer = bench.home.call([
        "run",
        "--target",
        "hpc",
        "--partition",
        "nowhere",
        "steps/train.py",
    ]);
    let said = String::from_utf8_lossy(&answer.stderr).to_lowercase();
    assert!(
        !answer.is_success() && said.contains("invalid partition"),
        "{answer}"
    );
    let answer = bench.home.call(["run", "--gpus", "1", "steps/train.py"]);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(!answer.is_success() && said.contains("--gpus"), "{answer}");

    let _ = bench.home.call(["target", "detach", "hpc"]).success();
    let left = std::fs::read_dir(bench.sshd.home()).unwrap().flatten();
    assert!(left.map(|entry| entry.file_name()).all(|name| name != ".outhaul"));
}

/// The steps at which what the scheduler knows and what we know differ most.
const POINTS: &[&str] = &[
    "life.after-intent",
    "life.after-submit",
    "life.after-launched",
    "life.before-end",
];

#[test]
fn a_server_that_dies_submits_no_job_twice() {
    let Some(bench) = Bench::attached() else { return };
    if !cfg!(debug_assertions) {
        return;
    }
    for (number, name) in POINTS.iter().enumerate() {
        let _ = bench.home.kill_server();
        let server = bench
            .home
            .start_server(&[("OUTHAUL_FAILPOINT", std::ffi::OsStr::new(name))]);
        bench.go_on(number);
        let id = bench.submit(number);
        until(&format!("the server dies at `{name}`"), || !is_there(server));
        bench.check(&id, number);
    }
}

#[test]
fn an_unknown_partition_is_no_target() {
    let Some(bench) = Bench::new() else { return };
    let answer = bench.attach(&["--partition", "nowhere"]);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(
        !answer.is_success() && said.contains("no partition `nowhere`"),
        "{answer}"
    );
}
