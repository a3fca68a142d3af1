//! Asking the scheduler about all jobs at once, and not too often.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use outhaul_driver::DriverError;
use outhaul_host::staging::StagingDriver;
use tokio::sync::Mutex;

use crate::native::JobId;
use crate::parse::{ENDED, JobState, QUEUE, jobs};
use crate::refusal::refusal;

/// How long an answer of the queue is believed. Controllers are shared by many, and count who asks too often.
const BELIEVED: Duration = Duration::from_millis(1500);

/// The queue as it was seen last.
#[derive(Default)]
pub(crate) struct Queue {
    seen: Mutex<Option<(Instant, HashMap<JobId, JobState>)>>,
}

impl Queue {
    /// What the scheduler says of these jobs; one that it does not know any more is left out.
    pub(crate) async fn look(
        &self,
        host: &dyn StagingDriver,
        wanted: &[JobId],
    ) -> Result<HashMap<JobId, JobState>, DriverError> {
        let mut seen = self.seen.lock().await;
        let fresh = seen.as_ref().is_some_and(|(at, known)| {
            // A job that was submitted after the last look is not missing.
            at.elapsed() < BELIEVED && wanted.iter().all(|job| known.contains_key(job))
        });
        if !fresh {
            *seen = Some((Instant::now(), ask(host).await?));
        }
        let known = seen.as_ref().map(|(_, known)| known);
        let mut found: HashMap<JobId, JobState> = wanted
            .iter()
            .filter_map(|job| Some((*job, known?.get(job)?.clone())))
            .collect();
        drop(seen);
        let missing: Vec<String> = wanted
            .iter()
            .filter(|job| !found.contains_key(job))
            .map(ToString::to_string)
            .collect();
        found.extend(self.details(host, &missing).await?);
        Ok(found)
    }

    /// All that the scheduler and its accounting say of single jobs: how ended ones ended, too.
    pub(crate) async fn details(
        &self,
        host: &dyn StagingDriver,
        jobs_wanted: &[String],
    ) -> Result<HashMap<JobId, JobState>, DriverError> {
        if jobs_wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let script = ENDED.replace("JOBS", &jobs_wanted.join(" "));
        let (_, text) = host.script("ask the scheduler for ended jobs", &script).await?;
        Ok(jobs(&text))
    }

    /// Forgets what was seen: something was changed.
    pub(crate) async fn forget(&self) {
        *self.seen.lock().await = None;
    }
}

async fn ask(host: &dyn StagingDriver) -> Result<HashMap<JobId, JobState>, DriverError> {
    const OPERATION: &str = "ask the scheduler how its jobs are";
    let (status, text) = host.script(OPERATION, QUEUE).await?;
    if status != 0 {
        return Err(refusal(OPERATION, &text));
    }
    Ok(jobs(&text))
}
