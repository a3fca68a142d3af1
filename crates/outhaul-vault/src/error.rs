//! What can go wrong with sealed secrets and with master keys. No message shows anything of either.

use std::path::PathBuf;

/// Why something was not sealed, not opened, or why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Sealed with another master key.
    #[error(
        "the secrets of `{owner}` were sealed with the master key `{sealed_with}`, and the one in use is `{in_use}`: \
         start again with the master key `{sealed_with}`, or give the secrets again"
    )]
    WrongKey {
        /// Whose secrets.
        owner: String,
        /// Id of the master key that they were sealed with.
        sealed_with: String,
        /// Id of the master key that is in use.
        in_use: String,
    },
    /// They do not open.
    #[error("the secrets of `{owner}` are damaged or were sealed for another owner: give them again")]
    Damaged {
        /// Whose secrets.
        owner: String,
    },
    /// Sealed by a newer version of Outhaul.
    #[error(
        "the secrets of `{owner}` are sealed in version {found} and this program knows versions up to {known}: use a \
         newer outhaul"
    )]
    NewerVersion {
        /// Whose secrets.
        owner: String,
        /// Version of the seal.
        found: u8,
        /// Newest version that this program knows.
        known: u8,
    },
    /// More than can be sealed.
    #[error("the secrets of `{owner}` are larger than {limit} bytes: give smaller ones")]
    TooLarge {
        /// Whose secrets.
        owner: String,
        /// How large they may be together.
        limit: usize,
    },
    /// The system gives no random numbers.
    #[error("the system gave no random numbers: {0}")]
    NoRandomness(getrandom::Error),
    /// A text that is no master key.
    #[error("a master key is 64 hex digits, or 32 bytes in base64: make one with `openssl rand -hex 32`")]
    NotAKey,
    /// A file that holds no master key.
    #[error(
        "the master key file `{path}` is damaged, it must hold 64 hex digits or 32 bytes in base64: bring it back from \
         a backup; without it nothing that was sealed with it can be opened"
    )]
    KeyFileDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Others can get at the key.
    #[error("{what} `{path}` is open to others than its owner (mode {mode:04o}): run `{fix}`")]
    Exposed {
        /// What is open: the file or its folder.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The command that closes it.
        fix: String,
    },
    /// A file or folder could not be read or made.
    #[error("the master key file `{path}` could not be {what}: {why}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What was tried, such as `read`.
        what: &'static str,
        /// Why it failed.
        #[source]
        why: std::io::Error,
    },
}
