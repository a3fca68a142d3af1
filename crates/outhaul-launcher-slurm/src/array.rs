//! Runs of an array as one array of jobs: which go into one call, what it is called, and how its answer is read. Pure.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use outhaul_driver::{DriverError, ErrorKind};
use outhaul_types::RunKey;

use crate::collector::{Answer, Element};
use crate::native::JobId;
use crate::refusal::refusal;

/// How many runs go into one call at most, so that the words of the call stay few.
const MOST: usize = 1000;

/// Parts that can each be one array of jobs: no index twice (a run may be repeated while the first one waits), not too
/// many, one batch script.
pub(crate) fn parts(elements: Vec<Element>) -> Vec<Vec<Element>> {
    let mut parts: Vec<Vec<Element>> = Vec::new();
    for element in elements {
        let fits = |part: &Vec<Element>| {
            part.len() < MOST
                && part
                    .iter()
                    .all(|other| other.index != element.index && other.batch == element.batch)
        };
        match parts.iter_mut().find(|part| fits(part)) {
            Some(part) => part.push(element),
            None => parts.push(vec![element]),
        }
    }
    parts
}

/// The name of an array of jobs: the same for the same runs.
pub(crate) fn name(elements: &[(RunKey, u32)], array: &str) -> String {
    let mut hasher = DefaultHasher::new();
    elements.hash(&mut hasher);
    format!("{array}-{:08x}", hasher.finish() & 0xffff_ffff)
}

/// What came of each run, by what the script answered.
pub(crate) fn answers(
    operation: &'static str,
    elements: &[(RunKey, u32)],
    text: &str,
) -> HashMap<RunKey, Answer> {
    let mut known: HashMap<&str, &str> = HashMap::new();
    let mut number = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["element", key, what] => drop(known.insert(key, what)),
            ["array", found] => number = found.trim().parse::<u64>().ok(),
            _ => {}
        }
    }
    let refused = text.find("refused ").map(|at| &text[at + "refused ".len()..]);
    let answer = |key: &RunKey, index: u32| match known.get(key.as_str()) {
        Some(&"canceled") => Err(DriverError::permanent(
            ErrorKind::Refused,
            operation,
            "it was canceled before it started",
        )),
        Some(job) => JobId::parse(job).ok_or_else(|| strange(operation, job)),
        None => match (number, refused) {
            (Some(number), _) => Ok(JobId {
                number,
                index: Some(index),
            }),
            (None, Some(why)) => Err(refusal(operation, why)),
            (None, None) => Err(strange(operation, text.trim_end())),
        },
    };
    elements
        .iter()
        .map(|(key, index)| (key.clone(), answer(key, *index)))
        .collect()
}

/// Whether the scheduler takes no array of these indexes: its `MaxArraySize` is too small.
pub(crate) fn is_too_large(text: &str) -> bool {
    text.to_lowercase().contains("invalid job array specification")
}

fn strange(operation: &'static str, text: &str) -> DriverError {
    let shown: String = text.chars().take(300).collect();
    DriverError::temporary(
        ErrorKind::Target,
        operation,
        format!("the target answered `{shown}`"),
    )
}

/// The same error for another run.
pub(crate) fn copy(error: &DriverError) -> DriverError {
    DriverError {
        kind: error.kind,
        status: error.status,
        operation: error.operation,
        message: error.message.clone(),
        hint: error.hint.clone(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use outhaul_types::RunId;

    use super::*;

    #[test]
    fn each_run_has_its_answer() {
        let keys: Vec<(RunKey, u32)> = (0..4)
            .map(|index| (RunId::generate().unwrap().key(1), index))
            .collect();
        let text = format!(
            "motd\nelement {} 7_0\nelement {} canceled\narray 9\n",
            keys[0].0, keys[1].0
        );
        let found = answers("submit", &keys, &text);
        let shown = |place: usize| found[&keys[place].0].as_ref().map(ToString::to_string).ok();
        assert_eq!(shown(0).as_deref(), Some("7_0"), "submitted before");
        assert_eq!(shown(1), None);
        assert_eq!(
            (shown(2).as_deref(), shown(3).as_deref()),
            (Some("9_2"), Some("9_3"))
        );

        let text = format!(
            "element {} 7_0\nrefused sbatch: error: Batch job submission failed: Invalid partition name specified\n",
            keys[0].0
        );
        let found = answers("submit", &keys, &text);
        assert!(found[&keys[0].0].is_ok());
        let error = found[&keys[1].0].as_ref().unwrap_err();
        assert_eq!((error.kind, error.is_temporary()), (ErrorKind::Invalid, false));
        // A connection that broke in between: nobody knows.
        let error = answers("submit", &keys, "")
            .remove(&keys[0].0)
            .unwrap()
            .unwrap_err();
        assert!(error.is_temporary(), "{error}");
    }

    #[test]
    fn the_same_runs_have_the_same_name() {
        let key = RunId::generate().unwrap().key(1);
        let one = [(key.clone(), 1)];
        assert_eq!(name(&one, "a"), name(&one, "a"));
        assert_ne!(name(&one, "a"), name(&[(key, 2)], "a"));
    }
}
