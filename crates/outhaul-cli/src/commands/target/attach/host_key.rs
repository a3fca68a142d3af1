//! The host keys of the machine and of the hosts on the way: asked for, and accepted or not.

use outhaul_client::Client;
use outhaul_types::api::{HostKeyVerdict, ScanHostKey, ScannedHostKey};
use outhaul_types::exit_code;
use outhaul_types::target::{HostKey, SshAuthentication, SshEndpoint};

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Spinner, clean};
use crate::terminal;

/// Asks hosts for their keys.
pub(super) struct Scanner<'a> {
    pub context: &'a Context,
    pub client: &'a Client,
    pub authentication: &'a SshAuthentication,
    pub ticket: Option<&'a str>,
    pub known_hosts: &'a str,
    /// Whether keys that are not known are accepted.
    pub yes: bool,
}

/// What is done about a key.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Take,
    /// The person is asked whether to take it, with what is to be said before.
    Ask(String),
    Refuse(CliError),
}

impl Scanner<'_> {
    /// The key of a host that is reached through `jumps`, once it may be pinned. `last` is the machine itself.
    pub(super) async fn key(
        &self,
        endpoint: &SshEndpoint,
        jumps: &[SshEndpoint],
        last: bool,
    ) -> Result<HostKey, CliError> {
        let printer = &self.context.printer;
        let scan = ScanHostKey {
            endpoint: endpoint.clone(),
            jumps: jumps.to_vec(),
            authentication: self.authentication.clone(),
            ticket: self.ticket.map(str::to_owned),
            known_hosts: self.known_hosts.to_owned(),
        };
        let scanned = Spinner::new(*printer, format!("asking `{}` for its host key", name(endpoint)))
            .during(self.client.scan_host_key(&scan))
            .await?;
        let can_ask = terminal::can_ask(printer);
        match decide(endpoint, last, &scanned, self.yes, can_ask) {
            Decision::Take => {}
            Decision::Refuse(error) => return Err(error),
            Decision::Ask(text) => {
                printer.raw_err(format!("{text}\n").as_bytes())?;
                if !terminal::confirm(printer, "attach with this key?")? {
                    return Err(CliError::user(
                        "nothing was attached: the host key was not accepted",
                    ));
                }
            }
        }
        Ok(scanned.host_key)
    }
}

/// The host as OpenSSH's known hosts name it.
fn name(endpoint: &SshEndpoint) -> String {
    match endpoint.port {
        22 => endpoint.address.clone(),
        port => format!("[{}]:{port}", endpoint.address),
    }
}

fn decide(
    endpoint: &SshEndpoint,
    last: bool,
    scanned: &ScannedHostKey,
    yes: bool,
    can_ask: bool,
) -> Decision {
    let host = name(endpoint);
    let key = &scanned.host_key;
    let fingerprint = clean(&key.fingerprint);
    let shown = format!("{} {fingerprint}", clean(&key.algorithm));
    let shown = shown.trim_start();
    let refuse = |message: String| CliError::new(exit_code::TARGET, message);
    match scanned.verdict {
        HostKeyVerdict::Known => Decision::Take,
        HostKeyVerdict::Unknown if yes => Decision::Take,
        HostKeyVerdict::Unknown => {
            let text = format!("the host key of {host} is not known: {shown}");
            if can_ask {
                return Decision::Ask(text);
            }
            let hint = if last {
                format!("if it is the right one, add `--host-key {fingerprint}`")
            } else {
                "if it is the right one, add the host to `~/.ssh/known_hosts`, or `--yes` to accept what is not known"
                    .to_owned()
            };
            Decision::Refuse(CliError::user(text).hint(hint))
        }
        HostKeyVerdict::Changed => {
            let expected = scanned.expected.as_deref().unwrap_or("another key");
            let error = refuse(format!(
                "the host key of {host} has changed: it is known by {}, and now shows {shown}",
                clean(expected)
            ))
            .hint("somebody may be listening in: ask whoever runs the machine whether it was set up anew")
            .hint(format!(
                "if it was, `ssh-keygen -R '{host}'` forgets the old key; then attach again"
            ));
            Decision::Refuse(match last {
                true => error.hint(format!("or add `--host-key {fingerprint}`")),
                false => error,
            })
        }
        HostKeyVerdict::Revoked => Decision::Refuse(
            refuse(format!("the host key of {host} is revoked: {shown}"))
                .hint("a line with `@revoked` in your known hosts says so; the machine needs a new host key"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(port: u16) -> SshEndpoint {
        SshEndpoint {
            address: "10.0.0.4".into(),
            port,
            username: "me".into(),
            host_key: None,
        }
    }

    fn scanned(verdict: HostKeyVerdict) -> ScannedHostKey {
        ScannedHostKey {
            host_key: HostKey {
                fingerprint: "SHA256:new".into(),
                algorithm: "ssh-ed25519".into(),
                authority: None,
            },
            verdict,
            expected: (verdict == HostKeyVerdict::Changed).then(|| "SHA256:old".to_owned()),
        }
    }

    #[test]
    fn every_verdict_has_its_answer() {
        use HostKeyVerdict as V;
        let unknown = "the host key of 10.0.0.4 is not known: ssh-ed25519 SHA256:new";
        for (verdict, yes, can_ask) in [
            (V::Known, false, false),
            (V::Known, false, true),
            (V::Unknown, true, false),
            (V::Unknown, true, true),
        ] {
            let decision = decide(&endpoint(22), true, &scanned(verdict), yes, can_ask);
            assert_eq!(decision, Decision::Take, "{verdict:?}");
        }
        assert_eq!(
            decide(&endpoint(22), true, &scanned(V::Unknown), false, true),
            Decision::Ask(unknown.into())
        );
        type Case<'a> = (V, u16, bool, u8, &'a str, &'a [&'a str]);
        let cases: [Case<'_>; 5] = [
            (V::Unknown, 22, true, 2, unknown, &["`--host-key SHA256:new`"]),
            (
                V::Unknown,
                2222,
                false,
                2,
                "the host key of [10.0.0.4]:2222 is not known: ssh-ed25519 SHA256:new",
                &["`--yes`"],
            ),
            (
                V::Changed,
                22,
                true,
                121,
                "it is known by SHA256:old, and now shows ssh-ed25519 SHA256:new",
                &[
                    "somebody",
                    "`ssh-keygen -R '10.0.0.4'`",
                    "`--host-key SHA256:new`",
                ],
            ),
            (
                V::Changed,
                2222,
                false,
                121,
                "has changed",
                &["somebody", "'[10.0.0.4]:2222'"],
            ),
            (V::Revoked, 22, true, 121, "is revoked", &["@revoked"]),
        ];
        for (verdict, port, last, code, message, hints) in cases {
            // What has changed or is revoked is not accepted by `--yes`.
            let yes = verdict != V::Unknown;
            match decide(&endpoint(port), last, &scanned(verdict), yes, yes) {
                Decision::Refuse(error) => {
                    assert_eq!(error.code, code, "{error:?}");
                    assert!(error.message.contains(message), "{error:?}");
                    assert_eq!(error.hints.len(), hints.len(), "{error:?}");
                    for (shown, expected) in error.hints.iter().zip(hints) {
                        assert!(shown.contains(expected), "{error:?}");
                    }
                }
                other => panic!("{verdict:?}: {other:?}"),
            }
        }
    }
}
