//! A certificate that vouches for itself, made by `openssl`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Answer;

/// Files of a certificate for one address.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The private key, for its owner only.
    pub key: PathBuf,
    /// The certificate.
    pub certificate: PathBuf,
}

impl Certificate {
    /// Makes one for an IP address.
    ///
    /// # Panics
    /// When `openssl` is not there or does not do it.
    #[must_use]
    pub fn new(folder: &Path, address: &str) -> Self {
        let made = Self {
            key: folder.join("tls.key"),
            certificate: folder.join("tls.crt"),
        };
        let mut openssl = Command::new("openssl");
        openssl
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=outhaul-test", "-addext"])
            .arg(format!("subjectAltName=IP:{address}"))
            // One that vouches for itself is a root and no authority, so that it can be both.
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(&made.key)
            .arg("-out")
            .arg(&made.certificate);
        let _ = Answer::of(openssl).success();
        std::fs::set_permissions(&made.key, std::fs::Permissions::from_mode(0o600))
            .expect("the key is there");
        made
    }

    /// Posts JSON to a URL by `curl`, which trusts this certificate only, with a key if one is given.
    #[must_use]
    pub fn post(&self, url: &str, key: Option<&str>, body: &str) -> Answer {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*", "--fail", "--cacert"])
            .arg(&self.certificate)
            .args(["--header", "content-type: application/json", "--data", body]);
        if let Some(key) = key {
            curl.arg("--header").arg(format!("authorization: Bearer {key}"));
        }
        curl.arg(url);
        Answer::of(curl)
    }
}
