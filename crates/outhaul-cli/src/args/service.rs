//! `outhaul deploy` and `outhaul service`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use outhaul_types::{EnvironmentSpec, RunId};

use super::values::{self, Assignment, Variable};

const AFTER_DEPLOY: &str = "\
Examples:
  outhaul deploy local churn-api --model churn:3 --entry score.py --source ./deploy --environment env.yml --port 6789
  outhaul deploy local churn-api --model outputs/model.pkl --entry score.py
  outhaul deploy local churn-api --entry score.py --workers 4 --auth-keys --detach

The entry script has `init()`, called once for each worker, and `run(data)`. The service answers at /score until
`outhaul service delete`: it goes on without the server, and is started again when it ends by itself. Its address is
written to standard output once it answers; a script that cannot be served ends the command with exit code 2 and the
Python traceback.";

const AFTER_REMOTE: &str = "\
Examples:
  outhaul deploy remote churn-api --target gpu-box --model churn:3 --entry score.py --source ./deploy --environment env.yml
  outhaul deploy remote churn-api --target gpu-box --model churn:3 --entry score.py --host 0.0.0.0 --port 8080 --auth-keys

The service listens on the target's own 127.0.0.1, and the server of this machine leads there from the same address and port
here, as long as it runs; with `--host 0.0.0.0` callers come to the target itself. Nothing is installed there: the program
of this machine is brought along, so the target needs the same kind of processor.";

/// Where a model is deployed.
#[derive(Debug, Subcommand)]
pub(crate) enum DeployCommand {
    /// As a web service on this machine
    #[command(after_help = AFTER_DEPLOY)]
    Local(Box<Deployment>),
    /// As a web service on a machine that is attached as a target
    #[command(after_help = AFTER_REMOTE)]
    Remote(Box<DeployRemote>),
}

/// Arguments of `outhaul deploy remote`.
#[derive(Debug, Args)]
pub(crate) struct DeployRemote {
    /// The target that it runs on
    #[arg(long, value_name = "TARGET")]
    pub target: String,
    #[command(flatten)]
    pub deployment: Deployment,
}

/// Arguments of `outhaul deploy local`, and of all other ways.
#[derive(Debug, Args)]
pub(crate) struct Deployment {
    /// Name of the service: 3 to 32 lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub wishes: ServiceWishes,
    /// Id of the service, chosen by a program so that asking again makes no second one
    #[arg(long, hide = true, value_name = "ID")]
    pub id: Option<RunId>,
    /// Take the place of the service of this name, without a gap
    #[arg(long)]
    pub overwrite: bool,
    /// Do not wait until it answers
    #[arg(long)]
    pub detach: bool,
}

/// What a service shall be.
#[derive(Debug, Args)]
pub(crate) struct ServiceWishes {
    /// Entry script with `init()` and `run()`, relative to the source folder
    #[arg(long, value_name = "SCRIPT")]
    pub entry: Option<String>,
    /// Folder whose files the service gets; the entry script's folder when absent
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
    /// Registered model, or a file or folder of one; what the script finds in `AZUREML_MODEL_DIR`; may be repeated
    #[arg(long, value_name = "NAME[:VERSION]|PATH")]
    pub model: Vec<String>,
    /// Environment file or registered name; the `python3` of the PATH, as it is, when absent
    #[arg(long, value_name = "FILE|NAME[:VERSION]")]
    pub environment: Option<String>,
    /// Environment spelled out as JSON, by a program
    #[arg(long, hide = true, value_name = "JSON", conflicts_with = "environment", value_parser = values::environment_spec)]
    pub environment_spec: Option<Box<EnvironmentSpec>>,
    /// Interpreter that a program takes for the one at hand
    #[arg(long, hide = true, value_name = "PATH")]
    pub python: Option<String>,
    /// Port to listen on; a free one when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Address to listen on, of the machine that it runs on; 127.0.0.1, for that machine only, when absent
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<IpAddr>,
    /// Worker processes; each serves one request at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Requests that may wait for a worker; those beyond are answered 503
    #[arg(long, value_name = "N")]
    pub queue: Option<u32>,
    /// Time for one call of `run()`; then its worker is killed and replaced
    #[arg(long, value_name = "DURATION", value_parser = outhaul_types::duration::parse)]
    pub timeout: Option<Duration>,
    /// Longest body that is taken, below 4G
    #[arg(long, value_name = "SIZE", value_parser = values::body_size)]
    pub max_body: Option<usize>,
    /// Origin that browsers may call from, or `*`
    #[arg(long, value_name = "ORIGIN")]
    pub cors: Option<String>,
    /// Ask callers for a key: `outhaul service keys` shows them
    #[arg(long, overrides_with = "no_auth_keys")]
    pub auth_keys: bool,
    /// Ask callers for no key
    #[arg(long, hide = true)]
    pub no_auth_keys: bool,
    /// Certificate, followed by those that lead to its root, for HTTPS in place of HTTP: a file of the machine that it runs on
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Environment variable for the workers; without a value it is taken from this shell; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<Variable>,
    /// Tag of the service; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub tag: Vec<Assignment>,
    /// What it is, in words
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// What can be done with web services.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// List web services
    #[command(
        after_help = "Examples:\n  outhaul service list\n  outhaul service list --model churn --format json"
    )]
    List {
        /// Only with this tag
        #[arg(long, value_name = "NAME[=VALUE]")]
        tag: Option<String>,
        /// Only with this model
        #[arg(long, value_name = "NAME[:VERSION]")]
        model: Option<String>,
    },
    /// Show a web service, with what went wrong last
    #[command(after_help = "Examples:\n  outhaul service show churn-api")]
    Show {
        /// Its name
        name: String,
    },
    /// Write what a web service has logged
    #[command(
        after_help = "Examples:\n  outhaul service logs churn-api\n  outhaul service logs churn-api -f"
    )]
    Logs {
        /// Its name
        name: String,
        /// Go on as more comes
        #[arg(short, long)]
        follow: bool,
    },
    /// Send a request to a web service and write its answer
    #[command(
        after_help = "Examples:\n  outhaul service test churn-api --data rows.json\n  echo '{\"data\": [[1, 2]]}' | outhaul service test churn-api --data -\n  outhaul service test churn-api --data rows.json --cacert root.pem\n\nExit code 1 when the answer is an error."
    )]
    Test {
        /// Its name
        name: String,
        /// File with the request's body; `-` for standard input
        #[arg(long, value_name = "FILE")]
        data: String,
        /// What the body is
        #[arg(long, value_name = "TYPE", default_value = "application/json")]
        content_type: String,
        /// Root certificates (PEM) to trust, as callers do; by default the service's own certificate
        #[arg(long, value_name = "FILE")]
        cacert: Option<PathBuf>,
    },
    /// Show the keys that callers may give
    #[command(
        after_help = "Examples:\n  outhaul service keys churn-api\n  outhaul service keys churn-api --renew primary"
    )]
    Keys {
        /// Its name
        name: String,
        /// Make one anew; the other works meanwhile
        #[arg(long, value_name = "KEY")]
        renew: Option<KeyName>,
    },
    /// Take up the source folder as it is now, without a gap
    #[command(after_help = "Examples:\n  outhaul service reload churn-api")]
    Reload {
        /// Its name
        name: String,
        /// Do not wait until it answers
        #[arg(long)]
        detach: bool,
    },
    /// Change a web service without a gap; what is not named stays
    #[command(
        after_help = "Examples:\n  outhaul service update churn-api --model churn:4\n  outhaul service update churn-api --workers 4 --auth-keys\n\nWhen the new one does not come up, the old one goes on."
    )]
    Update(Box<ServiceUpdate>),
    /// Answer what is under way, and end a web service
    #[command(after_help = "Examples:\n  outhaul service delete churn-api")]
    Delete {
        /// Its name
        name: String,
    },
}

/// Arguments of `outhaul service update`.
#[derive(Debug, Args)]
pub(crate) struct ServiceUpdate {
    /// Its name
    pub name: String,
    #[command(flatten)]
    pub wishes: ServiceWishes,
    /// Do not wait until it answers
    #[arg(long)]
    pub detach: bool,
}

/// One of the two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyName {
    /// The first one
    Primary,
    /// The second one
    Secondary,
}
