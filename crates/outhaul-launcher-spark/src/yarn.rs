//! YARN: the command that submits there and sees a run through, and what `yarn application` says. Pure.
//!
//! Forms of the answers: hadoop.apache.org, "YARN Commands", `application`.

use outhaul_types::{Exit, FailureClass, RunKey};

use crate::submit::Places;

/// The script around `spark-submit`.
const WRAPPER: &str = include_str!("yarn.sh");
/// Name of the unpacked environment in the folder of a process of the cluster.
pub(crate) const ENVIRONMENT: &str = "environment";
/// Name of the unpacked code there.
pub(crate) const BUNDLE: &str = "outhaul";

/// The command with all that has to happen before and after it.
pub(crate) fn wrapped(
    submit: Vec<String>,
    environment: Option<&str>,
    in_cluster: bool,
    variables: &[String],
    places: &Places<'_>,
) -> Vec<String> {
    let mode = if in_cluster { "cluster" } else { "client" };
    let variables = if in_cluster {
        variables.join(" ")
    } else {
        String::new()
    };
    let head = [
        "sh",
        "-c",
        WRAPPER,
        "outhaul-yarn",
        environment.unwrap_or_default(),
        mode,
    ];
    head.into_iter()
        .map(str::to_owned)
        .chain([variables, places.sdk.to_owned()])
        .chain(submit)
        .collect()
}

/// Lists the applications of a run.
pub(crate) fn list(key: &RunKey) -> String {
    format!("yarn application -list -appStates ALL -appTags {key}")
}

/// Ends the applications of a run. Nothing to end is no error.
pub(crate) fn kill(key: &RunKey) -> String {
    format!(
        "{} 2> /dev/null | awk -F '\\t' '/application_/ {{ gsub(/ /, \"\", $1); gsub(/ /, \"\", $6); if ($6 !~ /FINISHED|FAILED|KILLED/) print $1 }}' | while read -r application; do
    yarn application -kill \"$application\" 2>&1 || exit 1
done",
        list(key)
    )
}

/// An application as the manager has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Application {
    pub id: String,
    pub state: String,
    pub final_state: String,
}

/// Reads a list of applications. The columns stand apart by tabs and are padded with blanks.
pub(crate) fn applications(text: &str) -> Vec<Application> {
    text.lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
            let id = columns.first().filter(|id| id.starts_with("application_"))?;
            Some(Application {
                id: (*id).to_owned(),
                state: (*columns.get(5)?).to_owned(),
                final_state: (*columns.get(6)?).to_owned(),
            })
        })
        .collect()
}

/// How a run stands whose host lost the process that waited for its application; `None` while that goes on.
pub(crate) fn verdict(applications: &[Application]) -> Option<Exit> {
    let stopped = |class, reason: String| Some(Exit::Stopped { class, reason });
    let Some(last) = applications.last() else {
        return stopped(
            FailureClass::Target,
            "the process that submitted it is gone, and YARN does not know its application".to_owned(),
        );
    };
    let id = &last.id;
    match (last.state.as_str(), last.final_state.as_str()) {
        ("FINISHED", "SUCCEEDED") => stopped(
            FailureClass::Target,
            format!(
                "{id} succeeded, but the host lost the process that waited for it; what it left is in `.outhaul-runs` on the cluster's file system"
            ),
        ),
        ("KILLED", _) | (_, "KILLED") => stopped(FailureClass::Target, format!("{id} was ended in YARN")),
        ("FINISHED" | "FAILED", _) => stopped(
            FailureClass::User,
            format!("{id} failed; `yarn logs -applicationId {id}` on the cluster shows why"),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "24/05/02 10:00:00 INFO client.RMProxy: Connecting to ResourceManager at hn0/10.0.0.4:8050
Total number of applications (application-types: [], states: [NEW, NEW_SAVING, SUBMITTED, ACCEPTED, RUNNING, FINISHED, FAILED, KILLED] and tags: [k-1]):1
                Application-Id\t    Application-Name\t    Application-Type\t      User\t     Queue\t             State\t       Final-State\t       Progress\t                       Tracking-URL
application_1700000000000_0007\t                 k-1\t               SPARK\t   sshuser\t   default\t           STATE\t         FINAL\t           100%\t   http://hn0:18080/history/application_1700000000000_0007/1
";

    fn list(state: &str, last: &str) -> Vec<Application> {
        applications(&LIST.replace("STATE", state).replace("FINAL", last))
    }

    #[test]
    fn a_list_is_read() {
        assert_eq!(
            list("RUNNING", "UNDEFINED"),
            [Application {
                id: "application_1700000000000_0007".into(),
                state: "RUNNING".into(),
                final_state: "UNDEFINED".into(),
            }]
        );
        assert_eq!(applications("Total number of applications :0\n"), []);
        assert_eq!(applications("application_1\tcut"), []);
    }

    #[test]
    fn the_manager_has_the_last_word() {
        for (state, last, class) in [
            ("ACCEPTED", "UNDEFINED", None),
            ("RUNNING", "UNDEFINED", None),
            ("FINISHED", "SUCCEEDED", Some(FailureClass::Target)),
            ("FINISHED", "FAILED", Some(FailureClass::User)),
            ("FAILED", "FAILED", Some(FailureClass::User)),
            ("KILLED", "KILLED", Some(FailureClass::Target)),
        ] {
            let found = verdict(&list(state, last)).map(|exit| match exit {
                Exit::Stopped { class, .. } => class,
                other => panic!("{other:?}"),
            });
            assert_eq!(found, class, "{state} {last}");
        }
        assert!(
            matches!(verdict(&[]), Some(Exit::Stopped { reason, .. }) if reason.contains("does not know"))
        );
    }
}
