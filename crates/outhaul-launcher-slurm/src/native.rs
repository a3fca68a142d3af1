//! Native ids of batch jobs: the scheduler's number and the run's key, so that neither has to be looked up.

use outhaul_driver::NativeId;
use outhaul_types::RunKey;

const PREFIX: &str = "slurm:";

/// A batch job of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// The scheduler's number.
    pub(crate) number: u64,
    /// The run.
    pub(crate) key: RunKey,
}

impl Job {
    pub(crate) fn native(&self) -> NativeId {
        NativeId(format!("{PREFIX}{}:{}", self.number, self.key))
    }

    /// The job of a native id.
    pub(crate) fn of(id: &NativeId) -> Option<Self> {
        let (number, key) = id.0.strip_prefix(PREFIX)?.split_once(':')?;
        Some(Self {
            number: number.parse().ok()?,
            key: parse_key(key)?,
        })
    }

    /// The id by which the host knows the run.
    pub(crate) fn on_host(&self) -> NativeId {
        NativeId(self.key.to_string())
    }
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
        let job = Job {
            number: 12345,
            key: RunId::generate().unwrap().key(2),
        };
        assert_eq!(Job::of(&job.native()), Some(job.clone()));
        for text in ["", "12345", "slurm:1", "slurm:x:abc-1", &job.key.to_string()] {
            assert_eq!(Job::of(&NativeId(text.to_owned())), None, "{text}");
        }
    }
}
