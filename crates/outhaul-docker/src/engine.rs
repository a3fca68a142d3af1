//! An engine with the id of the home that works on it, and how it is asked.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as Bollard;

use crate::connect::{Connector, client};
use crate::error::{DockerError, ErrorKind};

/// Label with the run key.
pub(crate) const RUN_LABEL: &str = "outhaul.run";
/// Label with the id of the home that made the thing.
pub(crate) const HOME_LABEL: &str = "outhaul.home";

/// How an engine is worked with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Id of the home (the data folder) that works on the engine: what another home made is never seen or touched.
    pub home: String,
    /// How long an answer may take. Pulling and building images take as long as they need.
    pub timeout: Duration,
}

impl Options {
    /// The usual options for this home.
    pub fn new(home: impl Into<String>) -> Self {
        Self {
            home: home.into(),
            timeout: Duration::from_secs(60),
        }
    }
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its version, such as `20.10.24`.
    pub engine: String,
    /// The newest version of the API that it knows, such as `1.41`.
    pub api: String,
}

/// An engine that runs containers. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) docker: Docker,
    pub(crate) home: Arc<str>,
    pub(crate) timeout: Duration,
    /// Images that are being built or pulled by this process, so that each is made once.
    pub(crate) making: Arc<tokio::sync::Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that the connector reaches. Nothing is asked yet: see [`Engine::check`].
    ///
    /// # Errors
    /// When no client can be made, which has nothing to do with the engine.
    pub fn connect(connector: impl Connector, options: Options) -> Result<Self, DockerError> {
        let docker = client(Arc::new(connector), options.timeout.as_secs().max(1))
            .map_err(|error| DockerError::of("connect to the engine", error))?;
        Ok(Self {
            docker,
            home: options.home.into(),
            timeout: options.timeout,
            making: Arc::default(),
        })
    }

    /// Id of the home that works on the engine.
    #[must_use]
    pub fn home(&self) -> &str {
        &self.home
    }

    /// What the engine says of itself.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn version(&self) -> Result<Version, DockerError> {
        let version = self
            .ask("ask the engine for its version", self.docker.version())
            .await?;
        match (version.version, version.api_version) {
            (Some(engine), Some(api)) => Ok(Version { engine, api }),
            _ => Err(DockerError::new(
                ErrorKind::Engine,
                "ask the engine for its version",
                "what answers does not say its version",
            )),
        }
    }

    /// Waits for an answer, for as long as answers may take.
    pub(crate) async fn ask<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = Result<T, Bollard>>,
    ) -> Result<T, DockerError> {
        tokio::time::timeout(self.timeout, answer)
            .await
            .map_err(|_| DockerError::timeout(operation))?
            .map_err(|error| DockerError::of(operation, error))
    }

    /// A filter for what this home made.
    pub(crate) fn ours(&self) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), vec![format!("{HOME_LABEL}={}", self.home)])])
    }
}
