//! Runs on a real Spark that go well, and such that fail for a reason that is not the script's.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use outhaul_driver::{Phase, TargetLog};
use outhaul_testkit::driver_suite::Bench as _;
use outhaul_testkit::spark::{self, Cluster};
use outhaul_types::{CheckStatus, Exit, FailureClass, SparkSpec};

use crate::host::Host;
use crate::run::{Wanted, end, start, text, until};
use crate::runtime;

const COUNTS: &str = "
import sys
from pyspark.sql import SparkSession
session = SparkSession.builder.getOrCreate()
lines = session.read.text('data.txt')
print('counted', lines.rdd.map(lambda row: len(row[0])).sum(), sys.argv[1:])
print('memory', session.conf.get('spark.executor.memory'), session.sparkContext.appName)
lines.write.text('outputs/copy')
";

pub(crate) fn trials() -> Vec<Trial> {
    type Test = fn(&Path);
    let tests: [(&str, Test); 4] = [
        ("a_cluster_runs_what_is_asked_for", |home| {
            runtime().block_on(on_a_cluster(home));
        }),
        ("a_scripts_own_failure_stays_its_own", |home| {
            runtime().block_on(own_failure(home));
        }),
        ("failures_of_cluster_and_environment_are_told_apart", |home| {
            runtime().block_on(causes(home));
        }),
        ("a_host_is_checked", |home| runtime().block_on(checked(home))),
    ];
    let trial = |(name, test): (&str, Test)| {
        Trial::test(name, move || -> Result<(), Failed> {
            if let Some(home) = spark::home() {
                test(&home);
            }
            Ok(())
        })
    };
    tests.into_iter().map(trial).collect()
}

fn conf(pairs: &[(&str, &str)]) -> SparkSpec {
    SparkSpec {
        configuration: pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..SparkSpec::default()
    }
}

/// Small executors: each of the two workers can hold one.
fn small() -> SparkSpec {
    conf(&[("spark.executor.memory", "512m"), ("spark.executor.cores", "1")])
}

async fn on_a_cluster(home: &Path) {
    let cluster = Cluster::start(None).unwrap();
    let host = Host::new(&home.join("bin/spark-submit"), cluster.master(), None);
    let wanted = Wanted {
        files: &[("data.txt", "one\nthree\n")],
        spark: small(),
        ..Wanted::script(COUNTS)
    };
    let id = start(&host, wanted).await;
    let exit = end(&host, &id).await;
    let log = text(&host, &id, TargetLog::Stderr).await;
    assert_eq!(exit, Exit::Code { code: 0 }, "{log}");
    let printed = text(&host, &id, TargetLog::Stdout).await;
    assert!(printed.contains("counted 8 ['one', 'two words']"), "{printed}");
    assert!(printed.contains(&format!("memory 512m {id}")), "{printed}");
    // The cluster knows it by its run key, and both its workers took part.
    assert!(cluster.log("master").contains(&id.0), "{}", cluster.log("master"));
    for worker in ["worker-1", "worker-2"] {
        assert!(
            cluster.log(worker).contains("Asked to launch executor"),
            "{worker}"
        );
    }
    let left = host
        .folder
        .path()
        .join(format!("local/runs/{id}/code/outputs/copy/_SUCCESS"));
    assert!(left.exists());
}

async fn own_failure(home: &Path) {
    let host = Host::new(&home.join("bin/spark-submit"), "local[1]", None);
    let id = start(&host, Wanted::script("import sys\nprint('seen')\nsys.exit(7)\n")).await;
    assert_eq!(end(&host, &id).await, Exit::Code { code: 7 });
    assert!(text(&host, &id, TargetLog::Stdout).await.contains("seen"));
}

async fn causes(home: &Path) {
    let submit = home.join("bin/spark-submit");
    let stopped = |exit: Exit, class: FailureClass, words: &str, log: &str| match exit {
        Exit::Stopped { class: found, reason } => {
            assert_eq!(found, class, "{reason}");
            assert!(reason.contains(words), "{reason}");
        }
        other => panic!("{words}: {other:?}\n{log}"),
    };
    let session = "from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate().sparkContext.parallelize([1]).map(lambda x: x).collect()\n";

    let host = Host::new(&submit, "local[1]", None);
    // From a folder, so that the answer does not depend on a network.
    let empty = host.folder.path().join("repository");
    std::fs::create_dir(&empty).unwrap();
    let settings = host.folder.path().join("ivy.xml");
    std::fs::write(
        &settings,
        format!(
            "<ivysettings><settings defaultResolver=\"here\"/><resolvers><filesystem name=\"here\"><artifact pattern=\"{0}/[artifact]-[revision].[ext]\"/></filesystem></resolvers></ivysettings>",
            empty.display()
        ),
    )
    .unwrap();
    let package = Wanted {
        spark: SparkSpec {
            packages: vec!["org.nobody:nothing:1.0".into()],
            ..conf(&[("spark.jars.ivySettings", &settings.display().to_string())])
        },
        ..Wanted::script(session)
    };
    let id = start(&host, package).await;
    let log = |id| text(&host, id, TargetLog::Stderr);
    stopped(
        end(&host, &id).await,
        FailureClass::User,
        "`org.nobody:nothing:1.0`",
        &log(&id).await,
    );

    let other_python = Wanted {
        variables: [("PYSPARK_PYTHON".to_owned(), "/no/such/python".to_owned())].into(),
        ..Wanted::script(session)
    };
    let id = start(&host, other_python).await;
    stopped(
        end(&host, &id).await,
        FailureClass::Environment,
        "does not see the run's Python",
        &log(&id).await,
    );

    let mut cluster = Cluster::start(None).unwrap();
    let host = Host::new(&submit, cluster.master(), None);
    let waits = "import time\nfrom pyspark.sql import SparkSession\nsession = SparkSession.builder.getOrCreate()\nprint('begun', flush=True)\nsession.sparkContext.parallelize([1], 1).map(lambda x: time.sleep(1000)).collect()\n";
    let id = start(
        &host,
        Wanted {
            spark: small(),
            ..Wanted::script(waits)
        },
    )
    .await;
    until(&host, &id, |seen| {
        seen.phase == Phase::Running
            && seen
                .sizes
                .iter()
                .any(|(log, size)| *log == TargetLog::Stdout && *size > 0)
    })
    .await;
    cluster.end_master();
    cluster.end_worker(1);
    cluster.end_worker(2);
    // Nobody ends it, so it goes on waiting for its cluster; it can still be canceled.
    host.driver()
        .cancel(&id, std::time::Duration::from_secs(20))
        .await
        .unwrap();
    assert!(matches!(end(&host, &id).await, Exit::Code { code } if code != 0));

    let nobody = Host::new(&submit, cluster.master(), None);
    let id = start(&nobody, Wanted::script(session)).await;
    let exit = end(&nobody, &id).await;
    stopped(
        exit,
        FailureClass::Target,
        "does not answer",
        &text(&nobody, &id, TargetLog::Stderr).await,
    );
}

async fn checked(home: &Path) {
    let submit = home.join("bin/spark-submit");
    for (master, name, status) in [
        ("local[1]", "spark", CheckStatus::Ok),
        ("local[1]", "java", CheckStatus::Ok),
        ("local[1]", "master", CheckStatus::Ok),
        // Nobody listens on a port that only root may take.
        ("spark://127.0.0.1:1", "master", CheckStatus::Failed),
    ] {
        let host = Host::new(&submit, master, None);
        let checks = host.driver().check().await.unwrap();
        let found = checks.iter().find(|check| check.name == name).unwrap();
        assert_eq!(found.status, status, "{master}: {found:?}");
    }
}
