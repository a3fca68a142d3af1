//! Deciding whether a host's key is the one that was agreed on, and which algorithms to ask for so that the server shows
//! that one.

use std::borrow::Cow;

use outhaul_types::target::HostKey;
use russh::Preferred;
use russh::cipher;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};

use crate::error::{SshError, SshErrorKind};
use crate::host_certificate;
use crate::known_hosts::Verdict;
use crate::route::HostKeyPolicy;
use crate::server_key::ServerKey;

/// Says yes to a key, naming it, or why not. `name` is the server as a person knows it.
pub(crate) fn check(
    policy: &HostKeyPolicy,
    name: &str,
    (host, port): (&str, u16),
    shown: &ServerKey,
    now: u64,
) -> Result<HostKey, SshError> {
    let accepted = |authority: Option<String>| HostKey {
        fingerprint: shown.fingerprint(),
        algorithm: shown.algorithm(),
        authority,
    };
    match policy {
        HostKeyPolicy::Pinned(pinned) => {
            if same_fingerprint(&pinned.fingerprint, &shown.fingerprint()) {
                return Ok(accepted(pinned.authority.clone()));
            }
            let (Some(authority), Some(certificate)) = (&pinned.authority, &shown.certificate) else {
                return Err(changed(name, &pinned.fingerprint, shown));
            };
            if shown
                .authority()
                .is_none_or(|signer| !same_fingerprint(authority, &signer))
            {
                return Err(changed(name, &pinned.fingerprint, shown));
            }
            host_certificate::check(certificate, certificate.signature_key(), host, now).map_err(|why| {
                let mut error = changed(name, &pinned.fingerprint, shown);
                error.message = format!("the certificate that `{name}` shows {why}");
                error
            })?;
            Ok(accepted(Some(authority.clone())))
        }
        HostKeyPolicy::Expect(fingerprint) if same_fingerprint(fingerprint, &shown.fingerprint()) => {
            Ok(accepted(None))
        }
        HostKeyPolicy::Expect(fingerprint) => Err(changed(name, fingerprint, shown)),
        HostKeyPolicy::KnownHosts(known) => match known.lookup(host, port, shown, now) {
            Verdict::Known { authority } => Ok(accepted(authority)),
            Verdict::Changed { pinned } => Err(changed(name, &pinned, shown)),
            Verdict::Revoked => Err(SshError::new(
                SshErrorKind::HostKeyRevoked,
                format!(
                    "the key that `{name}` shows, `{}`, was revoked",
                    shown.fingerprint()
                ),
            )
            .with_hint("do not connect; ask the administrator of the machine which key it has now")),
            Verdict::Unknown => Err(unknown(name, shown)),
        },
    }
}

fn unknown(name: &str, shown: &ServerKey) -> SshError {
    let (fingerprint, algorithm) = (shown.fingerprint(), shown.algorithm());
    let message =
        format!("nothing is known of the host key of `{name}`: it shows `{fingerprint}` ({algorithm})");
    SshError::new(
        SshErrorKind::HostKeyUnknown {
            fingerprint,
            algorithm,
        },
        message,
    )
    .with_hint("compare it with what the administrator says, then accept exactly this fingerprint")
}

fn changed(name: &str, pinned: &str, shown: &ServerKey) -> SshError {
    let fingerprint = shown.fingerprint();
    SshError::new(
        SshErrorKind::HostKeyChanged {
            pinned: pinned.to_owned(),
            shown: fingerprint.clone(),
        },
        format!("the host key of `{name}` is not the one it is known by: it shows `{fingerprint}`, known is `{pinned}`"),
    )
    .with_hint("somebody may stand in between; if the machine was set up anew, accept the new fingerprint explicitly")
}

/// Whether two fingerprints are one: the prefix may be left out, and so may padding.
fn same_fingerprint(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim();
        text.strip_prefix("SHA256:")
            .unwrap_or(text)
            .trim_end_matches('=')
            .to_owned()
    };
    let one = bare(one);
    !one.is_empty() && one == bare(other)
}

/// What to ask for when algorithms are agreed on: fast ciphers, no compression, and the host key that is known first.
pub(crate) fn preferred(policy: Option<&HostKeyPolicy>, host: &str, port: u16) -> Preferred {
    let (first, certificates) = match policy {
        Some(HostKeyPolicy::Pinned(pinned)) => {
            let algorithm = match pinned.algorithm.as_str() {
                "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512" => Some(Algorithm::Rsa { hash: None }),
                name => Algorithm::new(name).ok(),
            };
            (algorithm.into_iter().collect(), pinned.authority.is_some())
        }
        Some(HostKeyPolicy::KnownHosts(known)) => known.algorithms(host, port),
        Some(HostKeyPolicy::Expect(_)) | None => (Vec::new(), false),
    };
    let rank = |algorithm: &Algorithm| {
        let same = |known: &Algorithm| match (known, algorithm) {
            (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
            (known, algorithm) => known == algorithm,
        };
        first.iter().position(same).unwrap_or(first.len())
    };
    let mut key = host_key_algorithms();
    key.sort_by_key(rank);
    Preferred {
        host_key_certificates: if certificates {
            Cow::Owned(host_key_algorithms())
        } else {
            Cow::Borrowed(&[])
        },
        key: Cow::Owned(key),
        cipher: Cow::Borrowed(CIPHERS),
        ..Preferred::DEFAULT
    }
}

/// The quickest first, measured.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_128_CTR,
    cipher::AES_192_CTR,
    cipher::AES_256_CTR,
];

/// As OpenSSH has it, without SHA-1.
fn host_key_algorithms() -> Vec<Algorithm> {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ]
}
