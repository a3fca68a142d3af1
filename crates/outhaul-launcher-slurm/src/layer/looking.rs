//! Looking at runs: the run directories and the scheduler are asked, and what they say is put together.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use outhaul_driver::{DriverError, NativeId, Observation, Phase};
use outhaul_host::run_dir::quote;
use outhaul_host::staging::StagingDriver;
use outhaul_types::Exit;

use super::{Slurm, lock};
use crate::adopted;
use crate::evidence::{combine, is_over, is_requeued, needs_scheduler, with_log};
use crate::native::{Job, JobId};
use crate::parse::JobState;

/// How long a record of the end may take through a shared file system, after the scheduler says that the job is over.
const PATIENCE: Duration = Duration::from_secs(15);

impl<D: StagingDriver> Slurm<D> {
    /// Where runs are, by their directories and the scheduler; and jobs that others submitted, by the scheduler alone.
    pub(super) async fn look_at(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        let (jobs, adopted): (Vec<Job>, Vec<JobId>) = {
            let released = lock(&self.released);
            let jobs = ids.iter().filter_map(Job::of);
            (
                jobs.filter(|job| !released.contains(&job.id)).collect(),
                ids.iter().filter_map(adopted::of).collect(),
            )
        };
        let all: Vec<&Job> = jobs.iter().collect();
        for job in &jobs {
            lock(&self.met).insert(job.key.to_string(), job.id);
        }
        let mut on_host = self.on_host(&all).await?;
        let asked: Vec<&Job> = all
            .into_iter()
            .filter(|job| needs_scheduler(on_host.get(job.key.as_str())))
            .collect();
        let mut states = HashMap::new();
        if !asked.is_empty() {
            let ids: Vec<JobId> = asked.iter().map(|job| job.id).collect();
            states = self.queue.look(&self.host, &ids).await?;
            // The directory was read before the scheduler: a job that is over may have left its record in between.
            let again: Vec<&Job> = asked
                .into_iter()
                .filter(|job| is_over(states.get(&job.id)))
                .collect();
            on_host.extend(self.on_host(&again).await?);
        }
        let mut found = self.observe_adopted(&adopted).await?;
        for job in &jobs {
            let seen = on_host.remove(job.key.as_str());
            let state = states.get(&job.id);
            let needs = needs_scheduler(seen.as_ref());
            let patient = needs && self.is_patient(job.id, state, seen.as_ref());
            let is_requeued = needs && !patient && is_requeued(seen.as_ref(), state);
            let mut combined = combine(job, seen, state, patient);
            if is_requeued {
                // It would only find its run started.
                let script = format!("scancel {} 2> /dev/null; :", job.id);
                self.host.script("take the job from the queue", &script).await?;
            }
            if let Some(Observation {
                phase: Phase::Ended { exit, .. },
                ..
            }) = &mut combined
                && needs
            {
                *exit = self.why_stopped(job, exit.clone()).await?;
            }
            found.extend(combined);
        }
        Ok(found)
    }

    /// How these runs are by the host.
    async fn on_host(&self, jobs: &[&Job]) -> Result<HashMap<String, Observation>, DriverError> {
        if jobs.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<NativeId> = jobs.iter().map(|job| job.on_host()).collect();
        let seen = self.host.observe(&ids).await?;
        Ok(seen.into_iter().map(|seen| (seen.id.0.clone(), seen)).collect())
    }

    /// A better word for a stop or an end by signal: our own request, or what the scheduler wrote into the job's log.
    async fn why_stopped(&self, job: &Job, exit: Exit) -> Result<Exit, DriverError> {
        if lock(&self.ended_by_us).contains(&job.id) {
            return Ok(match exit {
                Exit::Stopped { .. } => Exit::Code { code: 128 + 9 },
                other => other,
            });
        }
        let script = format!(
            "tail -c 2000 {}/slurm.log 2> /dev/null; :",
            quote(&self.places().run_dir(&job.key))
        );
        let (_, said) = self.host.script("read the job's log", &script).await?;
        Ok(with_log(exit, &said))
    }

    /// Whether the run directory may still come to say what the scheduler says: a record that is missing may be on its
    /// way, and a job that waits again may have been seen before it began.
    fn is_patient(&self, job: JobId, state: Option<&JobState>, seen: Option<&Observation>) -> bool {
        // Nothing is on its way from a job that never had a machine.
        let had_machine = seen.is_some() || state.is_some_and(|state| !state.nodes.is_empty());
        let differs = had_machine && (is_over(state) || is_requeued(seen, state));
        let mut over = lock(&self.over);
        if !differs {
            over.remove(&job);
            return false;
        }
        let since = *over.entry(job).or_insert_with(Instant::now);
        since.elapsed() < PATIENCE
    }

    /// Whether the scheduler knew a job until a moment ago.
    fn is_forgotten_lately(&self, job: JobId) -> bool {
        let mut over = lock(&self.over);
        over.entry(job).or_insert_with(Instant::now).elapsed() < PATIENCE
    }

    /// What is said of jobs that others submitted.
    async fn observe_adopted(&self, jobs: &[JobId]) -> Result<Vec<Observation>, DriverError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let mut states = self.queue.look(&self.host, jobs).await?;
        let short: Vec<String> = jobs
            .iter()
            .filter(|job| states.get(job).is_some_and(adopted::needs_details))
            .map(ToString::to_string)
            .collect();
        states.extend(self.queue.details(&self.host, &short).await?);
        // The sizes after the states: a log does not grow any more once its job is over.
        let script = adopted::sizes(&self.places().adopted(), jobs);
        let (_, sizes) = self.host.script("look at the job's logs", &script).await?;
        let observation = |job: &JobId| {
            let state = states.get(job);
            let patient = state.is_none() && self.is_forgotten_lately(*job);
            let phase = adopted::phase(state, lock(&self.ended_by_us).contains(job), patient);
            adopted::observation(*job, phase, state.and_then(|state| state.ran), &sizes)
        };
        Ok(jobs.iter().map(observation).collect())
    }
}
