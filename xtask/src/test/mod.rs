//! `cargo xtask test`: the steps, one after the other, and what came of them.

mod steps;
mod tools;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Done;
use crate::args::{Args, check_names};
use crate::repo::Repo;
use crate::server::Server;

/// What a step needs to know.
pub struct Context {
    /// The repository.
    pub repo: Repo,
    /// A data folder for whatever does not bring its own, so that nobody's own one is touched. A server that a
    /// test left there ends with it.
    pub home: Server,
    /// Whether the long form of the tests is asked for.
    pub full: bool,
}

/// How a step ended, if not by an error.
pub enum Outcome {
    /// All of it was done, and passed.
    Passed,
    /// It cannot be done on this machine, for this reason.
    NotRun(String),
}

/// One step.
pub struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Context) -> Result<Outcome>,
}

/// `cargo xtask test`.
pub fn main(words: Vec<String>) -> Done {
    let mut args = Args::new(words);
    let (list, full) = (args.flag("--list"), args.flag("--full"));
    let only = args.values("--only")?;
    args.end()?;
    check_names("step", &only, &steps::ALL.map(|step| step.name))?;
    if list {
        for step in steps::ALL {
            println!("{:<10} {}", step.name, step.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let repo = Repo::find()?;
    let home = Server::new(repo.built("debug", "outhaul"))?;
    let context = Context { repo, home, full };
    tools::install_what_is_missing(&context.repo);
    let chosen = steps::ALL
        .iter()
        .filter(|step| only.is_empty() || only.iter().any(|name| name == step.name));
    let results: Vec<_> = chosen.map(|step| (step, run(step, &context))).collect();
    Ok(report(&results, full))
}

struct Ended {
    outcome: Result<Outcome>,
    took: Duration,
}

fn run(step: &Step, context: &Context) -> Ended {
    println!("\n== {}: {}", step.name, step.what);
    let start = Instant::now();
    let outcome = (step.run)(context);
    match &outcome {
        Ok(Outcome::Passed) => {}
        Ok(Outcome::NotRun(why)) => println!("not run: {why}"),
        // Behind what the step itself wrote, also when the streams go to different places.
        Err(error) => println!("error: {error:#}"),
    }
    Ended {
        outcome,
        took: start.elapsed(),
    }
}

fn report(results: &[(&Step, Ended)], full: bool) -> ExitCode {
    println!("\n== summary");
    let (mut passed, mut failed) = (0, Vec::new());
    for (step, Ended { outcome, took }) in results {
        let told = match outcome {
            Ok(Outcome::Passed) => {
                passed += 1;
                "passed".to_owned()
            }
            Ok(Outcome::NotRun(why)) => format!("not run: {why}"),
            Err(_) => {
                failed.push(step.name);
                "FAILED".to_owned()
            }
        };
        println!("{:<10} {:>7.1} s  {told}", step.name, took.as_secs_f64());
    }
    let total: Duration = results.iter().map(|(_, ended)| ended.took).sum();
    println!("{:<10} {:>7.1} s", "all", total.as_secs_f64());
    for name in &failed {
        let full = if full { " --full" } else { "" };
        println!("`{name}` failed; alone: cargo xtask test{full} --only {name}");
    }
    println!("steps: {passed} passed, {} failed", failed.len());
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
