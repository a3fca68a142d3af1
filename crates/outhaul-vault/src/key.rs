//! The master key: 32 bytes that are overwritten when they are no longer needed, their texts, and their id.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use outhaul_types::Secret;
use zeroize::{Zeroize, Zeroizing};

use crate::{VaultError, key_file};

/// Bytes of a key.
pub(crate) const LENGTH: usize = 32;

/// The bytes of a key. They stay in one place in memory, so that moving the key leaves no copy behind.
pub(crate) type KeyBytes = Box<Zeroizing<[u8; LENGTH]>>;

const ID_CONTEXT: &str = "outhaul 2026-11-25 id of a master key";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key that seals all secrets of an installation. Its `Debug` shows nothing of it.
pub struct MasterKey {
    bytes: KeyBytes,
    id: [u8; 8],
}

impl MasterKey {
    /// A key that nobody has seen.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, VaultError> {
        Ok(Self::new(random_key()?))
    }

    /// Reads a key: 64 hex digits, or 32 bytes in base64. White space around it does not matter.
    ///
    /// # Errors
    /// [`VaultError::NotAKey`] for anything else.
    pub fn from_text(text: &Secret) -> Result<Self, VaultError> {
        Self::from_str(text.expose()).ok_or(VaultError::NotAKey)
    }

    /// Reads the key that a file holds as text.
    ///
    /// # Errors
    /// When the file is not there or cannot be read, group or others can read it or change its folder, or it holds no
    /// key.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        key_file::open(path)
    }

    /// Reads the key that a file holds; makes both when the file is not there, and its folder if need be. Whoever does
    /// this at the same time, in whatever process, gets the same key. A key that was made is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when the file cannot be made.
    pub fn open_or_create(path: &Path) -> Result<Self, VaultError> {
        key_file::open_or_create(path)
    }

    /// The key's id, as messages name it: it tells keys apart and nothing about them.
    #[must_use]
    pub fn id(&self) -> String {
        id_text(&self.id)
    }

    pub(crate) fn from_str(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let mut bytes = KeyBytes::default();
        if text.len() == 2 * LENGTH {
            read_hex(text.as_bytes(), &mut bytes)?;
        } else {
            // The decoder may want room for a few bytes more than there are.
            let mut decoded = Zeroizing::new([0; LENGTH + 4]);
            let length = BASE64.decode_slice(text, decoded.as_mut_slice()).ok()?;
            bytes.copy_from_slice(decoded.get(..length).filter(|bytes| bytes.len() == LENGTH)?);
        }
        Some(Self::new(bytes))
    }

    /// The key as 64 hex digits.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * LENGTH));
        for byte in self.bytes.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
            }
        }
        text
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.bytes
    }

    pub(crate) fn id_bytes(&self) -> [u8; 8] {
        self.id
    }

    fn new(bytes: KeyBytes) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(ID_CONTEXT);
        hasher.update(bytes.as_slice());
        let mut id = [0; 8];
        hasher.finalize_xof().fill(&mut id);
        hasher.zeroize();
        Self { bytes, id }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// A key of random bytes.
pub(crate) fn random_key() -> Result<KeyBytes, VaultError> {
    let mut bytes = KeyBytes::default();
    getrandom::fill(bytes.as_mut_slice()).map_err(VaultError::NoRandomness)?;
    Ok(bytes)
}

/// A key id as text.
pub(crate) fn id_text(id: &[u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(*id))
}

fn read_hex(text: &[u8], bytes: &mut [u8; LENGTH]) -> Option<()> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<MasterKey, VaultError> {
        MasterKey::from_text(&Secret::new(text.into()))
    }

    #[test]
    fn hex_and_base64_of_the_same_bytes_are_the_same_key() {
        let hex = "00010203fbff".to_owned() + &"3f".repeat(26);
        let expected = read(&hex).unwrap();
        assert_eq!(expected.bytes()[..6], [0, 1, 2, 3, 0xfb, 0xff]);
        let base64 = BASE64.encode(expected.bytes());
        assert_eq!(base64.len(), 44);
        for text in [
            hex.to_uppercase(),
            format!(" \t{hex}\r\n"),
            format!("{base64}\n"),
            base64.trim_end_matches('=').to_owned(),
        ] {
            assert_eq!(read(&text).unwrap().bytes(), expected.bytes(), "{text}");
        }
        assert_eq!(*expected.to_text(), hex);
    }

    #[test]
    fn other_texts_are_refused_without_being_shown() {
        let whole = "c".repeat(64);
        for text in [
            "".to_owned(),
            "hunter2".into(),
            whole[..63].into(),
            format!("{whole}c"),
            format!("{}g", &whole[..63]),
            format!("{} {}", &whole[..32], &whole[..31]),
            format!("{}é", &whole[..62]),
            BASE64.encode([7; 31]),
            BASE64.encode([7; 33]),
            BASE64.encode([7; 34]),
            BASE64.encode([7; 48]),
            BASE64.encode([7; 300]),
            format!("{}!", &BASE64.encode([7; 32])[..42]),
        ] {
            let error = read(&text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("`openssl rand -hex 32`"), "{shown}");
            assert!(text.is_empty() || !shown.contains(&text), "{shown}");
        }
    }

    #[test]
    fn keys_are_told_apart_by_their_id_which_is_the_same_for_ever() {
        assert_ne!(
            MasterKey::generate().unwrap().id(),
            MasterKey::generate().unwrap().id()
        );
        assert_eq!(read(&"00".repeat(32)).unwrap().id(), "f9d38a9623a62076");
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let key = read(&"ab".repeat(32)).unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey(..)");
    }
}
