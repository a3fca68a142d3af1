//! `cargo xtask wheel`: the wheels `outhaul` (the program and the Python package) and, where it is there,
//! `outhaul-azureml`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::Done;
use crate::args::Args;
use crate::python;
use crate::repo::Repo;
use crate::shell;

/// What the second wheel holds, pure Python; `python/pyproject.toml` describes it.
const AZUREML: &str = "python/azureml";

/// `cargo xtask wheel`.
pub fn main(words: Vec<String>) -> Done {
    let mut args = Args::new(words);
    let debug = args.flag("--debug");
    let out = args.value("--out")?;
    args.end()?;
    let repo = Repo::find()?;
    let out = out.map_or_else(|| repo.target.join("wheels"), PathBuf::from);
    let out = std::path::absolute(out)?;
    outhaul(&repo, debug, &out)?;
    if repo.root.join(AZUREML).exists() {
        azureml(&repo, &out)?;
    }
    println!("the wheels are in {}", out.display());
    Ok(ExitCode::SUCCESS)
}

/// The wheel with the program. Its tag names the platform that it was built on, and no version of Python.
fn outhaul(repo: &Repo, debug: bool, out: &std::path::Path) -> Result<()> {
    let maturin = python::tool(repo, "maturin", "maturin>=1.13,<2")?;
    let mut command = repo.command(maturin);
    command
        .args([
            "build",
            "--locked",
            "--profile",
            if debug { "dev" } else { "release" },
        ])
        .arg("--target-dir")
        .arg(&repo.target)
        .arg("--out")
        .arg(out);
    shell::run(&mut command)
}

fn azureml(repo: &Repo, out: &std::path::Path) -> Result<()> {
    let mut command = repo.command("python3");
    command
        .args([
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ])
        .arg("--wheel-dir")
        .arg(out)
        .arg("./python");
    shell::run(&mut command)
}
