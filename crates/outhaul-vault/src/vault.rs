//! Sealing and opening.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use outhaul_types::Secret;
use zeroize::Zeroizing;

use crate::key::MasterKey;

const VERSION: u8 = 1;
const NONCE: usize = 24;
const WRAPPED: usize = 32 + 16;
const HEAD: usize = 1 + 8 + NONCE + WRAPPED + NONCE;

/// Seals and opens secrets with one master key.
#[derive(Clone, Debug)]
pub struct Vault(MasterKey);

/// Why secrets could not be sealed or opened. None of the texts says anything about a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VaultError {
    /// They were sealed with another master key.
    #[error("the secrets of `{0}` were sealed with another master key: give the one that was in use then")]
    OtherKey(String),
    /// The sealed bytes are not what was written, or were written for another owner.
    #[error("the sealed secrets of `{0}` are damaged: hand the credential over again")]
    Damaged(String),
    /// A newer program wrote them.
    #[error("the secrets of `{0}` were sealed by a newer program: use a newer outhaul")]
    Newer(String),
    /// The operating system gives no random bytes, or there is too much to seal.
    #[error("the secrets of `{0}` could not be sealed")]
    CannotSeal(String),
}

impl Vault {
    /// A vault with this key.
    #[must_use]
    pub const fn new(key: MasterKey) -> Self {
        Self(key)
    }

    /// Seals secrets for an owner.
    ///
    /// # Errors
    /// [`VaultError::CannotSeal`].
    pub fn seal(&self, owner: &str, secrets: &BTreeMap<String, Secret>) -> Result<Vec<u8>, VaultError> {
        let cannot = || VaultError::CannotSeal(owner.to_owned());
        let plain: BTreeMap<&str, &str> = secrets
            .iter()
            .map(|(name, secret)| (name.as_str(), secret.expose()))
            .collect();
        let plain = Zeroizing::new(serde_json::to_vec(&plain).map_err(|_| cannot())?);
        let mut random = Zeroizing::new([0; 32 + 2 * NONCE]);
        getrandom::fill(random.as_mut_slice()).map_err(|_| cannot())?;
        let (data_key, nonces) = random.split_at(32);
        let (first, second) = nonces.split_at(NONCE);
        let wrapped = encrypt(self.0.0.as_slice(), first, owner, data_key).ok_or_else(cannot)?;
        let sealed = encrypt(data_key, second, owner, &plain).ok_or_else(cannot)?;
        Ok([&[VERSION], &self.0.id()[..], first, &wrapped, second, &sealed].concat())
    }

    /// Opens what was sealed for an owner.
    ///
    /// # Errors
    /// When it was sealed with another key, for another owner, or is damaged.
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Result<BTreeMap<String, Secret>, VaultError> {
        let damaged = || VaultError::Damaged(owner.to_owned());
        match sealed.first() {
            Some(&VERSION) => {}
            Some(version) if *version > VERSION => return Err(VaultError::Newer(owner.to_owned())),
            _ => return Err(damaged()),
        }
        if sealed.len() < HEAD {
            return Err(damaged());
        }
        let (key_id, rest) = sealed[1..].split_at(8);
        if key_id != self.0.id() {
            return Err(VaultError::OtherKey(owner.to_owned()));
        }
        let (first, rest) = rest.split_at(NONCE);
        let (wrapped, rest) = rest.split_at(WRAPPED);
        let (second, body) = rest.split_at(NONCE);
        let data_key = decrypt(self.0.0.as_slice(), first, owner, wrapped).ok_or_else(damaged)?;
        let plain = decrypt(&data_key, second, owner, body).ok_or_else(damaged)?;
        serde_json::from_slice(&plain).map_err(|_| damaged())
    }

    /// Seals anew what another vault sealed: for a change of the master key.
    ///
    /// # Errors
    /// As [`open`](Self::open) of the old vault.
    pub fn rewrap(&self, old: &Self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.seal(owner, &old.open(owner, sealed)?)
    }
}

fn cipher(key: &[u8]) -> Option<XChaCha20Poly1305> {
    Some(XChaCha20Poly1305::new(&Key::try_from(key).ok()?))
}

fn encrypt(key: &[u8], nonce: &[u8], owner: &str, plain: &[u8]) -> Option<Vec<u8>> {
    let payload = Payload {
        msg: plain,
        aad: owner.as_bytes(),
    };
    cipher(key)?.encrypt(&XNonce::try_from(nonce).ok()?, payload).ok()
}

fn decrypt(key: &[u8], nonce: &[u8], owner: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let payload = Payload {
        msg: sealed,
        aad: owner.as_bytes(),
    };
    let plain = cipher(key)?
        .decrypt(&XNonce::try_from(nonce).ok()?, payload)
        .ok()?;
    Some(Zeroizing::new(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> BTreeMap<String, Secret> {
        BTreeMap::from([("password".to_owned(), Secret::new(text.to_owned()))])
    }

    fn vault() -> Vault {
        Vault::new(MasterKey::generate().unwrap())
    }

    proptest::proptest! {
        #[test]
        fn what_was_sealed_opens_and_does_not_show(text in "\\PC{8,60}") {
            let vault = vault();
            let sealed = vault.seal("t1", &secrets(&text)).unwrap();
            proptest::prop_assert!(!sealed.windows(text.len()).any(|window| window == text.as_bytes()));
            proptest::prop_assert_eq!(vault.open("t1", &sealed).unwrap(), secrets(&text));
        }
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let vault = vault();
        let sealed = vault.seal("t1", &secrets("hunter2")).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open("t1", &changed).is_err(), "byte {at}");
            assert!(vault.open("t1", &sealed[..at]).is_err(), "cut at {at}");
        }
        assert_eq!(vault.open("t2", &sealed), Err(VaultError::Damaged("t2".into())));
    }

    #[test]
    fn another_key_is_told_apart_and_keys_can_be_changed() {
        let (old, new) = (vault(), vault());
        let sealed = old.seal("t1", &secrets("hunter2")).unwrap();
        assert_eq!(new.open("t1", &sealed), Err(VaultError::OtherKey("t1".into())));
        let again = new.rewrap(&old, "t1", &sealed).unwrap();
        assert_eq!(new.open("t1", &again).unwrap(), secrets("hunter2"));
        assert_eq!(format!("{old:?}"), "Vault(MasterKey(..))");
    }
}
