//! Solving: from specs and channels to exact packages.

use outhaul_types::CondaPackage;
use rattler_conda_types::{PackageRecord, RepoDataRecord, Subdir};
use rattler_repodata_gateway::{ChannelConfig, Gateway, SourceConfig, fetch::CacheAction};
use rattler_solve::{CancellationToken, ChannelPriority, SolverImpl, SolverTask, resolvo};

use crate::{
    cause,
    conda::Conda,
    error::{CondaError, CondaErrorKind},
    platform,
    request::CondaRequest,
    spec,
};

/// How many requests for indexes go out at the same time.
const AT_ONCE: usize = 50;

impl Conda {
    /// The packages that satisfy a request, in the order in which they can be installed.
    ///
    /// Indexes of channels are kept for as long as the channel allows and are then asked for anew.
    pub async fn solve(&self, request: &CondaRequest) -> Result<Vec<CondaPackage>, CondaError> {
        let subdir = platform::subdir(&request.platform)?;
        let virtual_packages = platform::virtual_packages(subdir, request)?;
        let (specs, channels) = spec::parse_all(request)?;
        if specs.is_empty() {
            return Ok(Vec::new());
        }
        let repodata = self
            .gateway()
            .query(channels.clone(), [subdir, Subdir::NoArch], specs.clone())
            .recursive(true)
            .await
            .map_err(|error| cause::of_index(&error, &channels, self.options.offline))?;
        // Solving takes seconds of one processor at worst; it ends with the future that waits for it.
        let token = CancellationToken::new();
        let _stop = StopOnDrop(token.clone());
        let solving = tokio::task::spawn_blocking(move || {
            let task = SolverTask {
                virtual_packages,
                specs,
                channel_priority: ChannelPriority::Strict,
                cancellation_token: Some(token),
                ..repodata.repodata.iter().collect::<SolverTask<'_, _>>()
            };
            resolvo::Solver.solve(task)
        });
        let solution = solving
            .await
            .map_err(|error| {
                CondaError::new(CondaErrorKind::Internal, format!("the solver stopped: {error}"))
            })?
            .map_err(|error| cause::of_solve(&error))?;
        let sorted = PackageRecord::sort_topologically(solution.records);
        tracing::debug!(packages = sorted.len(), "solved conda packages");
        Ok(sorted.iter().map(package).collect())
    }

    /// A gateway for one solve: what it remembers of channels would never grow old in one that lives longer.
    fn gateway(&self) -> Gateway {
        let source = SourceConfig {
            cache_action: if self.options.offline {
                CacheAction::ForceCacheOnly
            } else {
                CacheAction::CacheOrFetch
            },
            ..SourceConfig::default()
        };
        Gateway::builder()
            .with_client(self.client.clone())
            .with_cache_dir(&self.options.index_cache)
            .with_package_cache(self.cache.clone())
            .with_max_concurrent_requests(AT_ONCE)
            .with_channel_config(ChannelConfig {
                default: source,
                ..ChannelConfig::default()
            })
            .finish()
    }
}

struct StopOnDrop(CancellationToken);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn package(record: &RepoDataRecord) -> CondaPackage {
    let package = &record.package_record;
    CondaPackage {
        name: package.name.as_normalized().to_owned(),
        version: package.version.to_string(),
        build: package.build.to_string(),
        url: record.url.to_string(),
        sha256: package.sha256.as_ref().map(|hash| hex(hash)),
        md5: package.md5.as_ref().map(|hash| hex(hash)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
