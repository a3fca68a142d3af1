//! The named checks of a machine, and what it is.

use std::time::{SystemTime, UNIX_EPOCH};

use outhaul_driver::DriverError;
use outhaul_host::remote::{FACTS, Session, parse_facts};
use outhaul_types::target::PackageSource;
use outhaul_types::{Check, HostFacts, HostIdentity};

/// Below this many bytes free, runs are likely to fail soon.
const LITTLE_SPACE: u64 = 1 << 30;
/// A clock that is further off confuses tokens, certificates and people.
const CLOCK_OFF_MS: i64 = 5_000;

/// Asks a machine what it is; with `network`, also whether it reaches the package index, which may take seconds. The
/// host key is not known here.
///
/// # Errors
/// When it cannot be asked.
pub async fn identify(
    session: &Session,
    network: bool,
) -> Result<(HostFacts, HostIdentity, String), DriverError> {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64())
    };
    let sent = now();
    let script = if network {
        FACTS.to_owned()
    } else {
        format!("OUTHAUL_NO_INDEX=1\n{FACTS}")
    };
    let (_, output) = session.script("look at the machine", &script, b"").await?;
    let output = String::from_utf8_lossy(&output).into_owned();
    let (facts, identity) = parse_facts(&output, sent, now());
    Ok((facts, identity, output))
}

/// The checks that follow from what was found.
#[must_use]
pub fn checks(facts: &HostFacts, raw: &str, packages: PackageSource) -> Vec<Check> {
    let has = |line: &str| raw.lines().any(|known| known == line);
    let mut checks = vec![Check::ok(
        "system",
        format!("{}, {}, {}", facts.os, facts.kernel, facts.architecture),
    )];
    if !facts.kernel.starts_with("Linux") {
        checks[0] = Check::warning(
            "system",
            format!("{} is not Linux: untested", facts.kernel),
            "tell us how it goes",
        );
    }
    checks.push(Check::ok("shell", format!("`{}` runs commands", facts.shell)));
    for program in ["tar", "setsid"] {
        if has(&format!("missing {program}")) {
            let package = if program == "tar" { "tar" } else { "util-linux" };
            checks.push(Check::failed(
                program,
                format!("`{program}` is not on the PATH"),
                format!("install the package `{package}` on the machine"),
            ));
        }
    }
    checks.push(Check::ok(
        "compute",
        format!(
            "{} CPUs, {:.1} GB memory{}",
            facts.cpus,
            facts.memory_bytes as f64 / 1e9,
            match facts.gpus.as_slice() {
                [] => ", no GPU that `nvidia-smi` shows".to_owned(),
                gpus => format!(", {}", gpus.join(", ")),
            }
        ),
    ));
    let disk = format!(
        "{:.1} GB free at `{}`",
        facts.disk_free_bytes as f64 / 1e9,
        facts.folder
    );
    checks.push(if facts.disk_free_bytes < LITTLE_SPACE {
        Check::warning(
            "disk",
            disk,
            "make room, or attach it with `--folder` on a larger disk",
        )
    } else {
        Check::ok("disk", disk)
    });
    if has("exec no") {
        checks.push(Check::failed(
            "folder",
            format!(
                "programs below `{}` cannot be started (mounted noexec)",
                facts.folder
            ),
            "attach it with `--folder` on a disk that is mounted without noexec",
        ));
    }
    checks.push(match facts.pythons.as_slice() {
        [] => Check::warning(
            "python",
            "no Python 3 was found on the PATH",
            "install Python 3.8 or newer, or name a conda environment that brings its own",
        ),
        pythons => Check::ok(
            "python",
            pythons
                .iter()
                .map(|python| format!("{} ({})", python.version, python.path))
                .collect::<Vec<_>>()
                .join(", "),
        ),
    });
    checks.push(packages_check(facts, packages));
    checks.push(match (&facts.docker, &facts.docker_problem) {
        (Some(version), _) => Check::ok("docker", format!("version {version}, and we may use it")),
        (None, Some(problem)) => Check::warning(
            "docker",
            problem.clone(),
            "only needed for environments with `docker:`; `sudo usermod -aG docker USER` lets the user use it",
        ),
        (None, None) => Check::ok("docker", "not there; only environments with `docker:` need it"),
    });
    let off = facts.clock_offset_ms;
    checks.push(if off.abs() > CLOCK_OFF_MS {
        let way = if off > 0 { "ahead" } else { "behind" };
        Check::warning(
            "clock",
            format!("the machine's clock is {} s {way} of ours", off.abs() / 1000),
            "runs do not mind; certificates and tokens may: switch on NTP there",
        )
    } else {
        Check::ok("clock", "as ours")
    });
    if has("kills-at-logout yes") {
        checks.push(Check::warning(
            "logout",
            "the machine ends a user's processes at logout (KillUserProcesses=yes)",
            "`loginctl enable-linger` as that user keeps runs alive",
        ));
    }
    checks
}

fn packages_check(facts: &HostFacts, packages: PackageSource) -> Check {
    let uv = facts
        .uv
        .as_ref()
        .map_or(String::new(), |uv| format!(", uv at `{uv}`"));
    let conda = facts
        .conda
        .as_ref()
        .map_or(String::new(), |conda| format!(", conda at `{conda}`"));
    match (packages, facts.index_reachable) {
        (PackageSource::Ship, _) => Check::ok("packages", "downloaded here and shipped"),
        (_, Some(true)) => Check::ok("packages", format!("the package index can be reached{uv}{conda}")),
        (PackageSource::Auto, Some(false)) => Check::ok(
            "packages",
            format!("the package index cannot be reached: packages are shipped{uv}{conda}"),
        ),
        (PackageSource::Target, Some(false)) => Check::warning(
            "packages",
            "the package index cannot be reached from there",
            "attach it with `--packages ship`, or give it a proxy",
        ),
        (_, None) => Check::ok(
            "packages",
            format!("whether the package index can be reached shows when it is needed{uv}{conda}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::CheckStatus;

    #[test]
    fn what_is_wrong_is_named_with_its_fix() {
        let facts = HostFacts {
            kernel: "Linux 6.1".into(),
            index_reachable: Some(false),
            clock_offset_ms: -7_200_000,
            ..HostFacts::default()
        };
        let found = checks(&facts, "exec no\nmissing tar\n", PackageSource::Target);
        for (name, status) in [
            ("tar", CheckStatus::Failed),
            ("folder", CheckStatus::Failed),
            ("disk", CheckStatus::Warning),
            ("python", CheckStatus::Warning),
            ("packages", CheckStatus::Warning),
            ("clock", CheckStatus::Warning),
            ("shell", CheckStatus::Ok),
        ] {
            let check = found.iter().find(|check| check.name == name).unwrap();
            assert_eq!(check.status, status, "{name}");
            assert_eq!(check.fix.is_some(), status != CheckStatus::Ok, "{name}");
        }
    }
}
