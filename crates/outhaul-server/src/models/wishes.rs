//! Models that a script registers of its own outputs. It cannot ask the server, so it leaves the wish as a property of its
//! run, under an id of its own; the wish is fulfilled when the run has ended and its outputs are kept.

use std::collections::BTreeMap;

use outhaul_types::api::{ModelSource, RegisterModel};
use outhaul_types::{Run, RunId};
use serde::Deserialize;

use crate::app::App;

/// Properties of this name, followed by the registration's id, are wishes (see `python/outhaul_azureml/run/inside.py`).
const PREFIX: &str = "outhaul.register_model.";

/// A wish, as the script wrote it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    name: String,
    path: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    framework: Option<String>,
    #[serde(default)]
    framework_version: Option<String>,
}

/// Registers what a run's script wished for. Doing it again registers nothing twice. Gives what is to be told of wishes that
/// cannot be fulfilled; the files stay with the run.
pub(crate) async fn register_wishes(app: &App, run: &Run) -> Vec<String> {
    let mut told = Vec::new();
    for (name, text) in &run.properties {
        let (id, wish) = match read(name, text) {
            None => continue,
            Some(Ok(wish)) => wish,
            Some(Err(message)) => {
                told.push(message);
                continue;
            }
        };
        let model = wish.name.clone();
        let request = RegisterModel {
            id,
            name: wish.name,
            source: ModelSource::Run {
                run: run.id.to_string(),
                path: wish.path,
            },
            tags: wish.tags,
            properties: wish.properties,
            description: wish.description,
            framework: wish.framework,
            framework_version: wish.framework_version,
        };
        if let Err(error) = super::register(app, &run.workspace, request).await {
            told.push(format!("model `{model}` was not registered: {}", error.message));
        }
    }
    told
}

/// The wish of a property, if it is one.
fn read(name: &str, text: &str) -> Option<Result<(RunId, Wish), String>> {
    let id = name.strip_prefix(PREFIX)?;
    let wish = serde_json::from_str(text).map_err(|error| error.to_string());
    let id = id.parse().map_err(|error| format!("{error}"));
    let both = id.and_then(|id| Ok((id, wish?)));
    Some(both.map_err(|why| format!("property `{name}` is no model to be registered: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_told_from_other_properties() {
        let name = format!("{PREFIX}k3v9x2m4q7t0b8wz");
        let (id, wish) = read(&name, r#"{"name": "churn", "path": "outputs/m.pkl"}"#)
            .unwrap()
            .unwrap();
        assert_eq!((id.as_str(), wish.name.as_str()), ("k3v9x2m4q7t0b8wz", "churn"));
        assert_eq!(read("data.version", "{}"), None);
        for (name, text) in [
            (name.as_str(), "churn"),
            (name.as_str(), r#"{"name": "churn"}"#),
            (name.as_str(), r#"{"name": "churn", "path": "m", "more": 1}"#),
            ("outhaul.register_model.x", r#"{"name": "churn", "path": "m"}"#),
        ] {
            assert!(read(name, text).unwrap().is_err(), "{name} {text}");
        }
    }
}
