//! What a service is started with. Values are passed in: this crate reads no environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use outhaul_types::Secret;

use crate::tls::Tls;

/// Settings of a scoring service.
#[derive(Debug, Clone)]
pub struct Config {
    /// The entry script, absolute.
    pub script: PathBuf,
    /// Where the model is, absolute: what the script finds in `AZUREML_MODEL_DIR`.
    pub model: Option<PathBuf>,
    /// The Python interpreter of the workers, 3.8 or newer.
    pub python: PathBuf,
    /// Working folder of the workers.
    pub directory: PathBuf,
    /// All variables that the workers get; they inherit nothing.
    pub environment: Vec<(String, String)>,
    /// Where to listen; port 0 for a free one.
    pub address: SocketAddr,
    /// Where instances of one service meet: the socket is taken over from the one that is there, once this one has
    /// initialised, and given to the next.
    pub handover: Option<PathBuf>,
    /// How many workers, at least one.
    pub workers: usize,
    /// How many requests may wait for a worker; those beyond are answered 503.
    pub queue: usize,
    /// How long `run()` may take for one request before its worker is killed and replaced.
    pub timeout: Duration,
    /// The longest body that is taken, in bytes; at most 4 GB.
    pub max_body: usize,
    /// The origin that browsers may call from, or `*`; no CORS header is sent when absent.
    pub cors: Option<String>,
    /// Keys, one of which callers have to give; none for a service that is open.
    pub keys: Vec<Secret>,
    /// Certificate and key, for HTTPS in place of HTTP.
    pub tls: Option<Tls>,
    /// How many connections are served at once; others wait in the system's queue.
    pub connections: usize,
    /// How long a client may take for the head of a request, or rest between two; also the start of the time for a body.
    pub patience: Duration,
}

impl Config {
    /// Settings for a script on a free port of this machine; everything else as the former service had it, or safe.
    #[must_use]
    pub fn new(script: PathBuf, python: PathBuf) -> Self {
        let directory = script.parent().map(PathBuf::from).unwrap_or_default();
        Self {
            script,
            model: None,
            python,
            directory,
            environment: Vec::new(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            handover: None,
            workers: 1,
            queue: 100,
            timeout: Duration::from_secs(3600),
            max_body: 100 << 20,
            cors: None,
            keys: Vec::new(),
            tls: None,
            connections: 1024,
            patience: Duration::from_secs(30),
        }
    }
}
