//! What the Python package costs: importing it, asking the server, submitting a run.

use anyhow::{Context as _, Result};

use super::machine::Machine;
use super::sample::Samples;
use super::table::{Aim, Row};
use crate::server::Server;
use crate::shell;

/// What is timed, and what it must stay below, in seconds. The first statement is not timed.
const WHAT: [(&str, &str, &str, f64); 5] = [
    ("`import outhaul`", "", "import outhaul", 0.050),
    (
        "`from outhaul import Workspace`",
        "",
        "from outhaul import Workspace",
        0.050,
    ),
    (
        "`ws.runs()`",
        "import outhaul; ws = outhaul.Workspace(); ws.runs()",
        "ws.runs()",
        0.050,
    ),
    (
        "`ws.run(\"hi.py\")`",
        "import outhaul; ws = outhaul.Workspace(); ws.run(\"hi.py\").wait()",
        "ws.run(\"hi.py\")",
        0.100,
    ),
    ("10,000 × `run.log()` in a run", IN_A_RUN, LOGGED, 0.5),
];

/// A process as a run has it, whose metrics file is a temporary one.
const IN_A_RUN: &str = "import os, tempfile; folder = tempfile.TemporaryDirectory()
os.environ.update(OUTHAUL_RUN_ID=\"0000000000000001\", OUTHAUL_RUN_DIR=folder.name)
from outhaul.run import Run
run = Run.get_context(allow_offline=False)";
const LOGGED: &str = "for step in range(10000): run.log(\"loss\", 0.5, step=step)";

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let outhaul = machine.outhaul()?;
    outhaul.start()?;
    let mut rows = Vec::new();
    for (what, before, timed, limit) in WHAT {
        // Once without counting: the compiled modules are written.
        seconds(machine, &outhaul, before, timed)?;
        let mut samples = Samples::default();
        for _ in 0..machine.rounds(21) {
            samples.add(seconds(machine, &outhaul, before, timed)?);
        }
        rows.push(
            Row::time(what, samples)
                .aim(Aim::Below(limit))
                .note("within a Python that runs already"),
        );
    }
    Ok(rows)
}

/// How long a statement takes, by the clock of the Python that runs it.
fn seconds(machine: &Machine, outhaul: &Server, before: &str, timed: &str) -> Result<f64> {
    let code = format!(
        "import time\n{before}\nbegin = time.perf_counter()\n{timed}\nprint(time.perf_counter() - begin)"
    );
    let mut command = machine.command(&machine.python);
    command
        .args(["-c", &code])
        .env("PYTHONPATH", machine.repo.root.join("python"))
        .env("OUTHAUL_HOME", outhaul.home())
        .env("OUTHAUL_BIN", machine.program());
    let told = shell::output(&mut command)?;
    told.trim().parse().context("Python tells no time")
}
