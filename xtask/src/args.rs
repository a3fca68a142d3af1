//! Reading the arguments of a task.

use anyhow::{Result, bail};

/// Arguments that have not been read yet.
pub struct Args(Vec<String>);

impl Args {
    /// Takes the words behind the task's name.
    pub fn new(words: Vec<String>) -> Self {
        Self(words)
    }

    /// Whether a flag is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() < before
    }

    /// Every value of an option, given as `--name value` or `--name=value`.
    pub fn values(&mut self, name: &str) -> Result<Vec<String>> {
        let mut values = Vec::new();
        let mut rest = Vec::new();
        let mut words = std::mem::take(&mut self.0).into_iter();
        while let Some(word) = words.next() {
            if word == name {
                let Some(value) = words.next() else {
                    bail!("`{name}` needs a value")
                };
                values.push(value);
            } else if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                values.push(value.to_owned());
            } else {
                rest.push(word);
            }
        }
        self.0 = rest;
        Ok(values)
    }

    /// The last value of an option.
    pub fn value(&mut self, name: &str) -> Result<Option<String>> {
        Ok(self.values(name)?.pop())
    }

    /// What is left, which must be words and no options.
    pub fn words(self) -> Result<Vec<String>> {
        if let Some(option) = self.0.iter().find(|word| word.starts_with('-')) {
            bail!("there is no option `{option}` here; `cargo xtask help` names all");
        }
        Ok(self.0)
    }

    /// Nothing must be left.
    pub fn end(self) -> Result<()> {
        match self.words()?.first() {
            Some(word) => bail!("`{word}` is too much; see `cargo xtask help`"),
            None => Ok(()),
        }
    }
}

/// Checks that every name is one of those that there are.
pub fn check_names(what: &str, given: &[String], known: &[&str]) -> Result<()> {
    match given.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => bail!("there is no {what} `{name}`; there are: {}", known.join(", ")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Args {
        Args::new(text.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn flags_and_values_are_taken_out() {
        let mut given = args("--only a --full b --only=c");
        assert!(given.flag("--full"));
        assert!(!given.flag("--full"));
        assert_eq!(given.values("--only").unwrap(), ["a", "c"]);
        assert_eq!(given.words().unwrap(), ["b"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(args("--only").values("--only").is_err());
        assert!(args("--fulll").words().is_err());
        assert!(args("word").end().is_err());
        assert!(
            check_names("step", &["x".into()], &["a"])
                .unwrap_err()
                .to_string()
                .contains("`x`")
        );
    }
}
