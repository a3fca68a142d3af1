//! The named checks of this machine.

use outhaul_environment::EnvironmentManager;
use outhaul_types::Check;

use crate::config::LocalConfig;

/// Below this many bytes free, runs are likely to fail soon.
const LITTLE_SPACE: u64 = 1 << 30;

pub(crate) async fn check(config: &LocalConfig, environments: &EnvironmentManager) -> Vec<Check> {
    let mut checks = vec![
        program(config, "sh", "install a POSIX shell"),
        program(config, "setsid", "install util-linux"),
    ];
    checks.push(disk(config));
    checks.extend(tools(environments).await);
    checks
}

fn program(config: &LocalConfig, name: &str, fix: &str) -> Check {
    let found = config
        .search_path
        .iter()
        .map(|folder| std::path::Path::new(folder).join(name))
        .find(|path| path.is_file());
    match found {
        Some(path) => Check::ok(name, path.display().to_string()),
        None => Check::failed(name, format!("`{name}` is not on the PATH"), fix),
    }
}

fn disk(config: &LocalConfig) -> Check {
    let folder = config.root.display();
    match nix::sys::statvfs::statvfs(&config.root) {
        Ok(stat) => {
            let free = stat.blocks_available() * stat.fragment_size();
            let text = format!("{:.1} GB free at `{folder}`", free as f64 / 1e9);
            if free < LITTLE_SPACE {
                Check::warning("disk", text, "make room, or set OUTHAUL_HOME to a larger disk")
            } else {
                Check::ok("disk", text)
            }
        }
        Err(error) => Check::failed(
            "disk",
            format!("`{folder}`: {error}"),
            "see that the data folder is there and may be read",
        ),
    }
}

async fn tools(environments: &EnvironmentManager) -> Vec<Check> {
    let facts = match environments.tools().await {
        Ok(facts) => facts,
        Err(error) => {
            return vec![Check::failed(
                "python",
                error.to_string(),
                "install Python 3.8 or newer",
            )];
        }
    };
    let python = match facts.interpreters.first() {
        Some(_) => Check::ok(
            "python",
            facts
                .interpreters
                .iter()
                .map(|found| format!("{} ({})", found.version, found.executable))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        None => Check::failed(
            "python",
            "no Python 3 was found on the PATH",
            "install Python 3.8 or newer",
        ),
    };
    let uv = match facts.uv {
        Some(uv) => Check::ok("uv", format!("{} ({})", uv.version, uv.path)),
        None => Check::warning(
            "uv",
            "not found",
            "nothing to do: it is installed from the package index when first needed, or pip is used",
        ),
    };
    vec![python, uv]
}
