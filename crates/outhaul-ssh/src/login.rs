//! Logging in to a server that has shown its key.

use std::sync::Arc;

use outhaul_types::Secret;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::{Certificate, PrivateKey, Signature};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg};
use russh::{AgentAuthError, MethodKind, MethodSet, SendError, Signer};

use crate::agent;
use crate::channel_end::Ends;
use crate::error::{SshError, SshErrorKind};
use crate::handshake::{Client, lost};
use crate::key;
use crate::route::{Credential, Hop};

/// How often a server may ask further questions.
const ROUNDS: usize = 8;

/// What is known of a login under way.
pub(crate) struct Login<'a> {
    pub(crate) handle: &'a mut Handle<Client>,
    pub(crate) hop: &'a Hop,
    pub(crate) ends: &'a Ends,
}

/// How one attempt ended.
pub(crate) enum Attempt {
    In,
    /// Refused; with the ways that are left, and whether this one was right but not enough.
    Out(MethodSet, bool),
}

/// Logs in.
pub(crate) async fn login(mut login: Login<'_>) -> Result<(), SshError> {
    match &login.hop.credential {
        Credential::Password(password) => by_password(&mut login, password).await,
        Credential::PrivateKey {
            key,
            passphrase,
            certificate,
        } => {
            let key = key::private_key(key, passphrase.as_ref())?;
            let certificate = certificate
                .as_deref()
                .map(|text| key::certificate(text, &key))
                .transpose()?;
            by_key(&mut login, key, certificate).await
        }
        Credential::Agent { socket } => agent::by_agent(&mut login, socket).await,
    }
}

impl Login<'_> {
    /// Reads the library's answer; a connection that ended meanwhile is no refusal.
    pub(crate) async fn read(&self, answer: Result<AuthResult, russh::Error>) -> Result<Attempt, SshError> {
        match answer {
            Ok(AuthResult::Success) => Ok(Attempt::In),
            Ok(AuthResult::Failure {
                remaining_methods,
                partial_success,
            }) if !remaining_methods.is_empty() => Ok(Attempt::Out(remaining_methods, partial_success)),
            Ok(AuthResult::Failure { .. }) | Err(_) => Err(self.broken().await),
        }
    }

    /// Why the connection ended during the login. The library says it a moment after its last answer.
    pub(crate) async fn broken(&self) -> SshError {
        let reason = self.ends.closed().await;
        let mut error = reason.unwrap_or_else(|| lost(&self.hop.to_string(), "broke during the login"));
        if error.kind == SshErrorKind::LoginRefused && error.hint.is_none() {
            error.hint =
                Some("give one credential that is right; a server takes only a few attempts".to_owned());
        } else if error.kind == SshErrorKind::Lost {
            error.message.push_str(" during the login");
        }
        error
    }

    /// The server does not let this person in.
    pub(crate) fn refused(&self, what: &str, left: &MethodSet, hint: &str) -> SshError {
        let names: Vec<&str> = left.iter().map(<&str>::from).collect();
        SshError::new(
            SshErrorKind::LoginRefused,
            format!(
                "`{}` refuses {what} of `{}`; it takes: {}",
                self.hop,
                self.hop.username,
                names.join(", ")
            ),
        )
        .with_hint(hint)
    }
}

async fn by_password(login: &mut Login<'_>, password: &Secret) -> Result<(), SshError> {
    let user = login.hop.username.clone();
    let answer = login.handle.authenticate_password(user, password.expose()).await;
    let Attempt::Out(left, _) = login.read(answer).await? else {
        return Ok(());
    };
    if left.contains(&MethodKind::KeyboardInteractive) {
        return by_questions(login, password).await;
    }
    let hint = if left.contains(&MethodKind::Password) {
        "check the user name and the password"
    } else {
        "give a private key: the server takes no password"
    };
    Err(login.refused("the password", &left, hint))
}

/// Keyboard-interactive: every hidden question is answered with the password.
async fn by_questions(login: &mut Login<'_>, password: &Secret) -> Result<(), SshError> {
    let user = login.hop.username.clone();
    let mut answer = login
        .handle
        .authenticate_keyboard_interactive_start(user, None)
        .await;
    for _ in 0..ROUNDS {
        match answer {
            Ok(KeyboardInteractiveAuthResponse::Success) => return Ok(()),
            Ok(KeyboardInteractiveAuthResponse::Failure {
                remaining_methods, ..
            }) if !remaining_methods.is_empty() => {
                return Err(login.refused(
                    "the password",
                    &remaining_methods,
                    "check the user name and the password; a second factor cannot be asked for here",
                ));
            }
            Ok(KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }) => {
                let responses = prompts
                    .iter()
                    .map(|prompt| {
                        if prompt.echo {
                            String::new()
                        } else {
                            password.expose().to_owned()
                        }
                    })
                    .collect();
                answer = login
                    .handle
                    .authenticate_keyboard_interactive_respond(responses)
                    .await;
            }
            Ok(KeyboardInteractiveAuthResponse::Failure { .. }) | Err(_) => return Err(login.broken().await),
        }
    }
    Err(SshError::new(
        SshErrorKind::LoginRefused,
        format!(
            "`{}` asks `{}` one question after another",
            login.hop, login.hop.username
        ),
    )
    .with_hint("log in with a private key"))
}

async fn by_key(
    login: &mut Login<'_>,
    key: Arc<PrivateKey>,
    certificate: Option<Certificate>,
) -> Result<(), SshError> {
    let user = login.hop.username.clone();
    let hashes = rsa_hashes(login, &key).await?;
    let certified = certificate.is_some();
    if let Some(certificate) = certificate {
        for &hash in &hashes {
            let mut signer = KeySigner(Arc::clone(&key));
            let answer = login
                .handle
                .authenticate_certificate_with(user.clone(), certificate.clone(), hash, &mut signer)
                .await
                .map_err(|error| match error {
                    AgentAuthError::Send(_) => russh::Error::SendError,
                    AgentAuthError::Key(error) => error.into(),
                });
            if matches!(login.read(answer).await?, Attempt::In) {
                return Ok(());
            }
        }
    }
    let (mut left, mut partial) = (MethodSet::empty(), false);
    for &hash in &hashes {
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&key), hash);
        let answer = login.handle.authenticate_publickey(user.clone(), key).await;
        match login.read(answer).await? {
            Attempt::In => return Ok(()),
            Attempt::Out(methods, accepted) => (left, partial) = (methods, accepted),
        }
        if partial {
            break;
        }
    }
    let what = if certified {
        "the certificate and the key"
    } else {
        "the key"
    };
    Err(if partial {
        let hint = "the server wants a second proof besides the key, which is not supported";
        login.refused(what, &left, hint)
    } else if !left.contains(&MethodKind::PublicKey) {
        login.refused(what, &left, "give a password: the server takes no keys")
    } else {
        let hint = format!(
            "put the public key into `~/.ssh/authorized_keys` there, writable for its owner only; if it is there, see \
             whether the server takes keys of type `{}`",
            key.algorithm().as_str()
        );
        login.refused(what, &left, &hint)
    })
}

/// The hashes to sign with. RSA keys sign with SHA-512 or SHA-256: the better one that the server knows first, then the
/// other one, as servers tell what they know and not what they were told to take.
async fn rsa_hashes(login: &Login<'_>, key: &PrivateKey) -> Result<Vec<Option<HashAlg>>, SshError> {
    if !key.algorithm().is_rsa() {
        return Ok(vec![None]);
    }
    match login.handle.best_supported_rsa_hash().await {
        Ok(Some(Some(HashAlg::Sha256))) => Ok(vec![Some(HashAlg::Sha256)]),
        Ok(Some(Some(_)) | None) => Ok(vec![Some(HashAlg::Sha512), Some(HashAlg::Sha256)]),
        Ok(Some(None)) => Err(SshError::new(
            SshErrorKind::LoginRefused,
            format!(
                "`{}` takes RSA keys with SHA-1 only, which is no longer safe",
                login.hop
            ),
        )
        .with_hint("use an Ed25519 key, or update the SSH server")),
        Err(_) => Err(login.broken().await),
    }
}

/// Signs with a key in memory.
struct KeySigner(Arc<PrivateKey>);

impl Signer for KeySigner {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        mut text: Vec<u8>,
    ) -> Result<Vec<u8>, AgentAuthError> {
        let signed: Result<Signature, _> = match self.0.key_data().rsa() {
            Some(rsa) => (rsa, hash).try_sign(&text),
            None => self.0.try_sign(&text),
        };
        let blob = signed
            .ok()
            .and_then(|signature| signature.encode_vec().ok())
            .ok_or(SendError {})?;
        let length = u32::try_from(blob.len()).map_err(|_| SendError {})?;
        text.extend(length.to_be_bytes());
        text.extend(blob);
        Ok(text)
    }
}
