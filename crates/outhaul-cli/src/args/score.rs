//! `outhaul score`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values;

const AFTER: &str = "\
Examples:
  outhaul score score.py
  outhaul score score.py --model outputs/model.pkl --port 8000 --workers 4
  outhaul score score.py --python .venv/bin/python --timeout 30s --max-body 10M
  outhaul score score.py --key-file key.txt --cors https://studio.example
  outhaul score score.py --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem --key-file key.txt

The script has `init()`, called once for each worker, and `run(data)`. POST to /score calls it; / says whether the
service is healthy, /metrics has numbers for Prometheus, /swagger.json describes it. Ctrl-C or SIGTERM ends it when
the requests under way are answered; a second one ends it at once. SIGHUP loads script and model anew.
The address is written to standard output, the log to standard error.";

/// Arguments of `outhaul score`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Score {
    /// Entry script with `init()` and `run()`
    #[arg(value_name = "SCRIPT")]
    pub script: PathBuf,
    /// Model file or folder: what the script finds in `AZUREML_MODEL_DIR`
    #[arg(long, value_name = "PATH")]
    pub model: Option<PathBuf>,
    /// Port to listen on; 0 for a free one
    #[arg(long, value_name = "N", default_value_t = 5001)]
    pub port: u16,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Worker processes; each serves one request at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: u16,
    /// Python interpreter of the workers; the first `python3` of the PATH when absent
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Requests that may wait for a worker; those beyond are answered 503
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub queue: u32,
    /// Time for one call of `run()`; then its worker is killed and replaced
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = outhaul_types::duration::parse)]
    pub timeout: Duration,
    /// Longest body that is taken, below 4G
    #[arg(long, value_name = "SIZE", default_value = "100M", value_parser = values::body_size)]
    pub max_body: usize,
    /// Origin that browsers may call from, or `*`
    #[arg(long, value_name = "ORIGIN")]
    pub cors: Option<String>,
    /// File with keys, one a line, that callers send as `Authorization: Bearer KEY`; `OUTHAUL_SCORING_KEY` is another way
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Certificate, followed by those that lead to its root, for HTTPS in place of HTTP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Do not start without a key
    #[arg(long)]
    pub require_key: bool,
    /// Metrics file of the run that this process is: where it says that it answers
    #[arg(long, value_name = "FILE", hide = true)]
    pub announce: Option<PathBuf>,
    /// Where instances of one service hand the listening socket over
    #[arg(long, value_name = "PATH", hide = true)]
    pub handover: Option<PathBuf>,
}
