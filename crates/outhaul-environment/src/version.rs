//! Python versions and the specifiers that choose among them. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of the interpreter, `X.Y.Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// X
    pub major: u32,
    /// Y
    pub minor: u32,
    /// Z
    pub patch: u32,
}

impl Version {
    /// Reads `X.Y.Z`, `X.Y` or `X`; anything after the numbers (`rc1`, `+`) is not a part of it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (numbers, _) = numbers(text)?;
        let at = |i: usize| numbers.get(i).copied().unwrap_or(0);
        Some(Self {
            major: at(0),
            minor: at(1),
            patch: at(2),
        })
    }

    fn parts(self) -> [u32; 3] {
        [self.major, self.minor, self.patch]
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl TryFrom<String> for Version {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is not a version"))
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// Up to three leading numbers of a version, and what follows them.
fn numbers(text: &str) -> Option<(Vec<u32>, &str)> {
    let mut rest = text.trim();
    let mut numbers = Vec::new();
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        numbers.push(rest[..end].parse().ok()?);
        rest = &rest[end..];
        match rest.strip_prefix('.') {
            Some(next) if numbers.len() < 3 && next.starts_with(|c: char| c.is_ascii_digit()) => rest = next,
            _ => return Some((numbers, rest)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    AtLeast,
    AtMost,
    Above,
    Below,
    Compatible,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Clause {
    operator: Operator,
    numbers: Vec<u32>,
}

/// A set of Python versions: `>=3.9,<3.13`, `3.11`, `~=3.10`, `!=3.9.1`, `3.11.*`.
///
/// A version with fewer than three numbers stands for every version that begins with it, also behind `==` and `=`:
/// nobody who writes `python==3.9` wants 3.9.0 and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specifier {
    clauses: Vec<Clause>,
}

impl Specifier {
    /// Reads a specifier; the error says what could not be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut clauses = Vec::new();
        for part in text.split(',') {
            let part = part.trim();
            let (operator, rest) = [
                ("===", Operator::Equal),
                ("==", Operator::Equal),
                ("~=", Operator::Compatible),
                ("!=", Operator::NotEqual),
                (">=", Operator::AtLeast),
                ("<=", Operator::AtMost),
                ("=", Operator::Equal),
                (">", Operator::Above),
                ("<", Operator::Below),
            ]
            .into_iter()
            .find_map(|(sign, operator)| part.strip_prefix(sign).map(|rest| (operator, rest)))
            .unwrap_or((Operator::Equal, part));
            let version = rest.trim();
            let wrong =
                || format!("`{text}` is not a python version or a range such as `3.11` or `>=3.9,<3.13`");
            let (numbers, tail) = numbers(version).ok_or_else(wrong)?;
            let star = tail == ".*" && matches!(operator, Operator::Equal | Operator::NotEqual);
            if !(tail.is_empty() || star) || (operator == Operator::Compatible && numbers.len() < 2) {
                return Err(wrong());
            }
            clauses.push(Clause { operator, numbers });
        }
        Ok(Self { clauses })
    }

    /// True when `version` is in the set.
    #[must_use]
    pub fn matches(&self, version: Version) -> bool {
        let have = version.parts();
        self.clauses.iter().all(|clause| {
            let wanted = &clause.numbers;
            let prefix = have[..wanted.len()] == wanted[..];
            let mut full = [0; 3];
            full[..wanted.len()].copy_from_slice(wanted);
            match clause.operator {
                Operator::Equal => prefix,
                Operator::NotEqual => !prefix,
                Operator::AtLeast => have >= full,
                Operator::AtMost => prefix || have <= full,
                Operator::Above => !prefix && have > full,
                Operator::Below => have < full,
                Operator::Compatible => {
                    let fixed = wanted.len() - 1;
                    have >= full && have[..fixed] == full[..fixed]
                }
            }
        })
    }
}

/// The form that every tool understands: `3.11` and `=3.11` become `==3.11.*`.
impl fmt::Display for Specifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Clause { operator, numbers }) in self.clauses.iter().enumerate() {
            let (sign, star) = match operator {
                Operator::Equal => ("==", numbers.len() < 3),
                Operator::NotEqual => ("!=", numbers.len() < 3),
                Operator::AtLeast => (">=", false),
                Operator::AtMost => ("<=", false),
                Operator::Above => (">", false),
                Operator::Below => ("<", false),
                Operator::Compatible => ("~=", false),
            };
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            let (comma, star) = (if i == 0 { "" } else { "," }, if star { ".*" } else { "" });
            write!(f, "{comma}{sign}{}{star}", numbers.join("."))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_versions_a_specifier_takes() {
        for (specifier, version, wanted) in [
            ("3.11", "3.11.7", true),
            ("3.1", "3.11.7", false),
            ("3.11.7", "3.11.7", true),
            ("3.11.6", "3.11.7", false),
            ("3", "3.8.1", true),
            ("==3.9", "3.9.18", true),
            ("=3.9", "3.9.18", true),
            ("3.9.*", "3.9.18", true),
            ("==3.9.*", "3.10.1", false),
            ("!=3.9.*", "3.9.1", false),
            (">=3.9", "3.10.0", true),
            (">=3.9", "3.8.18", false),
            (">=3.9, <3.11", "3.11.0", false),
            ("<=3.10", "3.10.13", true),
            ("<=3.10", "3.11.0", false),
            (">3.10", "3.10.13", false),
            (">3.10", "3.11.0", true),
            ("~=3.9", "3.12.0", true),
            ("~=3.9.2", "3.9.9", true),
            ("~=3.9.2", "3.10.0", false),
        ] {
            let parsed = Specifier::parse(specifier).unwrap();
            assert_eq!(
                parsed.matches(Version::parse(version).unwrap()),
                wanted,
                "{specifier} {version}"
            );
        }
    }

    #[test]
    fn specifiers_are_shown_in_full() {
        for (text, shown) in [
            ("=3.11", "==3.11.*"),
            ("3.9.7", "==3.9.7"),
            (">= 3.9 ,<3.13", ">=3.9,<3.13"),
            ("!=3.9.*", "!=3.9.*"),
        ] {
            assert_eq!(Specifier::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_specifier() {
        for bad in [
            "",
            "three",
            ">=",
            "3.9|3.10",
            ">=3.*",
            "~=3",
            "3.9 build",
            "99999999999",
        ] {
            assert!(Specifier::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_are_read_and_shown() {
        assert_eq!(Version::parse("3.13.0rc1").unwrap().to_string(), "3.13.0");
        assert_eq!(Version::parse("3.9").unwrap().to_string(), "3.9.0");
        assert_eq!(Version::parse("Python"), None);
    }
}
