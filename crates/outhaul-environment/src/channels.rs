//! Packages of conda channels, as the few operations that building needs. What solves and fetches them is elsewhere.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use outhaul_types::CondaPackage;

use crate::error::{EnvironmentError, SpecError};

/// What is known of the machine that packages are chosen for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaMachine {
    /// Its platform, such as `linux-x86_64`.
    pub platform: String,
    /// Version of its GNU C library, where it tells.
    pub glibc: Option<String>,
    /// Version of CUDA that its driver supports, where it has one.
    pub cuda: Option<String>,
}

/// Packages to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaWish {
    /// Specs as under conda's `dependencies:`.
    pub packages: Vec<String>,
    /// Channels, the most important first; the solver's own choice when there are none.
    pub channels: Vec<String>,
    /// The machine that they are for.
    pub machine: CondaMachine,
}

/// The Python among packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaPython {
    /// Full version, such as `3.11.7`.
    pub version: String,
    /// Where its interpreter is, from the folder of the environment on.
    pub path: String,
}

/// What kind of trouble there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CondaTroubleKind {
    /// The wish is written wrongly.
    Spec,
    /// No set of packages satisfies the wish.
    Unsolvable,
    /// A channel cannot be reached, or does not have what it says.
    Unreachable,
    /// The packages cannot be on that machine, or not in that folder.
    Target,
    /// Anything else: a disk, a cut-off.
    Other,
}

/// What could not be done about conda packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaTrouble {
    /// What kind of trouble.
    pub kind: CondaTroubleKind,
    /// What happened and what to do, in the solver's own words.
    pub message: String,
}

/// Solves, fetches and installs packages of conda channels, on the machine of this process.
#[async_trait]
pub trait CondaBackend: fmt::Debug + Send + Sync {
    /// The packages that satisfy a wish, in the order in which they can be installed.
    async fn solve(&self, wish: &CondaWish) -> Result<Vec<CondaPackage>, CondaTrouble>;
    /// Brings packages to this machine, each once. `say` hears how far it has come.
    async fn fetch(
        &self,
        packages: &[CondaPackage],
        say: &(dyn for<'l> Fn(&'l str) + Send + Sync),
    ) -> Result<(), CondaTrouble>;
    /// Installs fetched packages into a new folder of this machine, written to stand at `prefix` on the host. The
    /// answer is that folder; it is the caller's to remove.
    async fn install(&self, packages: &[CondaPackage], prefix: &str) -> Result<PathBuf, CondaTrouble>;
    /// The Python among packages.
    fn python(&self, packages: &[CondaPackage]) -> Option<CondaPython>;
}

/// What to do when a channel cannot be reached.
const WAYS: &str = "to go another way: under `channels:`, name a mirror by its address or a folder as `file:///folder`; \
                    or take the packages from the Python index: `outhaul workspace set --conda pypi`";

impl CondaTrouble {
    /// The error of a build; `name` is the environment's, `purpose` what was being done.
    pub(crate) fn error(self, name: &str, purpose: &str) -> EnvironmentError {
        let (purpose, message) = (purpose.to_owned(), self.message);
        match self.kind {
            CondaTroubleKind::Spec => SpecError::whole(name, message).into(),
            CondaTroubleKind::Unsolvable => EnvironmentError::Unsolvable { message, log: None },
            CondaTroubleKind::Target => EnvironmentError::NoTool { message },
            CondaTroubleKind::Unreachable => EnvironmentError::Temporary {
                purpose,
                message: format!("{message}\n{WAYS}"),
                log: None,
            },
            CondaTroubleKind::Other => EnvironmentError::Temporary {
                purpose,
                message,
                log: None,
            },
        }
    }
}

/// Script that a machine describes itself with, for [`parse_machine`].
pub(crate) const MACHINE: &str = "echo \"system $(uname -s)\"; echo \"machine $(uname -m)\"; \
echo \"libc $(getconf GNU_LIBC_VERSION 2> /dev/null || ldd --version 2>&1 | head -n 1)\"; \
if command -v nvidia-smi > /dev/null 2>&1; then nvidia-smi 2> /dev/null | grep 'CUDA Version'; fi; :";

/// Reads the answer to [`MACHINE`]. Pure.
pub(crate) fn parse_machine(text: &str) -> Result<CondaMachine, String> {
    let after = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .map(|rest| rest.trim().to_owned())
    };
    let (Some(system), Some(machine)) = (after("system"), after("machine")) else {
        return Err("the machine does not tell what it is: `uname` gives no answer".to_owned());
    };
    let libc = after("libc").unwrap_or_default();
    if libc.contains("musl") {
        return Err(
            "packages of conda channels need the GNU C library, and this machine has musl; take them from the Python \
             index instead: `outhaul workspace set --conda pypi`"
                .to_owned(),
        );
    }
    let numbers = |text: &str| {
        let word: String = text
            .trim_start()
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        (word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit())).then_some(word)
    };
    let cuda = text
        .split_once("CUDA Version:")
        .and_then(|(_, rest)| numbers(rest));
    Ok(CondaMachine {
        platform: format!("{}-{machine}", system.to_lowercase()),
        glibc: libc.rsplit(' ').next().and_then(numbers),
        cuda,
    })
}

/// The specs that a solver is asked for: with `python` in the version that the environment names. Pure.
pub(crate) fn with_python(packages: &[String], version: Option<&str>) -> Vec<String> {
    let mut all = packages.to_vec();
    let named = packages
        .iter()
        .any(|line| crate::conda::parse_package(line).is_ok_and(|package| package.name == "python"));
    match version.map(str::trim) {
        // A bare number means for us, and `=` for conda, every version that begins like it.
        Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => {
            all.push(format!("python={}", version.trim_end_matches(".*")));
        }
        Some(version) => all.push(format!("python{version}")),
        None if !named => all.push("python".to_owned()),
        None => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_read() {
        let machine = parse_machine("system Linux\nmachine x86_64\nlibc glibc 2.36\n").unwrap();
        assert_eq!(
            (machine.platform.as_str(), machine.glibc.as_deref(), machine.cuda),
            ("linux-x86_64", Some("2.36"), None)
        );
        let text = "system Linux\nmachine aarch64\nlibc ldd (Debian GLIBC 2.31-13) 2.31\n| NVIDIA-SMI 550 Driver Version: 550 CUDA Version: 12.4 |";
        let machine = parse_machine(text).unwrap();
        assert_eq!(
            (machine.glibc.as_deref(), machine.cuda.as_deref()),
            (Some("2.31"), Some("12.4"))
        );
        let machine = parse_machine("system Darwin\nmachine arm64\nlibc sh: ldd: not found\n").unwrap();
        assert_eq!((machine.platform.as_str(), machine.glibc), ("darwin-arm64", None));
        assert!(parse_machine("").is_err());
        let musl = parse_machine("system Linux\nmachine x86_64\nlibc musl libc (x86_64)\n").unwrap_err();
        assert!(musl.contains("--conda pypi"), "{musl}");
    }

    #[test]
    fn python_is_added_once() {
        let numpy = ["numpy".to_owned()];
        for (version, spec) in [
            (None, "python"),
            (Some("3.11"), "python=3.11"),
            (Some("3.11.*"), "python=3.11"),
            (Some("=3.11"), "python=3.11"),
            (Some(">=3.9,<3.12"), "python>=3.9,<3.12"),
            (Some("==3.11.4"), "python==3.11.4"),
        ] {
            assert_eq!(with_python(&numpy, version), ["numpy", spec]);
        }
        assert_eq!(with_python(&["python=3.9".into()], None), ["python=3.9"]);
        assert_eq!(with_python(&["conda-forge::python".into()], None).len(), 1);
    }
}
