//! The steps of `cargo xtask test`, in the order in which they run: the quick ones first.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Outcome::{NotRun, Passed};
use super::{Context, Outcome, Step, tools};
use crate::{fuzz, licences, openapi, python as pythons, shell};

/// How long each parser is fuzzed.
const SMOKE: Duration = Duration::from_secs(5);

/// All steps.
pub const ALL: [Step; 10] = [
    Step {
        name: "format",
        what: "rustfmt changes nothing",
        run: format,
    },
    Step {
        name: "licences",
        what: "dependencies are under allowed licences",
        run: licences,
    },
    Step {
        name: "types",
        what: "mypy has nothing to say, and nothing in the packages is newer than Python 3.8",
        run: types,
    },
    Step {
        name: "lint",
        what: "clippy has nothing to say",
        run: lint,
    },
    Step {
        name: "build",
        what: "everything compiles",
        run: build,
    },
    Step {
        name: "python",
        what: "tests of the Python package, with the program",
        run: python,
    },
    Step {
        name: "rust",
        what: "tests of all crates",
        run: rust,
    },
    Step {
        name: "doc",
        what: "examples in the documentation",
        run: doc,
    },
    Step {
        name: "generated",
        what: "generated files are current",
        run: generated,
    },
    Step {
        name: "fuzz",
        what: "parsers of untrusted input, for some seconds each",
        run: fuzz_smoke,
    },
];

impl Context {
    /// The command with the settings of a test: a data folder of its own, and the long form if asked for.
    fn for_test(&self, mut command: Command) -> Command {
        command.env("OUTHAUL_HOME", self.home.home());
        if self.full {
            command.env("OUTHAUL_TEST_FULL", "1");
        }
        command
    }
}

fn format(context: &Context) -> Result<Outcome> {
    let repo = &context.repo;
    if !shell::succeeds(repo.cargo().args(["fmt", "--version"])) {
        return Ok(NotRun("rustfmt is not installed".into()));
    }
    for scope in [&["--all"][..], &["--manifest-path", "fuzz/Cargo.toml"]] {
        let mut command = repo.cargo();
        // The names of the files are enough: `cargo fmt` makes the changes.
        command
            .arg("fmt")
            .args(scope)
            .args(["--check", "--", "--files-with-diff"]);
        shell::run(&mut command).context("`cargo fmt --all` formats them")?;
    }
    Ok(Passed)
}

fn licences(context: &Context) -> Result<Outcome> {
    licences::check(&context.repo)?;
    if !shell::succeeds(context.repo.cargo().args(["deny", "--version"])) {
        println!("`cargo deny` is not installed: duplicate and banned crates are not checked");
        return Ok(Passed);
    }
    let deny = ["deny", "--offline", "check", "licenses", "bans"];
    shell::run(context.repo.cargo().args(deny))?;
    Ok(Passed)
}

fn types(context: &Context) -> Result<Outcome> {
    match pythons::tool(&context.repo, "mypy", "mypy>=1.14,<3") {
        Ok(mypy) => {
            // What to look at, and how strictly, stands in pyproject.toml.
            let cache = context.repo.target.join("mypy-cache");
            shell::run(context.repo.command(mypy).arg("--cache-dir").arg(cache))?;
        }
        Err(error) => return Ok(NotRun(format!("{error:#}"))),
    }
    oldest(context)
}

/// Grammar and standard library of the packages against the oldest Python that they are for, which mypy no longer knows.
fn oldest(context: &Context) -> Result<Outcome> {
    match pythons::tool(&context.repo, "vermin", "vermin>=1.6,<2") {
        Ok(vermin) => {
            let [oldest, ..] = pythons::VERSIONS;
            let mut command = context.repo.command(vermin);
            command
                .args(["--quiet", "--no-tips", "--violations"])
                .arg(format!("--target={oldest}-"))
                .args(["python/outhaul", "python/azureml", "python/outhaul_azureml"]);
            shell::run(&mut command)?;
            Ok(Passed)
        }
        Err(error) => Ok(NotRun(format!("{error:#}"))),
    }
}

fn python(context: &Context) -> Result<Outcome> {
    build(context)?;
    let at_least = "import sys; sys.exit(sys.version_info < (3, 8))";
    if !shell::succeeds(Command::new("python3").args(["-c", at_least])) {
        bail!("`python3` is missing or older than 3.8");
    }
    let mut found = vec![std::path::PathBuf::from("python3")];
    let versions = pythons::VERSIONS;
    for version in versions {
        // The oldest and the newest that the package may meet, where they are here; in the long form all.
        if !context.full && ![versions.first(), versions.last()].contains(&Some(&version)) {
            continue;
        }
        match pythons::interpreter(version) {
            Some(python) => found.push(python),
            None => println!("Python {version} is not here, so it is not tested with"),
        }
    }
    for (place, python) in found.into_iter().enumerate() {
        let mut command = context.for_test(context.repo.command(python));
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("OUTHAUL_TEST_BIN", context.repo.built("debug", "outhaul"));
        if place > 0 {
            // What has a Python of its own gives the same whatever the tests run under.
            command.env("OUTHAUL_TEST_AGAIN", "1");
        }
        shell::run(command.args(["-m", "unittest", "discover", "-s", "python/tests"]))?;
    }
    Ok(Passed)
}

fn lint(context: &Context) -> Result<Outcome> {
    if !shell::succeeds(context.repo.cargo().args(["clippy", "--version"])) {
        return Ok(NotRun("clippy is not installed".into()));
    }
    let all = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "xtask/measure",
        "--",
        "-D",
        "warnings",
    ];
    shell::run(context.repo.cargo().args(all))?;
    Ok(Passed)
}

fn build(context: &Context) -> Result<Outcome> {
    // Tests and programs in one call: with other features cargo would compile the dependencies twice.
    shell::run(
        context
            .repo
            .cargo()
            .args(["build", "--workspace", "--lib", "--bins", "--tests"]),
    )?;
    Ok(Passed)
}

fn rust(context: &Context) -> Result<Outcome> {
    let mut command = context.for_test(context.repo.cargo());
    if tools::has_nextest(&context.repo) {
        command.args([
            "nextest",
            "run",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ]);
        if context.full {
            command.args(["--profile", "full"]);
        }
    } else {
        command.args([
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ]);
    }
    shell::run(&mut command)?;
    Ok(Passed)
}

fn doc(context: &Context) -> Result<Outcome> {
    shell::run(
        context
            .for_test(context.repo.cargo())
            .args(["test", "--workspace", "--doc"]),
    )?;
    Ok(Passed)
}

fn generated(context: &Context) -> Result<Outcome> {
    if !context.repo.built("debug", "outhaul").exists() {
        build(context)?;
    }
    openapi::check(&context.repo)?;
    Ok(Passed)
}

fn fuzz_smoke(context: &Context) -> Result<Outcome> {
    if !shell::found("c++") && !shell::found("g++") {
        return Ok(NotRun("there is no C++ compiler for libFuzzer".into()));
    }
    let targets = fuzz::TARGETS.map(str::to_owned);
    fuzz::run(&context.repo, &targets, SMOKE, fuzz::Corpus::Fresh).context("fuzzing")?;
    Ok(Passed)
}
