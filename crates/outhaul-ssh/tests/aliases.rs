//! Names of OpenSSH's configuration, resolved by the real program.

use std::path::Path;

use outhaul_ssh::{SshErrorKind, resolve_alias};

#[tokio::test]
async fn a_name_stands_for_what_openssh_says() {
    let ssh = Path::new("/usr/bin/ssh");
    if !ssh.exists() {
        eprintln!("not run: no ssh");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config");
    let text = "Host gpu*\n HostName %h.example.org\n User me\n Port 2222\n ProxyJump me@jump:2200,second\n \
                IdentityFile /keys/a\nHost command\n ProxyCommand nc %h %p\n";
    std::fs::write(&config, text).expect("it is written");
    let found = resolve_alias(ssh, "gpu1", Some(&config))
        .await
        .expect("it is known");
    assert_eq!(
        (found.hostname.as_str(), found.port, found.user.as_str()),
        ("gpu1.example.org", 2222, "me")
    );
    assert_eq!(found.identity_files, [Path::new("/keys/a")]);
    assert_eq!(
        (found.proxy_jump[0].host.as_str(), found.proxy_jump[0].port),
        ("jump", 2200)
    );
    assert_eq!(found.proxy_jump[1].host, "second");
    assert!(!found.user_known_hosts_files.is_empty());
    let error = resolve_alias(ssh, "command", Some(&config))
        .await
        .expect_err("it is not supported");
    assert!(error.message.contains("ProxyCommand"), "{error}");
    std::fs::write(&config, "NoSuchWord yes\n").expect("it is written");
    let error = resolve_alias(ssh, "gpu1", Some(&config))
        .await
        .expect_err("it is broken");
    assert_eq!(error.kind, SshErrorKind::Invalid);
    let error = resolve_alias(Path::new("/not/there"), "gpu1", None)
        .await
        .expect_err("no program");
    assert!(error.hint.is_some());
}
