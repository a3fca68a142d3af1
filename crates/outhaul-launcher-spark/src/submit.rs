//! What `spark-submit` is given for a run. Pure.

use std::collections::BTreeMap;

use outhaul_driver::{PreparedEnvironment, Problem};
use outhaul_types::spark::{DeployMode, is_package, is_property};
use outhaul_types::{Command, RunKey, RunSpec, SparkSpec};

use crate::master::Master;
use crate::yarn;

/// How applications are submitted to a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparkOptions {
    /// Path of `spark-submit` on the host.
    pub submit: String,
    /// Where they run.
    pub master: Master,
    /// Where drivers run; on YARN in the cluster, elsewhere on the host, when absent.
    pub deploy_mode: Option<DeployMode>,
}

/// Properties that have an option or belong to the target, and what to use instead.
const NOT_BY_CONFIGURATION: [(&str, &str); 5] = [
    ("spark.master", "attach the cluster with another `--master`"),
    ("spark.submit.deployMode", "use `--deploy-mode`"),
    ("spark.jars.packages", "use `--spark-package`"),
    (
        "spark.jars.repositories",
        "name them under `spark: repositories:` in the environment file",
    ),
    (
        "spark.yarn.submit.waitAppCompletion",
        "leave it out: a run ends when its application has ended",
    ),
];

/// Where things lie on the host.
pub(crate) struct Places<'a> {
    pub run_dir: &'a str,
    /// The folder of our Python package.
    pub sdk: &'a str,
    /// Where packages of Spark are kept.
    pub ivy: &'a str,
}

/// A command with the variables that it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Submission {
    pub argv: Vec<String>,
    pub variables: BTreeMap<String, String>,
}

/// What the run asks of Spark, its environment's part first.
pub(crate) fn asked(spec: &RunSpec) -> Option<SparkSpec> {
    let own = spec.spark.clone()?;
    let environment = spec.environment.spark.as_deref().cloned().unwrap_or_default();
    Some(environment.with(own))
}

/// Where the driver of this run runs.
pub(crate) fn deploy_mode(options: &SparkOptions, spark: &SparkSpec) -> DeployMode {
    spark
        .deploy_mode
        .or(options.deploy_mode)
        .unwrap_or(if options.master.takes_drivers() {
            DeployMode::Cluster
        } else {
            DeployMode::Client
        })
}

/// What is wrong with a run that asks for Spark.
pub(crate) fn problems(options: &SparkOptions, spec: &RunSpec, spark: &SparkSpec) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut problem = |message: String, hint: &str| {
        found.push(Problem {
            message,
            hint: Some(hint.to_owned()),
        });
    };
    match &spec.command {
        Command::Script { .. } => {}
        Command::Program { .. } => problem(
            "`spark-submit` starts a Python script, and a command was given".to_owned(),
            "name a script, or leave `--framework pyspark` out",
        ),
    }
    if spec.environment.docker.is_some() {
        problem(
            "the environment asks for a container, and Spark is started in none".to_owned(),
            "leave `docker` out of the environment",
        );
    }
    let asked = spec.resources.asked();
    if !asked.is_empty() {
        problem(
            format!("Spark does not know `{}`", asked.join("`, `")),
            "say it in Spark's words, such as `--spark-conf spark.executor.memory=2g`",
        );
    }
    if deploy_mode(options, spark) == DeployMode::Cluster && !options.master.takes_drivers() {
        problem(
            format!(
                "`{}` does not start drivers in Python on its machines",
                options.master
            ),
            "use `--deploy-mode client`",
        );
    }
    for package in &spark.packages {
        if !is_package(package) {
            problem(
                format!("`{package}` is no Spark package"),
                "write it as `GROUP:ARTIFACT:VERSION`",
            );
        }
    }
    for (name, value) in &spark.configuration {
        if let Some((_, hint)) = NOT_BY_CONFIGURATION.iter().find(|(known, _)| known == name) {
            problem(format!("`{name}` is not set by configuration"), hint);
        } else if !is_property(name) || value.contains(['\n', '\r', '\0']) {
            problem(
                format!("`{name}` is no property of Spark"),
                "names begin with `spark.`, and values are one line",
            );
        }
    }
    found
}

/// The command of a run.
pub(crate) fn submission(
    key: &RunKey,
    (script, arguments): (&str, &[String]),
    spark: &SparkSpec,
    options: &SparkOptions,
    environment: &PreparedEnvironment,
    variables: &[String],
    places: &Places<'_>,
) -> Submission {
    let mode = deploy_mode(options, spark);
    let on_yarn = options.master == Master::Yarn;
    let in_cluster = mode == DeployMode::Cluster;
    // The environment travels to machines that do not see the host's folders.
    let packed = environment
        .bin
        .as_deref()
        .and_then(|bin| bin.strip_suffix("/bin"))
        .filter(|_| on_yarn);
    let there = match packed {
        Some(_) => format!("./{}/bin/python", yarn::ENVIRONMENT),
        None => environment.python.clone(),
    };

    let mut conf = spark.configuration.clone();
    let mut default = |name: &str, value: String| {
        conf.entry(name.to_owned()).or_insert(value);
    };
    default("spark.ui.showConsoleProgress", "false".to_owned());
    default("spark.jars.ivy", places.ivy.to_owned());
    if on_yarn {
        default("spark.yarn.maxAppAttempts", "1".to_owned());
        if packed.is_some() || in_cluster {
            default("spark.executorEnv.PYSPARK_PYTHON", there.clone());
            default("spark.yarn.appMasterEnv.PYSPARK_PYTHON", there.clone());
        }
        conf.insert(
            "spark.yarn.submit.waitAppCompletion".to_owned(),
            "true".to_owned(),
        );
    }
    // By these the application is found in the cluster: they hold the run key whatever else was asked for.
    let name = match conf.remove("spark.app.name") {
        Some(name) => format!("{name} [{key}]"),
        None => key.to_string(),
    };
    if on_yarn {
        let tags = conf.entry("spark.yarn.tags".to_owned()).or_default();
        *tags = match tags.as_str() {
            "" => key.to_string(),
            tags => format!("{tags},{key}"),
        };
    }

    let mut archives: Vec<String> = conf.remove("spark.archives").into_iter().collect();
    if let Some(folder) = packed {
        archives.push(format!("{folder}.tar.gz#{}", yarn::ENVIRONMENT));
    }
    if in_cluster {
        archives.push(format!("{}/bundle.tar.gz#{}", places.run_dir, yarn::BUNDLE));
    }

    let mut argv: Vec<String> = Vec::new();
    let mut option = |name: &str, value: String| argv.extend([name.to_owned(), value]);
    option("--master", options.master.to_string());
    option("--deploy-mode", mode.as_str().to_owned());
    option("--name", name);
    for (name, value) in &conf {
        option("--conf", format!("{name}={value}"));
    }
    if !spark.packages.is_empty() {
        option("--packages", spark.packages.join(","));
    }
    if !spark.repositories.is_empty() {
        option("--repositories", spark.repositories.join(","));
    }
    if !archives.is_empty() {
        option("--archives", archives.join(","));
    }
    argv.insert(0, options.submit.clone());
    if in_cluster {
        argv.push(format!("{}/outhaul/_spark_driver.py", places.sdk));
        argv.push(key.to_string());
    }
    argv.push(script.to_owned());
    argv.extend(arguments.iter().cloned());

    let mut own = BTreeMap::from([
        ("OUTHAUL_FRAMEWORK".to_owned(), "pyspark".to_owned()),
        ("PYSPARK_DRIVER_PYTHON".to_owned(), environment.python.clone()),
        ("PYSPARK_PYTHON".to_owned(), there),
    ]);
    // A Spark from the Python index looks for itself by the run's Python, which need not know it.
    if let Some(home) = options.submit.strip_suffix("/bin/spark-submit") {
        own.insert("SPARK_HOME".to_owned(), home.to_owned());
    }
    let argv = if on_yarn {
        yarn::wrapped(argv, packed, in_cluster, variables, places)
    } else {
        argv
    };
    Submission { argv, variables: own }
}

#[cfg(test)]
mod tests;
