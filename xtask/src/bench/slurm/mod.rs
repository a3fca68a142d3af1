//! Jobs that do nothing on a real Slurm cluster on this machine: through Outhaul, every run followed to its end, against
//! `sbatch` by hand.

mod cluster;

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use self::cluster::Cluster;
use super::machine::Machine;
use super::sample::{alternate, time};
use super::table::{Aim, Row};
use crate::server::Server;
use crate::{repo, shell};

/// How often `squeue` is asked by hand.
const ASKED: &str = "0.5";

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let (count, rounds) = if machine.quick { (100, 1) } else { (500, 3) };
    let cluster = Cluster::start()?;
    let outhaul = machine
        .outhaul()?
        .with_variable("SLURM_CONF", cluster.conf().into_os_string());
    shell::output(&mut outhaul.command(&["target", "attach", "slurm", "hpc", "--local"]))?;
    let first = shell::output(&mut outhaul.command(&["run", "--target", "hpc", "--detach", "--", "true"]))?;
    shell::output(&mut outhaul.command(&["runs", "wait", first.trim()]))?;
    let told = outhaul.answer(&["runs", "show", first.trim()])?;
    let mut number = 0;
    let mut expected = 1;

    let single = alternate(
        rounds,
        || {
            expected += count;
            single(&outhaul, &told, &mut number, count)
        },
        || {
            by_hand(
                &cluster,
                &format!(
                    "for i in $(seq {count}); do sbatch --parsable --output=/dev/null --wrap true; done"
                ),
            )
        },
    )?;
    let array = alternate(
        rounds,
        || {
            expected += count;
            let indexes = format!("0-{}", count - 1);
            let words = ["run", "-q", "--target", "hpc", "--array", &indexes, "--", "true"];
            time(outhaul.command(&words).stdout(std::process::Stdio::null()))
        },
        || {
            by_hand(
                &cluster,
                &format!(
                    "sbatch --parsable --output=/dev/null --array=0-{} --wrap true",
                    count - 1
                ),
            )
        },
    )?;
    let list = outhaul.answer(&["runs", "list", "--limit", "0", "--state", "Completed"])?;
    let completed = list.as_array().map_or(0, Vec::len);
    ensure!(
        completed == expected,
        "{expected} runs were submitted, {completed} are completed"
    );
    let note = "from the first submission to the last end; every run was durable, followed and collected";
    Ok(vec![
        Row::pair(
            format!("{count} runs on a local Slurm, submitted one by one"),
            &format!("{count} × `sbatch --wrap true`, and `squeue` until all have ended"),
            single,
        )
        .aim(Aim::RatioAtMost(1.0))
        .note(note),
        Row::pair(
            format!("`outhaul run --array 0-{}` there", count - 1),
            &format!("`sbatch --array=0-{}`, the same way", count - 1),
            array,
        )
        .note(note),
    ])
}

/// Submits runs over the API, and waits for all.
fn single(outhaul: &Server, run: &Value, number: &mut u64, count: usize) -> Result<f64> {
    let spec = run.get("spec").context("`runs show` has no `spec`")?;
    let start = Instant::now();
    let mut words = vec!["runs".to_owned(), "wait".to_owned()];
    for _ in 0..count {
        *number += 1;
        let id = format!("{number:016}");
        let body = json!({
            "id": id,
            "experiment": run["experiment"],
            "target": "hpc",
            "command": spec["command"],
            "snapshot": spec["snapshot"],
            "environment": {"kind": "spec", "spec": spec["environment"]},
        });
        outhaul.request("POST", "/api/v1/runs", Some(&body))?;
        words.push(id);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    shell::output(&mut outhaul.command(&words))?;
    Ok(start.elapsed().as_secs_f64())
}

/// Submits by hand, and looks until no job is left.
fn by_hand(cluster: &Cluster, submit: &str) -> Result<f64> {
    let mut command = repo::clean("sh");
    command.env("SLURM_CONF", cluster.conf());
    let line = format!("{submit} > /dev/null && while [ -n \"$(squeue -h)\" ]; do sleep {ASKED}; done");
    time(command.args(["-c", &line]))
}
