//! The known hosts of OpenSSH: reading the file's text and asking it about a key. Pure; the answers are OpenSSH's.

use russh::keys::Algorithm;
use russh::keys::ssh_key::{Certificate, PublicKey};

use crate::host_certificate;
use crate::host_pattern::HostPattern;
use crate::server_key::{ServerKey, fingerprint, parse_key};

/// What the known hosts say of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this host's.
    Known {
        /// The fingerprint of the authority, if it is known by a certificate.
        authority: Option<String>,
    },
    /// Nothing is known of this host.
    Unknown,
    /// This host is known by other keys only.
    Changed {
        /// The fingerprint of one that it is known by, of the same algorithm if there is one.
        pinned: String,
    },
    /// It was revoked.
    Revoked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    None,
    Authority,
    Revoked,
}

#[derive(Clone, Debug)]
struct Line {
    marker: Marker,
    hosts: HostPattern,
    key: PublicKey,
}

/// The readable lines of known-hosts files.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    lines: Vec<Line>,
}

impl KnownHosts {
    /// Reads the text of a file; several files are joined with line ends. Lines that cannot be read say nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self {
            lines: text.lines().filter_map(parse_line).collect(),
        }
    }

    /// What is known of a key that a host shows now (seconds since 1970, for certificates).
    ///
    /// As with OpenSSH: a revoked key is revoked whatever else is said of it; a host that is known by other keys only
    /// has changed, of whichever algorithm they are; a certificate by an authority that is not known for the host counts
    /// as its bare key; at another port than 22 a key that is known for the host without a port is good as well.
    #[must_use]
    pub fn lookup(&self, host: &str, port: u16, shown: &ServerKey, now: u64) -> Verdict {
        match self.lookup_name(&name_of(host, port), host, shown, now) {
            Verdict::Unknown if port != 22 => {
                match self.lookup_name(&host.to_lowercase(), host, shown, now) {
                    known @ (Verdict::Known { .. } | Verdict::Revoked) => known,
                    Verdict::Unknown | Verdict::Changed { .. } => Verdict::Unknown,
                }
            }
            verdict => verdict,
        }
    }

    /// The algorithms of the keys that a host is known by, and whether an authority is known for it.
    pub(crate) fn algorithms(&self, host: &str, port: u16) -> (Vec<Algorithm>, bool) {
        let names = [name_of(host, port), host.to_lowercase()];
        let mut algorithms = Vec::new();
        let mut authority = false;
        for name in &names {
            for line in self.lines.iter().filter(|line| line.hosts.matches(name)) {
                match line.marker {
                    Marker::None if !algorithms.contains(&line.key.algorithm()) => {
                        algorithms.push(line.key.algorithm());
                    }
                    Marker::None | Marker::Revoked => {}
                    Marker::Authority => authority = true,
                }
            }
        }
        (algorithms, authority)
    }

    fn lookup_name(&self, name: &str, host: &str, shown: &ServerKey, now: u64) -> Verdict {
        let lines: Vec<&Line> = self
            .lines
            .iter()
            .filter(|line| line.hosts.matches(name))
            .collect();
        let of = |marker| lines.iter().filter(move |line| line.marker == marker);
        let signer = shown.certificate.as_ref().map(Certificate::signature_key);
        if of(Marker::Revoked).any(|line| {
            line.key.key_data() == shown.key.key_data()
                || signer.is_some_and(|signer| line.key.key_data() == signer)
        }) {
            return Verdict::Revoked;
        }
        if let Some(certificate) = &shown.certificate
            && let Some(line) =
                of(Marker::Authority).find(|line| line.key.key_data() == certificate.signature_key())
            && host_certificate::check(certificate, line.key.key_data(), host, now).is_ok()
        {
            return Verdict::Known {
                authority: Some(fingerprint(&line.key)),
            };
        }
        if of(Marker::None).any(|line| line.key.key_data() == shown.key.key_data()) {
            return Verdict::Known { authority: None };
        }
        let same_algorithm = of(Marker::None).find(|line| line.key.algorithm() == shown.key.algorithm());
        match same_algorithm.or_else(|| of(Marker::None).next()) {
            Some(line) => Verdict::Changed {
                pinned: fingerprint(&line.key),
            },
            None => Verdict::Unknown,
        }
    }
}

/// The name under which a host stands in the file.
fn name_of(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

fn parse_line(line: &str) -> Option<Line> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let mut hosts = words.next()?;
    let marker = match hosts {
        "@cert-authority" => Marker::Authority,
        "@revoked" => Marker::Revoked,
        other if other.starts_with('@') => return None,
        _ => Marker::None,
    };
    if marker != Marker::None {
        hosts = words.next()?;
    }
    Some(Line {
        marker,
        hosts: HostPattern::parse(hosts)?,
        key: parse_key(words.next()?, words.next()?)?,
    })
}
