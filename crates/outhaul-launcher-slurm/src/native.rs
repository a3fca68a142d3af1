//! Native ids of batch jobs: the scheduler's number and the run's key, so that neither has to be looked up. A job that
//! was submitted by somebody else has no key.

use std::fmt;

use outhaul_driver::NativeId;
use outhaul_types::RunKey;

const PREFIX: &str = "slurm:";

/// The scheduler's name of a job: `12345`, or `12345_7` for an element of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId {
    /// The number, of the whole array for an element of one.
    pub(crate) number: u64,
    /// The element's index.
    pub(crate) index: Option<u32>,
}

impl JobId {
    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (number, index) = match text.split_once('_') {
            None => (text, None),
            Some((number, index)) => (number, Some(index)),
        };
        if !digits(number) || !index.is_none_or(digits) {
            return None;
        }
        Some(Self {
            number: number.parse().ok()?,
            index: index.map(str::parse).transpose().ok()?,
        })
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            None => write!(f, "{}", self.number),
            Some(index) => write!(f, "{}_{index}", self.number),
        }
    }
}

/// A batch job of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// The scheduler's name.
    pub(crate) id: JobId,
    /// The run.
    pub(crate) key: RunKey,
}

impl Job {
    pub(crate) fn native(&self) -> NativeId {
        NativeId(format!("{PREFIX}{}:{}", self.id, self.key))
    }

    /// The job of a native id.
    pub(crate) fn of(id: &NativeId) -> Option<Self> {
        let (job, key) = id.0.strip_prefix(PREFIX)?.split_once(':')?;
        Some(Self {
            id: JobId::parse(job)?,
            key: parse_key(key)?,
        })
    }

    /// The id by which the host knows the run.
    pub(crate) fn on_host(&self) -> NativeId {
        NativeId(self.key.to_string())
    }
}

/// The native id of a job that somebody else submitted.
pub(crate) fn adopted(id: JobId) -> NativeId {
    NativeId(format!("{PREFIX}{id}"))
}

/// The job that somebody else submitted, of a native id.
pub(crate) fn adopted_of(id: &NativeId) -> Option<JobId> {
    JobId::parse(id.0.strip_prefix(PREFIX)?)
}

/// A run's key from its text.
pub(crate) fn parse_key(text: &str) -> Option<RunKey> {
    RunKey::parse(text).map(|(id, attempt)| id.key(attempt))
}

#[cfg(test)]
mod tests {
    use outhaul_types::RunId;

    use super::*;

    #[test]
    fn ids_go_there_and_back() {
        for text in ["12345", "12345_7"] {
            let job = Job {
                id: JobId::parse(text).unwrap(),
                key: RunId::generate().unwrap().key(2),
            };
            assert_eq!(job.id.to_string(), text);
            assert_eq!(Job::of(&job.native()), Some(job.clone()));
            assert_eq!(adopted_of(&job.native()), None);
            assert_eq!(adopted_of(&adopted(job.id)), Some(job.id));
            assert_eq!(Job::of(&adopted(job.id)), None);
        }
        for text in ["", "12345", "slurm:1", "slurm:x:abc-1", "slurm:1:2"] {
            assert_eq!(Job::of(&NativeId(text.to_owned())), None, "{text}");
        }
        for text in ["", "_", "1_", "_1", "1_2_3", "+1", "1 ", "12345_[0-3]", "1.batch"] {
            assert_eq!(JobId::parse(text), None, "{text}");
        }
    }
}
