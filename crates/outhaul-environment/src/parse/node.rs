//! The tree that YAML and TOML texts are read into, with places, and the questions that spec files ask of it.

use super::Source;
use crate::error::SpecError;

/// Deepest nesting that is read. A spec needs three levels.
pub(crate) const MAX_DEPTH: usize = 16;

/// A value and the byte offset where it begins.
#[derive(Debug)]
pub(crate) struct Node {
    pub value: Value,
    pub at: usize,
}

#[derive(Debug)]
pub(crate) enum Value {
    Nothing,
    Text(String),
    /// A number, truth value or date: its kind, and the text as the file has it.
    Plain(&'static str, String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub key_at: usize,
    pub value: Node,
}

impl Node {
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Nothing => "nothing",
            Value::Text(_) => "a string",
            Value::Plain(kind, _) => kind,
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    fn wrong(&self, source: &Source<'_>, what: &str, wanted: &str) -> SpecError {
        source.error(
            self.at,
            format!("`{what}` must be {wanted}, found {}", self.kind()),
        )
    }

    /// The entries of a map.
    pub(crate) fn entries(&self, source: &Source<'_>, what: &str) -> Result<&[Entry], SpecError> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            _ => Err(self.wrong(source, what, "a map")),
        }
    }

    /// A string.
    pub(crate) fn string(&self, source: &Source<'_>, what: &str) -> Result<&str, SpecError> {
        match &self.value {
            Value::Text(text) => Ok(text),
            Value::Plain(_, raw) => Err(self
                .wrong(source, what, "a string")
                .with_hint(format!("write it in quotes: \"{raw}\""))),
            _ => Err(self.wrong(source, what, "a string")),
        }
    }

    /// A string, or a number or truth value as the file spells it.
    pub(crate) fn text(&self, source: &Source<'_>, what: &str) -> Result<&str, SpecError> {
        match &self.value {
            Value::Text(text) | Value::Plain(_, text) => Ok(text),
            _ => Err(self.wrong(source, what, "a string")),
        }
    }

    /// The items of a list; nothing is an empty list.
    pub(crate) fn list(&self, source: &Source<'_>, what: &str) -> Result<&[Node], SpecError> {
        match &self.value {
            Value::List(items) => Ok(items),
            Value::Nothing => Ok(&[]),
            Value::Text(text) => Err(self.wrong(source, what, "a list").with_hint(format!(
                "a list of one: `[{:?}]`",
                text.chars().take(60).collect::<String>()
            ))),
            _ => Err(self.wrong(source, what, "a list")),
        }
    }

    /// The strings of a list, each with its place.
    pub(crate) fn strings(&self, source: &Source<'_>, what: &str) -> Result<Vec<(usize, String)>, SpecError> {
        self.list(source, what)?
            .iter()
            .map(|item| {
                Ok((
                    item.at,
                    item.string(source, &format!("{what}` item `"))?.trim().to_owned(),
                ))
            })
            .collect::<Result<_, SpecError>>()
            .map_err(|error| SpecError {
                message: error.message.replace("` item ``", "` items"),
                ..error
            })
    }

    /// Environment variables: a map of strings, with usable names.
    pub(crate) fn variables(
        &self,
        source: &Source<'_>,
        what: &str,
    ) -> Result<std::collections::BTreeMap<String, String>, SpecError> {
        let mut variables = std::collections::BTreeMap::new();
        if matches!(self.value, Value::Nothing) {
            return Ok(variables);
        }
        for entry in self.entries(source, what)? {
            let key = &entry.key;
            let first = key.chars().next();
            let good = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !good {
                return Err(source
                    .error(
                        entry.key_at,
                        format!("`{key}` cannot be the name of an environment variable"),
                    )
                    .with_hint("use letters, digits and `_`, not beginning with a digit"));
            }
            let value = entry.value.text(source, key)?;
            variables.insert(key.clone(), value.to_owned());
        }
        Ok(variables)
    }
}

/// The error for a key that nobody knows, with the nearest one that somebody does.
pub(crate) fn unknown_key(source: &Source<'_>, entry: &Entry, known: &[&str]) -> SpecError {
    let key: String = entry.key.chars().take(60).collect();
    let nearest = known
        .iter()
        .map(|known| (strsim::osa_distance(&key.to_lowercase(), known), known))
        .min()
        .filter(|(distance, known)| *distance <= 1 + known.len() / 3);
    let hint = match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`?"),
        None => format!("known keys: `{}`", known.join("`, `")),
    };
    source
        .error(entry.key_at, format!("unknown key `{key}`"))
        .with_hint(hint)
}

/// Refuses a key that is there twice.
pub(crate) fn unique(source: &Source<'_>, entries: &[Entry]) -> Result<(), SpecError> {
    let mut seen = std::collections::HashSet::new();
    match entries.iter().find(|entry| !seen.insert(entry.key.as_str())) {
        Some(entry) => Err(source.error(entry.key_at, format!("key `{}` is given twice", entry.key))),
        None => Ok(()),
    }
}
