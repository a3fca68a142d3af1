//! What a server shows to prove who it is: a host key, or a certificate for one.

use base64::Engine;
use russh::keys::ssh_key::{Certificate, PublicKey};
use russh::keys::{HashAlg, PublicKeyOrCertificate, parse_public_key_base64};

/// How deep certificates may nest in a text; deeper ones are refused unread, as reading them takes a stack.
const MAX_NESTING: usize = 8;

/// A host key or a host certificate.
#[derive(Clone, Debug)]
pub struct ServerKey {
    pub(crate) key: PublicKey,
    pub(crate) certificate: Option<Certificate>,
}

impl ServerKey {
    /// Reads one as it stands in a `.pub` file: the algorithm, base64 and a comment.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (algorithm, base64) = (words.next()?, words.next()?);
        if algorithm.contains("-cert-v01@") {
            let certificate = parse_certificate(text)?;
            return Some(Self {
                key: PublicKey::new(certificate.public_key().clone(), ""),
                certificate: Some(certificate),
            });
        }
        parse_key(algorithm, base64).map(|key| Self {
            key,
            certificate: None,
        })
    }

    /// The key's fingerprint, as OpenSSH shows it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }

    /// The key's algorithm, such as `ssh-ed25519`.
    #[must_use]
    pub fn algorithm(&self) -> String {
        self.key.algorithm().as_str().to_owned()
    }

    /// The fingerprint of who signed the certificate.
    #[must_use]
    pub fn authority(&self) -> Option<String> {
        let certificate = self.certificate.as_ref()?;
        Some(
            certificate
                .signature_key()
                .fingerprint(HashAlg::Sha256)
                .to_string(),
        )
    }
}

impl From<&PublicKeyOrCertificate> for ServerKey {
    fn from(shown: &PublicKeyOrCertificate) -> Self {
        Self {
            key: shown.public_key(),
            certificate: shown.certificate().cloned(),
        }
    }
}

/// A key's fingerprint.
pub(crate) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Reads a key, and only if it is of the algorithm that the line says.
pub(crate) fn parse_key(algorithm: &str, base64: &str) -> Option<PublicKey> {
    let key = parse_public_key_base64(base64).ok()?;
    (key.algorithm().as_str() == algorithm).then_some(key)
}

/// Reads an OpenSSH certificate.
pub(crate) fn parse_certificate(text: &str) -> Option<Certificate> {
    let mut words = text.split_whitespace();
    let (algorithm, base64) = (words.next()?, words.next()?);
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).ok()?;
    let marker = b"-cert-v01@";
    if bytes.windows(marker.len()).filter(|part| part == marker).count() > MAX_NESTING {
        return None;
    }
    Certificate::from_openssh(&format!("{algorithm} {base64}")).ok()
}
