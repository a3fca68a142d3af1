//! TLS in front of HTTP: the certificates and their key.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Where certificate and key of a service are. Both are read when an instance starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, followed by those that lead to its root, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM without a passphrase.
    pub key: PathBuf,
}

/// How connections are taken in: TLS 1.2 and 1.3.
///
/// # Errors
/// What is wrong with which file, in a sentence.
pub(crate) fn config(tls: &Tls) -> Result<Arc<ServerConfig>, String> {
    let (certificate, key) = (tls.certificate.display(), tls.key.display());
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("the certificate `{certificate}` cannot be read: {error}"))?;
    if certificates.is_empty() {
        return Err(format!(
            "there is no certificate in `{certificate}`: it has to be PEM"
        ));
    }
    let private = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| format!("the private key `{key}` cannot be read: {error}"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|error| {
            format!("certificate `{certificate}` and private key `{key}` do not work: {error}")
        })?;
    Ok(Arc::new(config))
}
