//! Secrets as plain bytes, before they are encrypted: pure functions. Every buffer is overwritten when it is dropped,
//! and has its full size from the beginning, so that growing leaves no copy behind.

use std::collections::BTreeMap;

use outhaul_types::Secret;
use zeroize::Zeroizing;

/// It is filled up to a multiple of so many bytes.
const BLOCK: usize = 64;

/// How large secrets may be together, names and lengths included.
pub(crate) const LIMIT: usize = 1 << 20;

/// Writes secrets, with room for so many bytes more; `None` when they are larger than [`LIMIT`].
pub(crate) fn write(secrets: &BTreeMap<String, Secret>, room: usize) -> Option<Zeroizing<Vec<u8>>> {
    let texts = || {
        secrets
            .iter()
            .flat_map(|(name, secret)| [name.as_str(), secret.expose()])
    };
    let size = texts().try_fold(4usize, |sum, text| sum.checked_add(4)?.checked_add(text.len()))?;
    if size > LIMIT {
        return None;
    }
    let padded = size.next_multiple_of(BLOCK);
    let mut plain = Zeroizing::new(Vec::with_capacity(padded + room));
    put_number(&mut plain, secrets.len())?;
    for text in texts() {
        put_number(&mut plain, text.len())?;
        plain.extend_from_slice(text.as_bytes());
    }
    plain.resize(padded, 0);
    Some(plain)
}

/// Reads what [`write`] wrote; `None` for anything else.
pub(crate) fn read(mut plain: &[u8]) -> Option<BTreeMap<String, Secret>> {
    let count = take_number(&mut plain)?;
    let mut secrets = BTreeMap::new();
    for _ in 0..count {
        let name = take_text(&mut plain)?.to_owned();
        let secret = Secret::new(take_text(&mut plain)?.to_owned());
        if secrets.insert(name, secret).is_some() {
            return None;
        }
    }
    (plain.len() < BLOCK && plain.iter().all(|byte| *byte == 0)).then_some(secrets)
}

fn put_number(plain: &mut Vec<u8>, number: usize) -> Option<()> {
    plain.extend_from_slice(&u32::try_from(number).ok()?.to_le_bytes());
    Some(())
}

fn take_number(plain: &mut &[u8]) -> Option<usize> {
    let (number, rest) = plain.split_first_chunk()?;
    *plain = rest;
    usize::try_from(u32::from_le_bytes(*number)).ok()
}

fn take_text<'a>(plain: &mut &'a [u8]) -> Option<&'a str> {
    let length = take_number(plain)?;
    let (text, rest) = plain.split_at_checked(length)?;
    *plain = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        pairs
            .iter()
            .map(|(name, text)| ((*name).into(), Secret::new((*text).into())))
            .collect()
    }

    #[test]
    fn they_read_back_and_short_ones_are_of_one_length() {
        for (pairs, length) in [
            (&[][..], 64),
            (&[("password", "")], 64),
            (&[("password", "hunter2")], 64),
            (&[("password", &"x".repeat(44))], 64),
            (&[("password", &"x".repeat(45))], 128),
            (&[("a", "ü\0"), ("", "b"), ("passphrase", " ")], 64),
        ] {
            let secrets = secrets(pairs);
            let plain = write(&secrets, 16).unwrap();
            assert_eq!((plain.len(), plain.capacity() >= length + 16), (length, true));
            assert!(read(&plain).unwrap() == secrets);
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let name = "x".repeat(LIMIT - 12);
        assert!(write(&secrets(&[(&name, "")]), 0).is_some());
        assert!(write(&secrets(&[(&name, "y")]), 0).is_none());
    }

    #[test]
    fn other_bytes_are_refused() {
        let whole = write(&secrets(&[("a", "b"), ("c", "d")]), 0).unwrap();
        let changed = |place: usize, byte: u8| {
            let mut plain = whole.to_vec();
            plain[place] = byte;
            plain
        };
        for plain in [
            vec![],
            whole[..20].to_vec(),
            [&whole[..], &[0; 64]].concat(),
            // One more would be the empty name, which the padding is; two of them are no map.
            changed(0, 4),
            changed(0, 1),
            changed(3, 255),
            changed(4, 200),
            changed(8, 0xff),
            changed(8, b'c'),
            changed(63, 1),
        ] {
            assert!(read(&plain).is_none(), "{plain:?}");
        }
        // A count that promises much reserves nothing.
        assert!(read(&[255; 64]).is_none());
    }
}
