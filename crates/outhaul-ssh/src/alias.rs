//! What OpenSSH's own configuration says of a name: the text of `ssh -G`, read, and asking for it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::error::{SshError, SshErrorKind};
use crate::jump::{Jump, parse_jump};

/// What a name in OpenSSH's configuration stands for. Paths may begin with `~/`; files need not be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedAlias {
    /// Name or address of the machine.
    pub hostname: String,
    /// Port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// Private keys to try, in their order.
    pub identity_files: Vec<PathBuf>,
    /// Certificates for them.
    pub certificate_files: Vec<PathBuf>,
    /// Whether only these keys may be tried.
    pub identities_only: bool,
    /// The agent's socket: a path, `SSH_AUTH_SOCK`, a variable with `$`, or `none`.
    pub identity_agent: Option<String>,
    /// Servers to go through, the first one first.
    pub proxy_jump: Vec<Jump>,
    /// The person's known-hosts files.
    pub user_known_hosts_files: Vec<PathBuf>,
    /// The machine's known-hosts files.
    pub global_known_hosts_files: Vec<PathBuf>,
    /// The name under which the host's key is known.
    pub host_key_alias: Option<String>,
}

/// Reads what `ssh -G` prints.
///
/// # Errors
///
/// If it cannot be read, or asks for what is not supported.
pub fn parse_ssh_g(text: &str) -> Result<ResolvedAlias, SshError> {
    let mut found = ResolvedAlias {
        port: 22,
        ..ResolvedAlias::default()
    };
    for line in text.lines() {
        let Some((keyword, value)) = line.trim().split_once(char::is_whitespace) else {
            continue;
        };
        let value = value.trim();
        let none = value.eq_ignore_ascii_case("none");
        match keyword.to_ascii_lowercase().as_str() {
            "hostname" => value.clone_into(&mut found.hostname),
            "user" => value.clone_into(&mut found.user),
            "port" => {
                found.port = value.parse().map_err(|_| {
                    SshError::new(SshErrorKind::Invalid, format!("`{value}` is not a port"))
                        .with_hint("see the output of `ssh -G`")
                })?;
            }
            "identityfile" if !none => found.identity_files.push(PathBuf::from(value)),
            "certificatefile" if !none => found.certificate_files.push(PathBuf::from(value)),
            "identitiesonly" => found.identities_only = value == "yes",
            "identityagent" => found.identity_agent = Some(value.to_owned()),
            "userknownhostsfile" if !none => found.user_known_hosts_files = paths(value),
            "globalknownhostsfile" if !none => found.global_known_hosts_files = paths(value),
            "hostkeyalias" if !none => found.host_key_alias = Some(value.to_owned()),
            "proxyjump" if !none => {
                found.proxy_jump = value
                    .split(',')
                    .map(|jump| parse_jump(jump.trim()))
                    .collect::<Result<_, _>>()?;
            }
            "proxycommand" if !none => {
                return Err(SshError::new(
                    SshErrorKind::Invalid,
                    format!(
                        "the SSH configuration reaches `{}` by a `ProxyCommand`, which is not supported",
                        found.hostname
                    ),
                )
                .with_hint("use `ProxyJump` instead"));
            }
            _ => {}
        }
    }
    if found.hostname.is_empty() {
        return Err(
            SshError::new(SshErrorKind::Invalid, "the SSH configuration names no host")
                .with_hint("see the output of `ssh -G`"),
        );
    }
    Ok(found)
}

/// Several paths on a line; those with spaces stand in quotes.
fn paths(value: &str) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut rest = value.trim_start();
    while !rest.is_empty() {
        let (path, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        paths.push(PathBuf::from(path));
        rest = after.trim_start();
    }
    paths
}

/// Asks OpenSSH what a name stands for. `config_file` takes the place of the person's and the machine's configuration.
///
/// # Errors
///
/// If the program cannot be run or refuses, or as [`parse_ssh_g`].
pub async fn resolve_alias(
    ssh_program: &Path,
    alias: &str,
    config_file: Option<&Path>,
) -> Result<ResolvedAlias, SshError> {
    if alias.is_empty()
        || alias.starts_with('-')
        || alias.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(SshError::new(
            SshErrorKind::Invalid,
            format!("`{alias}` is not the name of a host"),
        )
        .with_hint("give a name as it stands after `Host` in the SSH configuration"));
    }
    let mut command = Command::new(ssh_program);
    if let Some(file) = config_file {
        command.arg("-F").arg(file);
    }
    let output = command
        .args(["-G", "--", alias])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| {
            SshError::new(
                SshErrorKind::Invalid,
                format!("`{}` cannot be run: {error}", ssh_program.display()),
            )
            .with_hint("install OpenSSH's client, or give address, user and key instead of a name")
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("no reason given");
        return Err(SshError::new(
            SshErrorKind::Invalid,
            format!(
                "the SSH configuration cannot be read for `{alias}`: {}",
                line.trim()
            ),
        )
        .with_hint(format!("see `ssh -G {alias}`")));
    }
    parse_ssh_g(&String::from_utf8_lossy(&output.stdout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_ssh_is_read() {
        let found = parse_ssh_g(
            "host gpu\nuser me\nhostname 10.0.0.4\nport 2222\nidentitiesonly yes\nidentityfile ~/.ssh/a\n\
             identityfile /keys/with space\ncertificatefile ~/.ssh/a-cert.pub\nproxyjump j1,me@[::1]:23\n\
             userknownhostsfile /a \"/with space/b\"\nidentityagent none\nhostkeyalias gpu-key\nproxycommand none\n\
             something new\n",
        )
        .expect("it is read");
        assert_eq!(
            (found.hostname.as_str(), found.port, found.user.as_str()),
            ("10.0.0.4", 2222, "me")
        );
        assert_eq!(
            found.identity_files,
            [PathBuf::from("~/.ssh/a"), PathBuf::from("/keys/with space")]
        );
        assert_eq!(found.certificate_files, [PathBuf::from("~/.ssh/a-cert.pub")]);
        assert_eq!(
            found.user_known_hosts_files,
            [PathBuf::from("/a"), PathBuf::from("/with space/b")]
        );
        assert_eq!(found.proxy_jump.len(), 2);
        assert_eq!(
            (found.proxy_jump[1].host.as_str(), found.proxy_jump[1].port),
            ("::1", 23)
        );
        assert_eq!(found.identity_agent.as_deref(), Some("none"));
        assert_eq!(found.host_key_alias.as_deref(), Some("gpu-key"));
        assert!(found.identities_only);
    }

    #[test]
    fn what_is_not_supported_is_said() {
        let error = parse_ssh_g("hostname x\nproxycommand nc %h %p\n").expect_err("it is not supported");
        assert!(error.message.contains("not supported") && error.hint.expect("a hint").contains("ProxyJump"));
        assert!(parse_ssh_g("").is_err());
        assert!(parse_ssh_g("hostname x\nport many\n").is_err());
    }

    #[tokio::test]
    async fn a_name_is_no_option() {
        for alias in ["-oProxyCommand=touch x", "", "a b", "a\nb"] {
            assert!(
                resolve_alias(Path::new("ssh"), alias, None).await.is_err(),
                "{alias:?}"
            );
        }
    }
}
