//! Sealed secrets: bytes without a meaning, one piece for each owner.

use std::sync::Arc;

use crate::Store;

/// Whatever bytes they are; the last that are put count.
pub async fn what_is_put_is_given_back_byte_for_byte(store: Arc<dyn Store>) {
    assert_eq!(store.secret("1").await.unwrap(), None);
    let every: Vec<u8> = (0..=255).collect();
    let long: Vec<u8> = every.iter().copied().cycle().take(100_000).collect();
    for sealed in [every, vec![], vec![0], b"'; --".to_vec(), long] {
        store.put_secret("1", sealed.clone()).await.unwrap();
        assert_eq!(store.secret("1").await.unwrap(), Some(sealed));
    }
}

/// An owner is named exactly.
pub async fn owners_are_apart(store: Arc<dyn Store>) {
    let owners = ["a", "A", "a ", ""];
    for owner in owners {
        store.put_secret(owner, owner.into()).await.unwrap();
    }
    for owner in owners {
        assert_eq!(
            store.secret(owner).await.unwrap(),
            Some(owner.into()),
            "{owner:?}"
        );
    }
    assert_eq!(store.secret("%").await.unwrap(), None);
}

/// And takes no other owner's away.
pub async fn removing_twice_is_harmless(store: Arc<dyn Store>) {
    for owner in ["a", "b"] {
        store.put_secret(owner, vec![1]).await.unwrap();
    }
    for _ in 0..2 {
        store.remove_secret("a").await.unwrap();
        assert_eq!(store.secret("a").await.unwrap(), None);
        assert_eq!(store.secret("b").await.unwrap(), Some(vec![1]));
    }
    store.put_secret("a", vec![2]).await.unwrap();
    assert_eq!(store.secret("a").await.unwrap(), Some(vec![2]));
}

/// They may be sealed before the target is recorded; removing them names their owner, or the target that failed.
pub async fn those_without_a_target_stay_until_they_are_removed(store: Arc<dyn Store>) {
    for owner in ["1", "2"] {
        store.put_secret(owner, vec![1]).await.unwrap();
    }
    store.remove_target("never", "1").await.unwrap();
    assert_eq!(store.secret("1").await.unwrap(), None);
    assert_eq!(store.secret("2").await.unwrap(), Some(vec![1]));
}
