//! Which way of logging in is taken. The choice is pure: what exists is asked by a function that is given.

use std::path::{Path, PathBuf};

use outhaul_ssh::ResolvedAlias;

use crate::args::AttachRemote;
use crate::env_vars;
use crate::error::CliError;

/// Private keys that are looked for, under `~/.ssh`.
const KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// A way of logging in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// A password from standard input.
    Password,
    /// A private key.
    Key {
        file: PathBuf,
        certificate: Option<PathBuf>,
    },
    /// The keys of an agent.
    Agent { socket: PathBuf },
}

/// What there is on this machine to log in with.
#[derive(Debug, Default)]
pub(super) struct Around<'a> {
    /// What the SSH configuration says, where one of its names was given.
    pub alias: Option<&'a ResolvedAlias>,
    /// The agent's socket: of the configuration or of this shell.
    pub agent: Option<PathBuf>,
    /// The home folder.
    pub home: Option<&'a Path>,
}

impl<'a> Around<'a> {
    /// What there is, by the variables of this shell.
    pub(super) fn here(alias: Option<&'a ResolvedAlias>, home: Option<&'a Path>) -> Self {
        let configured = alias.and_then(|alias| alias.identity_agent.as_deref());
        Self {
            alias,
            agent: agent(configured, home, |name| env_vars::get(name).map(PathBuf::from)),
            home,
        }
    }
}

/// The agent's socket by `IdentityAgent` of the configuration, else that of the shell.
fn agent(
    configured: Option<&str>,
    home: Option<&Path>,
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> Option<PathBuf> {
    match configured {
        Some(none) if none.eq_ignore_ascii_case("none") => None,
        None | Some(env_vars::SSH_AUTH_SOCK) => variable(env_vars::SSH_AUTH_SOCK),
        Some(text) => match text.strip_prefix('$') {
            Some(name) => variable(name.trim_start_matches('{').trim_end_matches('}')),
            None => Some(at_home(Path::new(text), home)),
        },
    }
}

/// A path with `~/` and `%d` as the home folder.
pub(super) fn at_home(path: &Path, home: Option<&Path>) -> PathBuf {
    let rest = path.strip_prefix("~").or_else(|_| path.strip_prefix("%d"));
    match (rest, home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// Chooses by the options, the SSH configuration, and what there is.
pub(super) fn choose(
    args: &AttachRemote,
    around: &Around<'_>,
    exists: impl Fn(&Path) -> bool,
) -> Result<Choice, CliError> {
    let at_home = |path: &PathBuf| at_home(path, around.home);
    if args.password_stdin {
        return Ok(Choice::Password);
    }
    if let Some(file) = &args.private_key_file {
        return Ok(Choice::Key {
            file: at_home(file),
            certificate: args.certificate_file.as_ref().map(at_home),
        });
    }
    let agent = around.agent.clone().map(|socket| Choice::Agent { socket });
    if args.agent {
        return agent.ok_or_else(|| {
            CliError::user("there is no SSH agent: `SSH_AUTH_SOCK` is not set").hint(
                "start one with `eval \"$(ssh-agent)\"` and `ssh-add`, or use `--private-key-file FILE`",
            )
        });
    }
    let choice = if let Some(alias) = around.alias {
        let first = |files: &[PathBuf]| files.iter().map(at_home).find(|file| exists(file));
        let key = first(&alias.identity_files).map(|file| Choice::Key {
            // OpenSSH takes a certificate that lies beside its key, too.
            certificate: first(&alias.certificate_files)
                .or_else(|| Some(beside(&file)).filter(|certificate| exists(certificate))),
            file,
        });
        key.or(agent)
    } else {
        let key = || {
            let folder = around.home?.join(".ssh");
            let file = KEYS
                .iter()
                .map(|name| folder.join(name))
                .find(|file| exists(file))?;
            Some(Choice::Key {
                file,
                certificate: None,
            })
        };
        // A passphrase that is given is for a key.
        if args.passphrase_stdin {
            key()
        } else {
            agent.or_else(key)
        }
    };
    choice.ok_or_else(|| {
        CliError::user("there is nothing to log in with: no SSH agent and no private key was found")
            .hint("use `--private-key-file FILE`, `--agent` with a running SSH agent, or `--password-stdin`")
    })
}

/// Where OpenSSH looks for a key's certificate.
fn beside(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push("-cert.pub");
    name.into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::args::{AttachCommand, Cli, Command, TargetCommand};
    use clap::Parser as _;

    pub(in super::super) fn args(line: &str) -> AttachRemote {
        let words = ["outhaul", "target", "attach", "remote", "gpu-box"];
        match Cli::parse_from(words.into_iter().chain(line.split_whitespace())).command {
            Command::Target(TargetCommand::Attach(AttachCommand::Remote(args))) => *args,
            other => panic!("{other:?}"),
        }
    }

    fn key(file: &str, certificate: Option<&str>) -> Choice {
        Choice::Key {
            file: file.into(),
            certificate: certificate.map(Into::into),
        }
    }

    #[test]
    fn what_is_taken_depends_on_what_there_is() {
        let alias = ResolvedAlias {
            identity_files: vec!["~/.ssh/missing".into(), "~/.ssh/work".into()],
            ..ResolvedAlias::default()
        };
        let certified = ResolvedAlias {
            certificate_files: vec!["/certs/work".into()],
            ..alias.clone()
        };
        let agent = || Some(Choice::Agent { socket: "/a".into() });
        let plain = "--address box";
        type Case<'a> = (
            &'a str,
            Option<&'a ResolvedAlias>,
            bool,
            &'a [&'a str],
            Option<Choice>,
        );
        let cases: [Case<'_>; 17] = [
            (
                "--address box --password-stdin",
                None,
                true,
                &["id_rsa"],
                Some(Choice::Password),
            ),
            (
                "--address box --private-key-file k",
                None,
                true,
                &[],
                Some(key("k", None)),
            ),
            (
                "--address box --private-key-file ~/k --certificate-file c",
                None,
                true,
                &[],
                Some(key("/h/k", Some("c"))),
            ),
            ("--address box --agent", None, true, &["id_rsa"], agent()),
            ("--address box --agent", None, false, &["id_rsa"], None),
            (plain, None, true, &["id_rsa"], agent()),
            (
                plain,
                None,
                false,
                &["id_rsa", "id_ecdsa"],
                Some(key("/h/.ssh/id_ecdsa", None)),
            ),
            (
                plain,
                None,
                false,
                &["id_rsa", "id_ecdsa", "id_ed25519"],
                Some(key("/h/.ssh/id_ed25519", None)),
            ),
            (plain, None, false, &["id_dsa"], None),
            (
                "--address box --passphrase-stdin",
                None,
                true,
                &["id_rsa"],
                Some(key("/h/.ssh/id_rsa", None)),
            ),
            ("--address box --passphrase-stdin", None, true, &[], None),
            (
                "--ssh-config gpu",
                Some(&alias),
                true,
                &["work"],
                Some(key("/h/.ssh/work", None)),
            ),
            (
                "--ssh-config gpu",
                Some(&alias),
                true,
                &["work", "work-cert.pub"],
                Some(key("/h/.ssh/work", Some("/h/.ssh/work-cert.pub"))),
            ),
            (
                "--ssh-config gpu",
                Some(&certified),
                true,
                &["work", "work-cert.pub", "/certs/work"],
                Some(key("/h/.ssh/work", Some("/certs/work"))),
            ),
            ("--ssh-config gpu", Some(&alias), true, &["id_rsa"], agent()),
            ("--ssh-config gpu", Some(&alias), false, &["id_rsa"], None),
            ("--ssh-config gpu --agent", Some(&alias), true, &["work"], agent()),
        ];
        for (number, (line, alias, running, files, expected)) in cases.into_iter().enumerate() {
            let around = Around {
                alias,
                agent: running.then(|| "/a".into()),
                home: Some(Path::new("/h")),
            };
            let exists = |path: &Path| files.iter().any(|file| path == Path::new("/h/.ssh").join(file));
            let found = choose(&args(line), &around, exists);
            match expected {
                Some(expected) => assert_eq!(found, Ok(expected), "{number}: {line}"),
                None => {
                    let error = found.unwrap_err();
                    assert_eq!(error.code, 2, "{number}: {line}");
                    assert!(error.hints[0].contains("--private-key-file"), "{error:?}");
                }
            }
        }
    }

    #[test]
    fn the_agent_is_found_as_openssh_finds_it() {
        let variable = |name: &str| match name {
            "SSH_AUTH_SOCK" => Some("/shell".into()),
            "MINE" => Some("/mine".into()),
            _ => None,
        };
        for (configured, socket) in [
            (None, Some("/shell")),
            (Some("SSH_AUTH_SOCK"), Some("/shell")),
            (Some("none"), None),
            (Some("$MINE"), Some("/mine")),
            (Some("${MINE}"), Some("/mine")),
            (Some("$OTHER"), None),
            (Some("~/agent.sock"), Some("/h/agent.sock")),
            (Some("/run/agent"), Some("/run/agent")),
        ] {
            let found = agent(configured, Some(Path::new("/h")), variable);
            assert_eq!(found, socket.map(PathBuf::from), "{configured:?}");
        }
    }

    #[test]
    fn wrong_options_are_refused() {
        let words = ["outhaul", "target", "attach", "remote", "gpu-box"];
        for line in [
            "",
            "--address a --ssh-config b",
            "--address a --resource-id /b",
            "--address me@box",
            "--address box:22",
            "--address a --port 0",
            "--address a --username -x",
            "--address a --password hunter2",
            "--address a --password-stdin --agent",
            "--address a --password-stdin --private-key-file k",
            "--address a --password-stdin --passphrase-stdin",
            "--address a --agent --private-key-file k",
            "--address a --certificate-file c",
            "--address a --host-key SHA256:short",
            "--address a --folder relative",
            "--address a --packages maybe",
            "--address a --slots 0",
            "--address a --wait --no-wait",
            "--address a --jump a/b",
        ] {
            let line = words.into_iter().chain(line.split_whitespace());
            let error = Cli::try_parse_from(line.clone()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{:?}", line.collect::<Vec<_>>());
        }
        let full = args(
            "--address a --port 23 --jump x@y:1 --jump z --slots 2 --packages ship --folder /d --replace --wait -y",
        );
        assert_eq!((full.jump.len(), full.slots, full.yes), (2, Some(2), true));
    }
}
