//! Where the machine is, who logs in there, and through which hosts.

use outhaul_client::Client;
use outhaul_ssh::{Jump, parse_jump};
use outhaul_types::spark::{cluster_of, hdinsight_address};
use outhaul_types::target::{ResourceAddress, SshEndpoint};

use super::ssh_config::Alias;
use crate::args::AttachRemote;
use crate::error::{self, CliError};

const SSH_PORT: u16 = 22;

/// Where the machine is, as far as it is known without the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    at: At,
    port: Option<u16>,
    username: String,
    /// Hosts to go through, the first one first.
    pub jumps: Vec<SshEndpoint>,
}

#[derive(Debug, PartialEq, Eq)]
enum At {
    Address(String),
    Resource(String),
}

/// Reads where the machine is; `local_user` is the person's name on this machine.
pub(super) fn of(
    args: &AttachRemote,
    alias: Option<&Alias>,
    local_user: Option<String>,
) -> Result<Place, CliError> {
    let configured = alias.map(|alias| alias.machine.user.clone());
    let username = args
        .username
        .clone()
        .or(configured.filter(|user| !user.is_empty()))
        .or(local_user)
        .ok_or_else(|| {
            CliError::user("it is not known who logs in: `USER` is not set").hint("`--username USER` says it")
        })?;
    let at = match (alias, &args.address, &args.resource_id) {
        (Some(alias), ..) => At::Address(alias.machine.hostname.clone()),
        (None, Some(address), _) => At::Address(address.clone()),
        (None, None, Some(id)) => At::Resource(id.clone()),
        (None, None, None) => {
            return Err(CliError::user("it is not said where the machine is")
                .hint("use `--address HOST`, `--resource-id ID` or `--ssh-config ALIAS`"));
        }
    };
    let jumps = match alias {
        Some(alias) if args.jump.is_empty() => &alias.jumps,
        _ => &args.jump,
    };
    Ok(Place {
        at,
        port: args.port.or(alias.map(|alias| alias.machine.port)),
        jumps: jumps.iter().map(|jump| endpoint(jump, &username)).collect(),
        username,
    })
}

fn endpoint(jump: &Jump, username: &str) -> SshEndpoint {
    SshEndpoint {
        address: jump.host.clone(),
        port: jump.port,
        username: jump.username.clone().unwrap_or_else(|| username.to_owned()),
        host_key: None,
    }
}

impl Place {
    /// The machine; for a resource, as the address book has it.
    pub(super) async fn resolve(&self, client: &Client) -> Result<SshEndpoint, CliError> {
        match &self.at {
            At::Address(_) => self.endpoint(&[]),
            At::Resource(_) => self.endpoint(&client.resources().await?),
        }
    }

    fn endpoint(&self, book: &[ResourceAddress]) -> Result<SshEndpoint, CliError> {
        let (address, port) = match &self.at {
            At::Address(address) => (address.clone(), None),
            At::Resource(id) => {
                let entry = book
                    .iter()
                    .find(|entry| entry.resource_id.eq_ignore_ascii_case(id));
                match (entry, cluster_of(id)) {
                    (Some(entry), _) => {
                        let server = parse_jump(&entry.address).map_err(error::user)?;
                        (server.host, Some(server.port))
                    }
                    (None, Some(cluster)) => (hdinsight_address(cluster), None),
                    (None, None) => {
                        return Err(
                            CliError::user(format!("no address is known for the resource `{id}`"))
                                .hint(format!("`outhaul resource map {id} ADDRESS` sets it")),
                        );
                    }
                }
            }
        };
        Ok(SshEndpoint {
            address,
            port: self.port.or(port).unwrap_or(SSH_PORT),
            username: self.username.clone(),
            host_key: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::credential::tests::args;
    use super::*;
    use outhaul_ssh::ResolvedAlias;

    fn alias() -> Alias {
        Alias {
            machine: ResolvedAlias {
                hostname: "10.0.0.4".into(),
                port: 2222,
                user: "gpu".into(),
                ..ResolvedAlias::default()
            },
            jumps: vec![parse_jump("gate").unwrap()],
        }
    }

    #[test]
    fn options_go_before_the_configuration() {
        let book = [ResourceAddress {
            resource_id: "/Subscriptions/S/VM".into(),
            address: "10.0.0.9:2200".into(),
        }];
        for (line, machine, jumps) in [
            ("--address box", "me@box", ""),
            ("--address ::1 --port 23 --username you", "you@[::1]:23", ""),
            (
                "--address box --jump gate:23 --jump a@b",
                "me@box",
                "me@gate:23 a@b",
            ),
            ("--ssh-config gpu", "gpu@10.0.0.4:2222", "gpu@gate"),
            (
                "--ssh-config gpu --port 22 --username you",
                "you@10.0.0.4",
                "you@gate",
            ),
            ("--ssh-config gpu --jump a@b:5", "gpu@10.0.0.4:2222", "a@b:5"),
            ("--resource-id /subscriptions/s/vm", "me@10.0.0.9:2200", ""),
            ("--resource-id /subscriptions/s/vm --port 22", "me@10.0.0.9", ""),
        ] {
            let configured = alias();
            let alias = line.contains("--ssh-config").then_some(&configured);
            let place = of(&args(line), alias, Some("me".into())).unwrap();
            assert_eq!(place.endpoint(&book).unwrap().to_string(), machine, "{line}");
            let shown: Vec<String> = place.jumps.iter().map(ToString::to_string).collect();
            assert_eq!(shown.join(" "), jumps, "{line}");
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        let error = of(&args("--address box"), None, None).unwrap_err();
        assert!(
            error.message.contains("`USER`") && error.hints[0].contains("--username"),
            "{error:?}"
        );
        let place = of(&args("--resource-id /s/vm"), None, Some("me".into())).unwrap();
        let error = place.endpoint(&[]).unwrap_err();
        assert!(
            error.hints[0].contains("`outhaul resource map /s/vm ADDRESS`"),
            "{error:?}"
        );
        assert_eq!(error.code, 2);
    }
}
