//! Which build of the program a file is, and when a server of another build gives way to this one.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::query::percent_encode;

/// The version of this client, which is the whole program's.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Names the build that a program file holds: `<version>+<inode>-<mtime>-<size>@<path>`, printable ASCII only. It
/// changes when the file is replaced. A file that cannot be looked at gives a name without `+`, which never
/// replaces a running server.
#[must_use]
pub fn build_id(program: &Path) -> String {
    let path = percent_encode(program.as_os_str().as_encoded_bytes(), b"/");
    match std::fs::metadata(program) {
        Ok(meta) => format!(
            "{VERSION}+{:x}-{:x}.{:x}-{:x}@{path}",
            meta.ino(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.size()
        ),
        Err(_) => format!("{VERSION}@{path}"),
    }
}

/// Whether a server of the build `running` must give way to a program of the build `ours`: the program's file was
/// replaced since, or ours has a newer version. Two copies of one version in two places get along, and so does an
/// older program with a newer server.
#[must_use]
pub fn replaces(ours: &str, running: &str) -> bool {
    let (Some(ours), Some(running)) = (Parts::of(ours), Parts::of(running)) else {
        return false;
    };
    if ours.path == running.path {
        return ours.file != running.file || ours.version != running.version;
    }
    match (numbers(ours.version), numbers(running.version)) {
        (Some(ours), Some(running)) => ours > running,
        _ => false,
    }
}

struct Parts<'a> {
    version: &'a str,
    file: &'a str,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(build: &'a str) -> Option<Self> {
        let (front, path) = build.split_once('@')?;
        let (version, file) = front.split_once('+')?;
        Some(Self { version, file, path })
    }
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    let release = version.split('-').next()?;
    release.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_or_older_program_gives_way() {
        let cases = [
            (
                "0.1.0+a-1.0-9@/bin/o",
                "0.1.0+a-1.0-9@/bin/o",
                false,
                "the same file",
            ),
            (
                "0.1.0+b-2.0-9@/bin/o",
                "0.1.0+a-1.0-9@/bin/o",
                true,
                "the file was replaced",
            ),
            (
                "0.1.0+b-2.0-9@/bin/o",
                "0.2.0+a-1.0-9@/bin/o",
                true,
                "the file was replaced by an older version",
            ),
            (
                "0.1.0+b-2.0-9@/opt/o",
                "0.1.0+a-1.0-9@/bin/o",
                false,
                "two copies of one version",
            ),
            (
                "0.10.0+b-2.0-9@/opt/o",
                "0.9.0+a-1.0-9@/bin/o",
                true,
                "a newer version elsewhere",
            ),
            (
                "0.9.0+b-2.0-9@/opt/o",
                "0.10.0+a-1.0-9@/bin/o",
                false,
                "an older version elsewhere",
            ),
            (
                "0.1.0@/bin/o",
                "0.1.0+a-1.0-9@/bin/o",
                false,
                "our file cannot be looked at",
            ),
            (
                "0.1.0+a-1.0-9@/bin/o",
                "something",
                false,
                "a server that names no build",
            ),
        ];
        for (ours, running, expected, why) in cases {
            assert_eq!(replaces(ours, running), expected, "{why}");
        }
    }

    #[test]
    fn the_build_changes_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("out haul@1");
        std::fs::write(&program, "one").unwrap();
        let one = build_id(&program);
        assert_eq!(one, build_id(&program));
        assert!(one.is_ascii() && !one.contains(' '), "{one}");
        assert_eq!(Parts::of(&one).unwrap().version, VERSION);
        std::fs::write(folder.path().join("new"), "other").unwrap();
        std::fs::rename(folder.path().join("new"), &program).unwrap();
        let two = build_id(&program);
        assert!(replaces(&two, &one), "{one} {two}");
        assert!(!replaces(&build_id(&folder.path().join("absent")), &one));
    }
}
