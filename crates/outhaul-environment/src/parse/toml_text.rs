//! TOML text to the tree. The only file that knows the TOML parser.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Source;
use super::node::{Entry, MAX_DEPTH, Node, Value};
use crate::error::SpecError;

/// Reads a TOML document.
pub(crate) fn read(source: &Source<'_>) -> Result<Node, SpecError> {
    let table = DeTable::parse(source.text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message: Vec<&str> = error.message().lines().collect();
        source.error(at, format!("this is not valid TOML: {}", message.join("; ")))
    })?;
    Ok(Node {
        value: map(source, table.get_ref(), 0)?,
        at: 0,
    })
}

fn map(source: &Source<'_>, table: &DeTable<'_>, depth: usize) -> Result<Value, SpecError> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        let key_at = key.span().start;
        entries.push(Entry {
            key: key.get_ref().to_string(),
            key_at,
            value: node(source, value, depth + 1)?,
        });
    }
    entries.sort_by_key(|entry| entry.key_at);
    Ok(Value::Map(entries))
}

fn node(source: &Source<'_>, value: &Spanned<DeValue<'_>>, depth: usize) -> Result<Node, SpecError> {
    let at = value.span().start;
    if depth > MAX_DEPTH {
        return Err(source.error(at, format!("nested deeper than {MAX_DEPTH} levels")));
    }
    let raw = || source.text.get(value.span()).unwrap_or_default().to_owned();
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(_) | DeValue::Float(_) => Value::Plain("a number", raw()),
        DeValue::Boolean(_) => Value::Plain("a truth value", raw()),
        DeValue::Datetime(_) => Value::Plain("a date", raw()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| node(source, item, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => map(source, table, depth)?,
    };
    Ok(Node { value, at })
}
