//! Identifiers: newtypes, how they are made and how they are checked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The characters of a run id: digits and lower-case letters without `i`, `l`, `o` and `u`, so that an id
/// can be read aloud and never spells a word.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 16;

/// A run's id: 80 random bits as 16 characters. Random rather than time-ordered, so that the first few
/// characters are enough to name a run (see [`RunId::short`]).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "k3v9x2m4q7t0b8wz")]
pub struct RunId(String);

/// Why a text is not a run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a run id: an id has 16 characters, digits and lower-case letters without i, l, o and u"
)]
pub struct InvalidRunId(String);

impl RunId {
    /// Makes a new random id.
    ///
    /// # Errors
    /// Only when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0u8; LENGTH];
        getrandom::fill(&mut bytes)?;
        Ok(Self(
            bytes
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect(),
        ))
    }

    /// The id of a child run, from its parent's and from what the parent's script calls it: that name itself where it
    /// is an id, else one that is the same each time, so that reading a metrics file again makes no second child.
    #[must_use]
    pub fn of_child(parent: &Self, name: &str) -> Self {
        if let Ok(id) = name.parse() {
            return id;
        }
        Self::of_text(&format!("{parent}/{name}"))
    }

    /// The id of the run that has this place (from 0) in an array: the first one's is the array's own.
    #[must_use]
    pub fn of_element(array: &Self, place: u32) -> Self {
        if place == 0 {
            return array.clone();
        }
        Self::of_text(&format!("{array}#{place}"))
    }

    /// The id of the run that a target's own job became: the same for one job of one attachment each time.
    #[must_use]
    pub fn of_job(target: &str, native: &str) -> Self {
        Self::of_text(&format!("{target}@{native}"))
    }

    fn of_text(text: &str) -> Self {
        let hash = blake3::hash(text.as_bytes());
        Self(
            hash.as_bytes()[..LENGTH]
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect(),
        )
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight characters: what lists show and what people type.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..8]
    }

    /// Whether `text` could be the beginning of an id.
    #[must_use]
    pub fn is_prefix(text: &str) -> bool {
        !text.is_empty() && text.len() <= LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte))
    }

    /// The key of one attempt of this run: what makes a launch idempotent on a target.
    #[must_use]
    pub fn key(&self, attempt: u32) -> RunKey {
        RunKey(format!("{}-{attempt}", self.0))
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == LENGTH && Self::is_prefix(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRunId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The key of one attempt of one run, `<run id>-<attempt>`. A target that was asked twice to start the same
/// key starts it once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, example = "k3v9x2m4q7t0b8wz-1")]
pub struct RunKey(String);

impl RunKey {
    /// The key as text: letters, digits and one `-`, so it is safe as a file name and in a shell word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a key back from a folder name or a job's comment.
    #[must_use]
    pub fn parse(text: &str) -> Option<(RunId, u32)> {
        let (id, attempt) = text.split_once('-')?;
        Some((id.parse().ok()?, attempt.parse().ok()?))
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} name `{name}` is not allowed: use 1 to {max} letters, digits, `-`, `_` and `.`, beginning with a letter or digit"
)]
pub struct InvalidName {
    what: &'static str,
    name: String,
    max: usize,
}

/// Checks a name that a person gives to a workspace, experiment, environment, model or target.
///
/// # Errors
/// [`InvalidName`] for anything but 1 to 255 letters, digits, `-`, `_`, `.`, beginning with a letter or digit.
pub fn check_name(what: &'static str, name: &str) -> Result<(), InvalidName> {
    const MAX: usize = 255;
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let rest = chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if first && rest && name.len() <= MAX {
        Ok(())
    } else {
        Err(InvalidName {
            what,
            name: name.to_owned(),
            max: MAX,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_reads_back_and_two_differ() {
        let (one, two) = (RunId::generate().unwrap(), RunId::generate().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.as_str().parse::<RunId>().unwrap(), one);
        assert_eq!(RunKey::parse(one.key(3).as_str()), Some((one, 3)));
    }

    #[test]
    fn children_have_the_same_id_each_time() {
        let (one, two) = (RunId::generate().unwrap(), RunId::generate().unwrap());
        assert_eq!(RunId::of_child(&one, "fold 1"), RunId::of_child(&one, "fold 1"));
        assert_ne!(RunId::of_child(&one, "fold 1"), RunId::of_child(&two, "fold 1"));
        assert_eq!(RunId::of_child(&one, two.as_str()), two);
    }

    #[test]
    fn texts_that_are_no_ids_are_refused() {
        for text in [
            "",
            "abc",
            "k3v9x2m4q7t0b8wu",
            "K3V9X2M4Q7T0B8WZ",
            "k3v9x2m4q7t0b8wz1",
            "../../../../../etc",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
        assert!(!RunId::is_prefix("../x"));
    }

    #[test]
    fn names_are_checked() {
        for (name, ok) in [
            ("a", true),
            ("diabetes-ridge_2.1", true),
            ("", false),
            ("-a", false),
            ("a/b", false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(check_name("experiment", name).is_ok(), ok, "{name}");
        }
        assert!(check_name("experiment", &"a".repeat(256)).is_err());
    }
}
