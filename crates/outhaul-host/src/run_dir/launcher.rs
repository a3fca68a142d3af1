//! Who starts a staged run.

use super::{CONTAINER_SUPERVISOR, SUPERVISOR, names};

/// Who starts a staged run, where that is not the host's own supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launcher {
    /// An engine, in a container on the host.
    Container,
    /// A cluster's scheduler, on any machine that sees the run directory.
    Cluster,
}

impl Launcher {
    /// Its word in the mark.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Cluster => "cluster",
        }
    }

    /// Reads the word of a mark.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Container, Self::Cluster]
            .into_iter()
            .find(|launcher| launcher.word() == word.trim())
    }

    /// The supervisor that has to lie in the run directory: its name and its text.
    #[must_use]
    pub const fn supervisor(self) -> (&'static str, &'static str) {
        match self {
            Self::Container => (names::CONTAINER_SUPERVISOR, CONTAINER_SUPERVISOR),
            Self::Cluster => (names::CLUSTER_SUPERVISOR, SUPERVISOR),
        }
    }
}
