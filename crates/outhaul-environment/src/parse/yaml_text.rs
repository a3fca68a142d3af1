//! YAML text to the tree. The only file that knows the YAML parser; it reads events, so that scalars keep the
//! spelling of the file (`1.10` stays `1.10`), every value has a place, and aliases cannot multiply anything.

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span};

use super::Source;
use super::node::{Entry, MAX_DEPTH, Node, Value, unique};
use crate::error::SpecError;

enum Open {
    List(Vec<Node>, usize),
    Map(Vec<Entry>, Option<(String, usize)>, usize),
}

/// Reads one YAML document.
pub(crate) fn read(source: &Source<'_>) -> Result<Node, SpecError> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let at = |span: &Span| span.byte_range().map_or(0, |range| range.start);
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    for next in Parser::new_from_str_with_options(source.text, options) {
        let (event, span) = next.map_err(|error| {
            let place = error.marker().byte_offset().unwrap_or(0);
            source.error(
                place,
                format!("this is not valid YAML: {}", lower_first(&error.info())),
            )
        })?;
        let here = at(&span);
        let done = match event {
            Event::Scalar(text, style, ..) => Node {
                value: scalar(&text, style),
                at: here,
            },
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= MAX_DEPTH => {
                return Err(source.error(here, format!("nested deeper than {MAX_DEPTH} levels")));
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new(), here));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Vec::new(), None, here));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items, at)) => Node {
                    value: Value::List(items),
                    at,
                },
                Some(Open::Map(entries, _, at)) => {
                    unique(source, &entries)?;
                    Node {
                        value: Value::Map(entries),
                        at,
                    }
                }
                None => continue,
            },
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                return Err(source
                    .error(here, "YAML aliases are not used in environment files")
                    .with_hint("write the value out"));
            }
            Event::DocumentStart(..) if root.is_some() => {
                return Err(source.error(
                    here,
                    "a second YAML document begins here; an environment file has one",
                ));
            }
            _ => continue,
        };
        match open.last_mut() {
            None => root = Some(done),
            Some(Open::List(items, _)) => items.push(done),
            Some(Open::Map(entries, key, _)) => match key.take() {
                Some((key, key_at)) => entries.push(Entry {
                    key,
                    key_at,
                    value: done,
                }),
                None => match done.value {
                    Value::Text(text) | Value::Plain(_, text) => *key = Some((text, done.at)),
                    _ => {
                        return Err(
                            source.error(done.at, format!("a key must be a string, found {}", done.kind()))
                        );
                    }
                },
            },
        }
    }
    root.ok_or_else(|| SpecError::whole(source.file, "the environment file is empty"))
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Nothing,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => {
            Value::Plain("a truth value", text.to_owned())
        }
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
            && text.parse::<f64>().is_ok() =>
        {
            Value::Plain("a number", text.to_owned())
        }
        _ => Value::Text(text.to_owned()),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
