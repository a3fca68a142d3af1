//! The order of a list: `order_by` of the search routes.

use std::cmp::Ordering;

use crate::MlflowError;
use crate::filter::{Attributes, Entity, Searchable, parse_key};

/// One thing to order by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What kind of value.
    pub entity: Entity,
    /// Its name.
    pub key: String,
    /// Smaller ones first.
    pub ascending: bool,
}

/// Reads `order_by`: names, each with `ASC` (which may be left out) or `DESC` after it.
///
/// # Errors
/// When a name is not known.
pub fn parse(texts: &[String], attributes: &Attributes) -> Result<Vec<Order>, MlflowError> {
    let read = |text: &String| {
        let trimmed = text.trim();
        let (name, ascending) = match trimmed.rsplit_once(char::is_whitespace) {
            Some((name, word)) if word.eq_ignore_ascii_case("desc") => (name, false),
            Some((name, word)) if word.eq_ignore_ascii_case("asc") => (name, true),
            _ => (trimmed, true),
        };
        let (entity, key) = parse_key(name, attributes)?;
        if entity == Entity::Dataset {
            return Err(MlflowError::invalid("a list cannot be ordered by datasets"));
        }
        Ok(Order {
            entity,
            key,
            ascending,
        })
    };
    texts.iter().map(read).collect()
}

/// How two things are ordered. What has no value comes last in either direction, and NaN right before that.
#[must_use]
pub fn compare(orders: &[Order], one: &impl Searchable, other: &impl Searchable) -> Ordering {
    for order in orders {
        let found = by(order, one, other);
        if found != Ordering::Equal {
            return found;
        }
    }
    Ordering::Equal
}

fn by(order: &Order, one: &impl Searchable, other: &impl Searchable) -> Ordering {
    let key = &order.key;
    let numbers = match order.entity {
        Entity::Metric => (one.metric(key), other.metric(key)),
        Entity::Attribute => (one.number(key), other.number(key)),
        _ => (None, None),
    };
    if numbers != (None, None) {
        let rank = |number: Option<f64>| number.map_or(2, |number| u8::from(number.is_nan()));
        let ranks = rank(numbers.0).cmp(&rank(numbers.1));
        let values = numbers.0.partial_cmp(&numbers.1).unwrap_or(Ordering::Equal);
        return ranks.then(directed(values, order.ascending));
    }
    let text = |it: &dyn Searchable| match order.entity {
        Entity::Param => it.param(key).map(str::to_owned),
        Entity::Tag => it.tag(key).map(str::to_owned),
        _ => it.text(key),
    };
    let (left, right) = (text(one), text(other));
    match (left, right) {
        (Some(left), Some(right)) => directed(left.cmp(&right), order.ascending),
        (left, right) => left.is_none().cmp(&right.is_none()),
    }
}

fn directed(ordering: Ordering, ascending: bool) -> Ordering {
    if ascending { ordering } else { ordering.reverse() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ATTRIBUTES;

    /// A run's name, and the value of its metric `m` if it has one.
    struct Named(&'static str, Option<f64>);

    impl Searchable for Named {
        fn metric(&self, key: &str) -> Option<f64> {
            self.1.filter(|_| key == "m")
        }
        fn param(&self, key: &str) -> Option<&str> {
            (key == "p" && self.1.is_some()).then_some(self.0)
        }
        fn tag(&self, _: &str) -> Option<&str> {
            None
        }
        fn text(&self, key: &str) -> Option<String> {
            (key == "run_name").then(|| self.0.to_owned())
        }
        fn number(&self, key: &str) -> Option<f64> {
            (key == "start_time").then(|| f64::from(self.0.as_bytes()[0]))
        }
        fn datasets(&self, _: &str) -> Vec<String> {
            Vec::new()
        }
    }

    #[test]
    fn lists_are_ordered() {
        for (order, expected) in [
            (vec![], "bacd"),
            (vec!["metrics.m"], "acbd"),
            (vec!["metrics.m DESC"], "cabd"),
            (vec!["metrics.`m` desc"], "cabd"),
            (vec!["params.p asc"], "abcd"),
            (vec!["params.p DESC"], "cbad"),
            (vec!["attributes.start_time DESC"], "dcba"),
            (vec!["start_time"], "abcd"),
            (vec!["tags.none", "run_name DESC"], "dcba"),
        ] {
            let mut runs = [
                Named("b", Some(f64::NAN)),
                Named("a", Some(1.0)),
                Named("c", Some(2.0)),
                Named("d", None),
            ];
            let texts: Vec<String> = order.iter().map(|text| (*text).to_owned()).collect();
            let orders = parse(&texts, &ATTRIBUTES).unwrap();
            runs.sort_by(|one, other| compare(&orders, one, other));
            let names: String = runs.iter().map(|run| run.0).collect();
            assert_eq!(names, expected, "{order:?}");
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        for text in ["colour", "metrics.m UP", "datasets.name", "", "a b c"] {
            assert!(parse(&[text.to_owned()], &ATTRIBUTES).is_err(), "{text}");
        }
    }
}
