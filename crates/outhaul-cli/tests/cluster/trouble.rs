//! What a cluster does to jobs: puts them back, gives their place away, loses their machine, takes no more of them.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;

use outhaul_testkit::process::{eventually, until};
use outhaul_testkit::slurm::Cluster;
use serde_json::Value;

use crate::here::Here;

/// A partition whose jobs come first, and two whose jobs make room: by starting anew, and by ending.
const PREEMPTION: &str = "PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=low Nodes=n1,n2 PriorityTier=1 PreemptMode=REQUEUE State=UP
PartitionName=cheap Nodes=n1,n2 PriorityTier=1 PreemptMode=CANCEL State=UP
PartitionName=high Nodes=n1,n2 PriorityTier=10 PreemptMode=OFF State=UP";

impl Here {
    fn attached_to(cluster: Cluster) -> Self {
        let here = Self::on(cluster);
        let _ = here.attach("hpc", &[]).success();
        here
    }

    /// Submits a shell text to a partition, on all of the cluster.
    fn submit_whole(&self, partition: &str, shell: &str) -> String {
        let words = [
            "run",
            "--target",
            "hpc",
            "--detach",
            "--partition",
            partition,
            "--nodes",
            "2",
        ];
        let words = words
            .iter()
            .chain(&["--cpus", "8", "--", "sh", "-c"])
            .chain([&shell]);
        self.home.call(words).success().text().to_owned()
    }

    fn number(&self, id: &str) -> String {
        let run = self.run(id);
        let native = run["native_id"].as_str().unwrap();
        native.split(':').nth(1).unwrap().to_owned()
    }
}

/// Sees whose fault a failure is, and what is said of it.
fn failed(run: &Value, class: &str, words: &str) {
    let message = run["failure"]["message"].as_str().unwrap();
    assert_eq!(run["failure"]["class"], class, "{run:#}");
    assert!(message.contains(words), "{message}");
}

#[test]
fn a_place_that_is_given_away_ends_the_run() {
    let Some(cluster) = Cluster::start_with(PREEMPTION) else {
        return;
    };
    let here = Here::attached_to(cluster);
    for partition in ["low", "cheap"] {
        let first = here.submit_whole(partition, "exec sleep 1000");
        let _ = here.wait_for(&first, "Running");
        let second = here.submit_whole("high", "true");
        let run = here.wait_for(&first, "Failed");
        failed(&run, "target", "gave its place to a job that comes first");
        let _ = here.wait_for(&second, "Completed");
    }
}

#[test]
fn a_job_is_not_started_a_second_time() {
    let Some(here) = Here::attached() else { return };
    let mark = here.home.work().join("mark");
    let id = here.submit(&format!("echo started >> '{}'; exec sleep 1000", mark.display()));
    let _ = here.wait_for(&id, "Running");
    let number = here.number(&id);
    // Our jobs ask not to be requeued.
    let _ = here.cluster.ask(&["scontrol", "requeue", &number]);
    let job = here.cluster.ask(&["squeue", "-h", "-j", &number, "-o", "%T"]);
    assert_eq!(
        (job.trim(), &here.run(&id)["state"]),
        ("RUNNING", &"Running".into())
    );
    // Who may change jobs can have it all the same.
    let job = format!("JobId={number}");
    let _ = here.cluster.ask(&["scontrol", "update", &job, "Requeue=1"]);
    let _ = here.cluster.ask(&["scontrol", "requeue", &number]);
    let run = here.wait_for(&id, "Failed");
    failed(&run, "target", "put its job back into the queue");
    here.no_job_is_left();
    assert_eq!(std::fs::read_to_string(mark).unwrap(), "started\n");
}

#[test]
fn a_machine_that_fails_ends_the_run_and_not_before_the_scheduler_says_so() {
    let Some(cluster) = Cluster::start_with("SlurmdTimeout=5") else {
        return;
    };
    cluster.set_node("n2", "DRAIN");
    let mut here = Here::attached_to(cluster);
    let id = here.submit("echo begun; exec sleep 1000");
    let _ = here.wait_for(&id, "Running");
    here.cluster.fail_node("n1");
    let run = here.wait_for(&id, "Failed");
    failed(&run, "target", "a machine of the cluster failed on n1");
    assert_eq!(here.log(&id), "begun");
}

/// The scheduler says what it says when its queue is full, and later takes the job.
#[test]
fn a_full_queue_is_waited_for() {
    let Some(here) = Here::attached() else { return };
    let home = &here.home;
    let room = home.work().join("room");
    let script = format!(
        "#!/bin/sh\nif [ -e '{}' ]; then exec /usr/bin/sbatch \"$@\"; fi
echo 'sbatch: error: AssocMaxSubmitJobLimit' >&2
echo 'sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user'\\''s size and/or time limits)' >&2
exit 1\n",
        room.display()
    );
    let program = home.write("full/sbatch", &script);
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut path: OsString = home.work().join("full").into();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let _ = home.kill_server();
    let _ = home.start_server(&[("PATH", path.as_os_str())]);
    let id = here.submit("echo through");
    let reason = eventually("the wait is explained", || {
        let run = here.run(&id);
        assert_ne!(run["state"], "Failed", "{run:#}");
        run["waiting"]["reason"]
            .as_str()
            .filter(|reason| reason.contains("full"))
            .map(str::to_owned)
    });
    assert!(reason.contains("submit limit"), "{reason}");
    // One that waits is simply withdrawn.
    let other = here.submit("echo never");
    let _ = home.call(["runs", "cancel", &other]).success();
    let _ = here.wait_for(&other, "Canceled");
    std::fs::write(room, "").unwrap();
    let _ = here.wait_for(&id, "Completed");
    assert_eq!(here.log(&id), "through");
    assert_eq!(here.log(&other), "");
}

#[test]
fn a_job_that_waits_says_for_what() {
    let Some(here) = Here::attached() else { return };
    for node in ["n1", "n2"] {
        here.cluster.set_node(node, "DRAIN");
    }
    let id = here.submit("true");
    let mut last = Value::Null;
    until("the scheduler's reason is shown", || {
        let run = here.run(&id);
        let reason = run["waiting"]["reason"].clone();
        if reason != last {
            println!("it is {} and waits: {reason}", run["state"]);
            last = reason;
        }
        let reason = last.as_str().unwrap_or_default();
        reason.contains("drained") || reason.contains("busy")
    });
    for node in ["n1", "n2"] {
        here.cluster.set_node(node, "RESUME");
    }
    let run = here.wait_for(&id, "Completed");
    assert_eq!(run["waiting"], Value::Null);
}
