//! How values lie in columns: JSON with its format number, times, sizes and flags.

use jiff::Timestamp;
use outhaul_store::StoreError;
use outhaul_types::{FailureClass, NewRun, Run, RunSpec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Result};

/// The format of the JSON that this version writes. A change that makes older JSON unreadable by serde alone
/// adds one here and a step to [`read`].
pub(crate) const FORMAT: i64 = 1;

/// Writes a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Fault::damaged("a value to be stored", &error))
}

/// Reads JSON that was written in `format`; `what` names it in an error.
pub(crate) fn read<T: DeserializeOwned>(what: impl Fn() -> String, format: i64, text: &str) -> Result<T> {
    if format > FORMAT {
        return Err(StoreError::NewerVersion {
            found: format,
            known: FORMAT,
        }
        .into());
    }
    serde_json::from_str(text).map_err(|error| Fault::damaged(what(), &error))
}

/// The run's record without its spec, which is stored once with the submission.
pub(crate) fn record(run: &mut Run) -> Result<String> {
    let spec = run.spec.take();
    let text = json(&run);
    run.spec = spec;
    text
}

/// The part of a submission that a record lacks.
#[derive(Deserialize)]
struct SpecOfSubmission {
    spec: Option<RunSpec>,
}

/// A run from the four columns `id`, `record` with its format, `submission` with its format.
pub(crate) fn run(id: &str, record: (i64, &str), submission: (i64, &str)) -> Result<Run> {
    let mut run: Run = read(|| format!("the record of run `{id}`"), record.0, record.1)?;
    let what = || format!("the submission of run `{id}`");
    run.spec = read::<SpecOfSubmission>(what, submission.0, submission.1)?.spec;
    Ok(run)
}

/// What was submitted.
pub(crate) fn submission(id: &str, format: i64, text: &str) -> Result<NewRun> {
    read(|| format!("the submission of run `{id}`"), format, text)
}

/// Nanoseconds since 1970; a time beyond the year 2262 is kept as the last that fits.
pub(crate) fn nanos(at: Timestamp) -> i64 {
    let nanos = at.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// The time of a column.
pub(crate) fn time(nanos: i64) -> Result<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanos)).map_err(|error| Fault::damaged("a time", &error))
}

/// An unsigned number as a column holds it; beyond 2^63 it is kept as the last that fits.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An unsigned number of a column.
pub(crate) fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|error| Fault::damaged("a number", &error))
}

/// A failure class by its name.
pub(crate) fn failure_class(name: &str) -> Result<FailureClass> {
    use FailureClass::{Environment, System, Target, User};
    let mut all = [User, Environment, Target, System].into_iter();
    all.find(|class| class.to_string() == name)
        .ok_or_else(|| Fault::damaged("a failure class", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_to_the_nanosecond() {
        for text in [
            "1969-12-31T23:59:59.999999999Z",
            "2026-11-23T13:00:00.123456789Z",
            "2262-04-11T00:00:00Z",
        ] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!(time(nanos(at)).unwrap(), at);
        }
        assert_eq!(nanos(Timestamp::MAX), i64::MAX);
    }

    #[test]
    fn failure_classes_read_back() {
        for class in [
            FailureClass::User,
            FailureClass::Environment,
            FailureClass::Target,
            FailureClass::System,
        ] {
            assert_eq!(failure_class(&class.to_string()).unwrap(), class);
        }
        assert!(failure_class("nobody").is_err());
    }

    #[test]
    fn json_of_a_newer_format_is_refused() {
        let error = read::<u32>(|| "x".into(), FORMAT + 1, "1").unwrap_err();
        assert!(matches!(StoreError::from(error), StoreError::NewerVersion { .. }));
    }
}
