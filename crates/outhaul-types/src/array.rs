//! Arrays: one submission that makes a run for each index. An array has no record of its own: its id is that of its
//! first run, and the ids of the others follow from it, so that whoever knows one run knows them all.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::RunId;

/// How many runs an array has at most.
pub const MOST: usize = 10_000;

/// Which indexes an array has, and how many of its runs go at once: `0-99`, `0-9:2`, `1,3,7`, `0-99%10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexes {
    text: String,
    indexes: Vec<u32>,
    limit: Option<u32>,
}

/// Why a text names no indexes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no array: {why}")]
pub struct InvalidIndexes {
    text: String,
    why: String,
}

impl Indexes {
    /// The indexes, smallest first, none twice.
    #[must_use]
    pub fn all(&self) -> &[u32] {
        &self.indexes
    }

    /// How many runs.
    #[must_use]
    pub fn count(&self) -> u32 {
        // At most `MOST`.
        u32::try_from(self.indexes.len()).unwrap_or(u32::MAX)
    }

    /// How many runs go at once; all when absent.
    #[must_use]
    pub const fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// The text without the limit.
    #[must_use]
    pub fn range(&self) -> &str {
        self.text.split('%').next().unwrap_or_default()
    }

    /// The runs of the array with this id: each with its place in the array.
    pub fn elements<'a>(&'a self, array: &'a RunId) -> impl Iterator<Item = (RunId, ArrayElement)> + 'a {
        (0..).zip(&self.indexes).map(move |(place, index)| {
            let element = ArrayElement {
                id: array.clone(),
                index: *index,
                count: self.count(),
                of: self.text.clone(),
            };
            (RunId::of_element(array, place), element)
        })
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Indexes {
    type Err = InvalidIndexes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: String| InvalidIndexes {
            text: text.to_owned(),
            why,
        };
        let (list, limit) = match text.split_once('%') {
            None => (text, None),
            Some((list, limit)) => match number(limit) {
                Some(0) => return Err(wrong("with 0 at once none would run".to_owned())),
                Some(limit) => (list, Some(limit)),
                None => return Err(wrong(format!("`{limit}` behind `%` is no number"))),
            },
        };
        let mut indexes = BTreeSet::new();
        for part in list.split(',') {
            let range = range(part).map_err(wrong)?;
            if range.clone().take(MOST + 1).count() + indexes.len() > MOST {
                return Err(wrong(format!("it has more than {MOST} indexes")));
            }
            for index in range {
                if !indexes.insert(index) {
                    return Err(wrong(format!("index {index} stands there twice")));
                }
            }
        }
        Ok(Self {
            text: text.to_owned(),
            indexes: indexes.into_iter().collect(),
            limit,
        })
    }
}

/// Reads `7`, `0-9` or `0-9:2`.
fn range(part: &str) -> Result<impl Iterator<Item = u32> + Clone + use<>, String> {
    let index = |text: &str| match text {
        "" => Err("an index is missing; write `0-99`, `0-9:2`, `1,3,7` or `0-99%10`".to_owned()),
        _ => number(text).ok_or_else(|| format!("`{text}` is no index")),
    };
    let (bounds, step) = match part.split_once(':') {
        None => (part, 1),
        Some((bounds, step)) => (bounds, index(step)?),
    };
    let (first, last) = match bounds.split_once('-') {
        None if part.contains(':') => return Err(format!("`{part}` has a step and no range")),
        None => (index(bounds)?, index(bounds)?),
        Some((first, last)) => (index(first)?, index(last)?),
    };
    if last < first {
        return Err(format!("the range `{bounds}` runs backwards"));
    }
    if step == 0 {
        return Err(format!("the step of `{part}` is 0"));
    }
    Ok((first..=last).step_by(step as usize))
}

/// A plain decimal number: no sign, no blanks.
fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// A run's place in an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArrayElement {
    /// The array's id: that of its first run.
    pub id: RunId,
    /// This run's index.
    pub index: u32,
    /// How many runs the array has.
    pub count: u32,
    /// The indexes as they were asked for, such as `0-99%10`.
    pub of: String,
}

impl ArrayElement {
    /// All indexes of the array.
    #[must_use]
    pub fn indexes(&self) -> Option<Indexes> {
        self.of.parse().ok()
    }

    /// The run of the array that has an index.
    #[must_use]
    pub fn run_at(&self, index: u32) -> Option<RunId> {
        let place = self.indexes()?.indexes.binary_search(&index).ok()?;
        Some(RunId::of_element(&self.id, u32::try_from(place).ok()?))
    }

    /// The ids of the array's runs, in the order of their indexes.
    pub fn runs(&self) -> impl Iterator<Item = RunId> + '_ {
        (0..self.count).map(|place| RunId::of_element(&self.id, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read() {
        for (text, indexes, limit) in [
            ("0-3", vec![0, 1, 2, 3], None),
            ("0-9:3", vec![0, 3, 6, 9], None),
            ("7", vec![7], None),
            ("7,1,3", vec![1, 3, 7], None),
            ("0-1,5-6%2", vec![0, 1, 5, 6], Some(2)),
        ] {
            let found: Indexes = text.parse().unwrap();
            assert_eq!((found.all(), found.limit()), (&*indexes, limit), "{text}");
            assert_eq!(found.to_string(), text);
        }
        assert_eq!("0-9999".parse::<Indexes>().unwrap().count(), 10_000);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("", "an index is missing"),
            ("1,,2", "an index is missing"),
            ("3-", "an index is missing"),
            ("-3", "an index is missing"),
            ("5-1", "runs backwards"),
            ("a", "`a` is no index"),
            ("0-x", "`x` is no index"),
            (" 1", "` 1` is no index"),
            ("+1", "`+1` is no index"),
            ("1-2-3", "`2-3` is no index"),
            ("99999999999", "is no index"),
            ("0-9:0", "the step of `0-9:0` is 0"),
            ("3:2", "a step and no range"),
            ("0-10000", "more than 10000 indexes"),
            ("0-4294967295", "more than 10000 indexes"),
            ("0-9999,10000", "more than 10000 indexes"),
            ("1,1", "index 1 stands there twice"),
            ("0-5,3", "index 3 stands there twice"),
            ("0-9%", "behind `%` is no number"),
            ("0-9%x", "behind `%` is no number"),
            ("0-9%0", "none would run"),
        ] {
            let error = text.parse::<Indexes>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(text), "{text}: {error}");
        }
    }

    #[test]
    fn whoever_knows_one_run_knows_them_all() {
        let array = RunId::generate().unwrap();
        let indexes: Indexes = "2,4,8%1".parse().unwrap();
        let elements: Vec<(RunId, ArrayElement)> = indexes.elements(&array).collect();
        assert_eq!(elements[0].0, array, "the first gives the array its name");
        let ids: Vec<RunId> = elements.iter().map(|(id, _)| id.clone()).collect();
        for (id, element) in &elements {
            assert_eq!(element.runs().collect::<Vec<_>>(), ids);
            assert_eq!(element.run_at(element.index).as_ref(), Some(id));
        }
        assert_eq!(elements[1].1.run_at(3), None);
    }
}
