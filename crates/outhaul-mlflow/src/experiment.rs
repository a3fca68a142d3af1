//! Experiments in MLflow's words: numbers for ids, names of any characters, tags, and a life.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::artifacts;
use crate::filter::{Attributes, Searchable};

/// The experiment that MLflow's clients log to when none is named, and its id.
pub const DEFAULT: &str = "Default";
const DEFAULT_ID: &str = "0";

/// The fields of an experiment that can be searched by.
pub const ATTRIBUTES: Attributes = Attributes {
    texts: &["name"],
    numbers: &["creation_time", "last_update_time"],
    aliases: &[],
};

/// The fields of an experiment that lists can be ordered by.
pub const ORDERS: Attributes = Attributes {
    texts: &["name", "experiment_id"],
    ..ATTRIBUTES
};

/// The id of an experiment: the same for ever, from its names. MLflow's clients want a number in a text.
#[must_use]
pub fn id(workspace: &str, name: &str) -> String {
    if name == DEFAULT {
        return DEFAULT_ID.to_owned();
    }
    let hash = blake3::hash(format!("{workspace}/{name}").as_bytes());
    let (first, _) = hash.as_bytes().split_at(8);
    let number = first
        .iter()
        .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    // 18 digits, as MLflow's own file store has them.
    (100_000_000_000_000_000 + number % 900_000_000_000_000_000).to_string()
}

/// What is kept of an experiment for this protocol, beside its runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Its name as MLflow's client gave it, where Outhaul cannot have that name.
    pub title: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it was deleted. Its runs stay.
    pub deleted: bool,
    /// When it was made, in milliseconds since 1970; 0 when that is not known.
    pub created: i64,
    /// When it was changed last.
    pub updated: i64,
}

/// An experiment as MLflow sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExperimentView {
    /// Its workspace.
    pub workspace: String,
    /// Its name in Outhaul.
    pub name: String,
    /// What is kept of it.
    pub facts: Facts,
}

impl ExperimentView {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> String {
        id(&self.workspace, &self.name)
    }

    /// Its name as MLflow has it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.facts.title.as_deref().unwrap_or(&self.name)
    }

    /// When it was made, as far as that is known: one that no client of MLflow made is as old as its newest run.
    #[must_use]
    pub fn made_at(&self) -> i64 {
        if self.facts.created == 0 {
            self.facts.updated
        } else {
            self.facts.created
        }
    }

    /// The message `Experiment`.
    #[must_use]
    pub fn message(&self) -> Value {
        let tags: Vec<Value> = self
            .facts
            .tags
            .iter()
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect();
        json!({
            "experiment_id": self.id(),
            "name": self.title(),
            "artifact_location": artifacts::of_experiment(&self.id()),
            "lifecycle_stage": if self.facts.deleted { "deleted" } else { "active" },
            "creation_time": self.facts.created,
            "last_update_time": self.facts.updated,
            "tags": tags,
        })
    }
}

impl Searchable for ExperimentView {
    fn metric(&self, _: &str) -> Option<f64> {
        None
    }

    fn param(&self, _: &str) -> Option<&str> {
        None
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.facts.tags.get(key).map(String::as_str)
    }

    fn text(&self, key: &str) -> Option<String> {
        match key {
            "name" => Some(self.title().to_owned()),
            "experiment_id" => Some(self.id()),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<f64> {
        match key {
            "creation_time" => Some(self.facts.created as f64),
            "last_update_time" => Some(self.facts.updated as f64),
            _ => None,
        }
    }

    fn datasets(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_that_stay() {
        for (workspace, name, expected) in [
            ("default", DEFAULT, "0"),
            ("team", DEFAULT, "0"),
            ("default", "autolog", "861502681182644765"),
        ] {
            assert_eq!(id(workspace, name), expected, "{workspace} {name}");
        }
        assert_ne!(id("default", "a"), id("team", "a"));
        assert_eq!(id("default", "a").len(), 18);
    }

    #[test]
    fn facts_of_a_later_version_and_none_at_all_are_read() {
        for text in ["{}", r#"{"later": 1, "tags": {}}"#] {
            assert_eq!(
                serde_json::from_str::<Facts>(text).unwrap(),
                Facts::default(),
                "{text}"
            );
        }
    }
}
