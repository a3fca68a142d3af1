//! The layer: each method of the contract, by the host and its scheduler.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use outhaul_driver::{
    Capabilities, ChangeFeed, Collected, Driver, DriverError, EnvironmentRequest, ErrorKind, LogRead,
    LogSink, NativeId, NativeRequest, Observation, OutputSink, Phase, PreparedEnvironment, Problem,
    TargetLog, change_feed,
};
use outhaul_host::launcher;
use outhaul_host::run_dir::{Launcher, names, quote};
use outhaul_host::staging::StagingDriver;
use outhaul_types::{Check, Exit, Run, RunKey, RunSpec};

use crate::batch;
use crate::evidence::{combine, is_over, needs_scheduler, with_log};
use crate::native::{Job, parse_key};
use crate::parse::JobState;
use crate::queue::Queue;
use crate::refusal::refusal;

/// How long a record of the end may take through a shared file system, after the scheduler says that the job is over.
const PATIENCE: Duration = Duration::from_secs(15);
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
    /// Numbers of the jobs of runs that were met.
    met: Arc<Mutex<HashMap<String, u64>>>,
    /// When the scheduler first said of a job that it is over, while its record was missing.
    over: Mutex<HashMap<u64, Instant>>,
    /// Jobs that we were asked to end.
    ended_by_us: Mutex<HashSet<u64>>,
    /// Jobs of released runs, which the queue shows for a while.
    released: Mutex<HashSet<u64>>,
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
            met: Arc::default(),
            over: Mutex::default(),
            ended_by_us: Mutex::default(),
            released: Mutex::default(),
        }
    }

    fn run_dir(&self, key: &RunKey) -> String {
        format!("{}/{key}", self.host.layout().runs)
    }

    /// Asks a script that answers `job NUMBER`, `none`, `canceled` or `refused WHY`.
    async fn job(
        &self,
        operation: &'static str,
        key: &RunKey,
        script: &str,
    ) -> Result<Option<Job>, DriverError> {
        let (_, text) = self.host.script(operation, script).await?;
        let answer = text.trim_end();
        let last = answer.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
        if let Some(number) = last
            .strip_prefix("job ")
            .and_then(|text| text.trim().parse().ok())
        {
            let job = Job {
                number,
                key: key.clone(),
            };
            lock(&self.met).insert(key.to_string(), number);
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
        if lock(&self.ended_by_us).contains(&job.number) {
            return Ok(match exit {
                Exit::Stopped { .. } => Exit::Code { code: 128 + 9 },
                other => other,
            });
        }
        let script = format!(
            "tail -c 2000 {}/slurm.log 2> /dev/null; :",
            quote(&self.run_dir(&job.key))
        );
        let (_, said) = self.host.script("read the job's log", &script).await?;
        Ok(with_log(exit, &said))
    }

    /// Whether a record that is missing may still come.
    fn is_patient(&self, job: &Job, state: Option<&JobState>, claimed: bool) -> bool {
        // Nothing is on its way from a job that never had a machine.
        let had_machine = claimed || state.is_some_and(|state| !state.nodes.is_empty());
        if !is_over(state) || !had_machine {
            return false;
        }
        let mut over = lock(&self.over);
        let since = *over.entry(job.number).or_insert_with(Instant::now);
        since.elapsed() < PATIENCE
    }
}

/// Finds the job of a run: the one that was written down, or the one of its name.
fn find_script(run_dir: &str, key: &RunKey) -> String {
    format!(
        "cd {} 2> /dev/null || {{ echo none; exit 0; }}
if [ -s job ]; then echo \"job $(cat job)\"; exit 0; fi
found=$(squeue -h -t all -u \"$(id -un)\" -n {key} -o %A 2> /dev/null | head -n 1)
if [ -n \"$found\" ]; then echo \"$found\" > job.new && mv job.new job; echo \"job $found\"; exit 0; fi
",
        quote(run_dir)
    )
}

/// Submits the job of a run unless that was done. Should two be submitted all the same, the second finds the first one's
/// claim and ends at once.
fn submit_script(run_dir: &str, key: &RunKey, batch: &str) -> String {
    let name = names::CANCEL;
    format!(
        "{}if [ -e {name} ]; then echo canceled; exit 0; fi
cat > batch.sh << 'OUTHAUL_END_OF_BATCH'
{batch}OUTHAUL_END_OF_BATCH
if answer=$(sbatch --parsable batch.sh 2> sbatch.err); then
    found=${{answer##*
}}
    echo \"${{found%%;*}}\" > job.new && mv job.new job
    echo \"job $(cat job)\"
else
    echo \"refused $(cat sbatch.err)\"
fi
",
        find_script(run_dir, key)
    )
}

#[async_trait]
impl<D: StagingDriver> Driver for Slurm<D> {
    fn kind(&self) -> &'static str {
        "slurm"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
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
        let run_dir = self.run_dir(&request.run_key);
        request.batch = Some(batch::script(
            &request.run_key,
            &run_dir,
            &resources,
            &self.options,
            limit,
        ));
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
        const OPERATION: &str = "submit the job";
        let batch = request.batch.as_ref().ok_or_else(|| {
            DriverError::permanent(ErrorKind::System, OPERATION, "the request has no batch script")
        })?;
        let key = &request.run_key;
        self.host.stage(request, Launcher::Cluster).await?;
        let script = submit_script(&self.run_dir(key), key, batch);
        let job = self.job(OPERATION, key, &script).await?;
        self.queue.forget().await;
        job.map(|job| job.native()).ok_or_else(|| {
            let message = "the run's folder is gone";
            DriverError::temporary(ErrorKind::Target, OPERATION, message)
        })
    }

    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        let script = format!("{}echo none\n", find_script(&self.run_dir(run_key), run_key));
        let job = self.job("look for the job", run_key, &script).await?;
        Ok(job.map(|job| job.native()))
    }

    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        self.host.prevent(run_key).await?;
        let script = format!("scancel --name={run_key} -u \"$(id -un)\" 2>&1");
        let (status, text) = self.host.script("keep the job from starting", &script).await?;
        if status == 0 {
            return Ok(());
        }
        Err(refusal("keep the job from starting", &text))
    }

    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        let jobs: Vec<Job> = {
            let released = lock(&self.released);
            let jobs = ids.iter().filter_map(Job::of);
            jobs.filter(|job| !released.contains(&job.number)).collect()
        };
        let all: Vec<&Job> = jobs.iter().collect();
        for job in &jobs {
            lock(&self.met).insert(job.key.to_string(), job.number);
        }
        let mut on_host = self.on_host(&all).await?;
        let asked: Vec<&Job> = all
            .into_iter()
            .filter(|job| needs_scheduler(on_host.get(job.key.as_str())))
            .collect();
        let mut states = HashMap::new();
        if !asked.is_empty() {
            states = self.queue.look(&self.host, &asked).await?;
            // The directory was read before the scheduler: a job that is over may have left its record in between.
            let again: Vec<&Job> = asked
                .into_iter()
                .filter(|job| is_over(states.get(&job.number)))
                .collect();
            on_host.extend(self.on_host(&again).await?);
        }
        let mut found = Vec::new();
        for job in &jobs {
            let seen = on_host.remove(job.key.as_str());
            let state = states.get(&job.number);
            let needs = needs_scheduler(seen.as_ref());
            let patient = needs && self.is_patient(job, state, seen.is_some());
            let mut combined = combine(job, seen, state, patient);
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

    async fn read_log(
        &self,
        id: &NativeId,
        log: TargetLog,
        offset: u64,
        max: usize,
    ) -> Result<LogRead, DriverError> {
        match Job::of(id) {
            Some(job) => self.host.read_log(&job.on_host(), log, offset, max).await,
            None => Ok(LogRead::default()),
        }
    }

    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        const OPERATION: &str = "cancel the job";
        let Some(job) = Job::of(id) else {
            return Ok(());
        };
        // The mark first: it reaches a process that is only about to start.
        self.host.prevent(&job.key).await?;
        let (number, grace) = (job.number, grace.as_millis().div_ceil(1000));
        lock(&self.ended_by_us).insert(number);
        // One that waits is taken from the queue; one that runs is asked to end, and ended by force after the grace. A job
        // that is over is no error.
        let script = format!(
            "scancel --state=PENDING {number} 2> /dev/null
said=$(scancel --full --signal=TERM {number} 2>&1) || case $said in *[Ii]nvalid*|*already*|*[Cc]ompleting*) ;; *) echo \"$said\"; exit 1 ;; esac
setsid sh -c 'sleep {grace}; exec scancel {number}' < /dev/null > /dev/null 2>&1 &
:"
        );
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
        let Some(job) = Job::of(id) else {
            // A run that was ended before it was known to be submitted has no other id than its key.
            if let Some(key) = parse_key(&id.0) {
                lock(&self.met).remove(key.as_str());
            }
            return self.host.release(id).await;
        };
        lock(&self.met).remove(job.key.as_str());
        lock(&self.over).remove(&job.number);
        self.host.release(&job.on_host()).await?;
        lock(&self.released).insert(job.number);
        Ok(())
    }

    async fn detach(&self) -> Result<Vec<String>, DriverError> {
        self.host.detach().await
    }

    fn changes(&self) -> Option<ChangeFeed> {
        let mut told = self.host.changes()?;
        let (sender, feed) = change_feed();
        let met = Arc::clone(&self.met);
        tokio::spawn(async move {
            while let Some(id) = told.next().await {
                // Before its number is known nobody asks for the run by it; afterwards it is observed anyway.
                let number = lock(&met).get(&id.0).copied();
                if let Some((number, key)) = number.zip(parse_key(&id.0)) {
                    sender.changed(Job { number, key }.native());
                }
            }
        });
        Some(feed)
    }
}
