//! What a vault promises: everything reads back, and nothing opens or shows that should not.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by a panic")]

use std::collections::BTreeMap;

use outhaul_types::Secret;
use outhaul_vault::{MasterKey, Vault, VaultError};
use proptest::collection::btree_map;
use proptest::prelude::*;

const CANARY: &str = "canary-hunter2-Xy7";

fn vault(digit: char) -> Vault {
    let text = Secret::new(digit.to_string().repeat(64));
    Vault::new(MasterKey::from_text(&text).unwrap())
}

fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
    let pairs = pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Secret::new((*text).to_owned())));
    pairs.collect()
}

fn login() -> BTreeMap<String, Secret> {
    secrets(&[("password", CANARY), ("passphrase", "p")])
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens(
        owner in ".{0,20}",
        texts in btree_map(".{0,20}", "(?s).{0,200}", 0..6),
    ) {
        let secrets: BTreeMap<_, _> = texts.into_iter().map(|(name, text)| (name, Secret::new(text))).collect();
        let vault = vault('a');
        let sealed = vault.seal(&owner, &secrets).unwrap();
        prop_assert!(vault.open(&owner, &sealed).unwrap() == secrets);
    }

    #[test]
    fn bytes_of_nobody_are_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), known in any::<bool>()) {
        if known {
            // As far as it can get without the key.
            let sealed = vault('a').seal("1", &login()).unwrap();
            let common = bytes.len().min(9);
            bytes[..common].copy_from_slice(&sealed[..common]);
        }
        prop_assert!(vault('a').open("1", &bytes).is_err());
    }
}

#[test]
fn every_changed_bit_is_refused() {
    let vault = vault('a');
    let sealed = vault.seal("1", &login()).unwrap();
    for place in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[place] ^= 1 << bit;
            let error = vault.open("1", &changed).unwrap_err();
            let expected = match place {
                0 => matches!(
                    error,
                    VaultError::NewerVersion { .. } | VaultError::Damaged { .. }
                ),
                1..9 => matches!(error, VaultError::WrongKey { .. }),
                _ => matches!(error, VaultError::Damaged { .. }),
            };
            assert!(expected, "byte {place}: {error}");
        }
    }
}

#[test]
fn what_is_cut_or_longer_is_refused() {
    let vault = vault('a');
    let sealed = vault.seal("1", &login()).unwrap();
    for length in 0..sealed.len() {
        let error = vault.open("1", &sealed[..length]).unwrap_err();
        assert!(matches!(error, VaultError::Damaged { .. }), "{length}: {error}");
    }
    let longer = [&sealed[..], &[0]].concat();
    assert!(matches!(
        vault.open("1", &longer),
        Err(VaultError::Damaged { .. })
    ));
}

#[test]
fn it_opens_for_its_owner_only() {
    let vault = vault('a');
    let sealed = vault.seal("target-1", &login()).unwrap();
    for owner in ["target-2", "target-1 ", "Target-1", "", "target-1\0"] {
        let error = vault.open(owner, &sealed).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the secrets of `{owner}` are damaged or were sealed for another owner: give them again")
        );
    }
}

/// Nor can the parts of two envelopes be put together, of two owners or of one.
#[test]
fn parts_of_two_envelopes_do_not_open() {
    let vault = vault('a');
    let one = vault.seal("1", &login()).unwrap();
    let again = vault.seal("1", &secrets(&[("password", "old")])).unwrap();
    let other = vault.seal("2", &login()).unwrap();
    for (head, tail) in [(&one, &again), (&one, &other), (&other, &one)] {
        // The wrapped data key of one before the content of the other.
        let mixed = [&head[..81], &tail[81..]].concat();
        assert!(matches!(vault.open("1", &mixed), Err(VaultError::Damaged { .. })));
    }
}

#[test]
fn another_master_key_is_told_from_damage() {
    let (right, wrong) = (vault('a'), vault('b'));
    let sealed = right.seal("1", &login()).unwrap();
    let error = wrong.open("1", &sealed).unwrap_err();
    let (sealed_with, in_use) = (right.key_id(), wrong.key_id());
    assert_eq!(
        error.to_string(),
        format!(
            "the secrets of `1` were sealed with the master key `{sealed_with}`, and the one in use is `{in_use}`: \
             start again with the master key `{sealed_with}`, or give the secrets again"
        )
    );
    assert_ne!(sealed_with, in_use);
}

#[test]
fn a_seal_of_a_newer_version_says_so() {
    let mut sealed = vault('a').seal("1", &login()).unwrap();
    sealed[0] = 2;
    let error = vault('a').open("1", &sealed).unwrap_err();
    assert!(
        matches!(
            error,
            VaultError::NewerVersion {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
}

/// Written once, by version 1: what was sealed stays readable.
#[test]
fn what_the_first_version_sealed_opens() {
    let hex = include_str!("sealed_version_1.hex").trim();
    let digit = |text: &str| u8::from_str_radix(text, 16).unwrap();
    let sealed: Vec<_> = (0..hex.len())
        .step_by(2)
        .map(|at| digit(&hex[at..at + 2]))
        .collect();
    assert!(vault('a').open("target-1", &sealed).unwrap() == login());
}

#[test]
fn a_new_master_key_takes_over_and_a_change_can_be_repeated() {
    let (old, new, third) = (vault('a'), vault('b'), vault('c'));
    let sealed = old.seal("1", &login()).unwrap();
    let rewrapped = new.rewrap(&old, "1", &sealed).unwrap();
    assert!(new.open("1", &rewrapped).unwrap() == login());
    assert!(matches!(
        old.open("1", &rewrapped),
        Err(VaultError::WrongKey { .. })
    ));
    assert_eq!(new.rewrap(&old, "1", &rewrapped).unwrap(), rewrapped);
    // Nothing of the old envelope but the version is left.
    for at in [1..9, 9..33, 33..81, 81..105] {
        assert_ne!(rewrapped[at.clone()], sealed[at]);
    }
    assert!(matches!(
        third.rewrap(&new, "1", &sealed),
        Err(VaultError::WrongKey { .. })
    ));
    assert!(matches!(
        new.rewrap(&old, "2", &sealed),
        Err(VaultError::Damaged { .. })
    ));
    let mut broken = sealed;
    broken[120] ^= 1;
    assert!(matches!(
        new.rewrap(&old, "1", &broken),
        Err(VaultError::Damaged { .. })
    ));
}

#[test]
fn the_sealed_bytes_hold_no_secret_and_are_never_the_same() {
    let vault = vault('a');
    let (one, two) = (
        vault.seal("1", &login()).unwrap(),
        vault.seal("1", &login()).unwrap(),
    );
    for text in [CANARY, "password", "passphrase", &"\u{aa}".repeat(2)] {
        assert!(!holds(&one, text), "{text}");
    }
    assert!(
        !one.windows(4).any(|window| window == [0xaa; 4]),
        "the master key"
    );
    // Nonces, data key and all that is encrypted are new; version and key id are not.
    assert_eq!(one[..9], two[..9]);
    for at in [9..33, 33..81, 81..105, 105..one.len()] {
        assert_ne!(one[at.clone()], two[at]);
    }
    // The length of a short password cannot be read off.
    let short = vault.seal("1", &secrets(&[("password", "x")])).unwrap();
    let longer = vault.seal("1", &secrets(&[("password", CANARY)])).unwrap();
    assert_eq!(short.len(), longer.len());
}

#[test]
fn what_is_too_large_is_refused() {
    let large = secrets(&[("private_key", &CANARY.repeat(100_000))]);
    let error = vault('a').seal("1", &large).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the secrets of `1` are larger than 1048576 bytes: give smaller ones"
    );
}

#[test]
fn debug_and_messages_show_nothing() {
    let vault = vault('a');
    let mut shown = format!("{vault:?} {vault:#?} {:?}", login());
    let sealed = vault.seal("1", &login()).unwrap();
    shown += &format!("{:?}", vault.open("1", &sealed));
    for bytes in [&sealed[..50], &[]] {
        let error = vault.open("1", bytes).unwrap_err();
        shown += &format!("{error} {error:?}");
    }
    let error = MasterKey::from_text(&Secret::new(CANARY.into())).unwrap_err();
    shown += &format!("{error} {error:?}");
    for text in [CANARY, "aaaa", "170, 170"] {
        assert!(!shown.contains(text), "{shown}");
    }
}
