//! Locking and downloading on this host for another machine, which has no way to the package index.

use super::EnvironmentManager;
use super::work::{Tee, fresh_name};
use crate::error::EnvironmentError;
use crate::host::LogSink;
use crate::interpreter::Probed;
use crate::lock::{LOCK_VERSION, is_hashed};
use crate::plan::{StepFile, Tool};
use crate::resolver::parse_uv_compile;
use crate::spec::spec_id;
use outhaul_types::{EnvironmentSpec, Lock};

/// Program that takes the binary out of uv's wheel.
const UNPACK: &str = "import glob,os,sys,zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + '/uv-*.whl')[0])
name = [n for n in wheel.namelist() if n.endswith('.data/scripts/uv')][0]
with open(sys.argv[2], 'wb') as f: f.write(wheel.read(name))
os.chmod(sys.argv[2], 0o755)";

/// The machine that packages are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its interpreter.
    pub python: Probed,
    /// Minor version of its GNU C library: 36 for 2.36.
    pub glibc: u32,
}

impl Elsewhere {
    fn processor(&self) -> &str {
        self.python
            .platform
            .split_once('-')
            .map_or("x86_64", |(_, rest)| rest)
    }

    /// What uv calls it: the newest of the C libraries that it knows and the machine has.
    fn for_uv(&self) -> String {
        let minor = match self.glibc {
            31.. => self.glibc.min(40),
            28..31 => 28,
            _ => 17,
        };
        format!("{}-manylinux_2_{minor}", self.processor())
    }

    /// What pip calls it, the best first.
    fn for_pip(&self) -> Vec<String> {
        let processor = self.processor();
        let mut words: Vec<String> = (5..=self.glibc.max(17))
            .rev()
            .map(|minor| format!("manylinux_2_{minor}_{processor}"))
            .collect();
        words.extend(
            ["manylinux2014", "manylinux2010", "manylinux1", "linux"].map(|old| format!("{old}_{processor}")),
        );
        words
            .into_iter()
            .flat_map(|tag| ["--platform".to_owned(), tag])
            .collect()
    }
}

/// A folder of programs that does the work: an environment with `pip` and `uv`.
#[derive(Debug, Clone)]
pub struct Helper {
    /// Its interpreter, with pip.
    pub python: String,
    /// Its uv.
    pub uv: String,
}

impl EnvironmentManager {
    /// Resolves a spec's packages for an interpreter on another machine, to wheels only: nothing can be compiled there.
    ///
    /// # Errors
    /// As with [`EnvironmentManager::prepare`].
    pub async fn lock_for(
        &self,
        spec: &EnvironmentSpec,
        other: &Elsewhere,
        helper: &Helper,
        log: &dyn LogSink,
    ) -> Result<Lock, EnvironmentError> {
        let mut lock = Lock {
            version: LOCK_VERSION,
            spec_id: spec_id(spec),
            python_version: other.python.version.to_string(),
            platform: other.python.platform.clone(),
            tool: Tool::Uv.to_string(),
            interpreter: None,
            index_options: spec.index_options.clone(),
            requirements: String::new(),
            conda: Vec::new(),
            image: None,
        };
        if spec.pip.is_empty() {
            return Ok(lock);
        }
        let folder = format!("{}/tmp/{}", self.root, fresh_name());
        let (input, output) = (format!("{folder}/requirements.txt"), format!("{folder}/answer"));
        let mut step = self
            .steps()
            .uv_lock(&helper.uv, &helper.python, spec, &input, &output);
        step.argv.extend([
            "--python-version".to_owned(),
            lock.python_version.clone(),
            "--python-platform".to_owned(),
            other.for_uv(),
            "--only-binary".to_owned(),
            ":all:".to_owned(),
        ]);
        let answer = async {
            self.run_step(&step, Tool::Uv, &Tee::new(log)).await?;
            Ok::<_, EnvironmentError>(self.host.read(&output).await?.unwrap_or_default())
        }
        .await;
        self.host.remove_tree(&folder).await?;
        let answer = answer.map_err(|error| advise(error, "resolved"))?;
        lock.requirements = parse_uv_compile(&String::from_utf8_lossy(&answer));
        Ok(lock)
    }

    /// Downloads the wheels of a lock for another machine into a new folder of this host.
    ///
    /// # Errors
    /// As with [`EnvironmentManager::prepare`].
    pub async fn download_for(
        &self,
        lock: &Lock,
        other: &Elsewhere,
        helper: &Helper,
        folder: &str,
        log: &dyn LogSink,
    ) -> Result<(), EnvironmentError> {
        let input = format!("{folder}/lock.txt");
        let mut step = self.download(other, helper, folder, "downloading the packages");
        if is_hashed(lock) {
            step.argv.push("--require-hashes".to_owned());
        }
        step.argv.extend(["-r".to_owned(), input.clone()]);
        let text = lock.index_options.iter().map(String::as_str);
        let text: String = text
            .chain(lock.requirements.lines())
            .map(|line| format!("{line}\n"))
            .collect();
        step.files.push(StepFile { path: input, text });
        self.run_step(&step, Tool::Pip, &Tee::new(log))
            .await
            .map(drop)
            .map_err(|error| advise(error, "downloaded"))
    }

    /// Downloads uv for another machine and puts its binary at `folder/uv` on this host.
    ///
    /// # Errors
    /// As with [`EnvironmentManager::prepare`].
    pub async fn uv_for(
        &self,
        other: &Elsewhere,
        helper: &Helper,
        folder: &str,
        log: &dyn LogSink,
    ) -> Result<(), EnvironmentError> {
        let log = Tee::new(log);
        let wheels = format!("{}/tmp/{}", self.root, fresh_name());
        let mut step = self.download(other, helper, &wheels, "downloading uv for the target");
        step.argv.push("uv".to_owned());
        let binary = format!("{folder}/uv");
        let unpack = self.steps().code(
            "unpacking uv",
            &helper.python,
            UNPACK,
            &[&wheels, &binary],
            folder,
        );
        let done = async {
            self.run_step(&step, Tool::Pip, &log).await?;
            self.run_step(&unpack, Tool::Pip, &log).await
        }
        .await;
        self.host.remove_tree(&wheels).await?;
        done.map(drop)
    }

    fn download(&self, other: &Elsewhere, helper: &Helper, folder: &str, purpose: &str) -> crate::plan::Step {
        let version = &other.python.version;
        let abi = format!("cp{}{}", version.major, version.minor);
        let python = format!("{}.{}", version.major, version.minor);
        let mut step = self
            .steps()
            .module(purpose, &helper.python, &["pip", "download", "--no-deps"]);
        let fixed = [
            "--only-binary=:all:",
            "--implementation",
            "cp",
            "--python-version",
            &python,
            "--abi",
            &abi,
            "--abi",
            "abi3",
            "--abi",
            "none",
            "--dest",
            folder,
        ];
        step.argv.extend(fixed.map(str::to_owned));
        step.argv.extend(other.for_pip());
        step
    }
}

/// Adds what mends a package that has no wheel.
fn advise(error: EnvironmentError, done: &str) -> EnvironmentError {
    let advice = format!(
        "packages for a target without internet are {done} as wheels, since nothing can be compiled for it here: where one \
         has no wheel for it, name another version, put a wheel that you built into a folder and add \
         `--find-links /folder`, or take it from a conda channel"
    );
    match error {
        EnvironmentError::Unsolvable { message, log } => EnvironmentError::Unsolvable {
            message: format!("{message}\n{advice}"),
            log,
        },
        EnvironmentError::BuildFailed {
            purpose,
            message,
            log,
        } => EnvironmentError::BuildFailed {
            purpose,
            message: format!("{message}\n{advice}"),
            log,
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_named_for_the_tools() {
        let machine = |glibc| Elsewhere {
            python: Probed {
                executable: "/p".into(),
                real: "/p".into(),
                version: crate::version::Version {
                    major: 3,
                    minor: 11,
                    patch: 7,
                },
                platform: "linux-aarch64".into(),
                implementation: "cpython".into(),
            },
            glibc,
        };
        for (glibc, name) in [(17, "17"), (29, "28"), (36, "36"), (55, "40")] {
            assert_eq!(machine(glibc).for_uv(), format!("aarch64-manylinux_2_{name}"));
        }
        let words = machine(28).for_pip();
        assert_eq!(words[..2], ["--platform", "manylinux_2_28_aarch64"]);
        assert!(words.contains(&"manylinux2014_aarch64".to_owned()));
    }
}
