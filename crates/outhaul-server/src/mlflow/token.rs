//! Who may come in: tokens that are made from one key and the name of what they are for, so that none is kept. Pure.

use outhaul_types::{RunId, RunKey, Secret};

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A person, in one workspace.
    Workspace(String),
    /// One attempt of a run, until that has ended.
    Run(RunId, u32),
}

/// The key that tokens are made from. It has no `Debug`.
pub(crate) struct TokenKey([u8; 32]);

const CONTEXT: &str = "outhaul 2026-11-27 tokens of the tracking door";

impl TokenKey {
    /// The key behind a secret text.
    pub(crate) fn new(secret: &Secret) -> Self {
        Self(blake3::derive_key(CONTEXT, secret.expose().as_bytes()))
    }

    /// The token of a holder.
    pub(crate) fn token(&self, holder: &Holder) -> Secret {
        let name = match holder {
            Holder::Workspace(name) => format!("w-{name}"),
            Holder::Run(id, attempt) => format!("r-{}", id.key(*attempt)),
        };
        Secret::new(format!("{name}.{}", self.mark(&name).to_hex()))
    }

    /// Who shows a token, if it is one of ours. Comparing takes the same time whatever is wrong.
    pub(crate) fn holder(&self, token: &str) -> Option<Holder> {
        let (name, mark) = token.rsplit_once('.')?;
        let shown = blake3::Hash::from_hex(mark).ok()?;
        // `blake3::Hash` compares in constant time.
        if self.mark(name) != shown {
            return None;
        }
        match name.split_once('-')? {
            ("w", workspace) => Some(Holder::Workspace(workspace.to_owned())),
            ("r", key) => RunKey::parse(key).map(|(id, attempt)| Holder::Run(id, attempt)),
            _ => None,
        }
    }

    fn mark(&self, name: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.0, name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_known_again_and_no_others() {
        let key = TokenKey::new(&Secret::new("one".into()));
        let id: RunId = "k3v9x2m4q7t0b8wz".parse().unwrap();
        for holder in [Holder::Workspace("a.b-c".into()), Holder::Run(id.clone(), 2)] {
            let token = key.token(&holder);
            assert_eq!(key.holder(token.expose()), Some(holder.clone()));
            assert_eq!(
                TokenKey::new(&Secret::new("two".into())).holder(token.expose()),
                None
            );
            assert!(!token.expose().contains("one"));
        }
        let token = key.token(&Holder::Workspace("team".into())).expose().to_owned();
        let mark = token.rsplit_once('.').unwrap().1;
        let of_run = key.token(&Holder::Run(id, 1)).expose().to_owned();
        for wrong in [
            String::new(),
            "w-team".into(),
            format!("w-other.{mark}"),
            format!("w-team.{}", "0".repeat(64)),
            format!("{token}0"),
            of_run.replace("-1.", "-2."),
        ] {
            assert_eq!(key.holder(&wrong), None, "{wrong}");
        }
    }
}
