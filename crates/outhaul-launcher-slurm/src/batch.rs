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

/// Whose batch script it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// That of one run.
    Run { key: &'a RunKey, run_dir: &'a str },
    /// That of runs of an array, which finds each run's folder by a link in the folder of the array.
    Array {
        name: &'a str,
        folder: &'a str,
        indexes: &'a str,
    },
}

impl Place<'_> {
    /// The options that differ from place to place.
    fn options(self) -> Vec<String> {
        let (name, log) = match self {
            Self::Run { key, run_dir } => (key.to_string(), escaped(&format!("{run_dir}/slurm.log"))),
            Self::Array { name, folder, .. } => {
                (name.to_owned(), format!("{}/%a/slurm.log", escaped(folder)))
            }
        };
        let mut options = vec![
            format!("--job-name={name}"),
            format!("--comment={COMMENT}{name}"),
            format!("--output={}", quoted(&log)),
        ];
        if let Self::Array { indexes, .. } = self {
            options.push(format!("--array={indexes}"));
        }
        options
    }

    fn command(self) -> String {
        let supervisor = names::CLUSTER_SUPERVISOR;
        match self {
            Self::Run { run_dir, .. } => {
                let dir = quote(run_dir);
                format!("exec sh {dir}/{supervisor} supervise {dir}\n")
            }
            Self::Array { folder, .. } => format!(
                "cd {}/\"$SLURM_ARRAY_TASK_ID\" && dir=$(pwd -P) && exec sh \"$dir/{supervisor}\" supervise \"$dir\"\n",
                quote(folder)
            ),
        }
    }
}

/// What a job's comment begins with.
pub(crate) const COMMENT: &str = "outhaul:";

/// In a file name, `%` begins a pattern.
fn escaped(path: &str) -> String {
    path.replace('%', "%%")
}

/// The batch script of a run.
pub(crate) fn script(
    place: Place<'_>,
    resources: &Resources,
    options: &SlurmOptions,
    max_duration_seconds: Option<u64>,
) -> String {
    let mut lines = vec![
        "--open-mode=append".to_owned(),
        // Started anew it would find the claim and end: a repetition is a run of its own.
        "--no-requeue".to_owned(),
        format!("--nodes={}", resources.nodes.unwrap_or(1)),
        "--ntasks-per-node=1".to_owned(),
    ];
    if let Some(cpus) = resources.cpus {
        lines.push(format!("--cpus-per-task={cpus}"));
    }
    if let Some(gpus) = resources.gpus {
        lines.push(format!("--gres=gpu:{gpus}"));
    }
    if let Some(bytes) = resources.memory_bytes {
        lines.push(format!("--mem={}K", bytes.div_ceil(1024)));
    }
    // Ours ends it politely at its own limit; the scheduler's comes a little later.
    let limit = resources
        .time_seconds
        .or_else(|| max_duration_seconds.map(|seconds| seconds + 120));
    if let Some(seconds) = limit {
        lines.push(format!("--time={}", seconds.div_ceil(60)));
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
            lines.push(format!("--{name}={}", quoted(value)));
        }
    }
    whole(place, lines.iter().map(String::as_str))
}

/// The same batch script for another place.
pub(crate) fn moved(script: &str, place: Place<'_>) -> String {
    const OF_THE_PLACE: [&str; 4] = ["--job-name=", "--comment=", "--output=", "--array="];
    let kept = script
        .lines()
        .filter_map(|line| line.strip_prefix(OPTION))
        .filter(|option| !OF_THE_PLACE.iter().any(|start| option.starts_with(start)));
    whole(place, kept)
}

/// What a line with an option begins with.
const OPTION: &str = "#SBATCH ";

fn whole<'a>(place: Place<'_>, options: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("#!/bin/sh\n");
    let mut line = |option: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{OPTION}{option}");
    };
    place.options().iter().for_each(|option| line(option));
    options.for_each(&mut line);
    text + &place.command()
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
        let key = key();
        let place = Place::Run {
            key: &key,
            run_dir: "/home/my me/.outhaul/s/runs/k-1",
        };
        let text = script(place, &resources, &options, None);
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

        let array = moved(
            &text,
            Place::Array {
                name: "k3v9x2m4q7t0b8wz-1f",
                folder: "/my me/arrays/k3v9x2m4q7t0b8wz-1f",
                indexes: "0-9",
            },
        );
        for line in [
            "#SBATCH --job-name=k3v9x2m4q7t0b8wz-1f\n#SBATCH --comment=outhaul:k3v9x2m4q7t0b8wz-1f\n",
            "#SBATCH --output=\"/my me/arrays/k3v9x2m4q7t0b8wz-1f/%a/slurm.log\"\n#SBATCH --array=0-9\n",
            "#SBATCH --nodes=2\n",
            "#SBATCH --account=\"lab 1\"\ncd '/my me/arrays/k3v9x2m4q7t0b8wz-1f'/\"$SLURM_ARRAY_TASK_ID\" && ",
        ] {
            assert!(array.contains(line), "{line}: {array}");
        }
        assert_eq!(moved(&array, place), text, "and back");
    }

    #[test]
    fn the_clusters_own_limits_hold_where_nothing_is_asked() {
        let key = key();
        let place = Place::Run {
            key: &key,
            run_dir: "/r",
        };
        let text = script(place, &Resources::default(), &SlurmOptions::default(), None);
        for option in ["--time", "--mem", "--partition", "--gres", "--cpus"] {
            assert!(!text.contains(option), "{option}");
        }
        let limited = script(place, &Resources::default(), &SlurmOptions::default(), Some(60));
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
