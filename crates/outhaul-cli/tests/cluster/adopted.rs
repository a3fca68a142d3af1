//! Jobs that were not submitted by Outhaul: found, adopted, followed, canceled.

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{eventually, until};
use serde_json::Value;

use crate::here::Here;

/// Submits a job by hand, and gives its number.
fn sbatch(here: &Here, log: &str, shell: &str) -> String {
    let log = format!("--output={}", here.home.work().join(log).display());
    let number = here.cluster.ask(&[
        "sbatch",
        "--parsable",
        "--mem=100M",
        "--job-name=by hand",
        &log,
        "--wrap",
        shell,
    ]);
    number.trim().to_owned()
}

fn adopt(here: &Here, number: &str) -> String {
    let words = ["runs", "adopt", "--target", "hpc", "--native", number];
    here.home.call(words).success().text().to_owned()
}

fn find(here: &Here, number: &str) -> Value {
    here.home
        .json(["runs", "find", "--target", "hpc", "--native", number])
}

#[test]
fn a_job_of_somebody_else_becomes_a_run() {
    let Some(here) = Here::attached() else { return };
    let gate = here.home.work().join("gate");
    let shell = format!(
        "echo begun; while [ ! -e '{}' ]; do sleep 0.1; done; echo over; exit 3",
        gate.display()
    );
    let number = sbatch(&here, "job.log", &shell);
    let job = find(&here, &number);
    assert_eq!(
        (&job["id"], &job["name"], &job["run"]),
        (&number.as_str().into(), &"by hand".into(), &Value::Null),
        "{job:#}"
    );

    let words = [
        "runs",
        "adopt",
        "--target",
        "hpc",
        "--native",
        &number,
        "--experiment",
        "old",
        "--name",
        "sweep",
    ];
    let id = here.home.call(words).success().text().to_owned();
    // However often, and with whatever words.
    assert_eq!(adopt(&here, &number), id);
    let run = here.wait_for(&id, "Running");
    assert_eq!(
        (&run["name"], &run["experiment"]),
        (&"sweep".into(), &"old".into()),
        "{run:#}"
    );
    assert_eq!(find(&here, &number)["run"]["id"], id.as_str());
    until("its log is read", || here.log(&id) == "begun");
    let shown = here.home.call(["runs", "show", &id]).success().text().to_owned();
    assert!(
        shown.contains(&format!("job {number}, which was not submitted by Outhaul")),
        "{shown}"
    );

    // The next server goes on with it.
    let _ = here.home.kill_server();
    std::fs::write(&gate, "").unwrap();
    let run = here.wait_for(&id, "Failed");
    assert_eq!(
        (&run["exit"]["code"], &run["failure"]["class"]),
        (&3.into(), &"user".into()),
        "{run:#}"
    );
    assert_eq!(here.log(&id), "begun\nover");
    let answer = here.home.call(["runs", "rerun", &id]);
    assert!(
        !answer.is_success() && Here::said(&answer).contains("did not submit"),
        "{answer}"
    );

    // One that has ended already, whose end only the scheduler tells.
    let number = sbatch(&here, "late.log", "echo late");
    until("it has ended", || {
        here.cluster.ask(&["squeue", "-h", "-j", &number]).is_empty()
    });
    let id = adopt(&here, &number);
    let run = here.wait_for(&id, "Completed");
    assert_eq!(run["exit"]["code"], 0, "{run:#}");
    assert_eq!(here.log(&id), "late");

    // What is somebody else's stays, whatever becomes of our target.
    until("nothing of ours is noted down any more", || {
        !here.home.data().join("targets/slurm/adopted").exists()
    });
    let _ = here.home.call(["target", "detach", "hpc"]).success();
    let log = std::fs::read_to_string(here.home.work().join("job.log")).unwrap();
    assert_eq!(log, "begun\nover\n");
}

#[test]
fn an_adopted_job_is_canceled_and_one_that_is_requeued_waits() {
    let Some(here) = Here::attached() else { return };
    let number = sbatch(&here, "one.log", "exec sleep 1000");
    let id = adopt(&here, &number);
    let _ = here.wait_for(&id, "Running");
    // It may be requeued, and is the same run then.
    let said = here.cluster.ask(&["scontrol", "requeue", &number]);
    assert_eq!(said, "");
    let waits = eventually("it waits again", || {
        let run = here.run(&id);
        run["waiting"]["reason"].as_str().map(str::to_owned)
    });
    assert!(
        waits.contains("may not begin yet") || waits.contains("looked at"),
        "{waits}"
    );
    assert_eq!(here.run(&id)["state"], "Running", "no state comes twice");
    let _ = here.home.call(["runs", "cancel", &id]).success();
    let _ = here.wait_for(&id, "Canceled");
    here.no_job_is_left();

    // Ended by somebody else: no success, and not the script's fault.
    let number = sbatch(&here, "two.log", "exec sleep 1000");
    let id = adopt(&here, &number);
    let _ = here.wait_for(&id, "Running");
    let _ = here.cluster.ask(&["scancel", &number]);
    let run = here.wait_for(&id, "Failed");
    assert_eq!(run["failure"]["class"], "target", "{run:#}");
    assert!(
        run["failure"]["message"].as_str().unwrap().contains("canceled"),
        "{run:#}"
    );
}

#[test]
fn what_is_ours_or_not_there_is_not_adopted() {
    let Some(here) = Here::attached() else { return };
    let id = here.submit("exec sleep 1000");
    let run = here.wait_for(&id, "Running");
    let native = run["native_id"].as_str().unwrap();
    let number = native.split(':').nth(1).unwrap();
    assert_eq!(find(&here, number)["run"]["id"], id.as_str());
    let adopt = |target: &str, number: &str| {
        here.home
            .call(["runs", "adopt", "--target", target, "--native", number])
    };
    let array = here.cluster.ask(&[
        "sbatch",
        "--parsable",
        "--array=0-2",
        "--output=/dev/null",
        "--mem=100M",
        "--wrap",
        "sleep 1000",
    ]);
    for (target, number, why) in [
        ("hpc", number, id.as_str()),
        ("hpc", "999999", "knows no job `999999`"),
        ("hpc", "soon", "`soon` is no job of Slurm"),
        ("hpc", array.trim(), "is an array of jobs"),
        ("local", number, "knows no jobs but those that Outhaul submitted"),
    ] {
        let answer = adopt(target, number);
        assert!(
            !answer.is_success() && Here::said(&answer).contains(why),
            "{answer}"
        );
    }
    // One of an array is a job like any other.
    let one = adopt("hpc", &format!("{}_1", array.trim()))
        .success()
        .text()
        .to_owned();
    let _ = here.wait_for(&one, "Running");
    let list = here.home.json(["runs", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 2, "{list:#}");
    let _ = here.home.call(["runs", "cancel", &one, &id]).success();
    let _ = here.wait_for(&one, "Canceled");
    until("only the others of the array are left", || {
        let jobs = here.cluster.ask(&["squeue", "-h", "-r", "-o", "%i"]);
        let jobs: Vec<&str> = jobs.lines().map(str::trim).collect();
        jobs == [format!("{}_0", array.trim()), format!("{}_2", array.trim())]
    });
}

#[test]
fn without_a_cluster_there_is_one_clear_error() {
    let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
    for command in ["find", "adopt"] {
        let answer = home.call(["runs", command, "--target", "local", "--native", "1"]);
        assert_eq!(answer.code, Some(2), "{answer}");
        assert!(
            Here::said(&answer).contains("target `local` knows no jobs"),
            "{answer}"
        );
    }
}
