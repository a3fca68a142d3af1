//! Whether something meets conditions.

use super::{Condition, Entity, Op, Operand};

/// What conditions are tried on.
pub trait Searchable {
    /// The newest value of a metric.
    fn metric(&self, key: &str) -> Option<f64>;
    /// A param.
    fn param(&self, key: &str) -> Option<&str>;
    /// A tag.
    fn tag(&self, key: &str) -> Option<&str>;
    /// A field that is a text.
    fn text(&self, key: &str) -> Option<String>;
    /// A field that is a number.
    fn number(&self, key: &str) -> Option<f64>;
    /// The values of a field of all datasets.
    fn datasets(&self, key: &str) -> Vec<String>;
}

/// Whether all conditions are met. A value that is not there meets no comparison, not even `!=`.
#[must_use]
pub fn matches(it: &impl Searchable, conditions: &[Condition]) -> bool {
    conditions.iter().all(|condition| meets(it, condition))
}

fn meets(it: &impl Searchable, condition: &Condition) -> bool {
    let Condition {
        entity,
        key,
        op,
        operand,
    } = condition;
    match (entity, operand) {
        (Entity::Metric, Operand::Number(wanted)) => {
            it.metric(key).is_some_and(|value| compare(value, *op, *wanted))
        }
        (Entity::Attribute, Operand::Number(wanted)) => {
            it.number(key).is_some_and(|value| compare(value, *op, *wanted))
        }
        (Entity::Attribute, _) => it.text(key).is_some_and(|value| text_meets(&value, *op, operand)),
        (Entity::Dataset, _) => it
            .datasets(key)
            .iter()
            .any(|value| text_meets(value, *op, operand)),
        (Entity::Param | Entity::Tag, _) => {
            let value = if *entity == Entity::Param {
                it.param(key)
            } else {
                it.tag(key)
            };
            match op {
                Op::IsNull => value.is_none(),
                Op::IsNotNull => value.is_some(),
                _ => value.is_some_and(|value| text_meets(value, *op, operand)),
            }
        }
        (Entity::Metric, _) => false,
    }
}

fn compare(value: f64, op: Op, wanted: f64) -> bool {
    match op {
        Op::Eq => value == wanted,
        Op::Ne => value != wanted,
        Op::Gt => value > wanted,
        Op::Ge => value >= wanted,
        Op::Lt => value < wanted,
        Op::Le => value <= wanted,
        _ => false,
    }
}

fn text_meets(value: &str, op: Op, operand: &Operand) -> bool {
    match (op, operand) {
        (Op::Eq, Operand::Text(wanted)) => value == wanted,
        (Op::Ne, Operand::Text(wanted)) => value != wanted,
        (Op::Like, Operand::Text(pattern)) => like(value, pattern),
        (Op::ILike, Operand::Text(pattern)) => like(&value.to_lowercase(), &pattern.to_lowercase()),
        (Op::In, Operand::List(list)) => list.iter().any(|item| item == value),
        (Op::NotIn, Operand::List(list)) => list.iter().all(|item| item != value),
        _ => false,
    }
}

/// `%` is any text, `_` any one character. In time and space of the product of both lengths at most.
fn like(value: &str, pattern: &str) -> bool {
    let value: Vec<char> = value.chars().collect();
    // Whether the pattern so far matches the first `n` characters.
    let mut reach = vec![false; value.len() + 1];
    reach[0] = true;
    for part in pattern.chars() {
        if part == '%' {
            let from = reach.iter().position(|reached| *reached).unwrap_or(reach.len());
            for reached in &mut reach[from..] {
                *reached = true;
            }
            continue;
        }
        for at in (0..value.len()).rev() {
            reach[at + 1] = reach[at] && (part == '_' || value[at] == part);
        }
        reach[0] = false;
    }
    reach[value.len()]
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::run::ATTRIBUTES;

    struct One;

    impl Searchable for One {
        fn metric(&self, key: &str) -> Option<f64> {
            match key {
                "loss" => Some(0.5),
                "nan" => Some(f64::NAN),
                _ => None,
            }
        }
        fn param(&self, key: &str) -> Option<&str> {
            (key == "alpha").then_some("0.1")
        }
        fn tag(&self, key: &str) -> Option<&str> {
            (key == "stage").then_some("Test run")
        }
        fn text(&self, key: &str) -> Option<String> {
            (key == "status").then(|| "FINISHED".to_owned())
        }
        fn number(&self, key: &str) -> Option<f64> {
            (key == "start_time").then_some(100.0)
        }
        fn datasets(&self, key: &str) -> Vec<String> {
            if key == "name" {
                vec!["a".into(), "b".into()]
            } else {
                Vec::new()
            }
        }
    }

    #[test]
    fn conditions_are_met_or_not() {
        for (filter, met) in [
            ("", true),
            ("metrics.loss < 0.6", true),
            ("metrics.loss = 0.5", true),
            ("metrics.loss != 0.5", false),
            ("metrics.other != 1", false),
            ("metrics.nan = 1", false),
            ("metrics.nan != 1", true),
            ("params.alpha = '0.1' AND metrics.loss >= 0.5", true),
            ("params.alpha = '0.1' AND metrics.loss > 0.5", false),
            ("params.beta != 'x'", false),
            ("params.beta IS NULL", true),
            ("tags.stage LIKE 'Test%'", true),
            ("tags.stage LIKE 'test%'", false),
            ("tags.stage ILIKE 'test_run'", true),
            ("tags.stage IS NOT NULL", true),
            ("status IN ('FAILED', 'FINISHED')", true),
            ("status NOT IN ('FAILED')", true),
            ("start_time >= 100", true),
            ("datasets.name = 'b'", true),
            ("datasets.name = 'c'", false),
        ] {
            assert_eq!(
                matches(&One, &parse(filter, &ATTRIBUTES).unwrap()),
                met,
                "{filter}"
            );
        }
    }

    #[test]
    fn patterns() {
        for (value, pattern, met) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "a_c", true),
            ("abc", "a%b%c%", true),
            ("abc", "abcd", false),
            ("abc", "bc", false),
            ("é%", "_%", true),
            ("aab", "%ab", true),
            ("a.c", "a.c", true),
            ("abc", "a.c", false),
        ] {
            assert_eq!(like(value, pattern), met, "{value} {pattern}");
        }
    }
}
