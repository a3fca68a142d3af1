//! What a cluster adds: limits, refusals, machines that are away, and more than one of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use outhaul_driver::{
    Driver, DriverError, EnvironmentRequest, NativeId, NativeRequest, Observation, Phase, TargetLog,
};
use outhaul_launcher_slurm::SlurmOptions;
use outhaul_testkit::driver_suite::Bench;
use outhaul_testkit::slurm::Cluster;
use outhaul_types::{
    CheckStatus, Command, EnvironmentSpec, Exit, FailureClass, Interpreter, NewRun, Resources, Run, RunId,
    RunSpec, SnapshotRef,
};

use crate::{LoginHost, runtime};

/// Limits are counted in minutes, and enforced some time after.
const PATIENCE: Duration = Duration::from_secs(180);

type Test = fn(&mut Cluster);

pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, Test); 5] = [
        ("a_job_is_ended_by_its_limits", |cluster| {
            runtime().block_on(limits(cluster));
        }),
        ("what_cannot_be_is_refused_in_the_schedulers_words", |cluster| {
            runtime().block_on(refusals(cluster));
        }),
        ("a_wait_for_machines_is_explained", |cluster| {
            runtime().block_on(drained(cluster));
        }),
        ("several_machines_find_each_other", |cluster| {
            runtime().block_on(two_machines(cluster));
        }),
        ("a_cluster_that_knows_nobody_is_waited_for", |cluster| {
            runtime().block_on(without_munge(cluster));
        }),
    ];
    let trial = |(name, test): (&str, Test)| {
        Trial::test(name, move || -> Result<(), Failed> {
            if let Some(mut cluster) = Cluster::start() {
                test(&mut cluster);
            }
            Ok(())
        })
    };
    tests.into_iter().map(trial).collect()
}

fn host(cluster: &Cluster) -> Arc<LoginHost> {
    Arc::new(LoginHost::new(cluster, SlurmOptions::default()))
}

async fn request(host: &LoginHost, shell: &str, resources: Resources) -> NativeRequest {
    let environment = EnvironmentSpec {
        interpreter: Interpreter::UserManaged {
            python: host.python(),
        },
        ..EnvironmentSpec::default()
    };
    let spec = RunSpec {
        command: Command::Program {
            argv: vec!["sh".into(), "-c".into(), shell.into()],
        },
        snapshot: SnapshotRef {
            tree: host.code(&[("here", "")]),
            files: 1,
            bytes: 0,
            source: "test".into(),
            git: None,
        },
        environment: environment.clone(),
        environment_lock: None,
        environment_name: None,
        variables: Default::default(),
        max_duration_seconds: None,
        resources,
        array: None,
        adopted: None,
        spark: None,
        rerun_of: None,
        service: None,
    };
    let new = NewRun {
        id: RunId::generate().unwrap(),
        name: "test".into(),
        workspace: "default".into(),
        experiment: "test".into(),
        target: "cluster".into(),
        tags: Default::default(),
        parent: None,
        spec: Some(spec),
    };
    let run = Run::submitted(new, Default::default()).0;
    let wanted = EnvironmentRequest {
        spec: environment,
        lock: None,
        retry: false,
    };
    let driver = host.driver();
    let prepared = match driver.environment_ready(&wanted).await.unwrap() {
        Some(ready) => ready,
        None => driver.prepare_environment(&wanted, &NoLog).await.unwrap(),
    };
    driver.plan(&run, 1, &prepared)
}

struct NoLog;

impl outhaul_driver::LogSink for NoLog {
    fn write(&self, _: &[u8]) {}
}

async fn start(host: &LoginHost, shell: &str, resources: Resources) -> NativeId {
    let request = request(host, shell, resources).await;
    host.driver().submit(&request).await.unwrap()
}

async fn refused(host: &LoginHost, resources: Resources) -> DriverError {
    let request = request(host, "exit 0", resources).await;
    let submitted = host.driver().submit(&request).await;
    submitted.expect_err(&format!("{:?} is refused", request.batch))
}

async fn until(
    driver: &dyn Driver,
    id: &NativeId,
    what: &str,
    holds: impl Fn(&Observation) -> bool,
) -> Observation {
    let begin = Instant::now();
    loop {
        let seen = driver.observe(std::slice::from_ref(id)).await.unwrap().pop();
        if let Some(seen) = &seen
            && holds(seen)
        {
            return seen.clone();
        }
        assert!(begin.elapsed() < PATIENCE, "{what}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn end(host: &LoginHost, id: &NativeId) -> Exit {
    let driver = host.driver();
    let is_over = |seen: &Observation| matches!(seen.phase, Phase::Ended { .. });
    match until(&*driver, id, "it ends", is_over).await.phase {
        Phase::Ended { exit, .. } => exit,
        other => panic!("{other:?}"),
    }
}

async fn text(host: &LoginHost, id: &NativeId, log: TargetLog) -> String {
    let read = host.driver().read_log(id, log, 0, 1 << 20).await.unwrap();
    String::from_utf8(read.bytes).unwrap()
}

fn stopped(exit: &Exit, class: FailureClass, words: &str) {
    let Exit::Stopped { class: found, reason } = exit else {
        panic!("{exit:?}");
    };
    assert_eq!(*found, class, "{reason}");
    assert!(reason.contains(words), "{reason}");
}

async fn limits(cluster: &Cluster) {
    let host = host(cluster);
    let minute = Resources {
        time_seconds: Some(60),
        ..Resources::default()
    };
    let late = start(&host, "echo begun; exec sleep 1000", minute).await;
    let small = Resources {
        memory_bytes: Some(64 << 20),
        ..Resources::default()
    };
    let eat = "exec python3 -c 'import time; x = bytearray(400 << 20); time.sleep(60)'";
    let hungry = start(&host, eat, small).await;
    stopped(&end(&host, &hungry).await, FailureClass::User, "--memory");

    let foreign = start(&host, "echo begun; exec sleep 1000", Resources::default()).await;
    let driver = host.driver();
    until(&*driver, &foreign, "it runs", |seen| seen.phase == Phase::Running).await;
    let number = foreign.0.split(':').nth(1).unwrap();
    let _ = cluster.ask(&["scancel", number]);
    stopped(&end(&host, &foreign).await, FailureClass::Target, "canceled");

    let exit = end(&host, &late).await;
    stopped(&exit, FailureClass::User, "time limit");
    assert_eq!(text(&host, &late, TargetLog::Stdout).await, "begun\n");
}

async fn refusals(cluster: &Cluster) {
    let host = host(cluster);
    for (resources, words) in [
        (
            Resources {
                partition: Some("nowhere".into()),
                ..Resources::default()
            },
            "partition",
        ),
        (
            Resources {
                nodes: Some(3),
                ..Resources::default()
            },
            "ode",
        ),
        (
            Resources {
                memory_bytes: Some(1 << 40),
                ..Resources::default()
            },
            "",
        ),
        (
            Resources {
                gpus: Some(1),
                ..Resources::default()
            },
            "",
        ),
    ] {
        let error = refused(&host, resources.clone()).await;
        assert_eq!(error.class(), FailureClass::User, "{error}");
        assert!(error.message.contains(words) && !error.is_temporary(), "{error}");
    }
    assert_eq!(cluster.ask(&["squeue", "-h"]), "");
    let checks = LoginHost::new(
        cluster,
        SlurmOptions {
            partition: Some("nowhere".into()),
            ..SlurmOptions::default()
        },
    );
    let checks = checks.driver().check().await.unwrap();
    let partition = checks.iter().find(|check| check.name == "partition").unwrap();
    assert_eq!(partition.status, CheckStatus::Failed);
    let checks = host.driver().check().await.unwrap();
    for name in ["slurm", "controller", "partition"] {
        let check = checks.iter().find(|check| check.name == name).unwrap();
        assert_eq!(check.status, CheckStatus::Ok, "{check:?}");
    }
}

async fn drained(cluster: &Cluster) {
    let host = host(cluster);
    for node in ["n1", "n2"] {
        cluster.set_node(node, "DRAIN");
    }
    let id = start(&host, "echo done", Resources::default()).await;
    let driver = host.driver();
    let explained = |seen: &Observation| matches!(&seen.phase, Phase::Pending { reason: Some(reason) } if reason.contains("drained") || reason.contains("busy"));
    until(&*driver, &id, "the wait is explained", explained).await;
    // One that waits is simply taken from the queue.
    let other = start(&host, "echo never", Resources::default()).await;
    driver.cancel(&other, Duration::from_secs(1)).await.unwrap();
    let _ = end(&host, &other).await;
    assert_eq!(text(&host, &other, TargetLog::Stdout).await, "");
    for node in ["n1", "n2"] {
        cluster.set_node(node, "RESUME");
    }
    assert_eq!(end(&host, &id).await, Exit::Code { code: 0 });
    assert_eq!(text(&host, &id, TargetLog::Stdout).await, "done\n");
}

async fn two_machines(cluster: &Cluster) {
    let host = host(cluster);
    let resources = Resources {
        nodes: Some(2),
        ..Resources::default()
    };
    let shell = "echo \"$RANK of $WORLD_SIZE on $SLURMD_NODENAME at $MASTER_ADDR:$MASTER_PORT\"; exit $RANK";
    let id = start(&host, shell, resources).await;
    assert_eq!(end(&host, &id).await, Exit::Code { code: 1 });
    let said = text(&host, &id, TargetLog::Stdout).await;
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("0 of 2 on n1 at n1:"), "{said}");
    assert!(lines[1].starts_with("1 of 2 on n2 at n1:"), "{said}");
}

async fn without_munge(cluster: &mut Cluster) {
    let host = host(cluster);
    cluster.end_munge();
    let request = request(&host, "echo once >> \"$MARK\"; echo once", Resources::default()).await;
    let error = host.driver().submit(&request).await.unwrap_err();
    assert!(
        error.is_temporary() && error.kind == outhaul_driver::ErrorKind::Unreachable,
        "{error}"
    );
    assert!(
        error.hint.as_deref().unwrap_or_default().contains("munge"),
        "{error:?}"
    );
    cluster.munge();
    let id = host.driver().submit(&request).await.unwrap();
    assert_eq!(
        host.driver().find(&request.run_key).await.unwrap(),
        Some(id.clone())
    );
    let _ = end(&host, &id).await;
    assert_eq!(text(&host, &id, TargetLog::Stdout).await, "once\n");
}
