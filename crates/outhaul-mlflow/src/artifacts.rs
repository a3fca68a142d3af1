//! Addresses of artifacts and lists of folders. All artifacts go through the server: their addresses have the scheme
//! `mlflow-artifacts`, which clients resolve against the tracking URI.

use std::collections::BTreeMap;

use outhaul_types::api::Output;
use serde_json::{Value, json};

/// Whose artifacts a path of the artifact routes means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A run's.
    Run(String),
    /// A logged model's.
    Model(String),
}

/// The address of an experiment's artifacts.
#[must_use]
pub fn of_experiment(id: &str) -> String {
    format!("mlflow-artifacts:/{id}")
}

/// The address of a run's artifacts.
#[must_use]
pub fn of_run(experiment: &str, run: &str) -> String {
    format!("mlflow-artifacts:/{experiment}/{run}/artifacts")
}

/// The address of a logged model's artifacts.
#[must_use]
pub fn of_model(experiment: &str, model: &str) -> String {
    format!("mlflow-artifacts:/{experiment}/models/{model}/artifacts")
}

/// Takes a path of the artifact routes apart: whose it is, and the path below.
#[must_use]
pub fn split(path: &str) -> Option<(Owner, &str)> {
    let (_, rest) = path.trim_matches('/').split_once('/')?;
    let (owner, rest) = match rest.strip_prefix("models/") {
        Some(rest) => {
            let (model, rest) = rest.split_once('/')?;
            (Owner::Model(model.to_owned()), rest)
        }
        None => {
            let (run, rest) = rest.split_once('/')?;
            (Owner::Run(run.to_owned()), rest)
        }
    };
    match rest.strip_prefix("artifacts")? {
        "" => Some((owner, "")),
        rest => Some((owner, rest.strip_prefix('/')?)),
    }
}

/// What lies right below a folder: files with their sizes, and folders. `named` gives the path that is told.
#[must_use]
pub fn list(outputs: &[Output], folder: &str, named: impl Fn(&str) -> String) -> Vec<Value> {
    let folder = folder.trim_matches('/');
    let mut found: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for output in outputs {
        let below = match folder {
            "" => Some(output.path.as_str()),
            folder => output
                .path
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/')),
        };
        let Some(below) = below else { continue };
        match below.split_once('/') {
            Some((first, _)) => found.insert(first, None),
            None => found.insert(below, Some(output.size)),
        };
    }
    let message = |(name, size): (&str, Option<u64>)| match size {
        Some(size) => json!({"path": named(name), "is_dir": false, "file_size": size}),
        None => json!({"path": named(name), "is_dir": true}),
    };
    found.into_iter().map(message).collect()
}

/// The path of `name` in `folder`.
#[must_use]
pub fn join(folder: &str, name: &str) -> String {
    match folder.trim_matches('/') {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_back_to_their_owner() {
        let run = of_run("0", "k3v9x2m4q7t0b8wz");
        let model = of_model("0", "m-1");
        let path =
            |uri: &str, rest: &str| format!("{}{rest}", uri.strip_prefix("mlflow-artifacts:/").unwrap());
        for (path, expected) in [
            (path(&run, ""), Some((Owner::Run("k3v9x2m4q7t0b8wz".into()), ""))),
            (
                path(&run, "/a/b.txt"),
                Some((Owner::Run("k3v9x2m4q7t0b8wz".into()), "a/b.txt")),
            ),
            (
                path(&model, "/MLmodel"),
                Some((Owner::Model("m-1".into()), "MLmodel")),
            ),
            ("0".into(), None),
            ("0/run/other/x".into(), None),
            ("0/run/artifactsx".into(), None),
        ] {
            assert_eq!(split(&path), expected, "{path}");
        }
    }

    #[test]
    fn a_folder_shows_what_is_right_below_it() {
        let output = |path: &str, size| Output {
            path: path.into(),
            size,
            hash: String::new(),
        };
        let all = [
            output("a.txt", 1),
            output("model/MLmodel", 2),
            output("model/env/x", 3),
            output("models", 4),
        ];
        for (folder, expected) in [
            (
                "",
                json!([{"path": "a.txt", "is_dir": false, "file_size": 1}, {"path": "model", "is_dir": true}, {"path": "models", "is_dir": false, "file_size": 4}]),
            ),
            (
                "model/",
                json!([{"path": "model/MLmodel", "is_dir": false, "file_size": 2}, {"path": "model/env", "is_dir": true}]),
            ),
            ("none", json!([])),
            ("a.txt", json!([])),
        ] {
            let listed = list(&all, folder, |name| join(folder, name));
            assert_eq!(json!(listed), expected, "{folder}");
        }
    }
}
