//! Whose fault it is when a Spark run failed, by what `spark-submit` and Spark wrote into its log. Pure.

use outhaul_types::FailureClass;

/// Signs in the log, most telling first: all parts must stand in one line.
type Sign = (&'static [&'static str], FailureClass, &'static str);

const SIGNS: &[Sign] = &[
    (
        &["Master must either be yarn or start with"],
        FailureClass::Target,
        "Spark does not know the target's master URL; attach it again with another `--master`",
    ),
    (
        &["Could not parse Master URL"],
        FailureClass::Target,
        "Spark does not know the target's master URL; attach it again with another `--master`",
    ),
    (
        &["All masters are unresponsive"],
        FailureClass::Target,
        "the cluster's master does not answer; `outhaul target check` looks again",
    ),
    (
        &["Application has been killed. Reason: Master removed our application: KILLED"],
        FailureClass::Target,
        "the application was ended in the cluster",
    ),
    (
        &["Application has been killed. Reason: Master removed our application"],
        FailureClass::Target,
        "the cluster gave the application up: its executors failed again and again; see the workers' logs",
    ),
    (
        &["Retrying connect to server", ":8032"],
        FailureClass::Target,
        "YARN's resource manager does not answer",
    ),
    (
        &["When running with master 'yarn'", "HADOOP_CONF_DIR"],
        FailureClass::Target,
        "the host has no Hadoop configuration: HADOOP_CONF_DIR is not set there",
    ),
    (
        &["JAVA_HOME is not set"],
        FailureClass::Target,
        "there is no Java on the host: JAVA_HOME is not set there",
    ),
    (
        &["Container killed by YARN for exceeding"],
        FailureClass::User,
        "a container took more memory than it asked for; raise `spark.executor.memoryOverhead` or `spark.executor.memory`",
    ),
    (
        &["running beyond", "memory limits"],
        FailureClass::User,
        "a container took more memory than it asked for; raise `spark.driver.memory` or `spark.executor.memory`",
    ),
    (
        &["java.lang.OutOfMemoryError"],
        FailureClass::User,
        "Java ran out of memory; raise `spark.driver.memory` or `spark.executor.memory`",
    ),
    (
        &["Required executor memory", "above the max threshold"],
        FailureClass::User,
        "an executor asks for more memory than the cluster gives to one; lower `spark.executor.memory`",
    ),
    (
        &["Python in worker has different version"],
        FailureClass::Environment,
        "driver and executors have different Pythons; name an environment that Outhaul builds, or the same Python on all machines",
    ),
    (
        &["PYTHON_VERSION_MISMATCH"],
        FailureClass::Environment,
        "driver and executors have different Pythons; name an environment that Outhaul builds, or the same Python on all machines",
    ),
    (
        &["Cannot run program", "python", "No such file or directory"],
        FailureClass::Environment,
        "a machine of the cluster does not see the run's Python; attach the host with `--folder` on a file system that all machines share",
    ),
    (
        &["PATH_NOT_FOUND"],
        FailureClass::User,
        "a file that the script reads is not there; relative paths are read from the cluster's own file system where it has one",
    ),
];

/// Whose fault it was and why, where the log tells it. Without a sign it is the script's own failure.
pub(crate) fn blame(log: &str) -> Option<(FailureClass, String)> {
    if let Some(found) = packages(log) {
        return Some(found);
    }
    SIGNS.iter().find_map(|(parts, class, reason)| {
        let line = log
            .lines()
            .find(|line| parts.iter().all(|part| line.contains(part)))?;
        Some((*class, format!("{reason} (`{}`)", short(line))))
    })
}

/// Packages that cannot be fetched: not there, or the repositories are not reached.
fn packages(log: &str) -> Option<(FailureClass, String)> {
    let line = log.lines().find(|line| line.contains("[unresolved dependency"))?;
    // `[unresolved dependency: org.x#y;1.0: not found, ...]`
    let names: Vec<String> = line
        .split("unresolved dependency: ")
        .skip(1)
        .filter_map(|rest| rest.split(": not found").next())
        .map(|name| name.replace(['#', ';'], ":"))
        .collect();
    let names = format!("`{}`", names.join("`, `"));
    if log.contains("Server access error") || log.contains("SERVER ERROR") || log.contains("Host repo") {
        return Some((
            FailureClass::Environment,
            format!("the Spark package {names} cannot be fetched: the host does not reach the repositories"),
        ));
    }
    Some((
        FailureClass::User,
        format!("no repository has the Spark package {names}"),
    ))
}

/// The telling part of a log line.
fn short(line: &str) -> String {
    let text: String = line.trim().chars().take(200).collect();
    text.replace('`', "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_tell_whose_fault_it_is() {
        for (log, class, words) in [
            (
                "Exception in thread \"main\" org.apache.spark.SparkException: Master must either be yarn or start with spark, mesos, k8s, or local",
                FailureClass::Target,
                "master URL",
            ),
            (
                "26/11/27 13:53:46 ERROR StandaloneSchedulerBackend: Application has been killed. Reason: All masters are unresponsive! Giving up.",
                FailureClass::Target,
                "does not answer",
            ),
            (
                "x ERROR y: Application has been killed. Reason: Master removed our application: KILLED",
                FailureClass::Target,
                "ended in the cluster",
            ),
            (
                "x ERROR y: Application has been killed. Reason: Master removed our application: FAILED",
                FailureClass::Target,
                "gave the application up",
            ),
            (
                "INFO Client: Retrying connect to server: 0.0.0.0/0.0.0.0:8032. Already tried 0 time(s)",
                FailureClass::Target,
                "resource manager",
            ),
            (
                "Caused by: java.lang.OutOfMemoryError: Java heap space",
                FailureClass::User,
                "memory",
            ),
            (
                "java.io.IOException: Cannot run program \"/env/bin/python\": error=2, No such file or directory",
                FailureClass::Environment,
                "does not see the run's Python",
            ),
            (
                "RuntimeError: Python in worker has different version 3.9 than that in driver 3.11",
                FailureClass::Environment,
                "different Pythons",
            ),
            (
                "Exception in thread \"main\" java.lang.RuntimeException: [unresolved dependency: org.x#y;1.0: not found]",
                FailureClass::User,
                "`org.x:y:1.0`",
            ),
            (
                "Server access error at url https://repo\n[unresolved dependency: org.x#y;1.0: not found, unresolved dependency: a#b;2: not found]",
                FailureClass::Environment,
                "`org.x:y:1.0`, `a:b:2`",
            ),
        ] {
            let (found, reason) = blame(log).unwrap_or_else(|| panic!("{log}"));
            assert_eq!(found, class, "{log}");
            assert!(reason.contains(words), "{reason}");
        }
    }

    #[test]
    fn a_script_that_fails_is_not_explained() {
        for log in [
            "",
            "Traceback (most recent call last):\n  File \"train.py\", line 3\nValueError: no",
            "INFO ShutdownHookManager: Shutdown hook called",
        ] {
            assert_eq!(blame(log), None, "{log}");
        }
    }
}
