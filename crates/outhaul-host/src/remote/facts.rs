//! What a machine is: asked by a script of plain shell, read by a pure function.

use outhaul_types::HostFacts;
use outhaul_types::HostIdentity;
use outhaul_types::target::PythonFact;

/// The script. One fact a line: a name, a blank, a value.
pub const FACTS: &str = include_str!("facts.sh");

/// Reads what [`FACTS`] printed. `sent` and `received` are our clock's seconds before and after the question.
#[must_use]
pub fn parse_facts(output: &str, sent: f64, received: f64) -> (HostFacts, HostIdentity) {
    let mut facts = HostFacts::default();
    let mut identity = HostIdentity::default();
    let some = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    for line in output.lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        let value = value.trim();
        match name {
            "os" => facts.os = value.to_owned(),
            "kernel" => facts.kernel = value.to_owned(),
            "architecture" => facts.architecture = value.to_owned(),
            "user" => {
                facts.user = value
                    .split_once(' ')
                    .and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
            }
            "cpus" => facts.cpus = value.parse().unwrap_or(1),
            "memory-kb" => facts.memory_bytes = value.parse::<u64>().unwrap_or(0) * 1024,
            "disk-kb" => facts.disk_free_bytes = value.parse::<u64>().unwrap_or(0) * 1024,
            "gpu" => facts.gpus.push(value.to_owned()),
            "python" => {
                if let Some((version, path)) = value.split_once(' ') {
                    facts.pythons.push(PythonFact {
                        path: path.to_owned(),
                        version: version.to_owned(),
                    });
                }
            }
            "docker" => facts.docker = some(value),
            "docker-socket" => facts.docker_socket = some(value),
            "docker-rootless" => facts.docker_rootless = value == "yes",
            "docker-problem" => facts.docker_problem = some(value),
            "uv" => facts.uv = some(value),
            "conda" => facts.conda = some(value),
            "index" => {
                facts.index_reachable = match value {
                    "yes" => Some(true),
                    "no" => Some(false),
                    _ => None,
                };
            }
            "clock" => {
                if let Ok(clock) = value.parse::<f64>() {
                    // It tells whole seconds of some moment between question and answer.
                    let offset = if clock + 1.0 < sent {
                        clock + 1.0 - sent
                    } else if clock > received {
                        clock - received
                    } else {
                        0.0
                    };
                    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of any clock fit")]
                    {
                        facts.clock_offset_ms = (offset * 1000.0) as i64;
                    }
                }
            }
            "shell" => facts.shell = value.to_owned(),
            "home" => facts.home = value.to_owned(),
            "folder" => facts.folder = value.to_owned(),
            "machine-id" => identity.machine_id = some(value),
            "volume" => identity.boot_volume = some(value),
            _ => {}
        }
    }
    (facts, identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read() {
        let text = "os Ubuntu 24.04.1 LTS\ncpus 8\nmemory-kb 1024\ngpu NVIDIA A100, 40960 MiB\npython 3.11.7 /usr/bin/python3\n\
                    index no\nclock 1000\nmachine-id abc\nvolume uuid-1\nnonsense\n";
        let (facts, identity) = parse_facts(text, 8200.5, 8200.6);
        assert_eq!(
            (facts.os.as_str(), facts.cpus, facts.memory_bytes),
            ("Ubuntu 24.04.1 LTS", 8, 1 << 20)
        );
        assert_eq!(facts.pythons[0].path, "/usr/bin/python3");
        assert_eq!(
            (facts.index_reachable, facts.clock_offset_ms),
            (Some(false), -7_199_500)
        );
        assert_eq!(identity.machine_id.as_deref(), Some("abc"));
        assert_eq!(parse_facts("clock 1000\n", 999.9, 1000.2).0.clock_offset_ms, 0);
    }

    /// On a real shell: this machine's.
    #[test]
    fn the_script_answers_on_this_machine() {
        let output = std::process::Command::new("sh")
            .args(["-c", FACTS])
            .env("OUTHAUL_NO_INDEX", "1")
            .output()
            .unwrap();
        let (facts, _) = parse_facts(&String::from_utf8_lossy(&output.stdout), 0.0, f64::MAX);
        assert!(
            facts.cpus > 0 && facts.memory_bytes > 1 << 20 && facts.disk_free_bytes > 0,
            "{facts:?}"
        );
        assert!(
            !facts.os.is_empty() && !facts.architecture.is_empty(),
            "{facts:?}"
        );
        assert!(
            facts.pythons.iter().all(|python| python.path.starts_with('/')),
            "{facts:?}"
        );
    }
}
