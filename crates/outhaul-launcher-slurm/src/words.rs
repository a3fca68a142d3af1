//! What the scheduler's states and reasons mean, in words. Pure. The names are those of `squeue`'s manual.

use outhaul_types::FailureClass;

use crate::parse::JobState;

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// It waits, for this.
    Waits(String),
    /// It has machines.
    Runs,
    /// It ended, and the run's own record says how.
    Ended,
    /// The scheduler or the cluster ended it.
    Stopped(FailureClass, String),
}

/// Where a job in this state is.
pub(crate) fn meaning(job: &JobState) -> Where {
    let stopped = |class, text: &str| {
        let on = match job.nodes.as_str() {
            "" => String::new(),
            nodes => format!(" on {nodes}"),
        };
        Where::Stopped(class, format!("{text}{on}"))
    };
    match job.state.as_str() {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "RESV_DEL_HOLD"
        | "SPECIAL_EXIT" => Where::Waits(waiting(job)),
        "RUNNING" | "COMPLETING" | "RESIZING" | "SIGNALING" | "STAGE_OUT" | "STOPPED" | "SUSPENDED" => {
            Where::Runs
        }
        "COMPLETED" | "FAILED" => Where::Ended,
        "TIMEOUT" => stopped(
            FailureClass::User,
            "the scheduler ended it at its time limit; ask for more with `--time`",
        ),
        "DEADLINE" => stopped(FailureClass::User, "the scheduler ended it at its deadline"),
        text if text.starts_with("OUT_OF_ME") => stopped(
            FailureClass::User,
            "it used more memory than it asked for; ask for more with `--memory`",
        ),
        "NODE_FAIL" => stopped(FailureClass::Target, "a machine of the cluster failed"),
        "BOOT_FAIL" => stopped(FailureClass::Target, "a machine of the cluster did not start"),
        "PREEMPTED" => stopped(
            FailureClass::Target,
            "the scheduler gave its place to a job that comes first",
        ),
        "CANCELLED" | "REVOKED" => {
            stopped(FailureClass::Target, "somebody canceled its job at the scheduler")
        }
        other => stopped(
            FailureClass::Target,
            &format!("the scheduler shows its job as `{other}`"),
        ),
    }
}

/// Why a job waits.
fn waiting(job: &JobState) -> String {
    let words = match job.reason.as_str() {
        "" => return "the scheduler has not looked at it yet".to_owned(),
        "Priority" => "other jobs come first",
        "Resources" => "machines with what it asks for are busy",
        "Dependency" | "DependencyNeverSatisfied" => "it waits for another job",
        "BeginTime" => "it may not begin yet",
        "JobHeldUser" => "it is held; `scontrol release` lets it go",
        "JobHeldAdmin" => "an administrator holds it",
        "PartitionDown" => "its partition is down",
        "PartitionInactive" => "its partition starts no jobs for now",
        "PartitionTimeLimit" => {
            "it asks for more time than its partition allows, so it will not start; lower `--time`"
        }
        "PartitionNodeLimit" => {
            "it asks for more machines than its partition has, so it will not start; lower `--nodes`"
        }
        "BadConstraints" => "no machine of the cluster has what it asks for, so it will not start",
        "NodeDown" => "a machine that it needs is down",
        "Reservation" => "it waits for its reservation",
        "Licenses" => "the licences that it needs are in use",
        "InvalidAccount" => "its account is not valid any more",
        "InvalidQOS" => "its quality of service is not valid any more",
        "launch_failed_requeued_held" | "launch failed requeued held" => {
            "starting it failed on the machine, and it is held; see the scheduler's log"
        }
        // Slurm writes the second of them with blanks or with underscores, by its version.
        reason
            if ["ReqNodeNotAvail", "Nodes_required", "Nodes required"]
                .iter()
                .any(|known| reason.starts_with(known)) =>
        {
            "the machines that it needs are down, drained or reserved"
        }
        reason if reason.starts_with("QOS") || reason.starts_with("Assoc") => {
            return format!("a limit of the account or quality of service is reached (`{reason}`)");
        }
        reason => return format!("the scheduler says `{reason}`"),
    };
    format!("{words} (`{}`)", job.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: &str, reason: &str) -> JobState {
        JobState {
            state: state.into(),
            reason: reason.into(),
            ..JobState::default()
        }
    }

    #[test]
    fn states_of_all_kinds_have_a_meaning() {
        for (state, class) in [
            ("TIMEOUT", FailureClass::User),
            ("OUT_OF_MEMORY", FailureClass::User),
            ("OUT_OF_ME", FailureClass::User),
            ("NODE_FAIL", FailureClass::Target),
            ("PREEMPTED", FailureClass::Target),
            ("CANCELLED", FailureClass::Target),
            ("SOMETHING_NEW", FailureClass::Target),
        ] {
            let Where::Stopped(found, _) = meaning(&job(state, "")) else {
                panic!("{state}");
            };
            assert_eq!(found, class, "{state}");
        }
        assert_eq!(meaning(&job("RUNNING", "")), Where::Runs);
        assert_eq!(meaning(&job("COMPLETED", "")), Where::Ended);
    }

    #[test]
    fn a_wait_is_explained_with_the_schedulers_own_word() {
        for (reason, words) in [
            ("Priority", "other jobs come first"),
            ("PartitionTimeLimit", "will not start"),
            (
                "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
                "are down, drained or reserved",
            ),
            ("ReqNodeNotAvail, UnavailableNodes:n1", "drained"),
            ("QOSMaxJobsPerUserLimit", "limit"),
            ("Brandnew", "`Brandnew`"),
            ("", "not looked at it"),
        ] {
            let Where::Waits(text) = meaning(&job("PENDING", reason)) else {
                panic!("{reason}");
            };
            assert!(text.contains(words) && text.contains(reason), "{text}");
        }
    }
}
