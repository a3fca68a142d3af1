//! The exact body of the call that makes a container. Pure.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, DeviceRequest, HealthConfig, HostConfig, Mount as EngineMount,
    MountType, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};

use crate::arguments::{Extra, Gpus, Problem, parse_arguments};
use crate::engine::{HOME_LABEL, RUN_LABEL};
use crate::request::{ContainerRequest, Mount};

/// The body of the call that makes the container, as it is sent: what `--dry-run` shows.
///
/// # Errors
/// All arguments that are refused.
pub fn plan(home: &str, request: &ContainerRequest) -> Result<serde_json::Value, Vec<Problem>> {
    let body = body(home, request)?;
    serde_json::to_value(body).map_err(|error| {
        vec![Problem {
            argument: request.run_key.to_string(),
            message: error.to_string(),
            hint: None,
        }]
    })
}

/// The same, as the engine's client takes it.
pub(crate) fn body(home: &str, request: &ContainerRequest) -> Result<ContainerCreateBody, Vec<Problem>> {
    let extra = parse_arguments(&request.arguments)?;
    let problems = hidden(request, &extra);
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = |path: &Path| path.display().to_string();
    let entrypoint = vec![
        "sh".to_owned(),
        text(&request.supervisor),
        "supervise".to_owned(),
        text(&request.run_dir),
    ];
    Ok(ContainerCreateBody {
        image: Some(request.image.name(home)),
        entrypoint: Some(entrypoint),
        // Otherwise the image's own command would follow as arguments.
        cmd: Some(Vec::new()),
        working_dir: Some(text(&request.run_dir)),
        user: request.user.map(|(user, group)| format!("{user}:{group}")),
        env: Some(environment(request, &extra)),
        hostname: extra.hostname.clone(),
        labels: Some(HashMap::from([
            (RUN_LABEL.to_owned(), request.run_key.to_string()),
            (HOME_LABEL.to_owned(), home.to_owned()),
        ])),
        stop_signal: Some("SIGTERM".to_owned()),
        // The image's own check would be run beside the script.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        host_config: Some(host_config(request, extra)),
        ..ContainerCreateBody::default()
    })
}

fn host_config(request: &ContainerRequest, extra: Extra) -> HostConfig {
    let signed = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
    let gpus = extra.gpus.or(request.gpus.then_some(Gpus::All));
    HostConfig {
        // Reaps what a script leaves, and passes signals on.
        init: Some(true),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        mounts: Some(mounts(request)),
        shm_size: extra.shm_size.or(request.shm_size).map(signed),
        device_requests: gpus.map(|gpus| vec![device_request(gpus)]),
        network_mode: extra.network,
        memory: extra.memory.map(signed),
        nano_cpus: extra.nano_cpus,
        ipc_mode: extra.ipc,
        binds: some(extra.volumes),
        cap_add: some(extra.cap_add),
        extra_hosts: some(extra.add_hosts),
        ulimits: some(extra.ulimits.into_iter().map(|limit| ResourcesUlimits {
            name: Some(limit.name),
            soft: Some(limit.soft),
            hard: Some(limit.hard),
        })),
        devices: some(extra.devices.into_iter().map(|device| DeviceMapping {
            path_on_host: Some(device.host),
            path_in_container: Some(device.container),
            cgroup_permissions: Some(device.rights),
        })),
        ..HostConfig::default()
    }
}

fn some<T>(items: impl IntoIterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.into_iter().collect();
    (!items.is_empty()).then_some(items)
}

fn device_request(gpus: Gpus) -> DeviceRequest {
    let (count, device_ids) = match gpus {
        Gpus::All => (Some(-1), None),
        Gpus::Count(count) => (Some(i64::from(count)), None),
        Gpus::Devices(devices) => (None, Some(devices)),
    };
    DeviceRequest {
        count,
        device_ids,
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    }
}

/// The run directory and the supervisor first; then what else was asked for.
fn mounts(request: &ContainerRequest) -> Vec<EngineMount> {
    let run_dir = Mount {
        writable: true,
        ..Mount::read_only(&request.run_dir)
    };
    [run_dir, Mount::read_only(&request.supervisor)]
        .iter()
        .chain(&request.mounts)
        .map(bind)
        .collect()
}

/// A mount in the engine's words.
pub(crate) fn bind(mount: &Mount) -> EngineMount {
    EngineMount {
        // Unlike a volume in the short form, a mount is refused when its source is not there.
        typ: Some(MountType::BIND),
        source: Some(mount.source.display().to_string()),
        target: Some(mount.target.display().to_string()),
        read_only: Some(!mount.writable),
        ..EngineMount::default()
    }
}

/// Variables: what is always there, then the request's, then those of the arguments; the last one of a name counts.
fn environment(request: &ContainerRequest, extra: &Extra) -> Vec<String> {
    let home = request.run_dir.join("home").display().to_string();
    // The user may not be known in the image, and libraries ask for a name all the same.
    let usual = [
        ("HOME", home.as_str()),
        ("USER", "outhaul"),
        ("LOGNAME", "outhaul"),
    ];
    let mut variables: BTreeMap<&str, &str> = usual.into();
    for (name, value) in request.environment.iter().chain(&extra.environment) {
        variables.insert(name, value);
    }
    let lines = variables
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"));
    lines.collect()
}

/// Volumes that would hide what the run needs.
fn hidden(request: &ContainerRequest, extra: &Extra) -> Vec<Problem> {
    let needed = || {
        [&request.run_dir, &request.supervisor]
            .into_iter()
            .chain(request.mounts.iter().map(|mount| &mount.target))
    };
    let hides = |volume: &&String| {
        let target = volume.split(':').nth(1).unwrap_or_default();
        needed().any(|path| path.starts_with(target))
    };
    let problem = |volume: &String| {
        Problem::new(
            format!("--volume {volume}"),
            "hides a folder that the run needs",
            "choose another target for it",
        )
    };
    extra.volumes.iter().filter(hides).map(problem).collect()
}

#[cfg(test)]
mod tests;
