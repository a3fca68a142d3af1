//! What `sbatch` is given, and how a run starts on several machines. Pure.

use std::fmt::Write as _;

use outhaul_host::run_dir::{names, quote};
use outhaul_types::{Resources, RunKey};

use crate::layer::SlurmOptions;

/// Sets the variables by which the processes of one run find each other (as `torchrun` and `torch.distributed` read
/// them), and starts one process on each machine.
const RENDEZVOUS: &str = r#"nodes=$1; shift
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
WORLD_SIZE=$nodes
export MASTER_ADDR MASTER_PORT WORLD_SIZE
if [ "$nodes" -eq 1 ]; then export RANK=0 NODE_RANK=0 LOCAL_RANK=0; exec "$@"; fi
exec srun --nodes="$nodes" --ntasks="$nodes" --ntasks-per-node=1 --kill-on-bad-exit=1 \
    sh -c 'export RANK=$SLURM_PROCID NODE_RANK=$SLURM_NODEID LOCAL_RANK=0; exec "$@"' sh "$@""#;

/// The command as it is started when machines were asked for by number; as it is otherwise.
pub(crate) fn on_nodes(argv: Vec<String>, resources: &Resources) -> Vec<String> {
    let Some(nodes) = resources.nodes else {
        return argv;
    };
    let head = ["sh", "-c", RENDEZVOUS, "sh"].map(str::to_owned);
    head.into_iter().chain([nodes.to_string()]).chain(argv).collect()
}

/// The batch script of a run.
pub(crate) fn script(
    key: &RunKey,
    run_dir: &str,
    resources: &Resources,
    options: &SlurmOptions,
    max_duration_seconds: Option<u64>,
) -> String {
    let mut text = String::from("#!/bin/sh\n");
    let mut line = |option: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#SBATCH {option}");
    };
    line(&format!("--job-name={key}"));
    line(&format!("--comment=outhaul:{key}"));
    // In a file name, `%` begins a pattern.
    line(&format!(
        "--output={}",
        quoted(&format!("{run_dir}/slurm.log").replace('%', "%%"))
    ));
    line("--open-mode=append");
    // Started anew it would find the claim and end: a repetition is a run of its own.
    line("--no-requeue");
    line(&format!("--nodes={}", resources.nodes.unwrap_or(1)));
    line("--ntasks-per-node=1");
    if let Some(cpus) = resources.cpus {
        line(&format!("--cpus-per-task={cpus}"));
    }
    if let Some(gpus) = resources.gpus {
        line(&format!("--gres=gpu:{gpus}"));
    }
    if let Some(bytes) = resources.memory_bytes {
        line(&format!("--mem={}K", bytes.div_ceil(1024)));
    }
    // Ours ends it politely at its own limit; the scheduler's comes a little later.
    let limit = resources
        .time_seconds
        .or_else(|| max_duration_seconds.map(|seconds| seconds + 120));
    if let Some(seconds) = limit {
        line(&format!("--time={}", seconds.div_ceil(60)));
    }
    for (name, value) in [
        (
            "partition",
            resources.partition.as_ref().or(options.partition.as_ref()),
        ),
        ("account", options.account.as_ref()),
        ("qos", options.qos.as_ref()),
    ] {
        if let Some(value) = value {
            line(&format!("--{name}={}", quoted(value)));
        }
    }
    let dir = quote(run_dir);
    let _ = writeln!(
        text,
        "exec sh {dir}/{} supervise {dir}",
        names::CLUSTER_SUPERVISOR
    );
    text
}

/// A value as the options in a batch script take it.
fn quoted(value: &str) -> String {
    if value
        .chars()
        .any(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | '#'))
    {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use outhaul_types::RunId;

    use super::*;

    fn key() -> RunKey {
        "k3v9x2m4q7t0b8wz".parse::<RunId>().unwrap().key(1)
    }

    #[test]
    fn what_is_asked_for_stands_in_the_script() {
        let resources = Resources {
            nodes: Some(2),
            cpus: Some(4),
            gpus: Some(1),
            memory_bytes: Some(8 << 30),
            time_seconds: Some(7200),
            partition: Some("gpu".into()),
        };
        let options = SlurmOptions {
            partition: Some("main".into()),
            account: Some("lab 1".into()),
            qos: None,
            slots: 1,
        };
        let text = script(
            &key(),
            "/home/my me/.outhaul/s/runs/k-1",
            &resources,
            &options,
            None,
        );
        let expected = "#!/bin/sh
#SBATCH --job-name=k3v9x2m4q7t0b8wz-1
#SBATCH --comment=outhaul:k3v9x2m4q7t0b8wz-1
#SBATCH --output=\"/home/my me/.outhaul/s/runs/k-1/slurm.log\"
#SBATCH --open-mode=append
#SBATCH --no-requeue
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --gres=gpu:1
#SBATCH --mem=8388608K
#SBATCH --time=120
#SBATCH --partition=gpu
#SBATCH --account=\"lab 1\"
exec sh '/home/my me/.outhaul/s/runs/k-1'/supervise.sh supervise '/home/my me/.outhaul/s/runs/k-1'
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_clusters_own_limits_hold_where_nothing_is_asked() {
        let text = script(
            &key(),
            "/r",
            &Resources::default(),
            &SlurmOptions::default(),
            None,
        );
        for option in ["--time", "--mem", "--partition", "--gres", "--cpus"] {
            assert!(!text.contains(option), "{option}");
        }
        let limited = script(
            &key(),
            "/r",
            &Resources::default(),
            &SlurmOptions::default(),
            Some(60),
        );
        assert!(limited.contains("--time=3\n"), "{limited}");
    }

    #[test]
    fn a_command_is_wrapped_only_for_a_number_of_machines() {
        let argv = vec!["python".to_owned(), "a.py".to_owned()];
        assert_eq!(on_nodes(argv.clone(), &Resources::default()), argv);
        let two = Resources {
            nodes: Some(2),
            ..Resources::default()
        };
        let wrapped = on_nodes(argv, &two);
        assert_eq!(wrapped[..2], ["sh", "-c"]);
        assert_eq!(wrapped[3..], ["sh", "2", "python", "a.py"]);
    }
}
