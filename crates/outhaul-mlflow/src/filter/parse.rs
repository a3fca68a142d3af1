//! From a filter's words to conditions, with what each kind of condition may be.

use super::lex::{Token, lex};
use super::{Attributes, Condition, Entity, Op, Operand};
use crate::MlflowError;

/// Reads a filter.
///
/// # Errors
/// When it is not of the language, with what is wrong with it.
pub fn parse(filter: &str, attributes: &Attributes) -> Result<Vec<Condition>, MlflowError> {
    conditions(filter, attributes)
        .map_err(|why| MlflowError::invalid(format!("the filter `{filter}` cannot be read: {why}")))
}

fn conditions(filter: &str, attributes: &Attributes) -> Result<Vec<Condition>, String> {
    let tokens = lex(filter)?;
    let mut rest = tokens.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        if !found.is_empty() {
            rest = match rest {
                [joint, after @ ..] if is_word(joint, "AND") => after,
                [joint, ..] if is_word(joint, "OR") => {
                    return Err("conditions can be joined by `AND` only".to_owned());
                }
                _ => return Err("after a condition comes `AND` or nothing".to_owned()),
            };
        }
        let (condition, after) = condition(rest, attributes)?;
        found.push(condition);
        rest = after;
    }
    Ok(found)
}

fn condition<'a>(tokens: &'a [Token], attributes: &Attributes) -> Result<(Condition, &'a [Token]), String> {
    let [Token::Name { text, quoted, .. }, rest @ ..] = tokens else {
        return Err("a condition begins with a name, such as `metrics.loss` or `tags.stage`".to_owned());
    };
    let (entity, key) = key(text, *quoted, attributes)?;
    let (op, rest) =
        op(rest).ok_or_else(|| format!("after `{text}` comes a comparison, such as `=` or `LIKE`"))?;
    let is_number = entity == Entity::Metric
        || (entity == Entity::Attribute && attributes.numbers.contains(&key.as_str()));
    check_op(entity, &key, op, is_number)?;
    let (operand, rest) = operand(rest, op, is_number).ok_or_else(|| {
        let wanted = match op {
            Op::In | Op::NotIn => "a list of texts in single quotes, such as ('a', 'b')",
            _ if is_number => "a number",
            _ => "a text in single quotes",
        };
        format!("`{text}` is compared with {wanted}")
    })?;
    Ok((
        Condition {
            entity,
            key,
            op,
            operand,
        },
        rest,
    ))
}

/// Reads the name that a list is ordered by.
///
/// # Errors
/// When there is no such thing, or it cannot be ordered by.
pub fn parse_key(text: &str, attributes: &Attributes) -> Result<(Entity, String), MlflowError> {
    let found = match lex(text) {
        Ok(tokens) => match tokens.as_slice() {
            [Token::Name { text, quoted, .. }] => key(text, *quoted, attributes),
            _ => Err("it is not a name".to_owned()),
        },
        Err(why) => Err(why),
    };
    found.map_err(|why| MlflowError::invalid(format!("cannot order by `{text}`: {why}")))
}

fn key(text: &str, quoted: bool, attributes: &Attributes) -> Result<(Entity, String), String> {
    let split = text.split_once('.').filter(|_| !quoted);
    let entity = match split.map(|(entity, _)| entity.to_ascii_lowercase()).as_deref() {
        Some("metric" | "metrics") => Entity::Metric,
        Some("param" | "params" | "parameter" | "parameters") => Entity::Param,
        Some("tag" | "tags") => Entity::Tag,
        Some("attribute" | "attributes" | "attr" | "run") => Entity::Attribute,
        Some("dataset" | "datasets") => Entity::Dataset,
        Some(other) => {
            return Err(format!(
                "`{other}` is none of `metrics`, `params`, `tags`, `attributes` and `datasets`"
            ));
        }
        None => Entity::Attribute,
    };
    let key = split.map_or(text, |(_, key)| key);
    let known: &[&[&str]] = match entity {
        Entity::Attribute => &[attributes.texts, attributes.numbers],
        Entity::Dataset => &[&["name", "digest", "context"]],
        _ => return Ok((entity, key.to_owned())),
    };
    let alias = attributes.aliases.iter().find(|(alias, _)| *alias == key);
    let key = alias.map_or(key, |(_, name)| name);
    if known.iter().any(|names| names.contains(&key)) {
        Ok((entity, key.to_owned()))
    } else {
        Err(format!(
            "there is no field `{key}`; there are `{}`",
            known.concat().join("`, `")
        ))
    }
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Name { text, quoted: false, .. } if text.eq_ignore_ascii_case(word))
}

fn op(tokens: &[Token]) -> Option<(Op, &[Token])> {
    let words = |count: usize, expected: &[&str]| {
        tokens.len() >= count
            && tokens
                .iter()
                .zip(expected)
                .all(|(token, word)| is_word(token, word))
    };
    for (expected, op) in [
        (&["LIKE"][..], Op::Like),
        (&["ILIKE"], Op::ILike),
        (&["IN"], Op::In),
        (&["NOT", "IN"], Op::NotIn),
        (&["IS", "NULL"], Op::IsNull),
        (&["IS", "NOT", "NULL"], Op::IsNotNull),
    ] {
        if words(expected.len(), expected) {
            return Some((op, &tokens[expected.len()..]));
        }
    }
    let (Token::Sign(sign), rest) = tokens.split_first()? else {
        return None;
    };
    let op = match *sign {
        "=" => Op::Eq,
        "!=" => Op::Ne,
        ">" => Op::Gt,
        ">=" => Op::Ge,
        "<" => Op::Lt,
        "<=" => Op::Le,
        _ => return None,
    };
    Some((op, rest))
}

/// Which comparisons there are for what.
fn check_op(entity: Entity, key: &str, op: Op, is_number: bool) -> Result<(), String> {
    let allowed = match op {
        Op::Eq | Op::Ne => true,
        Op::Gt | Op::Ge | Op::Lt | Op::Le => is_number,
        Op::Like | Op::ILike => !is_number,
        Op::In | Op::NotIn => !is_number && matches!(entity, Entity::Attribute | Entity::Dataset),
        Op::IsNull | Op::IsNotNull => matches!(entity, Entity::Tag | Entity::Param),
    };
    if allowed {
        Ok(())
    } else {
        Err(format!("`{key}` cannot be compared in this way"))
    }
}

fn operand(tokens: &[Token], op: Op, is_number: bool) -> Option<(Operand, &[Token])> {
    if matches!(op, Op::IsNull | Op::IsNotNull) {
        return Some((Operand::Nothing, tokens));
    }
    if matches!(op, Op::In | Op::NotIn) {
        let (Token::Sign("("), mut rest) = tokens.split_first()? else {
            return None;
        };
        let mut list = Vec::new();
        loop {
            let (item, after) = rest.split_first()?;
            list.push(text(item)?);
            let (Token::Sign(sign), after) = after.split_first()? else {
                return None;
            };
            rest = after;
            match *sign {
                "," => {}
                ")" => return Some((Operand::List(list), rest)),
                _ => return None,
            }
        }
    }
    let (first, rest) = tokens.split_first()?;
    let operand = if is_number {
        match first {
            Token::Number(number) => Operand::Number(*number),
            // Clients that build filters quote numbers, too.
            other => Operand::Number(text(other)?.parse().ok()?),
        }
    } else {
        Operand::Text(text(first)?)
    };
    Some((operand, rest))
}

fn text(token: &Token) -> Option<String> {
    match token {
        Token::Text(text)
        | Token::Name {
            text,
            quoted: true,
            double: true,
        } => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ATTRIBUTES;

    #[test]
    fn conditions_are_read() {
        use Entity::{Attribute, Dataset, Metric, Param, Tag};
        let text = |text: &str| Operand::Text(text.into());
        let list = |items: &[&str]| Operand::List(items.iter().map(|item| (*item).into()).collect());
        for (filter, expected) in [
            ("", vec![]),
            (
                "metrics.loss < 0.5",
                vec![(Metric, "loss", Op::Lt, Operand::Number(0.5))],
            ),
            (
                "metric.`val loss`>=-1e-3",
                vec![(Metric, "val loss", Op::Ge, Operand::Number(-0.001))],
            ),
            (
                "params.alpha = '0.5'",
                vec![(Param, "alpha", Op::Eq, text("0.5"))],
            ),
            (
                "params.\"a b\" != \"it's\"",
                vec![(Param, "a b", Op::Ne, text("it's"))],
            ),
            (
                "tags.mlflow.parentRunId = 'x'",
                vec![(Tag, "mlflow.parentRunId", Op::Eq, text("x"))],
            ),
            (
                "tags.`mlflow.user` LIKE 'a%' and tag.b is not null",
                vec![
                    (Tag, "mlflow.user", Op::Like, text("a%")),
                    (Tag, "b", Op::IsNotNull, Operand::Nothing),
                ],
            ),
            (
                "attributes.status = 'RUNNING' AND start_time > 5",
                vec![
                    (Attribute, "status", Op::Eq, text("RUNNING")),
                    (Attribute, "start_time", Op::Gt, Operand::Number(5.0)),
                ],
            ),
            (
                "run_id IN ('a', 'b')",
                vec![(Attribute, "run_id", Op::In, list(&["a", "b"]))],
            ),
            (
                "attributes.run_id NOT IN ('a')",
                vec![(Attribute, "run_id", Op::NotIn, list(&["a"]))],
            ),
            (
                "`run name` ILIKE '%X_'",
                vec![(Attribute, "run_name", Op::ILike, text("%X_"))],
            ),
            (
                "attributes.Created > 1",
                vec![(Attribute, "start_time", Op::Gt, Operand::Number(1.0))],
            ),
            ("dataset.name = 'd'", vec![(Dataset, "name", Op::Eq, text("d"))]),
            (
                "params.p = 'a ''b'' AND c'",
                vec![(Param, "p", Op::Eq, text("a 'b' AND c"))],
            ),
            ("params.AND = 'OR'", vec![(Param, "AND", Op::Eq, text("OR"))]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(entity, key, op, operand)| Condition {
                    entity,
                    key: key.into(),
                    op,
                    operand,
                })
                .collect();
            assert_eq!(parse(filter, &ATTRIBUTES).unwrap(), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (filter, why) in [
            ("metrics.loss", "comes a comparison"),
            ("metrics.loss < 'x'", "compared with a number"),
            ("metrics.loss LIKE 'x'", "cannot be compared in this way"),
            ("params.a = 5", "a text in single quotes"),
            ("params.a > '5'", "cannot be compared in this way"),
            ("params.a = 'x", "not closed"),
            ("colour.a = 'x'", "`colour` is none of"),
            ("attributes.colour = 'x'", "there is no field `colour`"),
            ("params.a = 'x' OR params.b = 'y'", "joined by `AND` only"),
            ("params.a = 'x' params.b = 'y'", "comes `AND` or nothing"),
            ("params.a = 'x' AND", "begins with a name"),
            ("run_id IN ('a'", "a list of texts"),
            ("run_id IN ()", "a list of texts"),
            ("start_time IS NULL", "cannot be compared in this way"),
            ("metrics.a = 1.2.3", "not a number"),
            ("; DROP TABLE runs", "`;` cannot stand here"),
        ] {
            let error = parse(filter, &ATTRIBUTES).map(|_| filter).unwrap_err();
            assert!(error.message.contains(why), "{filter}: {}", error.message);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z.`'\"=<> ()0-9A-Z,-]{0,40}") {
            let _ = parse(&text, &ATTRIBUTES);
        }
    }
}
