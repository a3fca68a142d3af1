//! `outhaul run`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use outhaul_types::{EnvironmentSpec, Indexes, Resources, RunId, SparkSpec};

use super::attach::Deploy;
use super::values::{self, Assignment, Framework, Variable};

const AFTER: &str = "\
Examples:
  outhaul run train.py
  outhaul run train.py --environment environment.yml -- --alpha 0.4
  outhaul run --source . --experiment ridge --tag try=2 src/train.py
  outhaul run --environment sklearn:2 --detach train.py
  outhaul run --dry-run train.py
  outhaul run --target hpc --nodes 2 --gpus 1 --memory 8G --time 2h train.py
  outhaul run --array 0-99%10 train.py
  outhaul run --target myhdi --framework pyspark --spark-conf spark.executor.memory=2g train_spark.py
  outhaul run --max-duration 1h30m -- sh -c 'make data && python train.py'

The script's folder (or --source) travels as a snapshot: `.gitignore` and `.amlignore` say what stays behind.
What the script leaves in ./outputs and ./logs is kept with the run. Ctrl-C detaches, the run goes on; a second
Ctrl-C within two seconds cancels it. The exit code is the script's own.";

/// Arguments of `outhaul run`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = AFTER,
    override_usage = "outhaul run [OPTIONS] SCRIPT [-- ARGUMENT...]\n       outhaul run [OPTIONS] -- COMMAND [ARGUMENT...]"
)]
pub(crate) struct RunArgs {
    /// Compute target; `local`, this machine, when absent
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Experiment that the run belongs to; named after the source folder when absent
    #[arg(long, value_name = "NAME", value_parser = values::experiment_name)]
    pub experiment: Option<String>,
    /// Environment file (environment.yml, requirements.txt, environment.toml) or registered name; the `python3` of
    /// the PATH, as it is, when absent
    #[arg(long, value_name = "FILE|NAME[:VERSION]", value_parser = NonEmptyStringValueParser::new())]
    pub environment: Option<String>,
    /// Folder whose files the run gets; the script's folder when absent
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
    /// Name of the run; made from the script's name when absent
    #[arg(long, value_name = "NAME", value_parser = values::run_name)]
    pub name: Option<String>,
    /// Tag of the run; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub tag: Vec<Assignment>,
    /// Environment variable for the run; without a value it is taken from this shell; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<Variable>,
    /// Cancel the run when it has run so long: 90, 45s, 30m, 1h30m, 2d
    #[arg(long, value_name = "DURATION", value_parser = outhaul_types::duration::parse)]
    pub max_duration: Option<Duration>,
    #[command(flatten)]
    pub resources: ResourceArgs,
    /// A run for each index, which the script finds in OUTHAUL_ARRAY_INDEX: 0-99, 0-9:2, 1,3,7; with 0-99%10 ten at once
    #[arg(long, value_name = "INDEXES")]
    pub array: Option<Indexes>,
    #[command(flatten)]
    pub spark: SparkArgs,
    /// Id of the run, chosen by a program so that asking again makes no second run
    #[arg(long, hide = true, value_name = "ID")]
    pub id: Option<RunId>,
    /// Environment spelled out as JSON, by a program
    #[arg(long, hide = true, value_name = "JSON", conflicts_with = "environment", value_parser = values::environment_spec)]
    pub environment_spec: Option<Box<EnvironmentSpec>>,
    /// Interpreter that a program takes for the one at hand
    #[arg(long, hide = true, value_name = "PATH")]
    pub python: Option<String>,
    /// Do not follow the run: write its id and return
    #[arg(long)]
    pub detach: bool,
    /// Show what would be done, and do nothing
    #[arg(long, conflicts_with = "detach")]
    pub dry_run: bool,
    /// Python script to run
    #[arg(value_name = "SCRIPT")]
    pub script: Option<String>,
    /// Arguments of the script
    #[arg(value_name = "ARGUMENT")]
    pub arguments: Vec<String>,
    /// More arguments of the script, also such that begin with `-`; without a script: the command to run
    #[arg(last = true, value_name = "ARGUMENT|COMMAND")]
    pub rest: Vec<String>,
}

/// What a run asks of a cluster.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ResourceArgs {
    /// Machines; the command is started once on each, with MASTER_ADDR, WORLD_SIZE and RANK
    #[arg(long, help_heading = "On clusters", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub nodes: Option<u32>,
    /// CPUs on each machine
    #[arg(long, help_heading = "On clusters", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub cpus: Option<u32>,
    /// Graphics processors on each machine
    #[arg(long, help_heading = "On clusters", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub gpus: Option<u32>,
    /// Memory on each machine: 512M, 8G
    #[arg(long, help_heading = "On clusters", value_name = "SIZE", value_parser = values::memory)]
    pub memory: Option<u64>,
    /// Time limit for the scheduler: 30m, 2h, 1d
    #[arg(long, help_heading = "On clusters", value_name = "DURATION", value_parser = outhaul_types::duration::parse)]
    pub time: Option<Duration>,
    /// Partition (queue); the target's own when absent
    #[arg(long, help_heading = "On clusters", value_name = "NAME", value_parser = values::slurm_name)]
    pub partition: Option<String>,
}

/// What a run asks of Spark.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SparkArgs {
    /// What starts the script: `python`, or `pyspark` for `spark-submit`
    #[arg(long, help_heading = "On Spark", value_name = "NAME", value_parser = values::framework)]
    pub framework: Option<Framework>,
    /// Property of Spark; may be repeated
    #[arg(long, help_heading = "On Spark", value_name = "NAME=VALUE")]
    pub spark_conf: Vec<Assignment>,
    /// Package of Spark, fetched with what it needs; may be repeated
    #[arg(long, help_heading = "On Spark", value_name = "GROUP:ARTIFACT:VERSION", value_parser = values::spark_package)]
    pub spark_package: Vec<String>,
    /// Where the driver runs; as the target has it when absent
    #[arg(long, help_heading = "On Spark", value_enum)]
    pub deploy_mode: Option<Deploy>,
}

impl SparkArgs {
    /// What is asked of Spark, if the script is one for it.
    pub(crate) fn spec(&self) -> Result<Option<SparkSpec>, String> {
        let asks =
            !self.spark_conf.is_empty() || !self.spark_package.is_empty() || self.deploy_mode.is_some();
        match self.framework {
            Some(Framework::Python) | None if asks => Err(
                "`--spark-conf`, `--spark-package` and `--deploy-mode` need `--framework pyspark`".to_owned(),
            ),
            Some(Framework::Python) | None => Ok(None),
            Some(Framework::PySpark) => Ok(Some(SparkSpec {
                configuration: self
                    .spark_conf
                    .iter()
                    .map(|property| (property.key.clone(), property.value.clone()))
                    .collect(),
                packages: self.spark_package.clone(),
                repositories: Vec::new(),
                deploy_mode: self.deploy_mode.map(Into::into),
            })),
        }
    }
}

impl From<&ResourceArgs> for Resources {
    fn from(args: &ResourceArgs) -> Self {
        Self {
            nodes: args.nodes,
            cpus: args.cpus,
            gpus: args.gpus,
            memory_bytes: args.memory,
            time_seconds: args.time.map(|time| time.as_secs()),
            partition: args.partition.clone(),
        }
    }
}
