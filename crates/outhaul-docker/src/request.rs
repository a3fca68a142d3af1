//! What a container is asked for. Pure data.

use std::path::PathBuf;

use outhaul_types::{DockerSpec, RunKey};

/// Which image a container is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageRef {
    /// An image by name or id.
    Name(String),
    /// The image that this Dockerfile makes, built without a context.
    Dockerfile(String),
}

impl ImageRef {
    /// The image of a spec; `None` when it names neither an image nor a Dockerfile.
    #[must_use]
    pub fn of(spec: &DockerSpec) -> Option<Self> {
        match (&spec.image, &spec.dockerfile) {
            (Some(name), _) => Some(Self::Name(name.clone())),
            (None, Some(text)) => Some(Self::Dockerfile(text.clone())),
            (None, None) => None,
        }
    }

    /// The name under which the engine has the image. One that is built is named by its content, and by the home that
    /// built it, so that a home that leaves takes no image from another; the layers are shared.
    #[must_use]
    pub fn name(&self, home: &str) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Dockerfile(text) => {
                let mut hasher = blake3::Hasher::new();
                hasher.update(home.as_bytes());
                hasher.update(&[0]);
                hasher.update(text.as_bytes());
                format!("outhaul-env:{}", &hasher.finalize().to_hex()[..32])
            }
        }
    }
}

/// A folder or file of the engine's host that the container sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is on the host.
    pub source: PathBuf,
    /// Where the container sees it.
    pub target: PathBuf,
    /// Whether the container may write there.
    pub writable: bool,
}

impl Mount {
    /// A folder that the container sees at the same path and may not change.
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            source: path.clone(),
            target: path,
            writable: false,
        }
    }
}

/// A run in a container.
#[derive(Clone, Debug)]
pub struct ContainerRequest {
    /// The run.
    pub run_key: RunKey,
    /// The image.
    pub image: ImageRef,
    /// The run directory on the engine's host, laid out and marked `staged`. The container sees it at the same path.
    pub run_dir: PathBuf,
    /// The file on the engine's host that holds the supervisor, a POSIX-sh script.
    pub supervisor: PathBuf,
    /// What else the container sees: environments, packages.
    pub mounts: Vec<Mount>,
    /// User and group id of the process, so that what it writes belongs to the run directory's owner. `None` leaves
    /// it to the image (for an engine without root, where the image's root is the user).
    pub user: Option<(u32, u32)>,
    /// Size of the shared memory in bytes.
    pub shm_size: Option<u64>,
    /// Whether the container gets all graphics processors.
    pub gpus: bool,
    /// Options as for `docker run`; see [`crate::parse_arguments`].
    pub arguments: Vec<String>,
    /// Variables. The command and its own variables stand in the launch script.
    pub environment: Vec<(String, String)>,
}

/// The name of a run's container.
#[must_use]
pub fn container_name(run_key: &str) -> String {
    format!("outhaul-{run_key}")
}
