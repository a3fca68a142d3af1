//! What is given to `spark-submit`, as tables.

use outhaul_types::{EnvironmentSpec, Lock, RunId, SnapshotRef};

use super::*;

const PLACES: Places<'static> = Places {
    run_dir: "/h/runs/k-1",
    sdk: "/h/sdk/1",
    ivy: "/h/spark/ivy",
};

fn key() -> RunKey {
    "k3v9x2m4q7t0b8wz".parse::<RunId>().unwrap().key(1)
}

fn environment(bin: Option<&str>) -> PreparedEnvironment {
    PreparedEnvironment {
        id: "e".into(),
        python: bin.map_or("/usr/bin/python3".into(), |bin| format!("{bin}/python")),
        bin: bin.map(str::to_owned),
        lock: Lock {
            version: 1,
            spec_id: String::new(),
            python_version: "3.11.7".into(),
            platform: "linux-x86_64".into(),
            tool: "none".into(),
            interpreter: None,
            index_options: vec![],
            requirements: String::new(),
            conda: vec![],
            image: None,
        },
    }
}

fn options(master: &str) -> SparkOptions {
    SparkOptions {
        submit: "/opt/spark/bin/spark-submit".into(),
        master: master.parse().unwrap(),
        deploy_mode: None,
    }
}

fn submit(master: &str, spark: &SparkSpec, bin: Option<&str>) -> Submission {
    let arguments = ["--reg".to_owned(), "0.1".to_owned()];
    submission(
        &key(),
        ("train.py", &arguments),
        spark,
        &options(master),
        &environment(bin),
        &["A".to_owned(), "B".to_owned()],
        &PLACES,
    )
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

#[test]
fn on_a_cluster_of_sparks_own_the_driver_stays_here() {
    let spark = SparkSpec {
        packages: vec!["g:a:1".into(), "g:b:2".into()],
        repositories: vec!["https://r".into()],
        ..conf(&[("spark.executor.memory", "2g")])
    };
    let found = submit("spark://m:7077", &spark, Some("/h/envs/e/bin"));
    let expected = [
        "/opt/spark/bin/spark-submit",
        "--master",
        "spark://m:7077",
        "--deploy-mode",
        "client",
        "--name",
        "k3v9x2m4q7t0b8wz-1",
        "--conf",
        "spark.executor.memory=2g",
        "--conf",
        "spark.jars.ivy=/h/spark/ivy",
        "--conf",
        "spark.ui.showConsoleProgress=false",
        "--packages",
        "g:a:1,g:b:2",
        "--repositories",
        "https://r",
        "train.py",
        "--reg",
        "0.1",
    ];
    assert_eq!(found.argv, expected);
    assert_eq!(found.variables["PYSPARK_PYTHON"], "/h/envs/e/bin/python");
    assert_eq!(found.variables["PYSPARK_DRIVER_PYTHON"], "/h/envs/e/bin/python");
    assert_eq!(found.variables["SPARK_HOME"], "/opt/spark");
}

#[test]
fn on_yarn_the_driver_goes_into_the_cluster_once() {
    let found = submit("yarn", &SparkSpec::default(), Some("/h/envs/e/bin"));
    assert_eq!(found.argv[..2], ["sh", "-c"]);
    assert_eq!(
        found.argv[3..],
        [
            "outhaul-yarn",
            "/h/envs/e",
            "cluster",
            "A B",
            "/h/sdk/1",
            "/opt/spark/bin/spark-submit",
            "--master",
            "yarn",
            "--deploy-mode",
            "cluster",
            "--name",
            "k3v9x2m4q7t0b8wz-1",
            "--conf",
            "spark.executorEnv.PYSPARK_PYTHON=./environment/bin/python",
            "--conf",
            "spark.jars.ivy=/h/spark/ivy",
            "--conf",
            "spark.ui.showConsoleProgress=false",
            "--conf",
            "spark.yarn.appMasterEnv.PYSPARK_PYTHON=./environment/bin/python",
            "--conf",
            "spark.yarn.maxAppAttempts=1",
            "--conf",
            "spark.yarn.submit.waitAppCompletion=true",
            "--conf",
            "spark.yarn.tags=k3v9x2m4q7t0b8wz-1",
            "--archives",
            "/h/envs/e.tar.gz#environment,/h/runs/k-1/bundle.tar.gz#outhaul",
            "/h/sdk/1/outhaul/_spark_driver.py",
            "k3v9x2m4q7t0b8wz-1",
            "train.py",
            "--reg",
            "0.1",
        ]
    );
}

#[test]
fn on_yarn_a_driver_here_still_sends_the_environment() {
    let spark = SparkSpec {
        deploy_mode: Some(DeployMode::Client),
        ..SparkSpec::default()
    };
    let found = submit("yarn", &spark, Some("/h/envs/e/bin"));
    let text = found.argv.join(" ");
    assert!(
        text.contains("--archives /h/envs/e.tar.gz#environment train.py"),
        "{text}"
    );
    assert_eq!(found.variables["PYSPARK_PYTHON"], "./environment/bin/python");
    assert_eq!(found.variables["PYSPARK_DRIVER_PYTHON"], "/h/envs/e/bin/python");
    let as_it_is = submit("yarn", &spark, None);
    assert!(!as_it_is.argv.contains(&"--archives".to_owned()));
    assert_eq!(as_it_is.variables["PYSPARK_PYTHON"], "/usr/bin/python3");
}

#[test]
fn what_was_asked_for_wins_and_the_run_key_stays() {
    let asked = conf(&[
        ("spark.app.name", "Azure ML Experiment"),
        ("spark.yarn.tags", "mine"),
        ("spark.yarn.maxAppAttempts", "3"),
        ("spark.ui.showConsoleProgress", "true"),
        ("spark.archives", "more.zip#more"),
    ]);
    let text = submit("yarn", &asked, None).argv.join("\n");
    for part in [
        "--name\nAzure ML Experiment [k3v9x2m4q7t0b8wz-1]",
        "spark.yarn.tags=mine,k3v9x2m4q7t0b8wz-1",
        "spark.yarn.maxAppAttempts=3",
        "spark.ui.showConsoleProgress=true",
        "--archives\nmore.zip#more,/h/runs/k-1/bundle.tar.gz#outhaul",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

fn spec(command: Command, spark: SparkSpec) -> RunSpec {
    RunSpec {
        command,
        snapshot: SnapshotRef {
            tree: String::new(),
            files: 0,
            bytes: 0,
            source: String::new(),
            git: None,
        },
        environment: EnvironmentSpec::default(),
        environment_lock: None,
        environment_name: None,
        variables: BTreeMap::new(),
        max_duration_seconds: None,
        resources: Default::default(),
        spark: Some(spark),
        array: None,
        adopted: None,
        rerun_of: None,
        service: None,
    }
}

fn script() -> Command {
    Command::Script {
        script: "train.py".into(),
        arguments: vec![],
    }
}

#[test]
fn what_cannot_be_is_told_before() {
    let program = Command::Program {
        argv: vec!["ls".into()],
    };
    let packages = |package: &str| SparkSpec {
        packages: vec![package.into()],
        ..SparkSpec::default()
    };
    let cluster = SparkSpec {
        deploy_mode: Some(DeployMode::Cluster),
        ..SparkSpec::default()
    };
    for (spec, words) in [
        (spec(program, SparkSpec::default()), "a command was given"),
        (spec(script(), packages("org.x")), "`org.x` is no Spark package"),
        (spec(script(), cluster), "does not start drivers in Python"),
        (
            spec(script(), conf(&[("spark.master", "yarn")])),
            "not set by configuration",
        ),
        (
            spec(script(), conf(&[("executor.memory", "1")])),
            "no property of Spark",
        ),
        (
            spec(script(), conf(&[("spark.a", "1\n2")])),
            "no property of Spark",
        ),
    ] {
        let spark = asked(&spec).unwrap();
        let found = problems(&options("spark://m:7077"), &spec, &spark);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains(words), "{found:?}");
    }
    let good = spec(script(), conf(&[("spark.executor.memory", "2g")]));
    assert_eq!(problems(&options("yarn"), &good, &asked(&good).unwrap()), []);
}

#[test]
fn the_environment_and_the_run_ask_together() {
    let mut both = spec(script(), conf(&[("spark.a", "run")]));
    both.environment.spark = Some(Box::new(SparkSpec {
        packages: vec!["g:a:1".into()],
        ..conf(&[("spark.a", "environment"), ("spark.b", "environment")])
    }));
    let spark = asked(&both).unwrap();
    assert_eq!(spark.configuration["spark.a"], "run");
    assert_eq!(spark.configuration["spark.b"], "environment");
    assert_eq!(spark.packages, ["g:a:1"]);
    // A plain Python run on the same target does not become one of Spark.
    both.spark = None;
    assert_eq!(asked(&both), None);
}
