//! Reading a target's JSON, also one that a later version wrote with fields that are not known here.
//!
//! The parts of a target's configuration refuse unknown fields, because people write them and a slip of the pen must
//! be told. What is stored was checked before: here unknown fields are dropped, innermost parts first, and whatever
//! else is wrong is told as always.

use outhaul_types::target::{HostKey, LocalHost, SlurmConfig, SshAuthentication, SshEndpoint};
use outhaul_types::{ComputeTarget, RemoteConfig};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::codec;
use crate::fault::{Fault, Result};

/// Reads the JSON of the named target that was written in `format`.
pub(crate) fn read(name: &str, format: i64, text: &str) -> Result<ComputeTarget> {
    let what = || format!("compute target `{name}`");
    // Nothing is unknown in what this version wrote.
    if let Ok(target) = serde_json::from_str(text)
        && format <= codec::FORMAT
    {
        return Ok(target);
    }
    let mut value: Value = codec::read(what, format, text)?;
    if let Some(config) = value.get_mut("config") {
        prune_config(config);
    }
    serde_json::from_value(value).map_err(|error| Fault::damaged(what(), &error))
}

fn prune_config(config: &mut Value) {
    // The kind belongs to what surrounds the configuration.
    let kind = config.as_object_mut().and_then(|config| config.remove("kind"));
    if kind.as_ref().is_some_and(|kind| kind == "slurm") {
        if let Some(host) = config.get_mut("host") {
            prune_remote(host);
        }
        if let Some(local) = config.get_mut("local") {
            prune::<LocalHost>(local);
        }
        prune::<SlurmConfig>(config);
    } else {
        prune_remote(config);
    }
    if let (Some(kind), Some(config)) = (kind, config.as_object_mut()) {
        config.insert("kind".to_owned(), kind);
    }
}

fn prune_remote(config: &mut Value) {
    if let Some(endpoint) = config.get_mut("endpoint") {
        prune_endpoint(endpoint);
    }
    let jumps = config.get_mut("jumps").and_then(Value::as_array_mut);
    jumps.into_iter().flatten().for_each(prune_endpoint);
    if let Some(authentication) = config.get_mut("authentication") {
        prune::<SshAuthentication>(authentication);
    }
    prune::<RemoteConfig>(config);
}

fn prune_endpoint(endpoint: &mut Value) {
    if let Some(host_key) = endpoint.get_mut("host_key") {
        prune::<HostKey>(host_key);
    }
    prune::<SshEndpoint>(endpoint);
}

/// Drops the members of an object that `T` refuses as unknown.
fn prune<T: DeserializeOwned>(value: &mut Value) {
    while let Err(error) = serde_json::from_value::<T>(value.clone()) {
        let error = error.to_string();
        let Some(object) = value.as_object_mut() else {
            return;
        };
        let unknown = |key: &&String| error.starts_with(&format!("unknown field `{key}`, "));
        let Some(key) = object.keys().find(unknown).cloned() else {
            return;
        };
        object.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(authentication: &Value) -> Value {
        let host_key =
            json!({ "fingerprint": "SHA256:x", "algorithm": "ssh-ed25519", "authority": "SHA256:y" });
        let endpoint = json!({ "address": "h", "port": 22, "username": "u", "host_key": host_key });
        json!({
            "name": "gpu", "id": "1", "state": "Failed", "created_at": "2026-11-25T00:00:00Z",
            "config": {
                "kind": "remote", "endpoint": endpoint, "authentication": authentication,
                "jumps": [endpoint, endpoint], "resource_id": "/r", "folder": "/f", "packages": "ship", "slots": 2,
            },
            "error": { "check": "c", "message": "m", "hint": "h" },
            "checks": [{ "name": "n", "status": "ok", "message": "m" }],
            "facts": {
                "os": "o", "kernel": "k", "architecture": "a", "cpus": 1, "memory_bytes": 1, "disk_free_bytes": 1,
                "pythons": [{ "path": "p", "version": "3" }],
            },
            "identity": { "machine_id": "m", "host_key": "k", "boot_volume": "v" },
        })
    }

    fn authentications() -> [Value; 3] {
        [
            json!({ "kind": "password" }),
            json!({ "kind": "private_key", "certificate": "c" }),
            json!({ "kind": "agent", "socket": "s" }),
        ]
    }

    /// Adds two members to every object, one of them named as a field elsewhere.
    fn newer(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.values_mut().for_each(newer);
                object.insert("from ` later".into(), json!({ "x": [1] }));
                object.insert("socket_2".into(), json!(null));
            }
            Value::Array(array) => array.iter_mut().for_each(newer),
            _ => {}
        }
    }

    /// The same machine as the login host of a cluster.
    fn cluster(mut target: Value, local: bool) -> Value {
        let mut host = target["config"].take();
        host.as_object_mut().unwrap().remove("kind");
        target["config"] = json!({ "kind": "slurm", "partition": "p", "account": "a", "qos": "q" });
        if local {
            target["config"]["local"] = json!({ "folder": "/f", "slots": 3 });
        } else {
            target["config"]["host"] = host;
        }
        target
    }

    #[test]
    fn unknown_fields_are_dropped_wherever_they_are() {
        let plain = authentications().map(|authentication| target(&authentication));
        let clusters = [false, true].map(|local| cluster(plain[1].clone(), local));
        for known in plain.into_iter().chain(clusters) {
            let mut later = known.clone();
            newer(&mut later);
            let expected: ComputeTarget = serde_json::from_value(known).unwrap();
            assert!(serde_json::from_value::<ComputeTarget>(later.clone()).is_err());
            let read = read("gpu", codec::FORMAT, &later.to_string()).unwrap();
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn what_is_damaged_is_named_and_a_newer_format_refused() {
        let mut broken = target(&json!({ "kind": "password" }));
        broken["config"]["endpoint"]["port"] = json!("ssh");
        broken["config"]["later"] = json!(1);
        for text in ["", "{}", "[]", "{\"config\": 3}", &broken.to_string()] {
            let error = read("gpu", codec::FORMAT, text).unwrap_err();
            assert!(
                error.to_string().starts_with("compute target `gpu` is damaged: "),
                "{error}"
            );
        }
        let whole = target(&json!({ "kind": "password" })).to_string();
        let error = read("gpu", codec::FORMAT + 1, &whole).unwrap_err();
        let error = outhaul_store::StoreError::from(error);
        assert!(
            matches!(error, outhaul_store::StoreError::NewerVersion { .. }),
            "{error}"
        );
    }
}
