//! The hosts that a line of a known-hosts file is about: names, wildcards, negations and hashed names. Pure.

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The first field of a line.
#[derive(Clone, Debug)]
pub(crate) enum HostPattern {
    /// A list of patterns, in lower case.
    List(Vec<String>),
    /// One name, hashed.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

impl HostPattern {
    /// Reads the field; `None` if nothing can be made of it.
    pub(crate) fn parse(field: &str) -> Option<Self> {
        if let Some(rest) = field.strip_prefix('|') {
            let (salt, hash) = rest.strip_prefix("1|")?.split_once('|')?;
            let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).ok();
            let (salt, hash) = (decode(salt)?, decode(hash)?);
            return (hash.len() == 20).then_some(Self::Hashed { salt, hash });
        }
        Some(Self::List(field.split(',').map(str::to_lowercase).collect()))
    }

    /// Whether the line is about this host: a name in lower case, `[name]:port` where the port is not 22.
    pub(crate) fn matches(&self, host: &str) -> bool {
        match self {
            Self::Hashed { salt, hash } => Hmac::<Sha1>::new_from_slice(salt)
                .is_ok_and(|mac| mac.chain_update(host.as_bytes()).verify_slice(hash).is_ok()),
            Self::List(patterns) => {
                let mut found = false;
                for pattern in patterns {
                    match pattern.strip_prefix('!') {
                        Some(pattern) if wildcard(pattern.as_bytes(), host.as_bytes()) => return false,
                        Some(_) => {}
                        None => found |= wildcard(pattern.as_bytes(), host.as_bytes()),
                    }
                }
                found
            }
        }
    }
}

/// Whether a text matches a pattern with `*` and `?`. Takes time by the product of the lengths at most.
pub(crate) fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_openssh() {
        for (field, host, matches) in [
            ("box", "box", true),
            ("BOX", "box", true),
            ("box", "boxy", false),
            ("a,box,b", "box", true),
            ("*.example.org", "gpu.example.org", true),
            ("*.example.org", "example.org", false),
            ("gpu?", "gpu1", true),
            ("gpu?", "gpu", false),
            ("gpu?", "gpu12", false),
            ("*,!gpu1", "gpu1", false),
            ("!gpu1,*", "gpu1", false),
            ("!gpu1,*", "gpu2", true),
            ("!gpu1", "gpu2", false),
            ("[box]:2222", "[box]:2222", true),
            ("[*]:2222", "[box]:2222", true),
            ("[box]:2222", "box", false),
            ("", "box", false),
            (
                "|1|O33ESRMWPVkMYIwJ1Uw+n877jTo=|nuuC5vEqXlEZ/8BXQR7m619W6Ak=",
                "example.com",
                true,
            ),
            (
                "|1|O33ESRMWPVkMYIwJ1Uw+n877jTo=|nuuC5vEqXlEZ/8BXQR7m619W6Ak=",
                "example.org",
                false,
            ),
        ] {
            let pattern = HostPattern::parse(field).expect("it can be read");
            assert_eq!(pattern.matches(host), matches, "`{field}` and `{host}`");
        }
        for field in [
            "|1|x|y",
            "|2|O33ESRMWPVkMYIwJ1Uw+n877jTo=|nuuC5vEqXlEZ/8BXQR7m619W6Ak=",
            "|1|",
            "|",
        ] {
            assert!(HostPattern::parse(field).is_none(), "{field}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(2000) + "b";
        assert!(!wildcard(pattern.as_bytes(), "a".repeat(4000).as_bytes()));
    }
}
