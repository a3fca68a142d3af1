//! What every store decides alike, as pure functions: how guarded events change a run, which runs a filter
//! means, which metrics may be added, and how refusals read. A backend only adds where the data lies.

pub mod models;

use std::collections::BTreeMap;

use jiff::Timestamp;
use outhaul_types::api::RunFilter;
use outhaul_types::{MetricValue, NewRun, Run, RunEventKind, RunId, RunState};

use crate::{AppliedRun, Guard, MetricBatch, StoreError};

/// How many ids a [`StoreError::Ambiguous`] names.
pub const AMBIGUOUS_SHOWN: usize = 5;

/// Applies events to a run that was just read.
///
/// # Errors
/// [`StoreError::Stale`] when the guard does not hold, [`StoreError::Forbidden`] when the transition table does not
/// allow one of the events; then none of them counts.
pub fn apply_events(
    mut run: Run,
    guard: Guard,
    events: Vec<RunEventKind>,
    at: Timestamp,
) -> Result<AppliedRun, StoreError> {
    if let Guard::Version(version) = guard
        && version != run.version
    {
        return Err(StoreError::Stale { run: run.id });
    }
    let events = events
        .into_iter()
        .map(|event| run.apply(event, at))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(AppliedRun { run, events })
}

/// A new run with its first events.
///
/// # Errors
/// [`StoreError::Forbidden`] when the transition table does not allow one of them.
pub fn begin(new: NewRun, first: Vec<RunEventKind>, at: Timestamp) -> Result<AppliedRun, StoreError> {
    let (run, submitted) = Run::submitted(new, at);
    let mut begun = apply_events(run, Guard::Any, first, at)?;
    begun.events.insert(0, submitted);
    Ok(begun)
}

/// Checks that a batch begins where the last one of this run ended.
///
/// # Errors
/// [`StoreError::Conflict`] when it does not, or ends before it begins.
pub fn check_metrics(run: &RunId, ingested: u64, batch: &MetricBatch) -> Result<(), StoreError> {
    let MetricBatch { from, to, .. } = *batch;
    if from != ingested {
        return Err(StoreError::Conflict(format!(
            "the metrics of run `{run}` are in the store up to byte {ingested}, but these begin at byte {from}: \
             read the metrics file from byte {ingested}"
        )));
    }
    if to < from {
        return Err(StoreError::Conflict(format!(
            "metrics of run `{run}` cannot end at byte {to} before they begin at byte {from}"
        )));
    }
    Ok(())
}

/// Whether a number takes the place of another one of its metric as the newest: its step is higher (none counts as 0),
/// or else its time is later, or else it is greater. Of two that are alike in all this, the one that was logged later.
/// NaN is greater than every number.
#[must_use]
pub fn is_newer(later: &MetricValue, earlier: &MetricValue) -> bool {
    let steps = later.step.unwrap_or(0).cmp(&earlier.step.unwrap_or(0));
    let order = steps
        .then_with(|| later.time.total_cmp(&earlier.time))
        .then_with(|| {
            let number = |metric: &MetricValue| metric.number().unwrap_or(f64::NEG_INFINITY);
            number(later).total_cmp(&number(earlier))
        });
    order.is_ge()
}

/// The newest number of each metric by its name, of values in the order in which they were logged.
pub fn newest<'a>(values: impl IntoIterator<Item = &'a MetricValue>) -> BTreeMap<&'a str, &'a MetricValue> {
    let mut newest: BTreeMap<&str, &MetricValue> = BTreeMap::new();
    for value in values.into_iter().filter(|value| value.number().is_some()) {
        let known = newest.entry(&value.name).or_insert(value);
        if is_newer(value, known) {
            *known = value;
        }
    }
    newest
}

/// The answer to a submission whose id belongs to a run that was submitted with something else.
#[must_use]
pub fn other_submission(id: &RunId) -> StoreError {
    StoreError::Conflict(format!(
        "run `{id}` is there already and was submitted differently: submit with a new id"
    ))
}

/// The answer to a question for an environment that is not registered.
#[must_use]
pub fn no_environment(name: &str, version: Option<u32>) -> StoreError {
    let name = version.map_or_else(|| name.to_owned(), |version| format!("{name}:{version}"));
    StoreError::NotFound {
        what: "environment",
        name,
    }
}

/// The answer to attaching a target under a name that is taken.
#[must_use]
pub fn target_name_taken(name: &str) -> StoreError {
    StoreError::Conflict(format!("there is a compute target `{name}` already"))
}

/// The answer to attaching a target under an id that is taken.
#[must_use]
pub fn target_id_taken(id: &str) -> StoreError {
    StoreError::Conflict(format!("there is a compute target with the id `{id}` already"))
}

/// The answer to a question for a target that is not there.
#[must_use]
pub fn no_target(name: &str) -> StoreError {
    StoreError::NotFound {
        what: "compute target",
        name: name.to_owned(),
    }
}

/// The answer to deploying a service under a name that is taken.
#[must_use]
pub fn service_name_taken(name: &str) -> StoreError {
    StoreError::Conflict(format!("there is a web service `{name}` already"))
}

/// The answer to deploying a service under an id that is taken.
#[must_use]
pub fn service_id_taken(id: &RunId) -> StoreError {
    StoreError::Conflict(format!("there is a web service with the id `{id}` already"))
}

/// The answer to a question for a service that is not there.
#[must_use]
pub fn no_service(name: &str) -> StoreError {
    StoreError::NotFound {
        what: "web service",
        name: name.to_owned(),
    }
}

/// What entries of the address book are compared and sorted by.
#[must_use]
pub fn address_key(resource_id: &str) -> String {
    resource_id.to_ascii_lowercase()
}

/// A [`RunFilter`] that was read and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunQuery<'a> {
    /// Only this workspace.
    pub workspace: Option<&'a str>,
    /// Only this experiment.
    pub experiment: Option<&'a str>,
    /// Only this target.
    pub target: Option<&'a str>,
    /// Only this state.
    pub state: Option<RunState>,
    /// Only runs that have a tag of this name, and of this value where one is given.
    pub tag: Option<(&'a str, Option<&'a str>)>,
    /// Only children of the run with exactly this id; only runs that are no children when absent.
    pub parent: Option<&'a str>,
    /// Children too, where no parent is given.
    pub children: bool,
    /// At most so many; all when absent.
    pub limit: Option<u32>,
}

impl<'a> RunQuery<'a> {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when its state is no state of a run.
    pub fn new(filter: &'a RunFilter) -> Result<Self, StoreError> {
        let state = match &filter.state {
            None => None,
            Some(name) => {
                let parsed = name.parse::<RunState>();
                Some(parsed.map_err(|_| StoreError::NotFound {
                    what: "run state",
                    name: name.clone(),
                })?)
            }
        };
        Ok(Self {
            workspace: filter.workspace.as_deref(),
            experiment: filter.experiment.as_deref(),
            target: filter.target.as_deref(),
            state,
            tag: filter.tag.as_deref().map(|tag| match tag.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (tag, None),
            }),
            parent: filter.parent.as_deref(),
            children: filter.children == Some(true),
            limit: filter.limit.filter(|limit| *limit > 0),
        })
    }

    /// Whether a run is meant (the limit aside).
    #[must_use]
    pub fn matches(&self, run: &Run) -> bool {
        let same = |wanted: Option<&str>, actual: &str| wanted.is_none_or(|wanted| wanted == actual);
        same(self.workspace, &run.workspace)
            && same(self.experiment, &run.experiment)
            && same(self.target, &run.target)
            && self.state.is_none_or(|state| state == run.state)
            && self
                .tag
                .is_none_or(|(name, value)| run.tags.get(name).is_some_and(|actual| same(value, actual)))
            && ((self.children && self.parent.is_none())
                || self.parent == run.parent.as_ref().map(RunId::as_str))
    }
}

#[cfg(test)]
mod tests {
    use outhaul_types::MetricKind;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_tag_filter_is_split_at_its_first_equals_sign() {
        for (text, tag) in [
            ("k", ("k", None)),
            ("k=v", ("k", Some("v"))),
            ("k=", ("k", Some(""))),
            ("k=a=b", ("k", Some("a=b"))),
            ("=v", ("", Some("v"))),
        ] {
            let filter = RunFilter {
                tag: Some(text.into()),
                ..RunFilter::default()
            };
            assert_eq!(RunQuery::new(&filter).unwrap().tag, Some(tag), "{text}");
        }
    }

    #[test]
    fn a_limit_of_0_is_none_and_states_are_read_in_any_case() {
        let filter = RunFilter {
            limit: Some(0),
            state: Some("running".into()),
            ..RunFilter::default()
        };
        let query = RunQuery::new(&filter).unwrap();
        assert_eq!((query.limit, query.state), (None, Some(RunState::Running)));
        let filter = RunFilter {
            state: Some("Runing".into()),
            ..RunFilter::default()
        };
        assert_eq!(
            RunQuery::new(&filter).unwrap_err().to_string(),
            "there is no run state `Runing`"
        );
    }

    #[test]
    fn the_newest_number_is_that_of_the_highest_step_then_time_then_value() {
        let value = |value: Value, step: Option<i64>, time: f64| MetricValue {
            name: "m".into(),
            kind: MetricKind::Scalar,
            value,
            step,
            time,
        };
        for (values, newest_one) in [
            (
                vec![value(json!(1), Some(2), 1.0), value(json!(2), Some(1), 9.0)],
                0,
            ),
            (
                vec![value(json!(1), None, 1.0), value(json!(2), Some(-1), 9.0)],
                0,
            ),
            (vec![value(json!(1), None, 1.0), value(json!(2), Some(0), 1.0)], 1),
            (vec![value(json!(1), Some(0), 2.0), value(json!(2), None, 1.0)], 0),
            (vec![value(json!(2), None, 1.0), value(json!(1.5), None, 1.0)], 0),
            (
                vec![
                    value(json!("NaN"), None, 1.0),
                    value(json!("Infinity"), None, 1.0),
                ],
                0,
            ),
            (
                vec![value(json!(1), None, 1.0), value(json!("red"), Some(9), 9.0)],
                0,
            ),
            (vec![value(json!(0), None, 1.0), value(json!(true), None, 1.0)], 1),
            (vec![value(json!(1), None, 1.0), value(json!(1.0), None, 1.0)], 1),
        ] {
            let found = newest(&values);
            assert!(
                std::ptr::eq(found["m"], &raw const values[newest_one]),
                "{values:?}: {found:?}"
            );
        }
        assert!(newest(&[value(json!("red"), None, 1.0)]).is_empty());
    }

    #[test]
    fn metrics_begin_where_the_last_ones_ended() {
        let id: RunId = "k3v9x2m4q7t0b8wz".parse().unwrap();
        for (ingested, from, to, ok) in [
            (0, 0, 0, true),
            (0, 0, 9, true),
            (9, 9, 10, true),
            (9, 0, 10, false),
            (9, 10, 11, false),
            (9, 9, 8, false),
        ] {
            let batch = MetricBatch {
                from,
                to,
                values: vec![],
            };
            assert_eq!(
                check_metrics(&id, ingested, &batch).is_ok(),
                ok,
                "{ingested} {from} {to}"
            );
        }
    }
}
