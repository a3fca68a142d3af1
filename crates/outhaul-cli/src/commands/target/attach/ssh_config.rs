//! What a name in the person's SSH configuration stands for, and the hosts on the way to it, which have names there too.

use std::path::Path;

use outhaul_ssh::{Jump, ResolvedAlias, SshError};

use crate::error::CliError;

/// How many configurations may name each other.
const DEEPEST: usize = 8;

/// A machine and the way to it.
#[derive(Debug)]
pub(super) struct Alias {
    pub machine: ResolvedAlias,
    /// Hosts to go through, the first one first.
    pub jumps: Vec<Jump>,
}

/// Asks OpenSSH.
pub(super) async fn resolve(name: &str) -> Result<Alias, CliError> {
    let machine = ask(name).await?;
    let mut jumps = Vec::new();
    let mut next = machine.proxy_jump.clone();
    let mut depth = 0;
    while !next.is_empty() {
        depth += 1;
        if depth > DEEPEST {
            return Err(CliError::user(format!(
                "the SSH configuration reaches `{name}` by more than {DEEPEST} hosts that name each other in `ProxyJump`"
            ))
            .hint("`--jump USER@HOST:PORT` names the hosts to go through"));
        }
        let mut found = Vec::new();
        let mut before_first = Vec::new();
        for (number, jump) in next.iter().enumerate() {
            let host = ask(&jump.host).await?;
            found.push(merge(jump, &host));
            // As OpenSSH does it: only the first of several is reached by its own way.
            if number == 0 {
                before_first = host.proxy_jump;
            }
        }
        found.append(&mut jumps);
        jumps = found;
        next = before_first;
    }
    Ok(Alias { machine, jumps })
}

/// What `ProxyJump` says of a host goes before what is configured for it.
fn merge(jump: &Jump, host: &ResolvedAlias) -> Jump {
    Jump {
        username: jump
            .username
            .clone()
            .or_else(|| Some(host.user.clone()).filter(|user| !user.is_empty())),
        host: host.hostname.clone(),
        port: if jump.port == 22 { host.port } else { jump.port },
    }
}

async fn ask(name: &str) -> Result<ResolvedAlias, CliError> {
    outhaul_ssh::resolve_alias(Path::new("ssh"), name, None)
        .await
        .map_err(user)
}

fn user(error: SshError) -> CliError {
    CliError::user(error.message).hint_if(error.hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_what_is_said_and_else_what_is_configured() {
        let host = ResolvedAlias {
            hostname: "10.0.0.1".into(),
            port: 2222,
            user: "configured".into(),
            ..ResolvedAlias::default()
        };
        let jump = |text: &str| outhaul_ssh::parse_jump(text).unwrap();
        for (text, expected) in [
            ("gate", "configured@10.0.0.1:2222"),
            ("me@gate", "me@10.0.0.1:2222"),
            ("me@gate:23", "me@10.0.0.1:23"),
        ] {
            assert_eq!(merge(&jump(text), &host), jump(expected), "{text}");
        }
    }
}
