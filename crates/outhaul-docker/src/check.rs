//! Named checks of an engine, each with its fix.

use bollard::models::SystemInfo;
use outhaul_types::Check;

use crate::engine::Engine;
use crate::error::{DockerError, ErrorKind};

impl Engine {
    /// Checks the engine: whether it answers this user, what it is, and what it can do. Never fails: a check does.
    pub async fn check(&self) -> Vec<Check> {
        let version = match self.version().await {
            Ok(version) => version,
            Err(error) => return vec![unusable(&error)],
        };
        let said = format!("version {}, API {}", version.engine, version.api);
        let mut checks = vec![Check::ok("docker", said)];
        match self
            .ask("ask the engine what it can do", self.docker.info())
            .await
        {
            Ok(info) => checks.extend([gpu(&info), memory(&info)]),
            Err(error) => checks.push(unusable(&error)),
        }
        checks
    }
}

fn unusable(error: &DockerError) -> Check {
    let fix = error.hint.clone().unwrap_or_else(|| match error.kind {
        ErrorKind::Unreachable => "look whether the engine runs (`systemctl status docker`)".to_owned(),
        _ => "look into the engine's log (`journalctl -u docker`)".to_owned(),
    });
    Check::failed("docker", error.message.clone(), fix)
}

fn gpu(info: &SystemInfo) -> Check {
    let runtime = info
        .runtimes
        .as_ref()
        .is_some_and(|all| all.contains_key("nvidia"));
    let devices = info.discovered_devices.as_deref().unwrap_or_default();
    let named = devices.iter().any(|device| {
        let id = device.id.as_deref().unwrap_or_default();
        id.contains("/gpu")
    });
    if runtime || named {
        Check::ok("docker-gpu", "containers can get graphics processors")
    } else {
        Check::warning(
            "docker-gpu",
            "containers get no graphics processors: the engine has no GPU runtime",
            "install the NVIDIA container toolkit where the host has such processors; otherwise nothing is to do",
        )
    }
}

fn memory(info: &SystemInfo) -> Check {
    if info.memory_limit == Some(false) {
        Check::warning(
            "docker-memory",
            "the engine cannot limit the memory of containers",
            "start the host's kernel with `cgroup_enable=memory`, or leave `--memory` out",
        )
    } else {
        Check::ok("docker-memory", "the memory of containers can be limited")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard::models::{DeviceInfo, Runtime};
    use outhaul_types::CheckStatus;

    use super::*;

    #[test]
    fn graphics_processors_are_seen_in_both_ways() {
        let runtime = SystemInfo {
            runtimes: Some(HashMap::from([("nvidia".to_owned(), Runtime::default())])),
            ..SystemInfo::default()
        };
        let device = SystemInfo {
            discovered_devices: Some(vec![DeviceInfo {
                id: Some("nvidia.com/gpu=all".into()),
                ..DeviceInfo::default()
            }]),
            ..SystemInfo::default()
        };
        for (info, status) in [
            (runtime, CheckStatus::Ok),
            (device, CheckStatus::Ok),
            (SystemInfo::default(), CheckStatus::Warning),
        ] {
            assert_eq!(gpu(&info).status, status);
        }
    }
}
