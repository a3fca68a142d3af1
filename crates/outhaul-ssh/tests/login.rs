//! Every way to log in, and every way to be refused, with a real server.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use common::{hop, key, route, secret, until};
use outhaul_ssh::{Connection, Credential, Exit, Route, SshError, SshErrorKind};
use outhaul_testkit::sshd::{Setup, Sshd, keygen};

async fn open(server: &Sshd, credential: Credential) -> Result<Connection, SshError> {
    Connection::open(&Route::new(vec![hop(server, credential)])).await
}

async fn works(server: &Sshd, credential: Credential) {
    let connection = open(server, credential).await.expect("it lets us in");
    let output = connection.run("id -un", b"", 100).await.expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), server.username());
    assert_eq!(output.exit, Exit::Code(0));
}

async fn fails(server: &Sshd, credential: Credential, kind: &SshErrorKind, words: &str) {
    let error = open(server, credential).await.expect_err("it is refused");
    assert_eq!(&error.kind, kind, "{error}");
    assert!(error.message.contains(words), "{error}");
    assert!(error.hint.is_some(), "{error}");
}

fn with(text: &str, passphrase: Option<&str>, certificate: Option<&str>) -> Credential {
    Credential::PrivateKey {
        key: secret(text),
        passphrase: passphrase.map(secret),
        certificate: certificate.map(str::to_owned),
    }
}

#[tokio::test]
async fn by_password() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let Some(password) = server.password() else { return };
    works(&server, Credential::Password(secret(password))).await;
    let wrong = Credential::Password(secret("wrong-canary"));
    fails(&server, wrong, &SshErrorKind::LoginRefused, "publickey, password").await;
}

#[tokio::test]
async fn by_questions_that_the_machine_asks_through_pam() {
    let setup = Setup::new()
        .line("UsePAM yes")
        .line("KbdInteractiveAuthentication yes")
        .line("PasswordAuthentication no");
    let Some(server) = setup.start() else {
        return;
    };
    let Some(password) = server.password() else { return };
    works(&server, Credential::Password(secret(password))).await;
    let wrong = Credential::Password(secret("wrong-canary"));
    fails(
        &server,
        wrong,
        &SshErrorKind::LoginRefused,
        "keyboard-interactive",
    )
    .await;
}

#[tokio::test]
async fn by_password_where_none_is_taken() {
    let Some(server) = Setup::new().line("PasswordAuthentication no").start() else {
        return;
    };
    let error = open(&server, Credential::Password(secret("x")))
        .await
        .expect_err("it takes none");
    assert_eq!(error.kind, SshErrorKind::LoginRefused);
    assert!(error.hint.expect("a hint").contains("private key"));
}

#[tokio::test]
async fn by_keys_of_every_kind_and_form() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    works(&server, key(server.client_key())).await;
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let (private, public) = keygen(folder.path(), kind, kind, "").expect("a key");
        server.authorize(&public).expect("it is let in");
        works(&server, key(&private)).await;
        // As texts are that went through a form on Windows.
        let pasted = format!("  {}\r\n", private.replace('\n', "\r\n  "));
        works(&server, key(&pasted)).await;
        let name = format!("{kind}-locked");
        let (private, public) = keygen(folder.path(), &name, kind, "open sesame").expect("a key");
        server.authorize(&public).expect("it is let in");
        works(&server, with(&private, Some("open sesame"), None)).await;
    }
    for form in ["PEM", "PKCS8"] {
        for passphrase in ["", "open sesame"] {
            let name = format!("rsa-{form}-{}", passphrase.len());
            let (_, public) = keygen(folder.path(), &name, "rsa", passphrase).expect("a key");
            server.authorize(&public).expect("it is let in");
            let path = folder.path().join(&name);
            let changed = Command::new("ssh-keygen")
                .args(["-q", "-p", "-m", form, "-P", passphrase, "-N", passphrase, "-f"])
                .arg(&path)
                .stdout(Stdio::null())
                .status()
                .expect("it runs");
            assert!(changed.success());
            let text = std::fs::read_to_string(&path).expect("a key");
            assert!(!text.contains("OPENSSH"));
            works(
                &server,
                with(&text, Some(passphrase).filter(|text| !text.is_empty()), None),
            )
            .await;
        }
    }
}

/// One in about 400 keys of NIST P-256 is like this one: its secret number begins with a zero, which `ssh-keygen` does
/// not write.
#[tokio::test]
async fn by_a_key_whose_secret_number_is_short() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let text = include_str!("keys/p256_short");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("short");
    std::fs::write(&path, text).expect("it is written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("only we may read it");
    let public = Command::new("ssh-keygen")
        .args(["-y", "-f"])
        .arg(&path)
        .output()
        .expect("it runs");
    let public = String::from_utf8(public.stdout).expect("a key");
    server.authorize(&public).expect("it is let in");
    works(&server, key(text)).await;
    for cipher in ["aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com"] {
        std::fs::write(&path, text).expect("it is written");
        let locked = Command::new("ssh-keygen")
            .args(["-q", "-p", "-Z", cipher, "-P", "", "-N", "open sesame", "-f"])
            .arg(&path)
            .stdout(Stdio::null())
            .status()
            .expect("it runs");
        assert!(locked.success(), "{cipher}");
        let locked = std::fs::read_to_string(&path).expect("a key");
        works(&server, with(&locked, Some("open sesame"), None)).await;
        let bad = SshErrorKind::BadCredential;
        fails(
            &server,
            with(&locked, Some("canary"), None),
            &bad,
            "does not open",
        )
        .await;
        fails(&server, with(&locked, None, None), &bad, "needs its passphrase").await;
    }
    let damaged = text.replace("oJHdzXqR3c", "oJHdzXqR3d");
    fails(
        &server,
        key(&damaged),
        &SshErrorKind::BadCredential,
        "cannot be read",
    )
    .await;
}

#[tokio::test]
async fn by_keys_that_cannot_be_used() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (locked, public) = keygen(folder.path(), "locked", "ed25519", "open sesame").expect("a key");
    server.authorize(&public).expect("it is let in");
    let bad = SshErrorKind::BadCredential;
    fails(&server, with(&locked, None, None), &bad, "needs its passphrase").await;
    fails(
        &server,
        with(&locked, Some("canary"), None),
        &bad,
        "does not open",
    )
    .await;
    fails(&server, key(&public), &bad, "public key").await;
    fails(&server, key("hello"), &bad, "not a private key").await;
    fails(&server, key(&locked[..locked.len() / 2]), &bad, "cannot be read").await;
    let (stranger, _) = keygen(folder.path(), "stranger", "ed25519", "").expect("a key");
    fails(
        &server,
        key(&stranger),
        &SshErrorKind::LoginRefused,
        "refuses the key",
    )
    .await;
}

#[tokio::test]
async fn a_key_whose_type_the_server_refuses() {
    let Some(server) = Setup::new().line("PubkeyAcceptedAlgorithms rsa-sha2-256").start() else {
        return;
    };
    let error = open(&server, key(server.client_key()))
        .await
        .expect_err("it is refused");
    assert_eq!(error.kind, SshErrorKind::LoginRefused);
    assert!(error.hint.expect("a hint").contains("ssh-ed25519"));
    let folder = tempfile::tempdir().expect("a folder");
    let (private, public) = keygen(folder.path(), "rsa", "rsa", "").expect("a key");
    server.authorize(&public).expect("it is let in");
    works(&server, key(&private)).await;
}

#[tokio::test]
async fn by_certificate() {
    let Some(server) = Setup::new().line("TrustedUserCAKeys FOLDER/ca.pub").start() else {
        return;
    };
    keygen(server.folder(), "ca", "ed25519", "").expect("an authority");
    let folder = tempfile::tempdir().expect("a folder");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let (private, _) = keygen(folder.path(), kind, kind, "").expect("a key");
        let signed = Command::new("ssh-keygen")
            .args(["-q", "-I", "test", "-n", server.username(), "-s"])
            .arg(server.folder().join("ca"))
            .arg(folder.path().join(format!("{kind}.pub")))
            .status()
            .expect("it runs");
        assert!(signed.success());
        let certificate =
            std::fs::read_to_string(folder.path().join(format!("{kind}-cert.pub"))).expect("a certificate");
        works(&server, with(&private, None, Some(&certificate))).await;
        fails(
            &server,
            key(&private),
            &SshErrorKind::LoginRefused,
            "refuses the key",
        )
        .await;
        let other = with(server.client_key(), None, Some(&certificate));
        fails(&server, other, &SshErrorKind::BadCredential, "another key").await;
    }
    let broken = with(
        server.client_key(),
        None,
        Some("ssh-ed25519-cert-v01@openssh.com AAAA"),
    );
    fails(
        &server,
        broken,
        &SshErrorKind::BadCredential,
        "certificate cannot be read",
    )
    .await;
}

struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn by_agent() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("agent");
    let credential = || Credential::Agent {
        socket: socket.clone(),
    };
    let bad = SshErrorKind::BadCredential;
    fails(&server, credential(), &bad, "no agent's socket").await;
    let agent = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .expect("an agent");
    let agent = Agent(agent);
    until("the agent listens", || socket.exists()).await;
    fails(&server, credential(), &bad, "holds no keys").await;
    let add = |name: &str| {
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(folder.path().join(name))
            .env("SSH_AUTH_SOCK", &socket)
            .status()
            .expect("it runs");
        assert!(added.success());
    };
    keygen(folder.path(), "stranger", "ed25519", "").expect("a key");
    add("stranger");
    fails(
        &server,
        credential(),
        &SshErrorKind::LoginRefused,
        "keys in the agent",
    )
    .await;
    let (_, public) = keygen(folder.path(), "friend", "rsa", "").expect("a key");
    server.authorize(&public).expect("it is let in");
    add("friend");
    works(&server, credential()).await;
    drop(agent);
    fails(&server, credential(), &bad, "no agent").await;
}

#[tokio::test]
async fn an_unknown_user_is_refused_as_any_other() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let mut route = route(&server);
    route.hops[0].username = "nobody-here".to_owned();
    let error = Connection::open(&route).await.expect_err("it is refused");
    assert_eq!(error.kind, SshErrorKind::LoginRefused, "{error}");
}
