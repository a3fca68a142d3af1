//! Reading `user@host:port`, as jumps are written. Pure.

use crate::error::{SshError, SshErrorKind};

/// A server as a person writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// Who logs in, if it is said.
    pub username: Option<String>,
    /// Name or address.
    pub host: String,
    /// Port; 22 if it is not said.
    pub port: u16,
}

/// Reads `[user@]host[:port]`, with or without `ssh://`. IPv6 addresses with a port stand in brackets.
///
/// # Errors
///
/// If it is something else.
pub fn parse_jump(text: &str) -> Result<Jump, SshError> {
    let wrong = || {
        SshError::new(SshErrorKind::Invalid, format!("`{text}` names no SSH server"))
            .with_hint("write it as `user@host`, `user@host:port` or `user@[IPv6 address]:port`")
    };
    let rest = text.strip_prefix("ssh://").unwrap_or(text);
    let (username, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    let (host, port) = if let Some(inner) = rest.strip_prefix('[') {
        let (host, after) = inner.split_once(']').ok_or_else(wrong)?;
        match after.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return Err(wrong()),
        }
    } else {
        match rest.split_once(':') {
            // More than one colon: an IPv6 address without a port.
            Some((_, more)) if more.contains(':') => (rest, None),
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        }
    };
    let port = match port {
        None => 22,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map_err(|_| wrong())?
        }
        Some(_) => return Err(wrong()),
    };
    let bad = |word: &str| {
        word.is_empty() || word.starts_with('-') || word.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    if port == 0 || bad(host) || username.is_some_and(bad) || host.contains(['[', ']', '/']) {
        return Err(wrong());
    }
    Ok(Jump {
        username: username.map(str::to_owned),
        host: host.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_as_people_write_them() {
        for (text, user, host, port) in [
            ("box", None, "box", 22),
            ("me@box", Some("me"), "box", 22),
            ("me@box:2222", Some("me"), "box", 2222),
            ("me@corp@box", Some("me@corp"), "box", 22),
            ("ssh://me@box:2222", Some("me"), "box", 2222),
            ("[::1]:2222", None, "::1", 2222),
            ("me@[fe80::1]", Some("me"), "fe80::1", 22),
            ("::1", None, "::1", 22),
            ("10.0.0.4:22", None, "10.0.0.4", 22),
        ] {
            let jump = parse_jump(text).expect(text);
            assert_eq!(
                (jump.username.as_deref(), jump.host.as_str(), jump.port),
                (user, host, port),
                "{text}"
            );
        }
        for text in [
            "",
            "@box",
            "box:",
            "box:x",
            "box:0",
            "box:70000",
            "box:+22",
            "-oProxyCommand=x",
            "me@-x",
            "[::1",
            "[::1]x",
            "[]:22",
            "two words",
            "me@",
            "a/b",
        ] {
            assert!(parse_jump(text).is_err(), "{text}");
        }
    }
}
