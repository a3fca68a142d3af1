//! Logging in with the keys that an agent holds.

use std::io;
use std::path::Path;

use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::{AgentAuthError, MethodSet};
use tokio::net::UnixStream;

use crate::error::{SshError, SshErrorKind};
use crate::login::{Attempt, Login};

fn bad(message: String, hint: &str) -> SshError {
    SshError::new(SshErrorKind::BadCredential, message).with_hint(hint)
}

/// Tries the agent's keys, certificates first.
pub(crate) async fn by_agent(login: &mut Login<'_>, socket: &Path) -> Result<(), SshError> {
    let shown = socket.display();
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => bad(
                format!("there is no agent's socket at `{shown}`"),
                "start an agent (`ssh-agent -a SOCKET`), or give the path that `echo $SSH_AUTH_SOCK` shows",
            ),
            io::ErrorKind::ConnectionRefused => bad(
                format!("no agent listens at `{shown}`"),
                "the agent has ended; start one and give the path of its socket",
            ),
            _ => bad(
                format!("the agent at `{shown}` cannot be reached: {error}"),
                "see whether this user may use the socket",
            ),
        })?;
    let mut agent = AgentClient::connect(stream);
    if let Some(binding) = login.handle.agent_session_binding().cloned() {
        // Agents that know no destinations refuse this, and need not know it.
        let _ = agent.bind_session(&binding, false).await;
    }
    let mut identities = agent.request_identities().await.map_err(|_| {
        bad(
            format!("what listens at `{shown}` does not answer as an agent"),
            "give the path of the socket of an SSH agent",
        )
    })?;
    if identities.is_empty() {
        return Err(bad(
            format!("the agent at `{shown}` holds no keys"),
            "add one with `ssh-add KEY`; an agent that is locked shows none",
        ));
    }
    identities.sort_by_key(|identity| matches!(identity, AgentIdentity::PublicKey { .. }));
    let count = identities.len();
    let mut left = MethodSet::empty();
    let mut unsigned = 0;
    for identity in identities {
        match attempt(login, &mut agent, identity).await? {
            Some(Attempt::In) => return Ok(()),
            Some(Attempt::Out(methods, _)) => left = methods,
            None => unsigned += 1,
        }
    }
    if unsigned == count {
        return Err(bad(
            format!("the agent at `{shown}` refuses to sign with any of its keys"),
            "confirm the use of the key where the agent asks for it",
        ));
    }
    let what = format!("each of the {count} keys in the agent");
    Err(login.refused(
        &what,
        &left,
        "add the right key with `ssh-add KEY`, or put its public part into `~/.ssh/authorized_keys` there",
    ))
}

/// One key; `None` if the agent does not sign with it.
async fn attempt(
    login: &mut Login<'_>,
    agent: &mut AgentClient<UnixStream>,
    identity: AgentIdentity,
) -> Result<Option<Attempt>, SshError> {
    let user = login.hop.username.clone();
    let hash = if identity.public_key().algorithm().is_rsa() {
        match login.handle.best_supported_rsa_hash().await {
            Ok(Some(hash)) => hash,
            Ok(None) => Some(HashAlg::Sha512),
            Err(_) => return Err(login.broken().await),
        }
    } else {
        None
    };
    let answer = match identity {
        AgentIdentity::PublicKey { key, .. } => {
            login
                .handle
                .authenticate_publickey_with(user, key, hash, agent)
                .await
        }
        AgentIdentity::Certificate { certificate, .. } => {
            login
                .handle
                .authenticate_certificate_with(user, certificate, hash, agent)
                .await
        }
    };
    match answer {
        Ok(answer) => login.read(Ok(answer)).await.map(Some),
        Err(AgentAuthError::Key(_)) => Ok(None),
        Err(AgentAuthError::Send(_)) => Err(login.broken().await),
    }
}
