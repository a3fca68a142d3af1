//! Snapshots of a big folder, against copying it and against one walk with `stat`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::machine::Machine;
use super::sample::{alternate, time};
use super::table::{Aim, Row};
use crate::repo;
use crate::temp::Temp;

/// Bytes of each file.
pub const SIZE: usize = 10_000;

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let files = if machine.quick { 2_000 } else { 20_000 };
    let scratch = Temp::new("snapshot")?;
    let folder = scratch.path().join("folder");
    make(&folder, files, 0)?;
    let mut taker = Taker::start(machine, &folder, &scratch.path().join("taken"))?;

    let mut number = 0;
    let copy = scratch.path().join("copy");
    let first = alternate(
        machine.rounds(5),
        || {
            number += 1;
            taker.take(&format!("first{number}"), files, files)
        },
        || {
            let took = time(machine.command("cp").arg("-a").arg(&folder).arg(&copy))?;
            std::fs::remove_dir_all(&copy)?;
            Ok(took)
        },
    )?;
    let find = || {
        time(
            machine
                .command("find")
                .arg(&folder)
                .args(["-printf", "%p %s %T@ %i %m\\n"]),
        )
    };
    let (rounds, name) = (machine.rounds(21), "first1");
    // Twice: a file that was written just before a snapshot is read once more by the next one.
    taker.take_any(name)?;
    taker.take_any(name)?;
    let unchanged = alternate(rounds, || taker.take(name, files, 0), find)?;
    let mut changes = 0_u32;
    let changed = alternate(
        rounds,
        || {
            changes += 1;
            std::fs::write(folder.join("7/7.txt"), format!("change {changes}"))?;
            taker.take_any(name)
        },
        find,
    )?;
    let what = format!("snapshot of {files} files, {} MB", files * SIZE / 1_000_000);
    let walk = "`find -printf` with stat";
    Ok(vec![
        Row::pair(format!("{what}, the first"), "`cp -a`", first),
        Row::pair(format!("{what}, unchanged"), walk, unchanged).aim(Aim::RatioAtMost(2.0)),
        Row::pair(format!("{what}, one file changed"), walk, changed),
    ])
}

/// Files with contents that differ, and others with each seed.
pub fn make(folder: &Path, files: usize, seed: u64) -> Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed << 1);
    for number in 0..files {
        let inner = folder.join((number % 200).to_string());
        if number < 200 {
            std::fs::create_dir_all(&inner)?;
        }
        let mut bytes = Vec::with_capacity(SIZE + 8);
        while bytes.len() < SIZE {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        std::fs::write(inner.join(format!("{number}.txt")), &bytes[..SIZE])?;
    }
    Ok(())
}

/// A process that takes a snapshot when it is told to.
struct Taker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Taker {
    fn start(machine: &Machine, folder: &Path, scratch: &Path) -> Result<Self> {
        let mut command = repo::clean(machine.measure());
        command
            .arg("snapshot")
            .arg(folder)
            .arg(scratch)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self {
            input: child.stdin.take(),
            output,
            child,
        })
    }

    /// Takes one and checks how many files it has and how many of them were read.
    fn take(&mut self, name: &str, files: usize, read: usize) -> Result<f64> {
        let told = self.ask(name)?;
        ensure!(
            told[1..] == [files as u64, read as u64],
            "of {files} files and {read} to be read: {told:?}"
        );
        Ok(told[0] as f64 / 1e9)
    }

    fn take_any(&mut self, name: &str) -> Result<f64> {
        Ok(self.ask(name)?[0] as f64 / 1e9)
    }

    fn ask(&mut self, name: &str) -> Result<[u64; 3]> {
        let input = self.input.as_mut().context("no standard input")?;
        writeln!(input, "take {name}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let numbers: Vec<u64> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        numbers
            .try_into()
            .map_err(|_| anyhow::anyhow!("the process that takes snapshots ended"))
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.child.wait() {
            eprintln!("{error}");
        }
    }
}
