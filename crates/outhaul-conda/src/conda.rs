//! The entry of this crate: its options, and the client that all downloads go through.

use std::{path::PathBuf, time::Duration};

use rattler::{
    package_cache::{PackageCache, PackageCacheLayer},
    validation::ValidationMode,
};
use rattler_networking::LazyClient;

use crate::error::{CondaError, CondaErrorKind};

/// How long a server may take to accept a connection, and between two pieces of an answer.
const CONNECT: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(60);

/// Where things are kept and how channels are reached. Nothing is read from the environment.
#[derive(Clone, Debug, Default)]
pub struct CondaOptions {
    /// Folder that the indexes of channels are kept in.
    pub index_cache: PathBuf,
    /// Folder that unpacked packages are kept in. Several processes may share it.
    pub package_cache: PathBuf,
    /// Whether only what is kept may be used, however old it is.
    pub offline: bool,
    /// Address of a proxy for all that is not on this machine's disk; none when absent.
    pub proxy: Option<String>,
    /// Hosts that are reached without the proxy, separated by commas as in `NO_PROXY`.
    pub no_proxy: Option<String>,
}

/// Solves, fetches and installs conda packages. Cheap to clone.
#[derive(Clone)]
pub struct Conda {
    pub(crate) options: CondaOptions,
    pub(crate) client: LazyClient,
    pub(crate) cache: PackageCache,
}

impl Conda {
    /// Makes one. Folders are created when they are needed.
    pub fn new(options: CondaOptions) -> Result<Self, CondaError> {
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("outhaul/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .no_proxy();
        if let Some(address) = &options.proxy {
            let proxy = reqwest::Proxy::all(address).map_err(|_| {
                // A proxy's address may hold a password, so it is not shown.
                CondaError::new(
                    CondaErrorKind::Invalid,
                    "the address of the proxy is not an address",
                )
                .with_hint("write it as http://host:port")
            })?;
            let direct = options
                .no_proxy
                .as_deref()
                .and_then(reqwest::NoProxy::from_string);
            client = client.proxy(proxy.no_proxy(direct));
        }
        let client = client.build().map_err(|error| {
            CondaError::new(
                CondaErrorKind::Internal,
                format!("a client for conda channels cannot be made: {error}"),
            )
        })?;
        let layer = PackageCacheLayer::new(&options.package_cache).with_validation_mode(ValidationMode::Fast);
        Ok(Self {
            options,
            client: client.into(),
            cache: PackageCache::from_layers([layer], false),
        })
    }
}

impl std::fmt::Debug for Conda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conda")
            .field("index_cache", &self.options.index_cache)
            .field("package_cache", &self.options.package_cache)
            .field("offline", &self.options.offline)
            .finish_non_exhaustive()
    }
}
