//! The named checks of a cluster.

use outhaul_driver::DriverError;
use outhaul_host::staging::StagingDriver;
use outhaul_types::Check;

use crate::layer::SlurmOptions;

/// What the cluster is asked: version, controller, partitions with the states of their machines, and on what kind of
/// file system our folder lies.
pub const CLUSTER_QUESTIONS: &str = "command -v sbatch > /dev/null 2>&1 || { echo missing; exit 0; }
echo \"version $(sbatch --version 2>&1)\"
echo \"ping $(scontrol ping 2>&1 | tr '\\n' ' ')\"
sinfo -h -o 'partition %R %a %T %D' 2>&1
echo \"nodes $(sinfo -h -N -o %N 2> /dev/null | sort -u | grep -c .)\"
echo \"filesystem $(stat -f -c %T . 2> /dev/null)\"
:";

/// Kinds of file systems that no other machine sees.
const LOCAL: [&str; 6] = ["ext2/ext3", "xfs", "btrfs", "tmpfs", "overlayfs", "zfs"];

pub(crate) async fn check(
    host: &dyn StagingDriver,
    options: &SlurmOptions,
) -> Result<Vec<Check>, DriverError> {
    let (_, text) = host.script("look at the cluster", CLUSTER_QUESTIONS).await?;
    Ok(cluster_checks(&text, options))
}

/// The checks that follow from the answers.
#[must_use]
pub fn cluster_checks(text: &str, options: &SlurmOptions) -> Vec<Check> {
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .unwrap_or_default()
            .trim()
    };
    if text.lines().any(|line| line == "missing") {
        return vec![Check::failed(
            "slurm",
            "`sbatch` is not on the PATH of a login without a terminal",
            "name the cluster's login host, or put Slurm's programs on the PATH in a start file that such logins read",
        )];
    }
    let mut checks = vec![Check::ok("slurm", value("version"))];
    let ping = value("ping");
    if ping.contains("UP") {
        checks.push(Check::ok("controller", ping));
    } else {
        checks.push(Check::failed(
            "controller",
            format!("the controller does not answer: {ping}"),
            "see whether slurmctld and munge run",
        ));
    }
    checks.push(partitions(text, options));
    let (filesystem, nodes) = (value("filesystem"), value("nodes").parse::<u32>().unwrap_or(0));
    if nodes > 1 && LOCAL.contains(&filesystem) {
        checks.push(Check::warning(
            "shared-folder",
            format!(
                "our folder lies on `{filesystem}`, which other machines do not see unless it is exported"
            ),
            "attach with `--folder` on a file system that all machines share",
        ));
    } else {
        checks.push(Check::ok(
            "shared-folder",
            format!("our folder lies on `{filesystem}`"),
        ));
    }
    checks
}

fn partitions(text: &str, options: &SlurmOptions) -> Check {
    // Name, availability, state, number of machines.
    let lines: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("partition "))
        .map(|line| line.split_ascii_whitespace().collect())
        .filter(|words: &Vec<&str>| words.len() == 4)
        .collect();
    let mut names: Vec<&str> = lines.iter().map(|words| words[0]).collect();
    names.dedup();
    if let Some(wanted) = &options.partition
        && !names.contains(&wanted.as_str())
    {
        return Check::failed(
            "partition",
            format!("there is no partition `{wanted}`; there is {}", names.join(", ")),
            "attach with another `--partition`",
        );
    }
    let usable = |words: &&Vec<&str>| {
        let wanted = options.partition.as_ref().is_none_or(|wanted| wanted == words[0]);
        let state = words[2].trim_end_matches(['*', '~', '#', '$', '@', '+']);
        wanted
            && words[1] == "up"
            && matches!(state, "idle" | "mixed" | "allocated" | "completing" | "planned")
    };
    let shown = names.join(", ");
    if lines.iter().any(|words| usable(&words)) {
        Check::ok("partition", shown)
    } else {
        Check::warning(
            "partition",
            format!(
                "no machine of {} takes jobs now",
                options.partition.as_deref().unwrap_or(&shown)
            ),
            "runs wait until one does; `sinfo -R` says why machines are down or drained",
        )
    }
}

#[cfg(test)]
mod tests {
    use outhaul_types::CheckStatus;

    use super::*;

    const GOOD: &str = "version slurm-wlm 22.05.8\nping Slurmctld(primary) at host is UP \npartition main up idle 2\npartition gpu up drained 1\nnodes 3\nfilesystem nfs\n";

    fn status(text: &str, options: &SlurmOptions, name: &str) -> CheckStatus {
        let checks = cluster_checks(text, options);
        checks.iter().find(|check| check.name == name).unwrap().status
    }

    #[test]
    fn a_cluster_is_judged() {
        let any = SlurmOptions::default();
        let on = |name: &str| SlurmOptions {
            partition: Some(name.into()),
            ..SlurmOptions::default()
        };
        for name in ["slurm", "controller", "partition", "shared-folder"] {
            assert_eq!(status(GOOD, &any, name), CheckStatus::Ok, "{name}");
        }
        assert_eq!(status(GOOD, &on("gpu"), "partition"), CheckStatus::Warning);
        assert_eq!(status(GOOD, &on("none"), "partition"), CheckStatus::Failed);
        assert_eq!(status("missing\n", &any, "slurm"), CheckStatus::Failed);
        let down = GOOD.replace("is UP", "is DOWN");
        assert_eq!(status(&down, &any, "controller"), CheckStatus::Failed);
        let alone = GOOD.replace("nfs", "ext2/ext3");
        assert_eq!(status(&alone, &any, "shared-folder"), CheckStatus::Warning);
        assert_eq!(
            status(&alone.replace("nodes 3", "nodes 1"), &any, "shared-folder"),
            CheckStatus::Ok
        );
    }
}
