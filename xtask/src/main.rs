//! Tasks of the repository: `cargo xtask test`, `bench`, `fuzz`, `openapi`, `wheel`. This file reads the arguments.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool that talks to the person who works on Outhaul"
)]

mod args;
mod bench;
mod fuzz;
mod http;
mod licences;
mod openapi;
mod python;
mod repo;
mod server;
mod shell;
mod temp;
mod test;
mod wheel;

use std::process::ExitCode;

const HELP: &str = "Tasks of the repository

Usage: cargo xtask test [--full] [--only STEP]... [--list]
       cargo xtask fuzz [TARGET]... [--seconds N]
       cargo xtask openapi [--check]
       cargo xtask wheel [--debug] [--out DIR]
       cargo xtask bench [--quick] [--peers] [--only PART]... [--program PATH] [--format text|json]

  test     Install what is missing, then run every check and every test
             --full       the long form of the tests that have one (OUTHAUL_TEST_FULL=1)
             --only STEP  only this step; may be repeated
             --list       name the steps
  fuzz     Fuzz the parsers of untrusted input, each for N seconds (60)
  openapi  Write docs/openapi.json, or with --check compare it with what the server answers
  wheel    Build the wheels for `pip install`
             --debug      with the program as tests have it, which is built sooner
             --out DIR    write them into this folder rather than the target folder's `wheels`
  bench    Print ratios measured against plain tools in the same run
             --quick      fewer rounds
             --peers      also install and measure other launchers of runs
             --only PART  only this part: start, throughput, snapshot, cli, idle, remote, python, mlflow, scoring, slurm,
                          spark, peers
             --program PATH  measure this program rather than the one that is built here";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    let done = match task.as_str() {
        _ if words.iter().any(|word| word == "--help" || word == "-h") => help(),
        "test" => test::main(words),
        "fuzz" => fuzz::main(words),
        "openapi" => openapi::main(words),
        "bench" => bench::main(words),
        "wheel" => wheel::main(words),
        "" | "help" | "--help" | "-h" => help(),
        other => Err(anyhow::anyhow!(
            "there is no task `{other}`; `cargo xtask help` names all"
        )),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Every task answers with the exit code; an error is a fault of the call or of the machine.
type Done = anyhow::Result<ExitCode>;

#[expect(
    clippy::unnecessary_wraps,
    reason = "one of the tasks, which all answer alike"
)]
fn help() -> Done {
    println!("{HELP}");
    Ok(ExitCode::SUCCESS)
}
