//! Why `sbatch` or `squeue` did not do what they were asked to, and whose fault that is. Pure.

use outhaul_driver::{DriverError, ErrorKind};

/// What a phrase of the scheduler's programs means.
struct Known {
    phrase: &'static str,
    kind: ErrorKind,
    temporary: bool,
    hint: &'static str,
}

const fn of(phrase: &'static str, kind: ErrorKind, temporary: bool, hint: &'static str) -> Known {
    Known {
        phrase,
        kind,
        temporary,
        hint,
    }
}

/// In lower case; the first that is found counts.
const KNOWN: &[Known] = &[
    of(
        "munge",
        ErrorKind::Unreachable,
        true,
        "start munge on that machine (`systemctl status munge`)",
    ),
    of(
        "authentication",
        ErrorKind::Unreachable,
        true,
        "start munge on that machine (`systemctl status munge`)",
    ),
    of(
        "unable to contact",
        ErrorKind::Unreachable,
        true,
        "see whether slurmctld runs (`scontrol ping`)",
    ),
    of(
        "socket timed out",
        ErrorKind::Unreachable,
        true,
        "the controller is busy; it is asked again",
    ),
    of(
        "zero bytes were transmitted",
        ErrorKind::Unreachable,
        true,
        "see whether slurmctld runs (`scontrol ping`)",
    ),
    of(
        "connection refused",
        ErrorKind::Unreachable,
        true,
        "see whether slurmctld runs (`scontrol ping`)",
    ),
    of(
        "temporarily unable",
        ErrorKind::Refused,
        true,
        "the queue is full; it is tried again",
    ),
    of(
        "submit limit",
        ErrorKind::Refused,
        true,
        "the queue is full for this account; it is tried again",
    ),
    of(
        "maxsubmit",
        ErrorKind::Refused,
        true,
        "the queue is full for this account; it is tried again",
    ),
    of(
        "accounting/qos policy",
        ErrorKind::Refused,
        true,
        "a limit of the account is reached; it is tried again",
    ),
    of(
        "invalid partition",
        ErrorKind::Invalid,
        false,
        "`sinfo -s` on the target lists its partitions",
    ),
    of(
        "invalid account",
        ErrorKind::Invalid,
        false,
        "attach the target with an `--account` that may use the partition",
    ),
    of(
        "invalid qos",
        ErrorKind::Invalid,
        false,
        "attach the target with a `--qos` that the account has",
    ),
    of(
        "invalid generic resource",
        ErrorKind::Invalid,
        false,
        "the cluster has no such graphics processors; lower `--gpus`",
    ),
    of(
        "requested node configuration",
        ErrorKind::Invalid,
        false,
        "no machine of the cluster has that much; `sinfo -N -l` on the target shows what they have",
    ),
    of(
        "node count specification invalid",
        ErrorKind::Invalid,
        false,
        "lower `--nodes`",
    ),
    of(
        "more processors requested",
        ErrorKind::Invalid,
        false,
        "lower `--cpus`",
    ),
    of("cpu count", ErrorKind::Invalid, false, "lower `--cpus`"),
    of("memory", ErrorKind::Invalid, false, "lower `--memory`"),
    of(
        "time limit",
        ErrorKind::Invalid,
        false,
        "lower `--time`; `sinfo -s` on the target shows what a partition allows",
    ),
    of(
        "not found",
        ErrorKind::Target,
        false,
        "Slurm's programs must be on the PATH of a login without a terminal",
    ),
];

/// The error for what the scheduler's programs said.
pub(crate) fn refusal(operation: &'static str, said: &str) -> DriverError {
    let said = last_words(said);
    let lower = said.to_lowercase();
    let known = KNOWN.iter().find(|known| lower.contains(known.phrase));
    let message = format!("the scheduler says: {said}");
    match known {
        Some(known) if known.temporary => {
            DriverError::temporary(known.kind, operation, message).with_hint(known.hint)
        }
        Some(known) => DriverError::permanent(known.kind, operation, message).with_hint(known.hint),
        None => DriverError::permanent(ErrorKind::Target, operation, message),
    }
}

/// The complaint itself, without the program's name and without warnings before it.
fn last_words(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let complaint = lines
        .iter()
        .rev()
        .find(|line| line.contains("error"))
        .or(lines.last());
    let line = complaint.copied().unwrap_or("nothing");
    let start = line.find("error: ").map_or(0, |at| at + "error: ".len());
    line[start..]
        .trim_start_matches("Batch job submission failed: ")
        .chars()
        .take(500)
        .collect()
}

#[cfg(test)]
mod tests {
    use outhaul_types::FailureClass;

    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        for (said, class, temporary) in [
            (
                "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition name specified",
                FailureClass::User,
                false,
            ),
            (
                "sbatch: error: Batch job submission failed: Requested node configuration is not available",
                FailureClass::User,
                false,
            ),
            (
                "sbatch: error: Memory specification can not be satisfied",
                FailureClass::User,
                false,
            ),
            (
                "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
                FailureClass::User,
                false,
            ),
            (
                "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
                FailureClass::Target,
                true,
            ),
            (
                "sbatch: error: If munged is up, restart with --num-threads=10\nsbatch: error: Munge encode failed: Failed to access \"/run/munge/munge.socket.2\": No such file or directory\nsbatch: error: authentication: Socket communication error",
                FailureClass::Target,
                true,
            ),
            (
                "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
                FailureClass::Target,
                true,
            ),
            (
                "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\nsbatch: error: Batch job submission failed: Slurm temporarily unable to accept job, sleeping and retrying",
                FailureClass::Target,
                true,
            ),
            (
                "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
                FailureClass::Target,
                true,
            ),
            ("sh: 1: sbatch: not found", FailureClass::Target, false),
            ("sbatch: error: Something new", FailureClass::Target, false),
        ] {
            let error = refusal("submit the job", said);
            assert_eq!(
                (error.class(), error.is_temporary()),
                (class, temporary),
                "{error}"
            );
        }
        let error = refusal(
            "submit the job",
            "sbatch: error: Batch job submission failed: Invalid qos specification",
        );
        assert_eq!(error.message, "the scheduler says: Invalid qos specification");
    }
}
