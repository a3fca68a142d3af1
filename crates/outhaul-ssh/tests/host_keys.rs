//! Host keys of a real server: pinned, known, changed, revoked, signed.

mod common;

use std::process::Command;
use std::sync::Arc;

use common::{hop, key, pinned, route};
use outhaul_ssh::{
    Connection, HostKeyPolicy, KnownHosts, Route, ServerKey, SshError, SshErrorKind, scan_host_key,
};
use outhaul_testkit::sshd::{Setup, Sshd, keygen};
use outhaul_types::target::HostKey;

async fn open(server: &Sshd, policy: HostKeyPolicy) -> Result<HostKey, SshError> {
    let mut route = route(server);
    route.hops[0].host_key = policy;
    Connection::open(&route)
        .await
        .map(|connection| connection.host_key().clone())
}

fn known(text: &str) -> HostKeyPolicy {
    HostKeyPolicy::KnownHosts(Arc::new(KnownHosts::parse(text)))
}

fn fingerprint(text: &str) -> String {
    ServerKey::parse(text).expect("a public key").fingerprint()
}

#[tokio::test]
async fn pinned_scanned_and_expected_keys() {
    let Some(server) = Setup::new().host_key("ed25519").host_key("rsa").start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (_, other) = keygen(folder.path(), "other", "ed25519", "").expect("a key");
    let mut route = Route::new(vec![hop(&server, key("not looked at"))]);
    route.hops[0].host_key = HostKeyPolicy::Expect("not looked at".to_owned());
    let scanned = scan_host_key(&route).await.expect("it shows a key");
    assert_eq!(scanned.fingerprint, fingerprint(&server.host_keys()[0]));
    assert_eq!(
        (scanned.algorithm.as_str(), &scanned.authority),
        ("ssh-ed25519", &None)
    );
    assert_eq!(
        open(&server, pinned(&server)).await.expect("it is pinned"),
        scanned
    );
    assert_eq!(
        open(&server, HostKeyPolicy::Pinned(scanned.clone()))
            .await
            .expect("it is pinned"),
        scanned
    );
    open(&server, HostKeyPolicy::Expect(scanned.fingerprint.clone()))
        .await
        .expect("as expected");
    // An RSA key is asked for if that is the pinned one.
    let rsa = HostKey {
        fingerprint: fingerprint(&server.host_keys()[1]),
        algorithm: "ssh-rsa".to_owned(),
        authority: None,
    };
    assert_eq!(
        open(&server, HostKeyPolicy::Pinned(rsa.clone()))
            .await
            .expect("it is pinned"),
        rsa
    );
    for policy in [
        HostKeyPolicy::Expect(fingerprint(&other)),
        HostKeyPolicy::Pinned(HostKey {
            fingerprint: fingerprint(&other),
            algorithm: "ssh-ed25519".to_owned(),
            authority: None,
        }),
        HostKeyPolicy::Expect(String::new()),
    ] {
        let error = open(&server, policy).await.expect_err("it is another key");
        let SshErrorKind::HostKeyChanged { shown, .. } = &error.kind else {
            panic!("{error:?}")
        };
        assert_eq!(shown, &scanned.fingerprint);
        assert!(error.message.contains(shown), "{error}");
    }
}

#[tokio::test]
async fn known_hosts() {
    let Some(server) = Setup::new().host_key("ed25519").host_key("rsa").start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (_, other) = keygen(folder.path(), "other", "ed25519", "").expect("a key");
    let port = server.port();
    let keys = server.host_keys();
    let name = format!("[127.0.0.1]:{port}");
    open(&server, known(&format!("{name} {}", keys[0])))
        .await
        .expect("it is known");
    // Known by its RSA key only: that one is asked for, as OpenSSH does.
    let shown = open(&server, known(&format!("{name} {}", keys[1])))
        .await
        .expect("it is known");
    assert_eq!(shown.algorithm, "ssh-rsa");
    let error = open(&server, known(&format!("{name} {other}")))
        .await
        .expect_err("it is another");
    assert!(
        matches!(error.kind, SshErrorKind::HostKeyChanged { .. }),
        "{error:?}"
    );
    let error = open(&server, known(&format!("elsewhere {}", keys[0])))
        .await
        .expect_err("it is not known");
    assert!(
        matches!(&error.kind, SshErrorKind::HostKeyUnknown { algorithm, .. } if algorithm == "ssh-ed25519")
    );
    let error = open(
        &server,
        known(&format!("{name} {}@revoked * {}", keys[0], keys[0])),
    )
    .await
    .expect_err("it is revoked");
    assert_eq!(error.kind, SshErrorKind::HostKeyRevoked);
    // As OpenSSH hashes it.
    let path = folder.path().join("known_hosts");
    std::fs::write(&path, format!("{name} {}", keys[0])).expect("it is written");
    let hashed = Command::new("ssh-keygen")
        .arg("-Hf")
        .arg(&path)
        .output()
        .expect("it runs");
    assert!(hashed.status.success());
    let text = std::fs::read_to_string(&path).expect("it is there");
    assert!(text.starts_with("|1|"), "{text}");
    open(&server, known(&text)).await.expect("it is known");
}

fn sign(server: &Sshd, arguments: &[&str]) {
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-h", "-I", "test", "-s"])
        .arg(server.folder().join("ca"))
        .args(arguments)
        .arg(server.folder().join("host0.pub"))
        .status()
        .expect("it runs");
    assert!(signed.success());
}

#[tokio::test]
async fn certificates_of_hosts() {
    let Some(mut server) = Setup::new().line("HostCertificate FOLDER/host0-cert.pub").start() else {
        return;
    };
    let (_, authority) = keygen(server.folder(), "ca", "ed25519", "").expect("an authority");
    let folder = tempfile::tempdir().expect("a folder");
    let (_, other) = keygen(folder.path(), "other", "ed25519", "").expect("a key");
    let trusting = known(&format!("@cert-authority *.1,127.*,[127.*]:* {authority}"));
    let by_authority = |key: &str| {
        HostKeyPolicy::Pinned(HostKey {
            fingerprint: fingerprint(&other),
            algorithm: "ssh-ed25519".to_owned(),
            authority: Some(fingerprint(key)),
        })
    };
    sign(&server, &["-n", "box,127.0.0.1"]);
    server.restart().expect("it restarts");
    let shown = open(&server, trusting.clone()).await.expect("it is signed");
    assert_eq!(shown.authority, Some(fingerprint(&authority)));
    assert_eq!(shown.fingerprint, fingerprint(&server.host_keys()[0]));
    open(&server, by_authority(&authority))
        .await
        .expect("it is signed");
    let error = open(&server, by_authority(&other)).await.expect_err("by another");
    assert!(
        matches!(error.kind, SshErrorKind::HostKeyChanged { .. }),
        "{error:?}"
    );
    let error = open(
        &server,
        known(&format!("@revoked * {authority}@cert-authority * {authority}")),
    )
    .await
    .expect_err("its authority is revoked");
    assert_eq!(error.kind, SshErrorKind::HostKeyRevoked);
    // The bare key, known as such, is enough, whoever signed it.
    let both = format!(
        "@cert-authority * {other}[127.0.0.1]:{} {}",
        server.port(),
        server.host_keys()[0]
    );
    open(&server, known(&both)).await.expect("the key is known");
    for (arguments, words) in [
        (&["-n", "elsewhere"][..], "not for"),
        (&["-n", "127.0.0.1", "-V", "20200101:20200102"][..], "run out"),
        (
            &["-n", "127.0.0.1", "-V", "20990101:20990102"][..],
            "not valid yet",
        ),
        (&[][..], "names no host"),
    ] {
        sign(&server, arguments);
        server.restart().expect("it restarts");
        let error = open(&server, trusting.clone()).await.expect_err("it is no good");
        assert!(
            matches!(error.kind, SshErrorKind::HostKeyUnknown { .. }),
            "{error:?}"
        );
        let error = open(&server, by_authority(&authority))
            .await
            .expect_err("it is no good");
        assert!(error.message.contains(words), "{error}");
    }
}
