//! The run directory protocol on this machine, with real processes: what happens when things are repeated,
//! killed or filled up.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use outhaul_driver::{DriverError, NativeId, Observation, Phase, TargetLog};
use outhaul_host::run_dir::{Launch, script};
use outhaul_host::this_machine::{Runs, RunsConfig};
use outhaul_types::{Exit, RunId, RunKey};

struct Bench {
    root: tempfile::TempDir,
    runs: Runs,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let environment = vec![("PATH".to_owned(), std::env::var("PATH").unwrap())];
        let runs = Runs::open(RunsConfig {
            root: root.path().join("runs"),
            environment,
        })
        .unwrap();
        Self { root, runs }
    }

    fn key(&self) -> RunKey {
        RunId::generate().unwrap().key(1)
    }

    async fn submit(&self, key: &RunKey, shell: &str) -> Result<NativeId, DriverError> {
        let launch = Launch {
            variables: [("OUTHAUL_RUN_KEY".to_owned(), key.as_str().to_owned())].into(),
            argv: vec!["sh".into(), "-c".into(), shell.into()],
            ..Launch::default()
        };
        self.runs
            .submit(key, &script(&launch), &|code: &Path| {
                std::fs::write(code.join("data.txt"), "code").unwrap();
                Ok(())
            })
            .await
    }

    async fn until(&self, id: &NativeId, done: impl Fn(&Observation) -> bool) -> Observation {
        let ask = async {
            loop {
                let seen = self
                    .runs
                    .observe(std::slice::from_ref(id))
                    .pop()
                    .expect("the run is known");
                if done(&seen) {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ask)
            .await
            .expect("it happens in time")
    }

    async fn ended(&self, id: &NativeId) -> Exit {
        match self
            .until(id, |seen| matches!(seen.phase, Phase::Ended { .. }))
            .await
            .phase
        {
            Phase::Ended { exit, .. } => exit,
            _ => unreachable!(),
        }
    }

    fn read(&self, id: &NativeId, log: TargetLog) -> String {
        String::from_utf8(self.runs.read_log(id, log, 0, 1 << 20).unwrap().bytes).unwrap()
    }

    fn supervisor(&self) -> std::path::PathBuf {
        let files = std::fs::read_dir(self.root.path().join("runs"))
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        files
            .into_iter()
            .find(|path| path.extension().is_some_and(|extension| extension == "sh"))
            .unwrap()
    }

    fn pid(&self, id: &NativeId, record: &str) -> i32 {
        let text = std::fs::read_to_string(self.root.path().join("runs").join(&id.0).join(record)).unwrap();
        text.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

fn kill(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_exit_code_and_working_folder() {
    let bench = Bench::new();
    let id = bench
        .submit(&bench.key(), "cat data.txt; echo; ls; echo err >&2; exit 3")
        .await
        .unwrap();
    assert_eq!(bench.ended(&id).await, Exit::Code { code: 3 });
    assert_eq!(
        bench.read(&id, TargetLog::Stdout),
        "code\ndata.txt\nlogs\noutputs\n"
    );
    assert_eq!(bench.read(&id, TargetLog::Stderr), "err\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn submitted_many_times_it_starts_once() {
    let bench = Bench::new();
    let key = bench.key();
    let count = bench.root.path().join("count");
    let shell = format!("echo started >> {}", count.display());
    let id = bench.submit(&key, &shell).await.unwrap();
    for _ in 0..5 {
        assert_eq!(bench.submit(&key, &shell).await.unwrap(), id);
    }
    // And past the shortcut: several supervisors for the same directory.
    let supervisor = bench.supervisor();
    let children: Vec<_> = (0..8)
        .map(|_| {
            std::process::Command::new("sh")
                .arg(&supervisor)
                .arg("supervise")
                .arg(bench.root.path().join("runs").join(&id.0))
                .output()
                .unwrap()
        })
        .collect();
    assert!(children.iter().all(|child| child.stdout == b"taken\n"));
    bench.ended(&id).await;
    assert_eq!(std::fs::read_to_string(count).unwrap(), "started\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_before_the_answer_does_not_stop_the_run() {
    let bench = Bench::new();
    let key = bench.key();
    let launch = Launch {
        argv: vec!["sh".into(), "-c".into(), "echo ran".into()],
        ..Launch::default()
    };
    let dir = bench.root.path().join("runs").join(key.as_str());
    std::fs::create_dir_all(dir.join("code")).unwrap();
    std::fs::write(dir.join("launch.sh"), script(&launch)).unwrap();
    // As when the server is killed: nobody reads the answer.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = std::process::Command::new("sh")
        .arg(bench.supervisor())
        .arg("supervise")
        .arg(&dir)
        .stdout(writer)
        .status()
        .unwrap();
    assert!(status.success());
    let id = bench.runs.find(&key).unwrap();
    assert_eq!(bench.ended(&id).await, Exit::Code { code: 0 });
    assert_eq!(bench.read(&id, TargetLog::Stdout), "ran\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclaimed_directory_is_unknown_and_found_only_after_the_claim() {
    let bench = Bench::new();
    let key = bench.key();
    assert_eq!(bench.runs.find(&key), None);
    assert!(bench.runs.observe(&[NativeId(key.to_string())]).is_empty());
    let id = bench.submit(&key, "exit 0").await.unwrap();
    assert_eq!(bench.runs.find(&key), Some(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_ends_a_stubborn_process_with_all_its_children() {
    let bench = Bench::new();
    // The process ignores the polite signal, and so does a child that moved to a session of its own.
    let shell = "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo child; while :; do sleep 1; done' & while :; do sleep 1; done";
    let id = bench.submit(&bench.key(), shell).await.unwrap();
    bench
        .until(&id, |seen| {
            seen.sizes
                .iter()
                .any(|(log, size)| *log == TargetLog::Stdout && *size > 0)
        })
        .await;
    bench.runs.cancel(&id, Duration::from_millis(200)).unwrap();
    assert_eq!(bench.ended(&id).await, Exit::Code { code: 128 + 9 });
    let mark = format!("OUTHAUL_RUN_KEY={}", id.0);
    let left = || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            environ
                .windows(mark.len())
                .any(|window| window == mark.as_bytes())
        })
    };
    tokio::time::timeout(Duration::from_secs(10), async {
        while left() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("no process of the run is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polite_process_may_clean_up() {
    let bench = Bench::new();
    let id = bench
        .submit(
            &bench.key(),
            "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done",
        )
        .await
        .unwrap();
    bench
        .until(&id, |seen| {
            seen.sizes
                .iter()
                .any(|(log, size)| *log == TargetLog::Stdout && *size > 0)
        })
        .await;
    bench.runs.cancel(&id, Duration::from_secs(20)).unwrap();
    assert_eq!(bench.ended(&id).await, Exit::Code { code: 7 });
    assert_eq!(bench.read(&id, TargetLog::Stdout), "up\nbye\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_running_in_the_group_ends_with_the_process() {
    let bench = Bench::new();
    let id = bench
        .submit(&bench.key(), "sleep 1000 & echo $!; exit 0")
        .await
        .unwrap();
    assert_eq!(bench.ended(&id).await, Exit::Code { code: 0 });
    let pid = bench.read(&id, TargetLog::Stdout);
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(" Z "), "{stat}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_supervisor_does_not_end_the_run_and_its_code_stays_unknown() {
    let bench = Bench::new();
    let id = bench
        .submit(
            &bench.key(),
            "echo up; while [ ! -e go ]; do sleep 0.02; done; echo done",
        )
        .await
        .unwrap();
    bench
        .until(&id, |seen| {
            seen.sizes
                .iter()
                .any(|(log, size)| *log == TargetLog::Stdout && *size > 0)
        })
        .await;
    kill(bench.pid(&id, "supervisor"));
    bench.until(&id, |seen| seen.phase == Phase::Running).await;
    std::fs::write(bench.root.path().join("runs").join(&id.0).join("code/go"), "").unwrap();
    assert!(
        matches!(bench.ended(&id).await, Exit::Vanished { reason } if reason.contains("supervisor was killed"))
    );
    assert_eq!(bench.read(&id, TargetLog::Stdout), "up\ndone\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reboot_a_run_without_exit_record_is_gone() {
    let bench = Bench::new();
    let key = bench.key();
    let dir = bench.root.path().join("runs").join(key.as_str());
    std::fs::create_dir_all(dir.join("claim")).unwrap();
    std::fs::write(dir.join("supervisor"), "supervisor 4711 99 another-boot end\n").unwrap();
    std::fs::write(dir.join("exit"), "pending\n").unwrap();
    let id = bench.runs.find(&key).unwrap();
    assert_eq!(
        bench.ended(&id).await,
        Exit::Vanished {
            reason: "host rebooted".into()
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_does_not_exist_is_the_scripts_failure() {
    let bench = Bench::new();
    let key = bench.key();
    let launch = Launch {
        argv: vec!["no-such-program".into()],
        ..Launch::default()
    };
    let id = bench
        .runs
        .submit(&key, &script(&launch), &|_: &Path| Ok(()))
        .await
        .unwrap();
    assert_eq!(bench.ended(&id).await, Exit::Code { code: 127 });
    assert!(bench.read(&id, TargetLog::Stderr).contains("no-such-program"));
}

#[tokio::test(flavor = "multi_thread")]
async fn staging_that_was_cut_off_is_begun_anew_and_complete_staging_is_kept() {
    let bench = Bench::new();
    let key = bench.key();
    let dir = bench.root.path().join("runs").join(key.as_str());
    std::fs::create_dir_all(dir.join("code/half")).unwrap();
    let id = bench.submit(&key, "ls").await.unwrap();
    bench.ended(&id).await;
    assert_eq!(bench.read(&id, TargetLog::Stdout), "data.txt\nlogs\noutputs\n");
    bench.runs.release(&id).await.unwrap();
    assert!(!dir.exists());
    bench.runs.release(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_without_asking() {
    let bench = Bench::new();
    let mut changes = bench.runs.changes().unwrap();
    let id = bench.submit(&bench.key(), "echo hi").await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        while let Some(changed) = changes.next().await {
            if matches!(
                bench
                    .runs
                    .observe(std::slice::from_ref(&changed))
                    .pop()
                    .map(|seen| seen.phase),
                Some(Phase::Ended { .. })
            ) {
                return changed;
            }
        }
        unreachable!("the feed goes on")
    });
    assert_eq!(told.await.expect("the end is told"), id);
}
