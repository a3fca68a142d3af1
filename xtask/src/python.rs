//! Pythons of this machine, and Python tools in a virtual environment of the repository's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::repo::{Repo, clean};
use crate::shell;

/// The versions that runs and the package may have.
pub const VERSIONS: [&str; 6] = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"];

/// A tool from the Python package index, installed under cargo's target folder when it is not there yet.
pub fn tool(repo: &Repo, program: &str, requirement: &str) -> Result<PathBuf> {
    let folder = repo.target.join("python-tools");
    let path = folder.join("bin").join(program);
    if !shell::succeeds(clean(&path).arg("--version")) {
        let python = folder.join("bin/python");
        if !shell::succeeds(clean(&python).args(["-m", "pip", "--version"])) {
            shell::run(clean("python3").args(["-m", "venv"]).arg(&folder))?;
        }
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        shell::run(clean(&python).args(pip).arg(requirement))
            .with_context(|| format!("`{requirement}` cannot be installed"))?;
    }
    Ok(path)
}

/// The interpreter of a version: on the PATH, or among those that pyenv keeps.
pub fn interpreter(version: &str) -> Option<PathBuf> {
    let name = format!("python{version}");
    if works(Path::new(&name)) {
        return Some(name.into());
    }
    let root = shell::output(clean("pyenv").arg("root")).ok()?;
    let versions = std::fs::read_dir(Path::new(root.trim()).join("versions")).ok()?;
    let found = versions
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with(&format!("{version}."))
        })
        .map(|entry| entry.path().join("bin").join(&name));
    found.into_iter().find(|path| works(path))
}

/// Whether it starts. A stand-in for an interpreter that is not there does not.
fn works(python: &Path) -> bool {
    shell::succeeds(Command::new(python).args(["-c", "import sys"]))
}
