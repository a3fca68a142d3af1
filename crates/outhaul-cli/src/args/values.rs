//! Values on the command line that are more than a text.

use std::str::FromStr;

use outhaul_types::id::{InvalidName, check_name};
use outhaul_types::spec::is_variable_name;

/// A name for a run.
pub(crate) fn run_name(text: &str) -> Result<String, InvalidName> {
    check_name("run", text).map(|()| text.to_owned())
}

/// A name for an experiment.
pub(crate) fn experiment_name(text: &str) -> Result<String, InvalidName> {
    check_name("experiment", text).map(|()| text.to_owned())
}

/// `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub key: String,
    pub value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some(("", _)) => Err("the name before `=` is missing".to_owned()),
            Some((key, value)) => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            None => Err("write it as `NAME=VALUE`".to_owned()),
        }
    }
}

/// `NAME=VALUE`, or `NAME` for the value that the variable has in this shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub name: String,
    pub value: Option<String>,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if !is_variable_name(name) {
            return Err(format!(
                "`{name}` cannot be a variable's name: use letters, digits and `_`, not beginning with a digit"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

/// `NAME` or `NAME:VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedVersion {
    pub name: String,
    pub version: Option<u32>,
}

impl FromStr for NamedVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = match text.rsplit_once(':') {
            Some((name, version)) => {
                let number = version.parse().ok().filter(|number| *number > 0);
                let wrong = || format!("`{version}` is not a version: versions are counted from 1");
                (name, Some(number.ok_or_else(wrong)?))
            }
            None => (text, None),
        };
        check_name("environment", name).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments() {
        let ok = |text: &str| text.parse::<Assignment>().map(|a| (a.key, a.value)).ok();
        assert_eq!(ok("a=b=c"), Some(("a".into(), "b=c".into())));
        assert_eq!(ok("a="), Some(("a".into(), String::new())));
        assert_eq!((ok("a"), ok("=a")), (None, None));
    }

    #[test]
    fn variables() {
        let ok = |text: &str| text.parse::<Variable>().map(|v| (v.name, v.value)).ok();
        assert_eq!(ok("A=1"), Some(("A".into(), Some("1".into()))));
        assert_eq!(ok("A"), Some(("A".into(), None)));
        assert_eq!((ok("1A=1"), ok("A-B"), ok("")), (None, None, None));
    }

    #[test]
    fn versions() {
        let ok = |text: &str| text.parse::<NamedVersion>().map(|n| (n.name, n.version)).ok();
        assert_eq!(ok("sk"), Some(("sk".into(), None)));
        assert_eq!(ok("sk:3"), Some(("sk".into(), Some(3))));
        for bad in ["sk:", "sk:0", "sk:x", ":1", "a b", "a/b"] {
            assert_eq!(ok(bad), None, "{bad}");
        }
    }
}
