//! Reading private keys and the certificates for them.

use std::sync::Arc;

use outhaul_types::Secret;
use russh::keys::decode_secret_key;
use russh::keys::ssh_key::{Certificate, PrivateKey};

use crate::error::{SshError, SshErrorKind};
use crate::server_key::parse_certificate;
use crate::short_scalar;

fn bad(message: &str, hint: &str) -> SshError {
    SshError::new(SshErrorKind::BadCredential, message).with_hint(hint)
}

/// Reads a private key: OpenSSH, PKCS#1 or PKCS#8, encrypted or not.
pub(crate) fn private_key(text: &Secret, passphrase: Option<&Secret>) -> Result<Arc<PrivateKey>, SshError> {
    // Indented and Windows texts come from pasting; the text of a key never needs its spaces at the ends of a line.
    let lines: Vec<&str> = text.expose().lines().map(str::trim).collect();
    let clean = Secret::new(lines.join("\n"));
    let Some(begin) = lines.iter().find(|line| line.starts_with("-----BEGIN ")) else {
        return Err(not_a_key(&lines));
    };
    if !begin.contains("PRIVATE KEY") {
        return Err(not_a_key(&lines));
    }
    let encrypted = match *begin {
        "-----BEGIN OPENSSH PRIVATE KEY-----" => match PrivateKey::from_openssh(clean.expose()) {
            Ok(key) => key.is_encrypted(),
            Err(_) => {
                let key = short_scalar::read(clean.expose(), None).ok_or_else(damaged)?;
                return Ok(Arc::new(key));
            }
        },
        begin => {
            begin.contains("ENCRYPTED")
                || lines
                    .iter()
                    .any(|line| line.starts_with("Proc-Type: 4,ENCRYPTED"))
        }
    };
    let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty());
    let key = match (encrypted, passphrase) {
        (true, None) => {
            return Err(bad(
                "the private key is encrypted and needs its passphrase",
                "give the passphrase along with the key, or let an agent hold the key",
            ));
        }
        (true, Some(passphrase)) => decode_secret_key(clean.expose(), Some(passphrase.expose()))
            .ok()
            .or_else(|| short_scalar::read(clean.expose(), Some(passphrase)))
            .ok_or_else(|| {
                bad(
                    "the passphrase does not open the private key",
                    "give the right passphrase; `ssh-keygen -y -f KEY` tells whether it is",
                )
            })?,
        (false, _) => decode_secret_key(clean.expose(), None).map_err(|_| damaged())?,
    };
    Ok(Arc::new(key))
}

fn damaged() -> SshError {
    bad(
        "the private key cannot be read: it is damaged or of a kind that is not supported",
        "give the whole text of an Ed25519, ECDSA or RSA key; `ssh-keygen -p -f KEY` brings an old key into today's form",
    )
}

fn not_a_key(lines: &[&str]) -> SshError {
    let public = lines.iter().any(|line| {
        ["ssh-", "ecdsa-", "sk-"]
            .iter()
            .any(|start| line.starts_with(start))
    });
    if public {
        bad(
            "this is a public key, and a private one is needed",
            "give the file without `.pub`",
        )
    } else {
        bad(
            "this is not a private key",
            "give the text of a file that begins with `-----BEGIN OPENSSH PRIVATE KEY-----`",
        )
    }
}

/// Reads a certificate and sees to it that it is for the key.
pub(crate) fn certificate(text: &str, key: &PrivateKey) -> Result<Certificate, SshError> {
    let certificate = parse_certificate(text.trim()).ok_or_else(|| {
        bad(
            "the certificate cannot be read",
            "give the text of the file that ends in `-cert.pub`",
        )
    })?;
    if certificate.public_key() != key.public_key().key_data() {
        return Err(bad(
            "the certificate is for another key than the one given",
            "give the certificate and the private key that belong together",
        ));
    }
    Ok(certificate)
}
