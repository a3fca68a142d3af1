//! Arrays of runs: on a cluster, where they are one array of jobs, and on this machine.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::until;
use serde_json::Value;

use crate::here::Here;

/// Submits a shell text as an array, and gives the array's id.
fn submit(home: &Home, target: &str, array: &str, shell: &str) -> String {
    let memory: &[&str] = if target == "local" {
        &[]
    } else {
        &["--memory", "100M"]
    };
    let words = ["run", "--target", target, "--array", array, "--detach"];
    let command = ["--", "sh", "-c", shell];
    let words = words.iter().chain(memory).chain(&command);
    home.call(words).success().text().to_owned()
}

fn runs(home: &Home, array: &str) -> Vec<Value> {
    let list = home.json(["runs", "list", "--array", array, "--limit", "0"]);
    list.as_array().unwrap().clone()
}

fn ids(home: &Home, array: &str) -> Vec<String> {
    let mut ids: Vec<String> = runs(home, array)
        .iter()
        .map(|run| run["id"].as_str().unwrap().to_owned())
        .collect();
    ids.reverse();
    ids
}

/// The numbers of the jobs of these runs, each without its index.
fn job_numbers(home: &Home, ids: &[String]) -> BTreeSet<String> {
    let native = |id: &String| {
        let run = home.json(["runs", "show", id]);
        run["native_id"].as_str().unwrap_or_default().to_owned()
    };
    ids.iter()
        .map(|id| {
            let native = native(id);
            let job = native.split(':').nth(1).unwrap_or_default();
            job.split_once('_').expect("an element of an array").0.to_owned()
        })
        .collect()
}

/// Waits until nothing of ended runs is left where a target keeps them.
fn nothing_is_left(folder: &Path) {
    until("the runs' folders are removed", || {
        let in_it = |name: &str| {
            let entries = std::fs::read_dir(folder.join(name)).unwrap().flatten();
            entries.filter(|entry| entry.path().is_dir()).count()
        };
        in_it("runs") + in_it("arrays") == 0
    });
}

#[test]
fn an_array_is_one_job_array_of_whole_runs() {
    let Some(here) = Here::attached() else { return };
    let home = &here.home;
    let shell = "echo \"$OUTHAUL_ARRAY_INDEX of $OUTHAUL_ARRAY_COUNT in $OUTHAUL_ARRAY_ID\"
        echo \"$SLURM_ARRAY_TASK_ID\"
        echo \"$OUTHAUL_ARRAY_INDEX\" > outputs/index
        [ \"$OUTHAUL_ARRAY_INDEX\" -ne 6 ] || exit 7";
    let array = submit(home, "hpc", "0-9:3", shell);
    let answer = home.call(["runs", "wait", "--array", &array[..8]]);
    assert_eq!(answer.code, Some(7), "{answer}");
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert_eq!(said.lines().count(), 4, "{answer}");
    assert!(said.lines().any(|line| line.contains("[6]  Failed")), "{answer}");

    let ids = ids(home, &array);
    assert_eq!((ids.len(), &ids[0]), (4, &array));
    assert_eq!(job_numbers(home, &ids).len(), 1, "they are one job array");
    let trees: BTreeSet<String> = ids
        .iter()
        .zip([0, 3, 6, 9])
        .map(|(id, index)| {
            let run = home.json(["runs", "show", id]);
            let element = &run["spec"]["array"];
            assert_eq!(
                (&element["index"], &element["count"]),
                (&index.into(), &4.into()),
                "{run:#}"
            );
            assert_eq!(
                run["state"],
                if index == 6 { "Failed" } else { "Completed" },
                "{run:#}"
            );
            assert_eq!(here.log(id), format!("{index} of 4 in {array}\n{index}"));
            assert_eq!(home.json(["runs", "outputs", id])[0]["path"], "outputs/index");
            run["spec"]["snapshot"]["tree"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(trees.len(), 1);
    let shown = home.call(["runs", "show", &ids[2]]).success().text().to_owned();
    assert!(
        shown.contains(&format!("{array}, index 6 of 0-9:3 (4 runs)")),
        "{shown}"
    );
    assert_eq!(
        home.json(["runs", "list", "--array", &ids[1], "--state", "Failed"])[0]["id"],
        ids[2].as_str()
    );
    // Our own jobs are found by the scheduler's number, and not adopted.
    let number = job_numbers(home, &ids).pop_first().unwrap();
    let job = home.json([
        "runs",
        "find",
        "--target",
        "hpc",
        "--native",
        &format!("{number}_6"),
    ]);
    assert_eq!(job["run"]["id"], ids[2].as_str(), "{job:#}");
    nothing_is_left(&home.data().join("targets/slurm"));

    let array = submit(home, "hpc", "1,5,7%2", "exec sleep 1000");
    until("two of them run", || {
        let running = runs(home, &array)
            .iter()
            .filter(|run| run["state"] == "Running")
            .count();
        assert!(running <= 2);
        running == 2
    });
    let waits = runs(home, &array)
        .into_iter()
        .find(|run| run["state"] != "Running")
        .unwrap();
    let waits = home.json(["runs", "show", waits["id"].as_str().unwrap()]);
    assert!(
        waits["waiting"]["reason"]
            .as_str()
            .unwrap()
            .contains("2 runs of its array"),
        "{waits:#}"
    );
    let answers = home.json(["runs", "cancel", "--array", &array]);
    assert_eq!(answers.as_array().unwrap().len(), 3, "{answers:#}");
    let answer = home.call(["runs", "wait", "--array", &array]);
    assert_eq!(answer.code, Some(123), "{answer}");
    assert!(runs(home, &array).iter().all(|run| run["state"] == "Canceled"));
    here.no_job_is_left();
    nothing_is_left(&home.data().join("targets/slurm"));
}

/// The server dies after the scheduler took the array and before it was told so.
#[test]
fn a_server_that_dies_over_an_array_submits_it_once() {
    let Some(here) = Here::attached() else { return };
    let home = &here.home;
    let gate = home.work().join("gate");
    let script = format!(
        "#!/bin/sh\n/usr/bin/sbatch \"$@\" > '{gate}/answer' 2>&1\n: > '{gate}/waiting'\n\
         while [ ! -e '{gate}/open' ]; do sleep 0.05; done\nexit 1\n",
        gate = gate.display()
    );
    let program = home.write("gate/sbatch", &script);
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut path: OsString = gate.clone().into();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let _ = home.kill_server();
    let _ = home.start_server(&[("PATH", path.as_os_str())]);

    let marks = home.work().join("marks");
    let shell = format!(
        "echo started >> '{}'-$OUTHAUL_ARRAY_INDEX; sleep 1",
        marks.display()
    );
    let array = submit(home, "hpc", "0-4", &shell);
    until("the scheduler has taken it", || gate.join("waiting").exists());
    assert!(home.kill_server() > 0);
    let _ = home.start_server(&[("PATH", OsStr::new(&std::env::var_os("PATH").unwrap()))]);
    std::fs::write(gate.join("open"), "").unwrap();
    let _ = home.call(["runs", "wait", "--array", &array]).success();
    let ids = ids(home, &array);
    let answer = std::fs::read_to_string(gate.join("answer")).unwrap();
    assert_eq!(
        job_numbers(home, &ids),
        BTreeSet::from([answer.trim().to_owned()])
    );
    for index in 0..5 {
        let mark = std::fs::read_to_string(format!("{}-{index}", marks.display())).unwrap();
        assert_eq!(mark, "started\n", "{index}");
    }
    let jobs = here.cluster.ask(&["squeue", "-h", "-t", "all", "-o", "%F"]);
    let jobs: BTreeSet<&str> = jobs.lines().map(str::trim).collect();
    assert_eq!(
        jobs,
        BTreeSet::from([answer.trim()]),
        "there is one array of jobs"
    );
}

/// A cluster takes no index above its `MaxArraySize`, 1001 unless it is told otherwise.
#[test]
fn indexes_that_the_scheduler_takes_in_no_array_are_jobs_of_their_own() {
    let Some(here) = Here::attached() else { return };
    let array = submit(&here.home, "hpc", "5000-5001", "echo $OUTHAUL_ARRAY_INDEX");
    let _ = here.home.call(["runs", "wait", "--array", &array]).success();
    for (id, index) in ids(&here.home, &array).iter().zip(["5000", "5001"]) {
        assert_eq!(here.log(id), index);
    }
}

#[test]
fn arrays_work_on_any_target() {
    let home = Home::new(env!("CARGO_BIN_EXE_outhaul"));
    let running = home.work().join("running");
    std::fs::create_dir(&running).unwrap();
    let shell = format!(
        "cd '{}' && mkdir $OUTHAUL_ARRAY_INDEX && ls | wc -l && sleep 0.1 && rmdir $OUTHAUL_ARRAY_INDEX
         [ $OUTHAUL_ARRAY_INDEX != 3 ] || exit 9",
        running.display()
    );
    let words = [
        "run", "--array", "1-4%1", "--name", "sweep", "--", "sh", "-c", &shell,
    ];
    let answer = home.call(words);
    assert_eq!(answer.code, Some(9), "{answer}");
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert_eq!(said.lines().count(), 4, "{answer}");
    let array = said.split_whitespace().next().unwrap();
    let ids = ids(&home, array);
    for (id, index) in ids.iter().zip(1..) {
        let run = home.json(["runs", "show", id]);
        assert_eq!(run["name"], format!("sweep-{index}"));
        let log = home.call(["runs", "logs", id, "--stream", "stdout"]).success();
        assert_eq!(log.text().trim(), "1", "one at a time");
    }
    // Repeated, a run is the same element.
    let rerun = home
        .call(["runs", "rerun", &ids[2], "--detach"])
        .success()
        .text()
        .to_owned();
    let answer = home.call(["runs", "wait", &rerun]);
    assert_eq!(answer.code, Some(9), "{answer}");
    assert_eq!(runs(&home, array).len(), 4, "the array has the runs that it had");

    let all = || {
        home.json(["runs", "list", "--limit", "0"])
            .as_array()
            .unwrap()
            .len()
    };
    let before = all();
    for (indexes, why) in [
        ("", "an index is missing"),
        ("5-1", "runs backwards"),
        ("a-b", "no index"),
        ("0-10000", "more than 10000"),
        ("0-9%0", "none would run"),
    ] {
        let answer = home.call(["run", &format!("--array={indexes}"), "--", "true"]);
        assert_eq!(answer.code, Some(2), "{answer}");
        assert!(Here::said(&answer).contains(why), "{answer}");
    }
    for words in [
        &["runs", "list", "--array", &rerun[..]][..],
        &["runs", "cancel", "--array", &rerun],
    ] {
        // It belongs to the array of the run that it repeats.
        let _ = home.call(words).success();
    }
    let plain = home
        .call(["run", "--detach", "--", "true"])
        .success()
        .text()
        .to_owned();
    let answer = home.call(["runs", "wait", "--array", &plain]);
    assert!(
        answer.code == Some(2) && Here::said(&answer).contains("no part of an array"),
        "{answer}"
    );
    assert_eq!(all(), before + 1);

    let words = [
        "--format",
        "json",
        "run",
        "--array",
        "0-9",
        "--dry-run",
        "--",
        "true",
    ];
    let plan = home.call(words).success().json();
    let steps = plan["server"]["steps"].to_string();
    assert!(steps.contains("10 runs, one for each index"), "{steps}");
}
