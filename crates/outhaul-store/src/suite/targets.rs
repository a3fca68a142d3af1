//! Compute targets: attached once under a name, changed only by the attachment itself, removed with their secrets.

use std::sync::Arc;

use outhaul_types::check::Check;
use outhaul_types::target::{
    AttachError, HostKey, PackageSource, PythonFact, SshAuthentication, SshEndpoint,
};
use outhaul_types::{ComputeTarget, HostFacts, HostIdentity, ProvisioningState, RemoteConfig, TargetConfig};
use tokio::task::JoinSet;

use super::fixture::at;
use crate::{Store, StoreError};

fn endpoint(address: &str) -> SshEndpoint {
    SshEndpoint {
        address: address.into(),
        port: 22,
        username: "someone".into(),
        host_key: None,
    }
}

/// A target with little in it.
fn target(name: &str, id: &str) -> ComputeTarget {
    ComputeTarget {
        name: name.into(),
        id: id.into(),
        config: TargetConfig::Remote(RemoteConfig {
            endpoint: endpoint("10.0.0.5"),
            authentication: SshAuthentication::Password,
            jumps: vec![],
            resource_id: None,
            folder: None,
            packages: PackageSource::Auto,
            slots: None,
        }),
        state: ProvisioningState::Creating,
        error: None,
        checks: vec![],
        facts: None,
        identity: None,
        aliases: Vec::new(),
        replace: false,
        notes: Vec::new(),
        created_at: at(1),
    }
}

/// A target with something in every place.
fn full(name: &str, id: &str) -> ComputeTarget {
    let pinned = |authority: Option<&str>| HostKey {
        fingerprint: "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ".into(),
        algorithm: "ssh-ed25519".into(),
        authority: authority.map(str::to_owned),
    };
    let machine = SshEndpoint {
        host_key: Some(pinned(None)),
        ..endpoint("gpu-1.example")
    };
    let jump = SshEndpoint {
        host_key: Some(pinned(Some("SHA256:authority"))),
        ..endpoint("fe80::1")
    };
    ComputeTarget {
        config: TargetConfig::Remote(RemoteConfig {
            endpoint: machine,
            authentication: SshAuthentication::PrivateKey {
                certificate: Some("ssh-ed25519-cert-v01@openssh.com AAAA\n".into()),
            },
            jumps: vec![jump, endpoint("second")],
            resource_id: Some("/subscriptions/S/resourceGroups/g".into()),
            folder: Some("/scratch/ü ' \"".into()),
            packages: PackageSource::Ship,
            slots: Some(3),
        }),
        state: ProvisioningState::Failed,
        error: Some(AttachError {
            check: "host-key".into(),
            message: "another key".into(),
            hint: Some("pin it".into()),
        }),
        checks: vec![Check::ok("shell", "sh"), Check::failed("disk", "full", "tidy up")],
        facts: Some(HostFacts {
            os: "Ubuntu".into(),
            memory_bytes: u64::MAX,
            pythons: vec![PythonFact {
                path: "/usr/bin/python3".into(),
                version: "3.11.7".into(),
            }],
            index_reachable: Some(false),
            clock_offset_ms: -3,
            ..HostFacts::default()
        }),
        identity: Some(HostIdentity {
            machine_id: Some("m".into()),
            host_key: Some("k".into()),
            boot_volume: None,
        }),
        ..target(name, id)
    }
}

fn is_no_target(error: &StoreError, name: &str) -> bool {
    matches!(error, StoreError::NotFound { what: "compute target", name: named } if named == name)
}

/// By its name and in the list, which is sorted by name.
pub async fn everything_of_a_target_reads_back(store: Arc<dyn Store>) {
    assert_eq!(store.targets().await.unwrap(), []);
    let error = store.target("gpu").await.unwrap_err();
    assert!(is_no_target(&error, "gpu"), "{error}");
    let agent = ComputeTarget {
        config: TargetConfig::Remote(RemoteConfig {
            endpoint: endpoint("h"),
            authentication: SshAuthentication::Agent {
                socket: "/run/agent".into(),
            },
            jumps: vec![],
            resource_id: None,
            folder: None,
            packages: PackageSource::Target,
            slots: None,
        }),
        ..target("zoo", "3")
    };
    let (gpu, cpu) = (full("gpu", "1"), target("cpu", "2"));
    for one in [&gpu, &agent, &cpu] {
        store.create_target(one.clone()).await.unwrap();
        assert_eq!(&store.target(&one.name).await.unwrap(), one);
    }
    assert_eq!(store.targets().await.unwrap(), [cpu, gpu, agent]);
}

/// The first attachment stays as it is.
pub async fn names_and_ids_are_taken_once(store: Arc<dyn Store>) {
    let first = target("gpu", "1");
    store.create_target(first.clone()).await.unwrap();
    for (again, message) in [
        (full("gpu", "2"), "there is a compute target `gpu` already"),
        (first.clone(), "there is a compute target `gpu` already"),
        (
            full("other", "1"),
            "there is a compute target with the id `1` already",
        ),
    ] {
        let error = store.create_target(again).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{error}");
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(store.targets().await.unwrap(), [first]);
}

/// Case, blanks and accents all count.
pub async fn names_compare_exactly(store: Arc<dyn Store>) {
    let names = ["GPU", "gpu", "gpu ", "gpü", "gpu\u{308}"];
    for (number, name) in names.iter().enumerate() {
        let new = target(name, &number.to_string());
        store.create_target(new).await.unwrap();
    }
    for (number, name) in names.iter().enumerate() {
        assert_eq!(store.target(name).await.unwrap().id, number.to_string());
    }
    for absent in ["Gpu", "", "gp%", "gpu\0"] {
        let error = store.target(absent).await.unwrap_err();
        assert!(is_no_target(&error, absent), "{error}");
    }
}

/// And no other target.
pub async fn a_change_replaces_the_whole_target(store: Arc<dyn Store>) {
    store.create_target(target("a", "1")).await.unwrap();
    store.create_target(target("b", "2")).await.unwrap();
    for changed in [full("b", "2"), target("b", "2")] {
        store.put_target(changed.clone()).await.unwrap();
        assert_eq!(store.target("b").await.unwrap(), changed);
        assert_eq!(store.targets().await.unwrap(), [target("a", "1"), changed]);
    }
}

/// Who checks a target may answer when it is detached, and its name taken again.
pub async fn a_late_answer_about_another_attachment_changes_nothing(store: Arc<dyn Store>) {
    let late = full("gpu", "1");
    let error = store.put_target(late.clone()).await.unwrap_err();
    assert!(is_no_target(&error, "gpu"), "{error}");
    assert_eq!(store.targets().await.unwrap(), []);

    store.create_target(target("gpu", "1")).await.unwrap();
    store.remove_target("gpu", "1").await.unwrap();
    let error = store.put_target(late.clone()).await.unwrap_err();
    assert!(is_no_target(&error, "gpu"), "{error}");

    store.create_target(target("gpu", "2")).await.unwrap();
    // Under the name of one and with the id of another.
    store.create_target(target("cpu", "3")).await.unwrap();
    for wrong in [late, full("gpu", "3")] {
        let error = store.put_target(wrong).await.unwrap_err();
        assert!(is_no_target(&error, "gpu"), "{error}");
    }
    assert_eq!(
        store.targets().await.unwrap(),
        [target("cpu", "3"), target("gpu", "2")]
    );
}

/// And the name can be taken again.
pub async fn a_target_goes_with_its_secrets(store: Arc<dyn Store>) {
    for (name, id) in [("gpu", "1"), ("cpu", "2")] {
        store.create_target(target(name, id)).await.unwrap();
        store.put_secret(id, id.into()).await.unwrap();
    }
    store.remove_target("gpu", "1").await.unwrap();
    assert_eq!(store.targets().await.unwrap(), [target("cpu", "2")]);
    assert_eq!(store.secret("1").await.unwrap(), None);
    assert_eq!(store.secret("2").await.unwrap(), Some("2".into()));
    store.create_target(target("gpu", "3")).await.unwrap();
    assert_eq!(store.secret("3").await.unwrap(), None);
}

/// A detach that is asked twice, or late, takes nothing away from another attachment.
pub async fn removing_what_is_not_there_is_harmless(store: Arc<dyn Store>) {
    store.remove_target("gpu", "1").await.unwrap();
    store.create_target(target("gpu", "2")).await.unwrap();
    store.create_target(target("cpu", "3")).await.unwrap();
    for owner in ["1", "2", "3"] {
        store.put_secret(owner, owner.into()).await.unwrap();
    }
    for (name, id) in [("gpu", "1"), ("gpu", "3"), ("GPU", "2"), ("", "")] {
        store.remove_target(name, id).await.unwrap();
    }
    assert_eq!(
        store.targets().await.unwrap(),
        [target("cpu", "3"), target("gpu", "2")]
    );
    // Of an attachment that is gone nothing stays behind.
    for (owner, kept) in [("1", false), ("2", true), ("3", true)] {
        assert_eq!(store.secret(owner).await.unwrap().is_some(), kept, "{owner}");
    }
}

/// The others are told so, and the winner is whole.
pub async fn one_of_many_attachments_of_a_name_wins(store: Arc<dyn Store>) {
    let mut tasks = JoinSet::new();
    for number in 0..32 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let new = full("gpu", &number.to_string());
            match store.create_target(new.clone()).await {
                Ok(()) => Some(new),
                Err(StoreError::Conflict(_)) => None,
                Err(other) => panic!("{other}"),
            }
        });
    }
    let won: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!(store.targets().await.unwrap(), won);
}
