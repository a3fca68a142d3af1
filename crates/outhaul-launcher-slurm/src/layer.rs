//! The layer: each method of the contract, by the host and its scheduler.

mod looking;
mod submission;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use outhaul_driver::{
    Capabilities, ChangeFeed, Collected, Driver, DriverError, EnvironmentRequest, ErrorKind, LogRead,
    LogSink, NativeId, NativeJob, NativeRequest, Observation, OutputSink, PreparedEnvironment, Problem,
    TargetLog, change_feed,
};
use outhaul_host::launcher;
use outhaul_host::run_dir::Launcher;
use outhaul_host::staging::StagingDriver;
use outhaul_types::{ArrayElement, Check, Run, RunKey, RunSpec};

use crate::adopted::{self, Found};
use crate::batch::{self, Place};
use crate::collector::Collector;
use crate::native::{Job, JobId, parse_key};
use crate::queue::Queue;
use crate::refusal::refusal;
use crate::script::{self, Places};

const SUBMIT: &str = "submit the job";
/// How many runs at once, unless told otherwise: queueing is the scheduler's business.
const SLOTS: u32 = 1000;

/// How jobs are submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlurmOptions {
    /// Partition of runs that name none; the cluster's default when absent.
    pub partition: Option<String>,
    /// Account; the user's default when absent.
    pub account: Option<String>,
    /// Quality of service; the account's default when absent.
    pub qos: Option<String>,
    /// How many runs at once; 1000 when it is 0.
    pub slots: u32,
}

/// A driver of a host from which jobs are submitted.
pub struct Slurm<D> {
    host: D,
    options: SlurmOptions,
    queue: Queue,
    /// Runs of arrays that wait for others of theirs.
    collector: Collector,
    /// The jobs of runs that were met.
    met: Arc<Mutex<HashMap<String, JobId>>>,
    /// When the scheduler first said of a job that it is over, while its record was missing.
    over: Mutex<HashMap<JobId, Instant>>,
    /// Jobs that we were asked to end.
    ended_by_us: Mutex<HashSet<JobId>>,
    /// Jobs of released runs, which the queue shows for a while.
    released: Mutex<HashSet<JobId>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: StagingDriver> Slurm<D> {
    /// The host's driver with its scheduler. Nothing is asked yet.
    pub fn new(host: D, options: SlurmOptions) -> Self {
        Self {
            host,
            options,
            queue: Queue::default(),
            collector: Collector::default(),
            met: Arc::default(),
            over: Mutex::default(),
            ended_by_us: Mutex::default(),
            released: Mutex::default(),
        }
    }

    fn places(&self) -> Places {
        Places {
            runs: self.host.layout().runs,
        }
    }

    /// Asks a script that answers `job ID`, `none`, `canceled` or `refused WHY`.
    async fn job(
        &self,
        operation: &'static str,
        key: &RunKey,
        script: &str,
    ) -> Result<Option<Job>, DriverError> {
        let (_, text) = self.host.script(operation, script).await?;
        let answer = text.trim_end();
        let last = answer.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
        if let Some(id) = last
            .strip_prefix("job ")
            .and_then(|text| JobId::parse(text.trim()))
        {
            let job = Job { id, key: key.clone() };
            lock(&self.met).insert(key.to_string(), id);
            return Ok(Some(job));
        }
        if let Some(at) = answer.find("refused ") {
            return Err(refusal(operation, &answer[at + "refused ".len()..]));
        }
        match last {
            "none" => Ok(None),
            "canceled" => Err(DriverError::permanent(
                ErrorKind::Refused,
                operation,
                "it was canceled before it started",
            )),
            other => Err(DriverError::temporary(
                ErrorKind::Target,
                operation,
                format!("the target answered `{other}`"),
            )),
        }
    }
}

#[async_trait]
impl<D: StagingDriver> Driver for Slurm<D> {
    fn kind(&self) -> &'static str {
        "slurm"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            adopts: true,
            // Jobs have an end, and where one runs nobody knows before.
            services: false,
            default_slots: Some(match self.options.slots {
                0 => SLOTS,
                slots => slots,
            }),
            ..self.host.capabilities()
        }
    }

    fn validate(&self, spec: &RunSpec) -> Vec<Problem> {
        let mut found: Vec<Problem> = launcher::without_spark(spec).into_iter().collect();
        if spec.environment.docker.is_some() {
            found.push(Problem {
                message: "the environment asks for a container, and a Slurm target starts none".to_owned(),
                hint: Some(
                    "leave `docker` out of the environment, or use a target with a Docker engine".to_owned(),
                ),
            });
        }
        if spec.resources.nodes == Some(0) {
            found.push(Problem {
                message: "a run cannot go on 0 machines".to_owned(),
                hint: Some("leave `--nodes` out for one machine".to_owned()),
            });
        }
        found
    }

    fn plan(&self, run: &Run, attempt: u32, environment: &PreparedEnvironment) -> NativeRequest {
        let sdk = self.host.layout().sdk;
        let mut launch = launcher::launch(run, attempt, environment, Path::new(&sdk));
        let resources = run
            .spec
            .as_ref()
            .map(|spec| spec.resources.clone())
            .unwrap_or_default();
        launch.argv = batch::on_nodes(launch.argv, &resources);
        let mut request = launcher::request(run, attempt, launch);
        let limit = run.spec.as_ref().and_then(|spec| spec.max_duration_seconds);
        let places = self.places();
        let (run_dir, folder) = (places.run_dir(&request.run_key), places.arrays());
        let indexes = request.array.as_ref().and_then(ArrayElement::indexes);
        let name = request.array.as_ref().map(|array| array.id.to_string());
        let place = match (&indexes, &name) {
            (Some(indexes), Some(name)) => Place::Array {
                name,
                folder: &format!("{folder}/{name}"),
                indexes: indexes.range(),
            },
            _ => Place::Run {
                key: &request.run_key,
                run_dir: &run_dir,
            },
        };
        request.batch = Some(batch::script(place, &resources, &self.options, limit));
        request
    }

    async fn check(&self) -> Result<Vec<Check>, DriverError> {
        let mut checks = self.host.check().await?;
        checks.extend(crate::check::check(&self.host, &self.options).await?);
        Ok(checks)
    }

    async fn environment_ready(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Option<PreparedEnvironment>, DriverError> {
        self.host.environment_ready(request).await
    }

    async fn prepare_environment(
        &self,
        request: &EnvironmentRequest,
        log: &dyn LogSink,
    ) -> Result<PreparedEnvironment, DriverError> {
        self.host.prepare_environment(request, log).await
    }

    async fn submit(&self, request: &NativeRequest) -> Result<NativeId, DriverError> {
        let batch = request.batch.as_ref().ok_or_else(|| {
            DriverError::permanent(ErrorKind::System, SUBMIT, "the request has no batch script")
        })?;
        let key = &request.run_key;
        self.host.stage(request, Launcher::Cluster).await?;
        let submitted = match &request.array {
            None => self.submit_alone(key, batch).await,
            Some(array) => self.submit_element(key, batch, array).await,
        };
        self.queue.forget().await;
        let key = key.clone();
        submitted.map(|id| Job { id, key }.native())
    }

    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        let script = self.places().find(run_key);
        let job = self.job("look for the job", run_key, &script).await?;
        Ok(job.map(|job| job.native()))
    }

    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        const OPERATION: &str = "keep the job from starting";
        self.host.prevent(run_key).await?;
        let script = self.places().prevent(run_key);
        let (status, text) = self.host.script(OPERATION, &script).await?;
        if status == 0 && !text.contains("refused ") {
            return Ok(());
        }
        Err(refusal(OPERATION, &text))
    }

    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        self.look_at(ids).await
    }

    async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        if let Some(job) = Job::of(id) {
            return self.host.read_log(&job.on_host(), log, offset, max).await;
        }
        let folder = self.places().adopted();
        let script = adopted::of(id).and_then(|job| adopted::piece(&folder, job, log, offset, max));
        let Some(script) = script else {
            return Ok(LogRead::default());
        };
        let (_, text) = self.host.script("read the job's log", &script).await?;
        let bytes = adopted::bytes(&text);
        Ok(LogRead { bytes })
    }

    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        const OPERATION: &str = "cancel the job";
        let job = match Job::of(id) {
            Some(job) => {
                // The mark first: it reaches a process that is only about to start.
                self.host.prevent(&job.key).await?;
                job.id
            }
            None => match adopted::of(id) {
                Some(job) => job,
                None => return Ok(()),
            },
        };
        lock(&self.ended_by_us).insert(job);
        let script = script::cancel(&job.to_string(), grace.as_millis().div_ceil(1000));
        let (status, text) = self.host.script(OPERATION, &script).await?;
        self.queue.forget().await;
        if status == 0 {
            return Ok(());
        }
        Err(refusal(OPERATION, &text))
    }

    async fn collect_outputs(&self, id: &NativeId, sink: &dyn OutputSink) -> Result<Collected, DriverError> {
        match Job::of(id) {
            Some(job) => self.host.collect_outputs(&job.on_host(), sink).await,
            None => Ok(Collected::default()),
        }
    }

    async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        if let Some(job) = adopted::of(id) {
            let script = adopted::forget(&self.places().adopted(), job);
            self.host.script("forget the job", &script).await?;
            lock(&self.over).remove(&job);
            return Ok(());
        }
        let Some(job) = Job::of(id) else {
            // A run that was ended before it was known to be submitted has no other id than its key.
            if let Some(key) = parse_key(&id.0) {
                lock(&self.met).remove(key.as_str());
            }
            return self.host.release(id).await;
        };
        lock(&self.met).remove(job.key.as_str());
        lock(&self.over).remove(&job.id);
        if job.id.index.is_some() {
            let script = self.places().leave_array(&job.key);
            self.host.script("clean up after the run", &script).await?;
        }
        self.host.release(&job.on_host()).await?;
        lock(&self.released).insert(job.id);
        Ok(())
    }

    async fn detach(&self) -> Result<Vec<String>, DriverError> {
        self.host.detach().await
    }

    async fn job(&self, native: &str) -> Result<Option<NativeJob>, DriverError> {
        const OPERATION: &str = "look for the job";
        let job = adopted::named(native).ok_or_else(|| {
            let message = format!("`{native}` is no job of Slurm");
            DriverError::permanent(ErrorKind::Invalid, OPERATION, message)
                .with_hint("it looks like `12345`, or `12345_7` for a job of an array")
        })?;
        let (_, text) = self.host.script(OPERATION, &adopted::question(job)).await?;
        match adopted::read(job, &text) {
            Found::Job(job) => Ok(Some(*job)),
            Found::Nothing => Ok(None),
            Found::Array => Err(DriverError::permanent(
                ErrorKind::Invalid,
                OPERATION,
                format!("`{job}` is an array of jobs"),
            )
            .with_hint(format!(
                "name one of them: `{job}_INDEX`; `squeue -r -j {job}` on the target lists them"
            ))),
            Found::Trouble(said) => Err(refusal(OPERATION, &said)),
        }
    }

    async fn adopt(&self, job: &NativeJob) -> Result<(), DriverError> {
        const OPERATION: &str = "adopt the job";
        let Some(id) = adopted::of(&job.id) else {
            let message = format!("`{}` is no job of Slurm", job.id);
            return Err(DriverError::permanent(ErrorKind::Invalid, OPERATION, message));
        };
        let script = adopted::note(&self.places().adopted(), job, id);
        match self.host.script(OPERATION, &script).await? {
            (0, _) => Ok(()),
            (status, _) => Err(DriverError::temporary(
                ErrorKind::Target,
                OPERATION,
                format!("it could not be noted down on the target (exit code {status}): is the disk full?"),
            )),
        }
    }

    fn changes(&self) -> Option<ChangeFeed> {
        let mut told = self.host.changes()?;
        let (sender, feed) = change_feed();
        let met = Arc::clone(&self.met);
        tokio::spawn(async move {
            while let Some(id) = told.next().await {
                // Before its number is known nobody asks for the run by it; afterwards it is observed anyway.
                let job = lock(&met).get(&id.0).copied();
                if let Some((id, key)) = job.zip(parse_key(&id.0)) {
                    sender.changed(Job { id, key }.native());
                }
            }
        });
        Some(feed)
    }
}
