//! Reading the one key in about 400 of NIST P-256 whose secret number begins with zeros.
//!
//! OpenSSH writes the number without leading zeros (an `mpint`, RFC 4251 section 5, inside the container of OpenSSH's
//! `PROTOCOL.key`). The SSH library wants all 32 bytes for this curve and takes such a key for a damaged one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use outhaul_types::Secret;
use russh::keys::ssh_key::encoding::{Decode, Encode};
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Cipher, Kdf, PrivateKey};

const MAGIC: &[u8] = b"openssh-key-v1\0";
const ALGORITHM: &str = "ecdsa-sha2-nistp256";
/// Bytes of a number on the curve.
const SIZE: usize = 32;

/// Reads the text of a key in OpenSSH's own form. `None` unless it is a sound key of this curve with a short number.
pub(crate) fn read(text: &str, passphrase: Option<&Secret>) -> Option<PrivateKey> {
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = STANDARD.decode(body).ok()?;
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let rest = &mut rest;
    let cipher: Cipher = String::decode(rest).ok()?.parse().ok()?;
    let kdf = Kdf::decode(rest).ok()?;
    if u32::decode(rest).ok()? != 1 {
        return None;
    }
    let public = KeyData::decode(&mut Vec::decode(rest).ok()?.as_slice()).ok()?;
    let mut secret: Vec<u8> = Vec::decode(rest).ok()?;
    if cipher != Cipher::None {
        let tag = <[u8; 16]>::try_from(*rest).ok();
        let (key, iv) = kdf.derive_key_and_iv(cipher, passphrase?.expose()).ok()?;
        let tag = tag.map(Into::into);
        cipher.decrypt(&key, &iv, &mut secret, tag).ok()?;
    }
    let key = keypair(&mut secret.as_slice())?;
    let (data, comment) = key;
    if KeyData::try_from(&data).ok()? != public {
        return None;
    }
    PrivateKey::new(data, comment).ok()
}

/// Reads what the container keeps secret, with the zeros put back.
fn keypair(rest: &mut &[u8]) -> Option<(KeypairData, String)> {
    if u32::decode(rest).ok()? != u32::decode(rest).ok()? {
        // A wrong passphrase shows here: the same number twice would not come out.
        return None;
    }
    if String::decode(rest).ok()? != ALGORITHM {
        return None;
    }
    let curve = String::decode(rest).ok()?;
    let point: Vec<u8> = Vec::decode(rest).ok()?;
    let number: Vec<u8> = Vec::decode(rest).ok()?;
    let comment = String::decode(rest).ok()?;
    let zeros = SIZE.checked_sub(number.len()).filter(|zeros| *zeros > 0)?;
    let mut whole = vec![0; zeros];
    whole.extend(number);
    let mut again = Vec::new();
    ALGORITHM.encode(&mut again).ok()?;
    curve.encode(&mut again).ok()?;
    point.encode(&mut again).ok()?;
    whole.encode(&mut again).ok()?;
    let data = KeypairData::decode(&mut again.as_slice()).ok()?;
    Some((data, comment))
}
