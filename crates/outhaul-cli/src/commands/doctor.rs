//! `outhaul doctor`: whether this installation has what it needs. Makes and starts nothing.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use outhaul_client::{LOG_FILE, SOCKET_FILE, socket_path};
use outhaul_types::{Check, exit_code};

use super::server::look;
use super::target::{any_failed, show_checks};
use crate::context::Context;
use crate::env_vars;
use crate::error::Outcome;
use crate::output::size;

/// Less free space is worth a warning, in bytes.
const LITTLE_SPACE: u64 = 2_000_000_000;
/// With less free space runs are sure to fail, in bytes.
const NO_SPACE: u64 = 50_000_000;

pub(super) async fn run(context: &Context) -> Outcome {
    let mut checks = vec![home(&context.home), space(&context.home), socket(&context.home)];
    checks.push(match look(context).await {
        Ok(Some(status)) => Check::ok(
            "server",
            format!("runs as process {}, version {}", status.pid, status.version),
        ),
        Ok(None) => Check::ok("server", "is not running; a command that needs it starts it"),
        Err(error) => {
            let log = context.home.join(LOG_FILE);
            Check::failed(
                "server",
                error.message,
                format!("read its log `{}`, then `outhaul server stop`", log.display()),
            )
        }
    });
    let path = env_vars::search_path();
    let program = |name: &str| find_program(&path, name);
    checks.push(match program("python3").or_else(|| program("python")) {
        Some(python) => Check::ok("python", python.display().to_string()),
        None => Check::failed(
            "python",
            "no `python3` on the PATH",
            "install Python 3.8 or newer",
        ),
    });
    checks.push(match program("uv") {
        Some(uv) => Check::ok("uv", uv.display().to_string()),
        None => Check::warning(
            "uv",
            "not on the PATH",
            "nothing has to be done: outhaul fetches uv from the Python index, or builds environments with pip",
        ),
    });
    for (name, why) in [
        ("sh", "starts and watches every run"),
        ("setsid", "gives every run a session of its own"),
    ] {
        checks.push(match program(name) {
            Some(path) => Check::ok(name, path.display().to_string()),
            None if name == "setsid" => {
                Check::warning(name, format!("not on the PATH; it {why}"), "install util-linux")
            }
            None => Check::failed(
                name,
                format!("not on the PATH; it {why}"),
                "install a POSIX shell",
            ),
        });
    }
    checks.push(match program("git") {
        Some(git) => Check::ok("git", git.display().to_string()),
        None => Check::warning(
            "git",
            "not on the PATH",
            "install git to have the commit recorded with every run",
        ),
    });
    let printer = &context.printer;
    if printer.json {
        printer.json(&checks)?;
    } else {
        printer.lines(&show_checks(&checks, printer.out))?;
    }
    Ok(if any_failed(&checks) {
        exit_code::SYSTEM
    } else {
        exit_code::SUCCESS
    })
}

/// The first file of this name in the folders that may be executed.
pub(super) fn find_program(path: &[PathBuf], name: &str) -> Option<PathBuf> {
    path.iter().map(|folder| folder.join(name)).find(|file| {
        file.metadata()
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    })
}

/// The user that this process acts as; not known on systems without `/proc`.
fn own_user() -> Option<u32> {
    Path::new("/proc/self").metadata().ok().map(|meta| meta.uid())
}

fn home(home: &Path) -> Check {
    const NAME: &str = "data folder";
    let shown = home.display();
    match home.metadata() {
        Ok(meta) if !meta.is_dir() => Check::failed(
            NAME,
            format!("`{shown}` is not a folder"),
            "set OUTHAUL_HOME to another place",
        ),
        Ok(meta) if own_user().is_some_and(|own| own != meta.uid()) => Check::failed(
            NAME,
            format!("`{shown}` belongs to somebody else"),
            "set OUTHAUL_HOME to a folder of your own",
        ),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Check::failed(
            NAME,
            format!("`{shown}` can be entered by others"),
            format!("chmod 700 '{shown}'"),
        ),
        Ok(_) => Check::ok(NAME, shown.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Check::ok(
            NAME,
            format!("`{shown}` is not there yet; the first run makes it"),
        ),
        Err(error) => Check::failed(
            NAME,
            format!("`{shown}`: {error}"),
            "set OUTHAUL_HOME to a folder of your own",
        ),
    }
}

fn space(home: &Path) -> Check {
    const NAME: &str = "disk space";
    let Some(there) = home.ancestors().find(|folder| folder.exists()) else {
        return Check::warning(NAME, "not known", "set OUTHAUL_HOME to a folder that can be made");
    };
    match nix::sys::statvfs::statvfs(there) {
        Ok(stat) => {
            #[expect(
                clippy::useless_conversion,
                reason = "the width of the fields differs between systems"
            )]
            let free = u64::from(stat.blocks_available()).saturating_mul(u64::from(stat.fragment_size()));
            let message = format!("{} free", size(free));
            if free < NO_SPACE {
                Check::failed(
                    NAME,
                    message,
                    "free some space, or set OUTHAUL_HOME to another disk",
                )
            } else if free < LITTLE_SPACE {
                Check::warning(
                    NAME,
                    message,
                    "environments and outputs need room: free some space",
                )
            } else {
                Check::ok(NAME, message)
            }
        }
        Err(error) => Check::warning(
            NAME,
            format!("not known: {error}"),
            "see whether the disk is there",
        ),
    }
}

fn socket(home: &Path) -> Check {
    const NAME: &str = "socket";
    let path = home.join(SOCKET_FILE);
    if home.is_dir()
        && let Err(error) = socket_path(home)
    {
        return Check::failed(NAME, error.to_string(), "set OUTHAUL_HOME to a shorter path");
    }
    match path.metadata() {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Check::failed(
            NAME,
            format!("`{}` can be used by others", path.display()),
            format!("`outhaul server stop`, then rm '{}'", path.display()),
        ),
        _ => Check::ok(NAME, path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::CheckStatus;

    #[test]
    fn programs_are_executable_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = [
            folder.path().join("a"),
            folder.path().join("b"),
            folder.path().join("c"),
        ];
        for folder in &path {
            std::fs::create_dir(folder).unwrap();
        }
        std::fs::create_dir(path[0].join("tool")).unwrap();
        std::fs::write(path[1].join("tool"), "").unwrap();
        std::fs::write(path[2].join("tool"), "").unwrap();
        assert_eq!(find_program(&path, "tool"), None);
        std::fs::set_permissions(path[2].join("tool"), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_program(&path, "tool"), Some(path[2].join("tool")));
    }

    #[test]
    fn an_open_data_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mode =
            |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o700);
        assert_eq!(home(folder.path()).status, CheckStatus::Ok);
        assert_eq!(home(&folder.path().join("none")).status, CheckStatus::Ok);
        mode(0o755);
        assert_eq!(home(folder.path()).status, CheckStatus::Failed);
    }
}
