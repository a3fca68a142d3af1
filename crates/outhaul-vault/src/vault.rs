//! [`Vault`]: sealing, opening, and moving what was sealed to a new master key.

use std::collections::BTreeMap;

use outhaul_types::Secret;

use crate::envelope::{self, Envelope, Refused};
use crate::{MasterKey, VaultError, key, plain};

/// Seals the secrets of owners under one master key, and opens them again.
#[derive(Debug)]
pub struct Vault {
    key: MasterKey,
}

impl Vault {
    /// A vault of this key.
    #[must_use]
    pub fn new(key: MasterKey) -> Self {
        Self { key }
    }

    /// Id of the vault's master key.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.key.id()
    }

    /// Seals the secrets of an owner. Sealing the same twice gives different bytes.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`] beyond 1 MiB, and when the system gives no random numbers.
    pub fn seal(&self, owner: &str, secrets: &BTreeMap<String, Secret>) -> Result<Vec<u8>, VaultError> {
        let too_large = || VaultError::TooLarge {
            owner: owner.to_owned(),
            limit: plain::LIMIT,
        };
        let plain = plain::write(secrets, envelope::TAG).ok_or_else(too_large)?;
        let master = (self.key.bytes(), self.key.id_bytes());
        let data_key = key::random_key()?;
        envelope::seal(master, &data_key, owner, plain)?.ok_or_else(too_large)
    }

    /// Opens what was sealed for this owner.
    ///
    /// # Errors
    /// [`VaultError::WrongKey`] when it was sealed with another master key, [`VaultError::Damaged`] when any byte of it
    /// was changed or it was sealed for another owner, [`VaultError::NewerVersion`] when a newer Outhaul sealed it.
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Result<BTreeMap<String, Secret>, VaultError> {
        let damaged = || VaultError::Damaged {
            owner: owner.to_owned(),
        };
        let envelope = Envelope::read(sealed).map_err(|refused| match refused {
            Refused::Damaged => damaged(),
            Refused::Newer(found) => VaultError::NewerVersion {
                owner: owner.to_owned(),
                found,
                known: envelope::VERSION,
            },
        })?;
        if envelope.key_id != self.key.id_bytes() {
            return Err(VaultError::WrongKey {
                owner: owner.to_owned(),
                sealed_with: key::id_text(&envelope.key_id),
                in_use: self.key.id(),
            });
        }
        let plain = envelope.open(self.key.bytes(), owner).ok_or_else(damaged)?;
        plain::read(&plain).ok_or_else(damaged)
    }

    /// Seals under this vault's key what was sealed under the key of `old`, for a change of the master key. The data key
    /// is made anew as well. What is sealed under this vault's key already is given back as it is, so a change that was
    /// interrupted can be repeated.
    ///
    /// # Errors
    /// As [`open`](Self::open) when it opens with neither, and as [`seal`](Self::seal).
    pub fn rewrap(&self, old: &Self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        match self.open(owner, sealed) {
            Ok(_) => Ok(sealed.to_vec()),
            Err(VaultError::WrongKey { .. }) => self.seal(owner, &old.open(owner, sealed)?),
            Err(other) => Err(other),
        }
    }
}
