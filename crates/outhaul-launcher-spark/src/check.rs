//! What a host with Spark is asked, and the facts and named checks that follow. Pure.

use outhaul_host::run_dir::quote;
use outhaul_types::Check;
use outhaul_types::spark::{DeployMode, HdinsightConfig, SparkFacts};

use crate::master::Master;

/// The questions.
const QUESTIONS: &str = include_str!("check.sh");

/// The script that asks.
#[must_use]
pub fn spark_questions(config: &HdinsightConfig) -> String {
    let given = |value: &Option<String>| quote(value.as_deref().unwrap_or_default().trim_end_matches('/'));
    format!(
        "given={}\nwanted={}\n{QUESTIONS}",
        given(&config.spark_home),
        given(&config.master)
    )
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .map(str::trim)
}

/// What follows from the answers.
#[must_use]
pub fn spark_facts(text: &str) -> SparkFacts {
    let said = |after: &str| {
        let line = text
            .lines()
            .filter_map(|line| line.strip_prefix("said "))
            .find_map(|line| line.split_once(after))?;
        line.1.split_whitespace().next().map(str::to_owned)
    };
    SparkFacts {
        submit: value(text, "submit").unwrap_or_default().to_owned(),
        version: said("version ").unwrap_or_default(),
        java: said("VM, ").unwrap_or_default(),
        master: value(text, "master").unwrap_or_default().to_owned(),
    }
}

/// The checks that follow from the answers.
#[must_use]
pub fn spark_checks(text: &str, config: &HdinsightConfig) -> Vec<Check> {
    if let Some(place) = value(text, "nothing-at") {
        return vec![Check::failed(
            "spark",
            format!("there is no Spark in `{place}`: no `bin/spark-submit` with its Java packages"),
            "attach with another `--spark-home`, or leave it out to have Spark looked for",
        )];
    }
    if text.lines().any(|line| line == "missing") {
        return vec![Check::failed(
            "spark",
            "`spark-submit` was not found: not in SPARK_HOME, not on the PATH of a login without a terminal, not in the usual places",
            "name the host that submits (the head node), or say where Spark is with `--spark-home`",
        )];
    }
    let facts = spark_facts(text);
    if facts.version.is_empty() {
        let said: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("said "))
            .collect();
        return vec![Check::failed(
            "spark",
            format!("`{}` does not start: {}", facts.submit, said.join(" ")),
            "install Java 8 or newer on the host, and set JAVA_HOME where logins without a terminal read it",
        )];
    }
    let mut checks = vec![
        Check::ok("spark", format!("version {} ({})", facts.version, facts.submit)),
        Check::ok("java", format!("version {}", facts.java)),
    ];
    match facts.master.parse::<Master>() {
        Err(error) => checks.push(Check::failed(
            "master",
            error.to_string(),
            "attach with another `--master`",
        )),
        Ok(master) => {
            checks.push(reachable(text, &master));
            if config.deploy_mode == Some(DeployMode::Cluster) && !master.takes_drivers() {
                checks.push(Check::failed(
                    "deploy-mode",
                    format!("`{master}` does not start drivers in Python on its machines"),
                    "attach with `--deploy-mode client`",
                ));
            }
        }
    }
    checks.push(match value(text, "yarn") {
        Some(path) => Check::ok("yarn", path),
        None => Check::ok("yarn", "not on this host"),
    });
    checks
}

fn reachable(text: &str, master: &Master) -> Check {
    let shown = master.to_string();
    match master {
        Master::Local(_) => Check::ok("master", format!("{shown}: on the host itself")),
        Master::Yarn if value(text, "yarn").is_none() => Check::failed(
            "master",
            "`yarn` is not on the PATH of a login without a terminal",
            "name the cluster's head node or an edge node, or attach with another `--master`",
        ),
        Master::Yarn if text.lines().any(|line| line == "no-hadoop") => Check::failed(
            "master",
            "`hadoop` is not on the PATH, and runs need it to bring their code into the cluster",
            "put Hadoop's programs on the PATH in a start file that logins without a terminal read",
        ),
        Master::Yarn => match value(text, "nodes") {
            Some("0") => Check::warning(
                "master",
                "yarn: no machine takes applications now",
                "`yarn node -list -all` on the host shows what is with them",
            ),
            Some(nodes) => Check::ok("master", format!("yarn: {nodes} machines")),
            None => Check::failed(
                "master",
                "YARN's resource manager does not answer on this host",
                "see whether it runs, and whether HADOOP_CONF_DIR is set where logins without a terminal read it",
            ),
        },
        Master::Standalone(_) if text.lines().any(|line| line.starts_with("reached ")) => {
            Check::ok("master", format!("{shown} answers"))
        }
        Master::Standalone(_) => Check::failed(
            "master",
            format!("`{shown}` does not answer from the host"),
            "see whether the master runs, and attach with another `--master` if it is elsewhere",
        ),
    }
}

#[cfg(test)]
mod tests {
    use outhaul_types::target::{SshAuthentication, SshEndpoint};
    use outhaul_types::{CheckStatus, RemoteConfig};

    use super::*;

    const SAID: &str = "said Welcome to
said       ____              __
said    /___/ .__/\\_,_/_/ /_/\\_\\   version 3.5.9
said Using Scala version 2.12.18, OpenJDK 64-Bit Server VM, 17.0.15
";

    fn config(deploy_mode: Option<DeployMode>) -> HdinsightConfig {
        HdinsightConfig {
            host: RemoteConfig {
                endpoint: SshEndpoint {
                    address: "h".into(),
                    port: 22,
                    username: "me".into(),
                    host_key: None,
                },
                authentication: SshAuthentication::Password,
                jumps: vec![],
                resource_id: None,
                folder: None,
                packages: Default::default(),
                slots: None,
            },
            cluster_name: None,
            master: None,
            deploy_mode,
            spark_home: None,
        }
    }

    fn answers(rest: &str) -> String {
        format!("submit /opt/spark/bin/spark-submit\n{SAID}{rest}")
    }

    #[test]
    fn facts_are_read() {
        let facts = spark_facts(&answers("yarn /usr/bin/yarn\nmaster yarn\nnodes 3\n"));
        assert_eq!(
            facts,
            SparkFacts {
                submit: "/opt/spark/bin/spark-submit".into(),
                version: "3.5.9".into(),
                java: "17.0.15".into(),
                master: "yarn".into(),
            }
        );
    }

    #[test]
    fn a_cluster_is_judged() {
        use CheckStatus::{Failed, Ok, Warning};
        for (text, name, status) in [
            ("missing\n".to_owned(), "spark", Failed),
            ("nothing-at /x\n".to_owned(), "spark", Failed),
            (
                "submit /s/bin/spark-submit\nsaid JAVA_HOME is not set\n".to_owned(),
                "spark",
                Failed,
            ),
            (answers("master local[*]\n"), "master", Ok),
            (answers("master local[*]\n"), "java", Ok),
            (answers("yarn /y\nmaster yarn\nnodes 3\n"), "master", Ok),
            (answers("yarn /y\nmaster yarn\nnodes 0\n"), "master", Warning),
            (answers("yarn /y\nmaster yarn\n"), "master", Failed),
            (
                answers("yarn /y\nmaster yarn\nnodes 3\nno-hadoop\n"),
                "master",
                Failed,
            ),
            (
                answers("master spark://a:1,b:2\nunreached a:1\nreached b:2\n"),
                "master",
                Ok,
            ),
            (answers("master spark://a:1\nunreached a:1\n"), "master", Failed),
            (answers("master sprk://a\n"), "master", Failed),
        ] {
            let checks = spark_checks(&text, &config(None));
            let found = checks.iter().find(|check| check.name == name).unwrap();
            assert_eq!(found.status, status, "{text}: {found:?}");
        }
        let refused = spark_checks(&answers("master local\n"), &config(Some(DeployMode::Cluster)));
        assert!(
            refused
                .iter()
                .any(|check| check.name == "deploy-mode" && check.status == Failed)
        );
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        let mut config = config(None);
        config.spark_home = Some("/opt/it's/".into());
        assert!(spark_questions(&config).starts_with("given='/opt/it'\\''s'\nwanted=''\n"));
    }
}
