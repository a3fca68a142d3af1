//! Secrets at rest: sealed with a master key that lies outside the database.
//!
//! A sealed text is `version (1) | key id (8) | nonce (24) | wrapped data key (48) | nonce (24) | ciphertext`. Every
//! sealing has a data key of its own, wrapped by the master key; both layers are XChaCha20-Poly1305 with the owner as
//! associated data, so that what was sealed for one owner does not open for another. Why: see
//! `docs/decisions/0014-secrets-at-rest.md`.

mod key;
mod vault;

pub use key::{KeyError, MasterKey};
pub use vault::{Vault, VaultError};
