//! Runs in MLflow's words: what a run shows, and what conditions are tried on.

use std::collections::BTreeMap;

use outhaul_types::{Run, RunState};
use serde_json::{Value, json};

use crate::filter::{Attributes, Searchable};
use crate::metric::Point;
use crate::{artifacts, experiment};

/// The fields of a run that can be searched by.
pub const ATTRIBUTES: Attributes = Attributes {
    texts: &["run_id", "run_name", "status", "artifact_uri", "user_id"],
    numbers: &["start_time", "end_time"],
    aliases: &[
        ("created", "start_time"),
        ("Created", "start_time"),
        ("run name", "run_name"),
        ("Run name", "run_name"),
        ("Run Name", "run_name"),
        ("run_uuid", "run_id"),
    ],
};

/// The tag that holds a run's name as MLflow has it, with characters that our names do not have.
pub const NAME_TAG: &str = "mlflow.runName";
/// The tag that says who made a run.
pub const USER_TAG: &str = "mlflow.user";
/// The tag that names a child run's parent.
pub const PARENT_TAG: &str = "mlflow.parentRunId";
/// The tag of a run that was deleted through MLflow's protocol. Outhaul keeps it; MLflow's lists leave it out.
pub const DELETED_TAG: &str = "outhaul.mlflow.deleted";

/// Which things a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Those that were not deleted.
    Active,
    /// Those that were.
    Deleted,
    /// Both.
    All,
}

impl View {
    /// Reads a view type; what is not known means the active ones, as MLflow has it.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("DELETED_ONLY") => Self::Deleted,
            Some("ALL") => Self::All,
            _ => Self::Active,
        }
    }

    /// Whether a thing is shown.
    #[must_use]
    pub const fn shows(self, is_deleted: bool) -> bool {
        match self {
            Self::Active => !is_deleted,
            Self::Deleted => is_deleted,
            Self::All => true,
        }
    }
}

/// What a run took in and gave out, as MLflow's messages say it: datasets and models.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lineage {
    /// `RunInputs`.
    pub inputs: Value,
    /// `RunOutputs`.
    pub outputs: Value,
}

/// A run with all that MLflow shows of it.
#[derive(Clone, Debug)]
pub struct RunView {
    /// The run.
    pub run: Run,
    /// Its newest metrics by name; empty where they were not asked for.
    pub metrics: BTreeMap<String, Point>,
    /// What it took in and gave out.
    pub lineage: Lineage,
}

/// A run's state in MLflow's words.
#[must_use]
pub const fn status(state: RunState) -> &'static str {
    match state {
        RunState::NotStarted
        | RunState::Queued
        | RunState::Provisioning
        | RunState::Preparing
        | RunState::Starting => "SCHEDULED",
        RunState::Running | RunState::CancelRequested | RunState::Finalizing => "RUNNING",
        RunState::Completed => "FINISHED",
        RunState::Failed => "FAILED",
        RunState::Canceled => "KILLED",
    }
}

/// The state that a status of a message leads to: the end it means, or `Running`.
#[must_use]
pub fn state(status: &str) -> Option<RunState> {
    match status {
        "RUNNING" | "SCHEDULED" => Some(RunState::Running),
        "FINISHED" => Some(RunState::Completed),
        "FAILED" => Some(RunState::Failed),
        "KILLED" => Some(RunState::Canceled),
        _ => None,
    }
}

/// A name that Outhaul can have, as near to the wanted one as it goes. `None` when nothing of it is left.
#[must_use]
pub fn plain_name(wanted: &str) -> Option<String> {
    let replaced: String = wanted
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .take(200)
        .collect();
    let name = replaced.trim_start_matches(['-', '_', '.']).trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether a run was deleted through MLflow's protocol.
#[must_use]
pub fn is_deleted(run: &Run) -> bool {
    run.tags.contains_key(DELETED_TAG)
}

impl RunView {
    fn name(&self) -> &str {
        self.run.tags.get(NAME_TAG).unwrap_or(&self.run.name)
    }

    fn user(&self) -> &str {
        self.run.tags.get(USER_TAG).map_or("", String::as_str)
    }

    fn begin(&self) -> i64 {
        self.run
            .started_at
            .unwrap_or(self.run.created_at)
            .as_millisecond()
    }

    fn artifact_uri(&self) -> String {
        artifacts::of_run(
            &experiment::id(&self.run.workspace, &self.run.experiment),
            self.run.id.as_str(),
        )
    }

    /// The message `RunInfo`.
    #[must_use]
    pub fn info(&self) -> Value {
        let run = &self.run;
        let mut info = json!({
            "run_id": run.id,
            "run_uuid": run.id,
            "run_name": self.name(),
            "experiment_id": experiment::id(&run.workspace, &run.experiment),
            "user_id": self.user(),
            "status": status(run.state),
            "start_time": self.begin(),
            "artifact_uri": self.artifact_uri(),
            "lifecycle_stage": if is_deleted(run) { "deleted" } else { "active" },
        });
        if let Some(end) = run.ended_at {
            info["end_time"] = json!(end.as_millisecond());
        }
        info
    }

    /// The message `Run`.
    #[must_use]
    pub fn message(&self) -> Value {
        let pair = |(key, value): (&String, &String)| json!({"key": key, "value": value});
        let metrics: Vec<Value> = self
            .metrics
            .iter()
            .map(|(key, point)| point.message(key))
            .collect();
        let params: Vec<Value> = self.run.properties.iter().map(pair).collect();
        let tags: Vec<Value> = self.tags().iter().map(pair).collect();
        json!({
            "info": self.info(),
            "data": {"metrics": metrics, "params": params, "tags": tags},
            "inputs": object(&self.lineage.inputs),
            "outputs": object(&self.lineage.outputs),
        })
    }

    /// The run's tags, with those that MLflow's pages and clients look for.
    fn tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.run.tags.clone();
        tags.remove(DELETED_TAG);
        let mut offer = |name: &str, value: &str| {
            tags.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        };
        offer(NAME_TAG, &self.run.name);
        if let Some(parent) = &self.run.parent {
            offer(PARENT_TAG, parent.as_str());
        }
        if !self.run.is_tracked() {
            offer("outhaul.target", &self.run.target);
        }
        tags
    }
}

fn object(value: &Value) -> Value {
    if value.is_object() {
        value.clone()
    } else {
        json!({})
    }
}

impl Searchable for RunView {
    fn metric(&self, key: &str) -> Option<f64> {
        self.metrics.get(key).map(|point| point.value)
    }

    fn param(&self, key: &str) -> Option<&str> {
        self.run.properties.get(key).map(String::as_str)
    }

    fn tag(&self, key: &str) -> Option<&str> {
        let own = self
            .run
            .tags
            .get(key)
            .map(String::as_str)
            .filter(|_| key != DELETED_TAG);
        own.or(match key {
            NAME_TAG => Some(&self.run.name),
            PARENT_TAG => self.run.parent.as_ref().map(outhaul_types::RunId::as_str),
            "outhaul.target" if !self.run.is_tracked() => Some(&self.run.target),
            _ => None,
        })
    }

    fn text(&self, key: &str) -> Option<String> {
        match key {
            "run_id" => Some(self.run.id.to_string()),
            "run_name" => Some(self.name().to_owned()),
            "status" => Some(status(self.run.state).to_owned()),
            "artifact_uri" => Some(self.artifact_uri()),
            "user_id" => Some(self.user().to_owned()),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<f64> {
        match key {
            "start_time" => Some(self.begin() as f64),
            "end_time" => self.run.ended_at.map(|end| end.as_millisecond() as f64),
            _ => None,
        }
    }

    fn datasets(&self, key: &str) -> Vec<String> {
        let inputs = self.lineage.inputs["dataset_inputs"]
            .as_array()
            .into_iter()
            .flatten();
        let values = inputs.flat_map(|input| match key {
            "context" => {
                let tags = input["tags"].as_array().into_iter().flatten();
                tags.filter(|tag| tag["key"] == "mlflow.data.context")
                    .map(|tag| tag["value"].clone())
                    .collect::<Vec<_>>()
            }
            _ => vec![input["dataset"][key].clone()],
        });
        values
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use outhaul_types::workspace::NO_TARGET;
    use outhaul_types::{NewRun, RunEventKind};

    use super::*;

    fn view(tags: &[(&str, &str)]) -> RunView {
        let at = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        let new = NewRun {
            id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
            name: "train-1".into(),
            workspace: "default".into(),
            experiment: "e".into(),
            target: NO_TARGET.into(),
            tags: tags
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            parent: Some("0000000000000001".parse().unwrap()),
            spec: None,
        };
        let (mut run, _) = Run::submitted(new, at);
        for event in [
            RunEventKind::Running,
            RunEventKind::PropertiesAdded {
                properties: [("alpha".to_owned(), "0.5".to_owned())].into(),
            },
            RunEventKind::Completed,
        ] {
            run.apply(event, at).unwrap();
        }
        RunView {
            run,
            metrics: BTreeMap::from([(
                "loss".to_owned(),
                Point {
                    value: 0.5,
                    timestamp: 1500,
                    step: 0,
                },
            )]),
            lineage: Lineage {
                inputs: json!({"dataset_inputs": [{"dataset": {"name": "d", "digest": "1"}, "tags": [{"key": "mlflow.data.context", "value": "training"}]}]}),
                outputs: Value::Null,
            },
        }
    }

    #[test]
    fn a_run_is_shown_in_mlflows_words() {
        let view = view(&[(NAME_TAG, "my run!"), (USER_TAG, "me")]);
        let message = view.message();
        let info = &message["info"];
        for (key, value) in [
            ("run_id", json!("k3v9x2m4q7t0b8wz")),
            ("run_name", json!("my run!")),
            ("user_id", json!("me")),
            ("status", json!("FINISHED")),
            ("start_time", json!(1_700_000_000_123_i64)),
            ("end_time", json!(1_700_000_000_123_i64)),
            ("lifecycle_stage", json!("active")),
        ] {
            assert_eq!(info[key], value, "{key}");
        }
        assert_eq!(
            message["data"]["params"],
            json!([{"key": "alpha", "value": "0.5"}])
        );
        assert_eq!(
            message["data"]["metrics"],
            json!([{"key": "loss", "value": 0.5, "timestamp": 1500, "step": 0}])
        );
        assert_eq!(view.tag(PARENT_TAG), Some("0000000000000001"));
        assert_eq!(view.datasets("context"), ["training"]);
        assert_eq!(message["outputs"], json!({}));
    }

    #[test]
    fn a_deleted_run_says_so_and_hides_the_mark() {
        let view = view(&[(DELETED_TAG, "1")]);
        let message = view.message();
        assert_eq!(message["info"]["lifecycle_stage"], "deleted");
        assert!(!message["data"]["tags"].to_string().contains("deleted"));
        for (text, shown) in [
            (None, false),
            (Some("ALL"), true),
            (Some("DELETED_ONLY"), true),
            (Some("ACTIVE_ONLY"), false),
        ] {
            assert_eq!(View::parse(text).shows(is_deleted(&view.run)), shown, "{text:?}");
        }
    }

    #[test]
    fn names_become_plain() {
        for (wanted, plain) in [
            ("adorable-cat-123", Some("adorable-cat-123")),
            ("My run (2)", Some("My-run--2")),
            ("/Users/me/x", Some("Users-me-x")),
            ("läuft", Some("l-uft")),
            ("--", None),
            ("日本", None),
            ("", None),
        ] {
            assert_eq!(plain_name(wanted).as_deref(), plain, "{wanted}");
        }
    }
}
