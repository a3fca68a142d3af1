//! The lock: every package pinned, for one Python on one kind of machine; and the content id that follows from it.

use std::fmt;

use outhaul_types::{CondaPackage, Lock};

use crate::requirement::requirement_name;

/// Version of the lock's form that this code writes.
pub const LOCK_VERSION: u32 = 1;

/// A pinned package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name as the lock has it.
    pub name: String,
    /// Its version, or the address it comes from.
    pub version: String,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// All that says which conda package it is; the address only where the channel has no checksum.
fn conda_line(package: &CondaPackage) -> String {
    let CondaPackage {
        name,
        version,
        build,
        url,
        sha256,
        md5,
    } = package;
    let content = sha256.as_ref().or(md5.as_ref()).unwrap_or(url);
    format!("{name} {version} {build} {content}")
}

/// The pinned packages, in the order of the lock: those of conda channels first.
#[must_use]
pub fn packages(lock: &Lock) -> Vec<Package> {
    let conda = lock.conda.iter().map(|package| Package {
        name: package.name.clone(),
        version: package.version.clone(),
    });
    conda.chain(required(lock)).collect()
}

/// The pinned packages of the Python index.
pub(crate) fn required(lock: &Lock) -> Vec<Package> {
    lines(&lock.requirements)
        .filter_map(|line| {
            let name = requirement_name(line)?;
            let rest = line[name.len()..].trim_start();
            let rest = rest
                .find(']')
                .filter(|_| rest.starts_with('['))
                .map_or(rest, |end| &rest[end + 1..]);
            let rest = rest
                .trim_start()
                .trim_start_matches("===")
                .trim_start_matches("==");
            let version = rest
                .trim_start_matches('@')
                .split_whitespace()
                .next()
                .unwrap_or_default();
            Some(Package {
                name: name.to_owned(),
                version: version.trim_end_matches(';').to_owned(),
            })
        })
        .collect()
}

/// True when there is at least one package and every package has a hash.
#[must_use]
pub fn is_hashed(lock: &Lock) -> bool {
    let plain = joined(&lock.requirements);
    let mut packages = lines(&plain).peekable();
    packages.peek().is_some() && packages.all(|line| line.contains("--hash="))
}
/// One line per package: continuations joined.
fn joined(requirements: &str) -> String {
    requirements.replace("\r\n", "\n").replace("\\\n", " ")
}

/// Lines that begin a package.
fn lines(requirements: &str) -> impl Iterator<Item = &str> {
    requirements
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']))
}

/// The content id of what a lock builds: 64 hex digits of BLAKE3 over the Python version, the platform and the pinned
/// packages. Comments, blank lines, line ends and continuations do not count.
#[must_use]
pub fn environment_id(lock: &Lock) -> String {
    let joined = joined(&lock.requirements);
    let mut packages: Vec<String> = lines(&joined)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    packages.sort();
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"outhaul environment 1\n");
    for part in [
        &lock.python_version,
        &lock.platform,
        lock.interpreter.as_ref().unwrap_or(&String::new()),
    ] {
        hasher.update(part.as_bytes());
        hasher.update(b"\n");
    }
    for package in packages {
        hasher.update(package.as_bytes());
        hasher.update(b"\n");
    }
    if !lock.conda.is_empty() {
        // Packages of a channel are the same wherever it is mirrored, if their checksums are.
        let mut lines: Vec<String> = lock.conda.iter().map(conda_line).collect();
        lines.sort();
        hasher.update(b"conda\n");
        for line in lines {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
    }
    if let Some(image) = &lock.image {
        hasher.update(format!("image {image}\n").as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(requirements: &str) -> Lock {
        Lock {
            version: LOCK_VERSION,
            spec_id: "s".into(),
            python_version: "3.11.7".into(),
            platform: "linux-x86_64".into(),
            tool: "uv".into(),
            interpreter: None,
            index_options: vec![],
            requirements: requirements.into(),
            conda: Vec::new(),
            image: None,
        }
    }

    #[test]
    fn the_id_follows_the_content() {
        let id = environment_id(&lock("a==1 \\\n    --hash=sha256:00\nb==2\n"));
        assert_eq!(
            id,
            environment_id(&lock("# made by x\r\nb==2\r\n\r\na==1 --hash=sha256:00"))
        );
        assert_ne!(id, environment_id(&lock("a==1\nb==2")));
        let mut other = lock("b==2\na==1 --hash=sha256:00");
        other.spec_id = "t".into();
        other.tool = "pip".into();
        assert_eq!(id, environment_id(&other));
        other.python_version = "3.11.8".into();
        assert_ne!(id, environment_id(&other));
        let mut elsewhere = lock("b==2\na==1 --hash=sha256:00");
        elsewhere.platform = "linux-aarch64".into();
        assert_ne!(id, environment_id(&elsewhere));
    }

    #[test]
    fn conda_packages_count() {
        let plain = lock("a==1\n");
        // Ids of locks without conda packages are in every database: they must stay what they were.
        assert_eq!(
            environment_id(&plain),
            "d3d180cba384a92f460c35982a70c2b8880fd80018e7093fd4dbff2b7d51c130"
        );
        let mut conda = plain.clone();
        conda.conda.push(CondaPackage {
            name: "numbers".into(),
            version: "1.1".into(),
            build: "0".into(),
            url: "https://h/numbers.conda".into(),
            sha256: Some("00".into()),
            md5: None,
        });
        let id = environment_id(&conda);
        assert_ne!(id, environment_id(&plain));
        assert_eq!(packages(&conda)[0].to_string(), "numbers 1.1");
        conda.conda[0].url = "https://mirror/numbers.conda".into();
        assert_eq!(id, environment_id(&conda));
        conda.conda[0].sha256 = Some("11".into());
        assert_ne!(id, environment_id(&conda));
    }

    #[test]
    fn packages_and_hashes_are_read() {
        let lock = lock(
            "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb[x]==2.0 ; sys_platform == 'linux'\nc @ git+https://h/c@0ff\n",
        );
        let shown: Vec<String> = packages(&lock).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a 1", "b 2.0", "c git+https://h/c@0ff"]);
        assert!(!is_hashed(&lock));
        assert!(is_hashed(&self::lock(
            "a==1 \\\n --hash=sha256:00\nb==1 --hash=sha256:00\n"
        )));
        assert!(!is_hashed(&self::lock("")));
    }

    #[test]
    fn locks_survive_json() {
        let lock = lock("a==1\n");
        let text = serde_json::to_string(&lock).unwrap();
        assert!(text.contains("\"3.11.7\"") && text.contains("\"uv\""), "{text}");
        assert_eq!(serde_json::from_str::<Lock>(&text).unwrap(), lock);
    }
}
