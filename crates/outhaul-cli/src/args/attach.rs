//! `outhaul target attach`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use outhaul_ssh::Jump;
use outhaul_types::spark::DeployMode;
use outhaul_types::target::PackageSource;

use super::values;

const AFTER: &str = "\
Examples:
  outhaul target attach remote gpu-box --address 10.0.0.4 --username me
  outhaul target attach remote gpu-box --ssh-config gpu
  outhaul target attach remote gpu-box --address gpu.example.org --private-key-file ~/.ssh/id_ed25519
  outhaul target attach remote gpu-box --address gpu.lan --jump me@gate.example.org:2222 --agent
  outhaul target attach remote gpu-box --address 10.0.0.4 --password-stdin < password.txt

Passwords and keys are never arguments: other users of this machine could see them. Without any of the options for
logging in, the ways of the SSH configuration are taken, or the agent, or the first of ~/.ssh/id_ed25519,
~/.ssh/id_ecdsa and ~/.ssh/id_rsa. What is not in your known_hosts is asked for.";

/// What can be attached.
#[derive(Debug, Subcommand)]
pub(crate) enum AttachCommand {
    /// Attach a machine that is reached over SSH
    Remote(Box<AttachRemote>),
    /// Attach a Slurm cluster by one of its login hosts, or by this machine
    #[command(after_help = AFTER_SLURM)]
    Slurm(Box<AttachSlurm>),
    /// Attach an HDInsight cluster, or any other Spark, by the host that submits to it
    #[command(after_help = AFTER_HDINSIGHT)]
    Hdinsight(Box<AttachHdinsight>),
}

const AFTER_HDINSIGHT: &str = "\
Examples:
  outhaul target attach hdinsight myhdi --cluster-name myhdi --username sshuser --password-stdin < password.txt
  outhaul target attach hdinsight myhdi --resource-id /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.HDInsight/clusters/myhdi --username sshuser
  outhaul target attach hdinsight spark --address spark.lan --username me --master spark://spark.lan:7077
  outhaul target attach hdinsight big --ssh-config big --spark-home /opt/spark-3.5

Runs that ask for it are started by `spark-submit`: `outhaul run --target myhdi --framework pyspark train_spark.py`.
Others are plain processes of the host.";

/// Arguments of `outhaul target attach hdinsight`.
#[derive(Debug, Args)]
pub(crate) struct AttachHdinsight {
    #[command(flatten)]
    pub host: AttachRemote,
    /// Name of the cluster: it is reached at NAME-ssh.azurehdinsight.net
    #[arg(long, value_name = "NAME", group = "where", value_parser = values::cluster_name)]
    pub cluster_name: Option<String>,
    /// Where applications run: `yarn`, `spark://HOST:7077`, `local[*]`; what the host is configured for when absent
    #[arg(long, value_name = "URL", value_parser = values::master, help_heading = "Cluster")]
    pub master: Option<String>,
    /// Where drivers run; `cluster` on YARN and `client` elsewhere when absent
    #[arg(long, value_enum, help_heading = "Cluster")]
    pub deploy_mode: Option<Deploy>,
    /// Folder of Spark on the host; looked for when absent
    #[arg(long, value_name = "PATH", value_parser = values::folder_there, help_heading = "Cluster")]
    pub spark_home: Option<String>,
}

/// Where the driver of a Spark application runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deploy {
    /// On the host that submits
    Client,
    /// On a machine of the cluster; only on YARN
    Cluster,
}

impl From<Deploy> for DeployMode {
    fn from(mode: Deploy) -> Self {
        match mode {
            Deploy::Client => Self::Client,
            Deploy::Cluster => Self::Cluster,
        }
    }
}

const AFTER_SLURM: &str = "\
Examples:
  outhaul target attach slurm hpc --address login.hpc.example.org --username me
  outhaul target attach slurm hpc --ssh-config hpc --partition gpu --account lab7
  outhaul target attach slurm hpc --ssh-config hpc --folder /scratch/me/outhaul
  outhaul target attach slurm hpc --local --folder /scratch/me/outhaul

The folder must lie on a file system that all machines of the cluster share. What a run asks for is said when it is
submitted: `outhaul run --target hpc --nodes 2 --gpus 1 --memory 8G --time 2h train.py`.";

/// What only a machine over SSH needs.
const SSH_OPTIONS: [&str; 14] = [
    "address",
    "resource_id",
    "ssh_config",
    "port",
    "username",
    "private_key_file",
    "certificate_file",
    "passphrase_stdin",
    "password_stdin",
    "agent",
    "jump",
    "host_key",
    "yes",
    "packages",
];

/// Arguments of `outhaul target attach slurm`.
#[derive(Debug, Args)]
pub(crate) struct AttachSlurm {
    #[command(flatten)]
    pub host: AttachRemote,
    /// This machine is a login host of the cluster: nothing is reached over SSH
    #[arg(long, group = "where", conflicts_with_all = SSH_OPTIONS)]
    pub local: bool,
    /// Partition of runs that name none; the cluster's default when absent
    #[arg(long, value_name = "NAME", value_parser = values::slurm_name, help_heading = "Cluster")]
    pub partition: Option<String>,
    /// Account; your default when absent
    #[arg(long, value_name = "NAME", value_parser = values::slurm_name, help_heading = "Cluster")]
    pub account: Option<String>,
    /// Quality of service; the account's default when absent
    #[arg(long, value_name = "NAME", value_parser = values::slurm_name, help_heading = "Cluster")]
    pub qos: Option<String>,
}

/// Arguments of `outhaul target attach remote`.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["address", "resource_id", "ssh_config"]))]
pub(crate) struct AttachRemote {
    /// Name of the compute target
    pub name: String,
    /// Name or address of the machine
    #[arg(long, value_name = "HOST", value_parser = values::host)]
    pub address: Option<String>,
    /// Azure resource id of the machine, whose address `outhaul resource map` has set
    #[arg(long, value_name = "ID", value_parser = values::resource_id)]
    pub resource_id: Option<String>,
    /// Name in your SSH configuration: address, port, user, keys and jumps are taken from there
    #[arg(long, value_name = "ALIAS")]
    pub ssh_config: Option<String>,
    /// Port of its SSH server; 22 when absent
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Who logs in; your name on this machine when absent
    #[arg(long, value_name = "USER", value_parser = values::username)]
    pub username: Option<String>,
    /// Log in with this private key; its passphrase is asked for
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password_stdin", "agent"], help_heading = "Logging in")]
    pub private_key_file: Option<PathBuf>,
    /// OpenSSH certificate for the private key
    #[arg(
        long,
        value_name = "FILE",
        requires = "private_key_file",
        help_heading = "Logging in"
    )]
    pub certificate_file: Option<PathBuf>,
    /// Read the private key's passphrase from standard input
    #[arg(long, conflicts_with_all = ["password_stdin", "agent"], help_heading = "Logging in")]
    pub passphrase_stdin: bool,
    /// Log in with a password, read from standard input
    #[arg(long, conflicts_with = "agent", help_heading = "Logging in")]
    pub password_stdin: bool,
    /// Log in with the keys of your SSH agent, for as long as it runs
    #[arg(long, help_heading = "Logging in")]
    pub agent: bool,
    /// Host to go through, the first one first; may be repeated
    #[arg(long, value_name = "USER@HOST:PORT", value_parser = values::jump)]
    pub jump: Vec<Jump>,
    /// Fingerprint of the machine's host key
    #[arg(long, value_name = "SHA256:...", value_parser = values::fingerprint)]
    pub host_key: Option<String>,
    /// Accept host keys that are not known
    #[arg(short, long)]
    pub yes: bool,
    /// Folder on the machine for all that is kept there; `.outhaul` in the home folder when absent
    #[arg(long, value_name = "PATH", value_parser = values::folder_there)]
    pub folder: Option<String>,
    /// Where packages are downloaded
    #[arg(long, value_enum, default_value_t = Packages::Auto)]
    pub packages: Packages,
    /// How many runs at once; as many as the machine has CPUs when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub slots: Option<u32>,
    /// Take the place of the compute target that has the name or the machine
    #[arg(long)]
    pub replace: bool,
    /// Wait until it is attached, as is done anyway
    #[arg(long, conflicts_with = "no_wait")]
    pub wait: bool,
    /// Do not wait until it is attached
    #[arg(long)]
    pub no_wait: bool,
}

/// Where packages are downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Packages {
    /// On the machine if it reaches the package index, else here
    Auto,
    /// On the machine
    Target,
    /// Here, and shipped to the machine
    Ship,
}

impl From<Packages> for PackageSource {
    fn from(packages: Packages) -> Self {
        match packages {
            Packages::Auto => Self::Auto,
            Packages::Target => Self::Target,
            Packages::Ship => Self::Ship,
        }
    }
}
