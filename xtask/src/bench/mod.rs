//! `cargo xtask bench`: what Outhaul costs, as ratios to plain tools measured in the same run.

mod cli;
mod idle;
mod limit;
mod machine;
mod mlflow;
mod peers;
mod port;
mod python;
mod remote;
mod sample;
mod scoring;
mod slurm;
mod snapshot;
mod spark;
mod start;
mod table;
mod throughput;
mod venv;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::Done;
use crate::args::{Args, check_names};
use machine::Machine;
use table::Row;

type Part = fn(&Machine) -> Result<Vec<Row>>;

const PARTS: [(&str, Part); 12] = [
    ("start", start::measure),
    ("throughput", throughput::measure),
    ("snapshot", snapshot::measure),
    ("cli", cli::measure),
    ("idle", idle::measure),
    ("remote", remote::measure),
    ("python", python::measure),
    ("mlflow", mlflow::measure),
    ("scoring", scoring::measure),
    ("slurm", slurm::measure),
    ("spark", spark::measure),
    ("peers", peers::measure),
];

/// `cargo xtask bench`.
pub fn main(words: Vec<String>) -> Done {
    let mut args = Args::new(words);
    let (quick, with_peers) = (args.flag("--quick"), args.flag("--peers"));
    let only = args.values("--only")?;
    let program = args.value("--program")?.map(std::path::PathBuf::from);
    let format = args.value("--format")?.unwrap_or_else(|| "text".into());
    args.end()?;
    check_names("part", &only, &PARTS.map(|(name, _)| name))?;
    if !["text", "json"].contains(&format.as_str()) {
        bail!("there is no format `{format}`; there are: text, json");
    }
    let machine = Machine::set_up(quick, program)?;
    let mut rows = Vec::new();
    let mut lost = false;
    for (name, measure) in PARTS {
        let chosen = if only.is_empty() {
            // A cluster needs root and its packages, and servers of others are large: they are measured when asked for.
            !["mlflow", "scoring", "slurm", "spark"].contains(&name) && (name != "peers" || with_peers)
        } else {
            only.iter().any(|part| part == name)
        };
        if !chosen {
            continue;
        }
        eprintln!("measuring: {name}");
        match measure(&machine) {
            Ok(measured) => rows.extend(measured),
            // What was measured so far is worth showing.
            Err(error) => {
                lost = true;
                eprintln!("error: {name} could not be measured: {error:#}");
            }
        }
    }
    let text = if format == "json" {
        table::json(&rows)?
    } else {
        table::markdown(&rows, &machine.described())
    };
    println!("{text}");
    Ok(if lost {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
