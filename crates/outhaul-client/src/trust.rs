//! Which certificates a caller of a web service accepts.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Whom a caller of a web service trusts, where it speaks TLS.
#[derive(Clone, Debug)]
pub struct Trust(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Roots(Arc<RootCertStore>),
    Exactly(CertificateDer<'static>),
}

impl Trust {
    /// Whoever this machine's own root certificates vouch for.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// Whoever these root certificates vouch for, as PEM.
    ///
    /// # Errors
    /// What is wrong with them, to follow the name of the file.
    pub fn roots(pem: &[u8]) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots
                .add(certificate)
                .map_err(|error| format!("has a certificate that cannot be used: {error}"))?;
        }
        Ok(Self(Kind::Roots(Arc::new(roots))))
    }

    /// The service with this certificate and no other: the first one of a PEM. Who vouches for it and until when does not
    /// matter. The host's name has to be in it, except at loopback addresses.
    ///
    /// # Errors
    /// What is wrong with it, to follow the name of the file.
    pub fn exactly(pem: &[u8]) -> Result<Self, String> {
        Ok(Self(Kind::Exactly(certificates(pem)?.swap_remove(0))))
    }
}

/// How a connection to `host` is made.
pub(crate) fn client_config(trust: &Trust, host: &ServerName<'_>) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = match &trust.0 {
        Kind::System => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            builder.with_root_certificates(roots)
        }
        Kind::Roots(roots) => builder.with_root_certificates(Arc::clone(roots)),
        Kind::Exactly(certificate) => {
            let verifier = Pinned {
                expected: certificate.clone(),
                checks_name: !is_here(host),
                provider,
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    Ok(Arc::new(config.with_no_client_auth()))
}

/// At least one certificate.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("has a certificate that cannot be read: {error}"))?;
    if found.is_empty() {
        return Err("has no certificate: it has to be PEM".to_owned());
    }
    Ok(found)
}

/// Whether it is an address at which only this machine can be.
fn is_here(host: &ServerName<'_>) -> bool {
    match host {
        ServerName::IpAddress(address) => std::net::IpAddr::from(*address).is_loopback(),
        _ => false,
    }
}

/// Accepts one certificate. That the other side has its key is checked as ever.
#[derive(Debug)]
struct Pinned {
    expected: CertificateDer<'static>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity != self.expected {
            return Err(Error::General("it has another certificate".to_owned()));
        }
        if self.checks_name {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_need_no_name() {
        let cases = [
            ("127.0.0.1", true),
            ("127.1.2.3", true),
            ("::1", true),
            ("192.0.2.1", false),
            ("localhost", false),
            ("models.example", false),
        ];
        for (host, here) in cases {
            assert_eq!(is_here(&ServerName::try_from(host).unwrap()), here, "{host}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(Trust::roots(broken).unwrap_err().contains("cannot be used"));
        for pem in [b"no PEM".as_slice(), b""] {
            for refused in [Trust::roots(pem), Trust::exactly(pem)] {
                assert!(refused.unwrap_err().contains("no certificate"));
            }
        }
        let host = ServerName::try_from("127.0.0.1").unwrap();
        assert!(client_config(&Trust::system(), &host).is_ok());
    }
}
