//! Reads what the person logs in with: from files, standard input or the terminal.

use std::collections::BTreeMap;
use std::path::Path;

use outhaul_types::Secret;
use outhaul_types::target::SshAuthentication;

use super::credential::Choice;
use super::key_file::{is_encrypted, is_private_key, read as read_file};
use crate::args::AttachRemote;
use crate::context::Context;
use crate::error::CliError;
use crate::terminal;

/// A way of logging in and the secrets for it.
#[derive(Debug)]
pub(super) struct Handed {
    pub authentication: SshAuthentication,
    pub secrets: BTreeMap<String, Secret>,
}

pub(super) fn read(context: &Context, args: &AttachRemote, choice: Choice) -> Result<Handed, CliError> {
    let mut secrets = BTreeMap::new();
    let authentication = match choice {
        Choice::Password => {
            let password = terminal::secret(&context.printer, "password")?;
            secrets.insert("password".to_owned(), password);
            SshAuthentication::Password
        }
        Choice::Key { file, certificate } => {
            let key = private_key(&file)?;
            // Whether it is encrypted stands in front of what is secret.
            let encrypted = is_encrypted(key.expose());
            secrets.insert("private_key".to_owned(), key);
            if encrypted {
                let passphrase = passphrase(context, args, &file)?;
                secrets.insert("passphrase".to_owned(), passphrase);
            }
            let certificate = certificate
                .map(|file| read_file(&file, "certificate"))
                .transpose()?
                // A certificate is public.
                .map(|certificate| certificate.expose().trim().to_owned());
            SshAuthentication::PrivateKey { certificate }
        }
        Choice::Agent { .. } if args.passphrase_stdin => {
            return Err(CliError::user(
                "`--passphrase-stdin` is for a private key, and the SSH agent would log in",
            )
            .hint("`--private-key-file FILE` names the key"));
        }
        Choice::Agent { socket } => {
            let socket = context.here.join(socket).into_os_string().into_string();
            let socket = socket.map_err(|_| {
                CliError::user("the path of the SSH agent's socket is not valid UTF-8")
                    .hint("use `--private-key-file FILE`")
            })?;
            SshAuthentication::Agent { socket }
        }
    };
    Ok(Handed {
        authentication,
        secrets,
    })
}

fn private_key(file: &Path) -> Result<Secret, CliError> {
    let key = read_file(file, "private key")?;
    if is_private_key(key.expose()) {
        return Ok(key);
    }
    let error = CliError::user(format!("`{}` is not the file of a private key", file.display()));
    let ending = file.extension().is_some_and(|ending| ending == "pub");
    Err(error.hint(if ending {
        "this is the public key; give the file without `.pub`"
    } else {
        "give the file that `ssh-keygen` wrote, the one without `.pub`"
    }))
}

fn passphrase(context: &Context, args: &AttachRemote, file: &Path) -> Result<Secret, CliError> {
    let what = format!("passphrase of `{}`", file.display());
    if args.passphrase_stdin || terminal::can_ask(&context.printer) {
        return terminal::secret(&context.printer, &what);
    }
    Err(CliError::user(format!(
        "the private key `{}` is encrypted, and nobody can be asked for its passphrase",
        file.display()
    ))
    .hint("`--passphrase-stdin` reads it from standard input; `--agent` lets the SSH agent log in"))
}
