//! How sealed bytes are laid out and encrypted, for one version; the format is told in the docs of the crate.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::key::LENGTH;

/// The version that is written, and the newest that is read.
pub(crate) const VERSION: u8 = 1;
/// Bytes that encrypting adds.
pub(crate) const TAG: usize = 16;

const KEY_ID: usize = 8;
const NONCE: usize = 24;
const WRAPPED: usize = LENGTH + TAG;

/// The parts of what was sealed.
pub(crate) struct Envelope<'a> {
    pub key_id: [u8; KEY_ID],
    key_nonce: [u8; NONCE],
    wrapped: [u8; WRAPPED],
    nonce: [u8; NONCE],
    content: &'a [u8],
}

/// Why bytes are no envelope, or do not open.
pub(crate) enum Refused {
    Damaged,
    Newer(u8),
}

impl<'a> Envelope<'a> {
    /// Takes sealed bytes apart.
    pub fn read(sealed: &'a [u8]) -> Result<Self, Refused> {
        match sealed.first() {
            Some(&VERSION) => Self::split(&sealed[1..]).ok_or(Refused::Damaged),
            Some(&newer) if newer > VERSION => Err(Refused::Newer(newer)),
            _ => Err(Refused::Damaged),
        }
    }

    fn split(rest: &'a [u8]) -> Option<Self> {
        let (key_id, rest) = rest.split_first_chunk()?;
        let (key_nonce, rest) = rest.split_first_chunk()?;
        let (wrapped, rest) = rest.split_first_chunk()?;
        let (nonce, content) = rest.split_first_chunk()?;
        Some(Self {
            key_id: *key_id,
            key_nonce: *key_nonce,
            wrapped: *wrapped,
            nonce: *nonce,
            content,
        })
    }

    /// Decrypts the content with the master key.
    pub fn open(&self, master: &[u8; LENGTH], owner: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut data_key = Zeroizing::new(self.wrapped);
        let (key, tag) = data_key.split_first_chunk_mut::<LENGTH>()?;
        cipher(master)
            .decrypt_inout_detached(
                &XNonce::from(self.key_nonce),
                &of_key(self.key_id, owner),
                key.as_mut_slice().into(),
                (&*tag).try_into().ok()?,
            )
            .ok()?;
        let mut content = Zeroizing::new(self.content.to_vec());
        cipher(key)
            .decrypt_in_place(&XNonce::from(self.nonce), &of_content(owner), &mut *content)
            .ok()?;
        Some(content)
    }
}

/// Encrypts plain text, which has room for a tag, under a data key and that under the master key. `None` when it is
/// larger than the cipher can take.
pub(crate) fn seal(
    (master, key_id): (&[u8; LENGTH], [u8; KEY_ID]),
    data_key: &[u8; LENGTH],
    owner: &str,
    mut plain: Zeroizing<Vec<u8>>,
) -> Result<Option<Vec<u8>>, VaultError> {
    let (key_nonce, nonce) = (nonce()?, nonce()?);
    let mut wrapped = Zeroizing::new(*data_key);
    let done = cipher(master)
        .encrypt_inout_detached(
            &XNonce::from(key_nonce),
            &of_key(key_id, owner),
            wrapped.as_mut_slice().into(),
        )
        .and_then(|tag| {
            cipher(data_key).encrypt_in_place(&XNonce::from(nonce), &of_content(owner), &mut *plain)?;
            Ok(tag)
        });
    Ok(done.ok().map(|tag| {
        let parts: [&[u8]; 7] = [
            &[VERSION],
            &key_id,
            &key_nonce,
            wrapped.as_slice(),
            tag.as_slice(),
            &nonce,
            &plain,
        ];
        parts.concat()
    }))
}

fn cipher(key: &[u8; LENGTH]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

fn nonce() -> Result<[u8; NONCE], VaultError> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(VaultError::NoRandomness)?;
    Ok(nonce)
}

/// Associated data of the wrapped data key.
fn of_key(key_id: [u8; KEY_ID], owner: &str) -> Vec<u8> {
    let parts: [&[u8]; 4] = [&[VERSION], &key_id, b"outhaul data key\0", owner.as_bytes()];
    parts.concat()
}

/// Associated data of the secrets.
fn of_content(owner: &str) -> Vec<u8> {
    let parts: [&[u8]; 3] = [&[VERSION], b"outhaul secrets\0", owner.as_bytes()];
    parts.concat()
}
