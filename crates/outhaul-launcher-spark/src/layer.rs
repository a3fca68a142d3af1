//! The layer: runs that ask for Spark are planned as `spark-submit`, and their ends are read with Spark's own words beside
//! the host's. Everything else is the host's.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use outhaul_driver::{
    Capabilities, ChangeFeed, Collected, Driver, DriverError, EnvironmentRequest, ErrorKind, LogRead,
    LogSink, NativeId, NativeRequest, Observation, OutputSink, Phase, PreparedEnvironment, Problem,
    TargetLog,
};
use outhaul_host::launcher;
use outhaul_host::run_dir::quote;
use outhaul_host::staging::StagingDriver;
use outhaul_types::spark::HdinsightConfig;
use outhaul_types::{Check, Command, Exit, Run, RunKey, RunSpec};

use crate::blame::blame;
use crate::check::{spark_checks, spark_questions};
use crate::master::Master;
use crate::submit::{self, Places, SparkOptions};
use crate::yarn;

/// How much of a log's end is searched for Spark's own words.
const SEARCHED: usize = 256 * 1024;

/// A driver of a host from which Spark applications are submitted.
pub struct Spark<D> {
    host: D,
    config: HdinsightConfig,
    options: SparkOptions,
}

impl<D: StagingDriver> Spark<D> {
    /// The host's driver with its Spark. Nothing is asked yet.
    pub fn new(host: D, config: HdinsightConfig, options: SparkOptions) -> Self {
        Self {
            host,
            config,
            options,
        }
    }

    fn run_dir(&self, key: &str) -> String {
        format!("{}/{key}", self.host.layout().runs)
    }

    fn on_yarn(&self) -> bool {
        self.options.master == Master::Yarn
    }

    /// The end of a Spark run's log; `None` for a run that is none of Spark.
    async fn log_of_spark(&self, id: &NativeId) -> Result<Option<String>, DriverError> {
        let script = format!(
            "cd {} 2> /dev/null && grep -q '^export OUTHAUL_FRAMEWORK=pyspark$' launch.sh || exit 3
tail -c {SEARCHED} stderr
tail -c {SEARCHED} stdout",
            quote(&self.run_dir(&id.0))
        );
        let (status, text) = self.host.script("read why it failed", &script).await?;
        Ok((status != 3).then_some(text))
    }

    /// How a run ended, with what Spark and its manager say.
    async fn explained(&self, id: &NativeId, exit: Exit) -> Result<Option<Exit>, DriverError> {
        if exit == (Exit::Code { code: 0 }) {
            return Ok(Some(exit));
        }
        let Some(log) = self.log_of_spark(id).await? else {
            return Ok(Some(exit));
        };
        match &exit {
            Exit::Vanished { .. } if self.on_yarn() => {
                let key = run_key(id).ok_or_else(|| {
                    DriverError::permanent(ErrorKind::System, "ask YARN", format!("`{id}` is no run key"))
                })?;
                let (status, text) = self.host.script("ask YARN", &yarn::list(&key)).await?;
                if status != 0 {
                    return Err(DriverError::temporary(
                        ErrorKind::Target,
                        "ask YARN",
                        text.lines().last().unwrap_or("it does not answer").to_owned(),
                    ));
                }
                Ok(yarn::verdict(&yarn::applications(&text)))
            }
            // An end by signal was asked for, by us or somebody else there.
            Exit::Code { code } if *code <= 128 => Ok(Some(match blame(&log) {
                Some((class, reason)) => Exit::Stopped { class, reason },
                None => exit,
            })),
            _ => Ok(Some(exit)),
        }
    }
}

fn run_key(id: &NativeId) -> Option<RunKey> {
    RunKey::parse(&id.0).map(|(id, attempt)| id.key(attempt))
}

#[async_trait]
impl<D: StagingDriver> Driver for Spark<D> {
    fn kind(&self) -> &'static str {
        "hdinsight"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // The cluster's driver machine is nobody's to serve from.
            services: false,
            ..self.host.capabilities()
        }
    }

    fn validate(&self, spec: &RunSpec) -> Vec<Problem> {
        match submit::asked(spec) {
            Some(spark) => submit::problems(&self.options, spec, &spark),
            None => self.host.validate(spec),
        }
    }

    fn plan(&self, run: &Run, attempt: u32, environment: &PreparedEnvironment) -> NativeRequest {
        let (Some(spec), Some(spark)) = (&run.spec, run.spec.as_ref().and_then(submit::asked)) else {
            return self.host.plan(run, attempt, environment);
        };
        let Command::Script { script, arguments } = &spec.command else {
            return self.host.plan(run, attempt, environment);
        };
        let layout = self.host.layout();
        let key = run.id.key(attempt);
        let mut launch = launcher::launch(run, attempt, environment, Path::new(&layout.sdk));
        let names: Vec<String> = launch.variables.keys().cloned().collect();
        let home = Path::new(&layout.runs)
            .parent()
            .unwrap_or(Path::new(&layout.runs));
        let submission = submit::submission(
            &key,
            (script, arguments),
            &spark,
            &self.options,
            environment,
            &names,
            &Places {
                run_dir: &self.run_dir(key.as_str()),
                sdk: &layout.sdk,
                ivy: &home.join("ivy").display().to_string(),
            },
        );
        launch.argv = submission.argv;
        for (name, value) in submission.variables {
            // What the person set wins, but for the mark by which we know the run again.
            if name == "OUTHAUL_FRAMEWORK" {
                launch.variables.insert(name, value);
            } else {
                launch.variables.entry(name).or_insert(value);
            }
        }
        launcher::request(run, attempt, launch)
    }

    async fn check(&self) -> Result<Vec<Check>, DriverError> {
        let mut checks = self.host.check().await?;
        let (_, text) = self
            .host
            .script("look at Spark", &spark_questions(&self.config))
            .await?;
        checks.extend(spark_checks(&text, &self.config));
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
        self.host.submit(request).await
    }

    async fn find(&self, run_key: &RunKey) -> Result<Option<NativeId>, DriverError> {
        self.host.find(run_key).await
    }

    async fn prevent(&self, run_key: &RunKey) -> Result<(), DriverError> {
        self.host.prevent(run_key).await
    }

    async fn observe(&self, ids: &[NativeId]) -> Result<Vec<Observation>, DriverError> {
        let mut found = self.host.observe(ids).await?;
        for seen in &mut found {
            let Phase::Ended { exit, .. } = &mut seen.phase else {
                continue;
            };
            match self.explained(&seen.id, exit.clone()).await? {
                Some(explained) => *exit = explained,
                // The process that waited is gone, and the application goes on.
                None => seen.phase = Phase::Running,
            }
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
        self.host.read_log(id, log, offset, max).await
    }

    async fn cancel(&self, id: &NativeId, grace: Duration) -> Result<(), DriverError> {
        self.host.cancel(id, grace).await?;
        // In cluster mode the driver does not end with the process that submitted it.
        if self.on_yarn()
            && let Some(key) = run_key(id)
        {
            let (status, text) = self.host.script("end the application", &yarn::kill(&key)).await?;
            if status != 0 {
                return Err(DriverError::temporary(
                    ErrorKind::Target,
                    "end the application",
                    text.lines().last().unwrap_or("YARN does not answer").to_owned(),
                ));
            }
        }
        Ok(())
    }

    async fn collect_outputs(&self, id: &NativeId, sink: &dyn OutputSink) -> Result<Collected, DriverError> {
        self.host.collect_outputs(id, sink).await
    }

    async fn release(&self, id: &NativeId) -> Result<(), DriverError> {
        self.host.release(id).await
    }

    async fn detach(&self) -> Result<Vec<String>, DriverError> {
        self.host.detach().await
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.host.changes()
    }
}
