//! Many small runs, two at a time, against `xargs -P2`.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::machine::Machine;
use super::sample::{alternate, time};
use super::table::{Aim, Row};
use crate::server::Server;
use crate::shell;

const WORKERS: usize = 2;

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let (count, rounds) = if machine.quick { (100, 3) } else { (500, 5) };
    let outhaul = machine.outhaul()?;
    let script = machine.script();
    let script = script.to_string_lossy();
    let first = shell::output(&mut outhaul.command(&["run", "--detach", &script]))?;
    shell::output(&mut outhaul.command(&["runs", "wait", first.trim()]))?;
    let told = outhaul.answer(&["runs", "show", first.trim()])?;
    let mut expected = 1;

    let by_command = alternate(
        rounds,
        || {
            expected += count;
            by_command(&outhaul, &script, count)
        },
        || xargs(machine, count),
    )?;
    let mut number = 0;
    let by_api = alternate(
        rounds,
        || {
            expected += count;
            by_api(&outhaul, &told, &mut number, count)
        },
        || xargs(machine, count),
    )?;
    let list = outhaul.answer(&["runs", "list", "--limit", "0", "--state", "Completed"])?;
    let completed = list.as_array().map_or(0, Vec::len);
    ensure!(
        completed == expected,
        "{expected} runs were submitted, {completed} are completed"
    );
    let against = format!("`xargs -P{WORKERS} python hi.py`");
    let all = "from the first submission to the last end; every run was durable, and completed";
    let aim = Aim::ThroughputAtLeast(0.6);
    Ok(vec![
        Row::pair(
            format!("{count} × `outhaul run --detach`, {WORKERS} at a time"),
            &against,
            by_command,
        )
        .aim(aim)
        .note(all),
        Row::pair(
            format!("{count} runs submitted by one process over the API"),
            &against,
            by_api,
        )
        .aim(aim)
        .note(all),
    ])
}

fn xargs(machine: &Machine, count: usize) -> Result<f64> {
    let mut command = machine.command("sh");
    let line = format!("seq {count} | xargs -P{WORKERS} -I@ \"$0\" \"$1\"");
    time(
        command
            .arg("-c")
            .arg(line)
            .arg(&machine.python)
            .arg(machine.script()),
    )
}

fn by_command(outhaul: &Server, script: &str, count: usize) -> Result<f64> {
    let submit = |count: usize| -> Result<Vec<String>> {
        (0..count)
            .map(|_| {
                Ok(shell::output(&mut outhaul.command(&["run", "--detach", script]))?
                    .trim()
                    .to_owned())
            })
            .collect()
    };
    let start = Instant::now();
    let ids = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| scope.spawn(|| submit(count / WORKERS)))
            .collect();
        let mut ids = Vec::new();
        for worker in workers {
            ids.extend(
                worker
                    .join()
                    .map_err(|_| anyhow::anyhow!("a worker panicked"))??,
            );
        }
        anyhow::Ok(ids)
    })?;
    wait(outhaul, &ids)?;
    Ok(start.elapsed().as_secs_f64())
}

fn by_api(outhaul: &Server, run: &Value, number: &mut u64, count: usize) -> Result<f64> {
    let spec = run.get("spec").context("`runs show` has no `spec`")?;
    let start = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..count {
        *number += 1;
        let id = format!("{number:016}");
        let body = json!({
            "id": id,
            "experiment": run["experiment"],
            "command": spec["command"],
            "snapshot": spec["snapshot"],
            "environment": {"kind": "spec", "spec": spec["environment"]},
        });
        outhaul.request("POST", "/api/v1/runs", Some(&body))?;
        ids.push(id);
    }
    wait(outhaul, &ids)?;
    Ok(start.elapsed().as_secs_f64())
}

fn wait(outhaul: &Server, ids: &[String]) -> Result<()> {
    let mut words = vec!["runs", "wait"];
    words.extend(ids.iter().map(String::as_str));
    shell::output(&mut outhaul.command(&words)).map(drop)
}
