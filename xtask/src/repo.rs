//! Where things are: the repository, cargo's target folder, and commands that run there in a clean environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell;

/// The repository.
pub struct Repo {
    /// Its root folder.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Repo {
    /// Finds the repository that this tool belongs to.
    pub fn find() -> Result<Self> {
        // The variable is set by `cargo run`; the other is where this tool was compiled.
        let manifest =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest)
            .parent()
            .context("the folder of xtask lies in nothing")?
            .to_owned();
        let mut repo = Self {
            root,
            target: PathBuf::new(),
        };
        let metadata = shell::output(
            repo.cargo()
                .args(["metadata", "--no-deps", "--format-version", "1"]),
        )?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
        let target = metadata["target_directory"]
            .as_str()
            .context("cargo does not tell its target folder")?;
        repo.target = target.into();
        Ok(repo)
    }

    /// A command in the root of the repository, without standard input.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = clean(program);
        command.current_dir(&self.root);
        command
    }

    /// Cargo, the one that runs this tool.
    pub fn cargo(&self) -> Command {
        self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// A program that cargo built.
    pub fn built(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }
}

/// A command without standard input and without the variables that `cargo run` and Outhaul set for this process.
pub fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(std::process::Stdio::null());
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if is_ours(text) {
            command.env_remove(name);
        }
    }
    command
}

fn is_ours(name: &str) -> bool {
    let of_cargo_run = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    of_cargo_run.iter().any(|start| name.starts_with(start))
        || (name.starts_with("OUTHAUL_") && !name.starts_with("OUTHAUL_TEST_"))
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_what_was_set_for_this_process_is_taken_away() {
        for name in [
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "OUTHAUL_HOME",
            "OUTHAUL_RUN_ID",
        ] {
            assert!(is_ours(name), "{name}");
        }
        for name in [
            "CARGO_TARGET_DIR",
            "CARGO_HOME",
            "PATH",
            "OUTHAUL_TEST_FULL",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
