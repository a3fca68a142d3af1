//! The keys of callers. Only their hashes are kept, and they are compared in constant time.

use outhaul_types::Secret;

/// Keys that open the service; none for a service that is open.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<blake3::Hash>);

impl Keys {
    pub(crate) fn new(keys: &[Secret]) -> Self {
        Self(
            keys.iter()
                .map(|key| blake3::hash(key.expose().as_bytes()))
                .collect(),
        )
    }

    /// Whether the value of a header `Authorization` opens the service: `Bearer KEY`.
    pub(crate) fn accept(&self, authorization: Option<&[u8]>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Some(given) = authorization.and_then(bearer) else {
            return false;
        };
        let given = blake3::hash(given);
        // Every key is looked at, and `==` of hashes takes the same time whatever they are.
        self.0.iter().fold(false, |found, key| found | (*key == given))
    }
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| key.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_keys_has_to_be_given() {
        let keys = Keys::new(&[Secret::new("first".into()), Secret::new("second".into())]);
        let cases: [(Option<&str>, bool); 9] = [
            (Some("Bearer first"), true),
            (Some("bearer second"), true),
            (Some("Bearer  first "), true),
            (Some("Bearer firs"), false),
            (Some("Bearer firstt"), false),
            (Some("Bearer "), false),
            (Some("Basic first"), false),
            (Some("first"), false),
            (None, false),
        ];
        for (value, accepted) in cases {
            assert_eq!(keys.accept(value.map(str::as_bytes)), accepted, "{value:?}");
        }
        assert!(Keys::new(&[]).accept(None));
        assert!(!format!("{keys:?}").contains("first"));
    }
}
