//! Whether a host certificate is good: by whom, for which host, when and for what. Pure but for the clock that is given.

use russh::keys::ssh_key::certificate::{CertType, Certificate};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, HashAlg};

use crate::host_pattern::wildcard;

/// Checks all but the question whether the authority is trusted for this host. The error is half a sentence.
pub(crate) fn check(
    certificate: &Certificate,
    authority: &KeyData,
    host: &str,
    now: u64,
) -> Result<(), String> {
    let trusted = authority.fingerprint(HashAlg::Sha256);
    if certificate.cert_type() != CertType::Host {
        return Err("is not a certificate of a host".to_owned());
    }
    if now < certificate.valid_after() {
        return Err("is not valid yet; is the clock of this machine right?".to_owned());
    }
    if now >= certificate.valid_before() {
        return Err("has run out".to_owned());
    }
    if matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None }) {
        return Err("is signed with SHA-1, which is no longer safe".to_owned());
    }
    if certificate.validate_at(now, [&trusted]).is_err() {
        return Err("has a signature that does not fit".to_owned());
    }
    // A certificate without names would be one for every host there is.
    if certificate.valid_principals().is_empty() {
        return Err("names no host".to_owned());
    }
    let host = host.to_lowercase();
    if !certificate
        .valid_principals()
        .iter()
        .any(|name| wildcard(name.to_lowercase().as_bytes(), host.as_bytes()))
    {
        let names = certificate.valid_principals().join("`, `");
        return Err(format!("is for `{names}` and not for `{host}`"));
    }
    if certificate.critical_options().iter().next().is_some() {
        return Err("has conditions that nobody here understands".to_owned());
    }
    Ok(())
}
