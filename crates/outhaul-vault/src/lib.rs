//! Secrets at rest. A [`Vault`] seals the secrets of one owner (a compute target's id) into bytes that a database may
//! hold, under a [`MasterKey`] that is kept elsewhere. Why it is done this way is told in
//! `docs/decisions/0014-secrets-at-rest.md`.
//!
//! # The format
//!
//! What [`Vault::seal`] gives, version 1:
//!
//! | Bytes | What |
//! |---|---|
//! | 1 | version: 1 |
//! | 8 | key id: which master key it was sealed with |
//! | 24 | nonce of the next |
//! | 48 | the data key, encrypted with the master key, and its tag |
//! | 24 | nonce of the next |
//! | 64 n + 16 | the secrets, encrypted with the data key, and their tag |
//!
//! Both encryptions are XChaCha20-Poly1305. The data key and both nonces are made anew for every sealing. The data
//! key's associated data are the version, the key id, the text `outhaul data key`, a zero byte and the owner; those of
//! the secrets are the version, the text `outhaul secrets`, a zero byte and the owner. So nothing that was sealed opens
//! for another owner, and no byte of it can be changed.
//!
//! The *key id* is the first 8 bytes of BLAKE3 in its mode of key derivation, with the context `outhaul 2026-11-25 id of
//! a master key`, over the 32 bytes of the master key. It tells a wrong master key from damage.
//!
//! The secrets as plain text are: their number, then for each its name and its text, sorted by name. A name and a text
//! are their length in bytes and UTF-8. Numbers and lengths are 4 bytes, little-endian. Zero bytes fill it up to a
//! multiple of 64, so that the length of a password cannot be read off.

mod envelope;
mod error;
mod key;
mod key_file;
mod plain;
mod vault;

pub use error::VaultError;
pub use key::MasterKey;
pub use vault::Vault;
