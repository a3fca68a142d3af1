//! `cargo xtask fuzz`: builds the fuzz targets with the stable compiler and runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::args::{Args, check_names};
use crate::repo::Repo;
use crate::temp::Temp;
use crate::{Done, shell};

/// All fuzz targets.
pub const TARGETS: [&str; 6] = ["api_body", "metrics_line", "records", "spec_file", "sse", "tree"];

/// Coverage as libFuzzer wants it. These are flags of LLVM, so no nightly compiler is needed.
const COVERAGE: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Where interesting inputs go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Corpus {
    /// Nowhere: every call starts from the seeds alone.
    Fresh,
    /// To `fuzz/corpus`, so that the next call goes on from there.
    Kept,
}

/// `cargo xtask fuzz`.
pub fn main(words: Vec<String>) -> Done {
    let mut args = Args::new(words);
    let seconds = args.value("--seconds")?.unwrap_or_else(|| "60".into());
    let seconds = seconds
        .parse()
        .with_context(|| format!("`{seconds}` is no number of seconds"))?;
    let mut targets = args.words()?;
    check_names("fuzz target", &targets, &TARGETS)?;
    if targets.is_empty() {
        targets = TARGETS.map(str::to_owned).to_vec();
    }
    run(
        &Repo::find()?,
        &targets,
        Duration::from_secs(seconds),
        Corpus::Kept,
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the targets and runs each of them for some time, all of them even when one finds something.
pub fn run(repo: &Repo, targets: &[String], time: Duration, corpus: Corpus) -> Result<()> {
    let programs = build(repo)?;
    let mut found = Vec::new();
    for target in targets {
        match run_one(repo, &programs.join(target), target, time, corpus) {
            Ok(told) => println!("{target}: {told}"),
            Err(error) => found.push(format!("{target}: {error:#}")),
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        bail!("{}", found.join("\n"))
    }
}

/// The folder of the programs.
fn build(repo: &Repo) -> Result<PathBuf> {
    let compiler = shell::output(repo.command("rustc").arg("-vV"))?;
    let host = compiler
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc names no host")?;
    let target = repo.target.join("fuzz");
    let mut command = repo.cargo();
    // With a target named, the flags are not used for build scripts, which have no libFuzzer to link with.
    command.args([
        "build",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--bins",
        "--target",
        host,
    ]);
    command
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", COVERAGE)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    shell::run(&mut command)?;
    Ok(target.join(host).join("debug"))
}

fn run_one(repo: &Repo, program: &Path, target: &str, time: Duration, corpus: Corpus) -> Result<String> {
    let fuzz = repo.root.join("fuzz");
    let scratch = Temp::new("fuzz")?;
    let inputs = match corpus {
        Corpus::Fresh => scratch.path().join("corpus"),
        Corpus::Kept => fuzz.join("corpus").join(target),
    };
    let crashes = fuzz.join("artifacts").join(target);
    std::fs::create_dir_all(&inputs)?;
    std::fs::create_dir_all(&crashes)?;
    let log = scratch.path().join("log");
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={}", time.as_secs().max(1)))
        .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .args([&inputs, &fuzz.join("seeds").join(target)])
        .current_dir(scratch.path())
        // The frames are libFuzzer's; what panicked says where it is.
        .env("RUST_BACKTRACE", "0")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::fs::File::create(&log)?);
    let status = command
        .status()
        .with_context(|| format!("`{}` cannot be started", program.display()))?;
    let told = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    if status.success() {
        return Ok(statistics(&told));
    }
    let input = told.lines().find_map(|line| {
        line.split_once("Test unit written to ")
            .map(|(_, path)| path.trim())
    });
    let again = match input {
        Some(path) => format!("the input is {path}; again: {} {path}", program.display()),
        None => shell::shown(&command),
    };
    bail!("{status}\n{}\n{again}", last_lines(&told, 30))
}

/// How much was done, from what libFuzzer says at its end.
fn statistics(told: &str) -> String {
    let number = |name: &str| {
        let line = told.lines().rev().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().to_owned())
    };
    let runs = number("stat::number_of_executed_units:").unwrap_or_else(|| "0".into());
    let edges = told
        .lines()
        .rev()
        .find_map(|line| line.split("cov: ").nth(1)?.split(' ').next());
    format!("{runs} inputs, {} edges, nothing found", edges.unwrap_or("no"))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_read() {
        let log = "#2\tINITED cov: 12 ft: 13\n#500 DONE   cov: 34 ft: 50 corp: 3\nstat::number_of_executed_units: 500\n";
        assert_eq!(statistics(log), "500 inputs, 34 edges, nothing found");
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
    }
}
