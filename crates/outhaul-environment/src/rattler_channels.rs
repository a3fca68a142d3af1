//! The real [`CondaBackend`]: a thin adapter over `outhaul-conda`. Built with the feature `conda` only.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use outhaul_conda::{Conda, CondaError, CondaErrorKind, CondaOptions, CondaRequest, python_of};
use outhaul_types::CondaPackage;

use crate::channels::{CondaBackend, CondaPython, CondaTrouble, CondaTroubleKind, CondaWish};

/// Conda channels, reached from the machine of this process.
#[derive(Debug)]
pub struct CondaChannels {
    conda: Conda,
    staging: PathBuf,
    env: Vec<(String, String)>,
}

impl CondaChannels {
    /// Keeps indexes, packages and unfinished environments under `folder`, which several processes may share. Proxies
    /// are taken from the variables in `env`, written as they are for other programs; `CONDA_CHANNEL_ALIAS` tells where
    /// channels without an address are.
    ///
    /// # Errors
    /// When a proxy's address is not one.
    pub fn new(folder: &Path, env: &[(String, String)]) -> Result<Self, CondaTrouble> {
        let conda = Conda::new(CondaOptions {
            index_cache: folder.join("indexes"),
            package_cache: folder.join("packages"),
            offline: false,
            proxy: value(env, &["https_proxy", "all_proxy", "http_proxy"]),
            no_proxy: value(env, &["no_proxy"]),
        })
        .map_err(trouble)?;
        Ok(Self {
            conda,
            staging: folder.join("staging"),
            env: env.to_vec(),
        })
    }
}

/// The first of the variables that is set and not empty, in either case.
fn value(env: &[(String, String)], names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        env.iter()
            .find(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_empty())
            .map(|(_, value)| value.clone())
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn trouble(error: CondaError) -> CondaTrouble {
    let kind = match error.kind {
        CondaErrorKind::Invalid => CondaTroubleKind::Spec,
        CondaErrorKind::Unsolvable => CondaTroubleKind::Unsolvable,
        CondaErrorKind::Unreachable | CondaErrorKind::Damaged => CondaTroubleKind::Unreachable,
        CondaErrorKind::PrefixTooLong => CondaTroubleKind::Target,
        CondaErrorKind::NotFetched | CondaErrorKind::Disk | CondaErrorKind::Internal => {
            CondaTroubleKind::Other
        }
    };
    CondaTrouble {
        kind,
        message: error.to_string(),
    }
}

#[async_trait]
impl CondaBackend for CondaChannels {
    async fn solve(&self, wish: &CondaWish) -> Result<Vec<CondaPackage>, CondaTrouble> {
        let request = CondaRequest {
            specs: wish.packages.clone(),
            channels: wish.channels.clone(),
            platform: wish.machine.platform.clone(),
            glibc: wish.machine.glibc.clone(),
            cuda: wish.machine.cuda.clone(),
            channel_alias: value(&self.env, &["CONDA_CHANNEL_ALIAS"]),
            mirrors: Default::default(),
        };
        self.conda.solve(&request).await.map_err(trouble)
    }

    async fn fetch(
        &self,
        packages: &[CondaPackage],
        say: &(dyn for<'l> Fn(&'l str) + Send + Sync),
    ) -> Result<(), CondaTrouble> {
        let progress = |progress: &outhaul_conda::Progress| {
            say(&format!(
                "{} ({} of {})",
                progress.package, progress.done, progress.total
            ));
        };
        self.conda.fetch(packages, progress).await.map_err(trouble)
    }

    async fn install(&self, packages: &[CondaPackage], prefix: &str) -> Result<PathBuf, CondaTrouble> {
        let folder = self.staging.join(crate::manager::fresh_name());
        match self.conda.install(packages, &folder, prefix).await {
            Ok(_) => Ok(folder),
            Err(error) => {
                // Of no use any more; only untidy when it stays.
                let _ = std::fs::remove_dir_all(&folder);
                Err(trouble(error))
            }
        }
    }

    fn python(&self, packages: &[CondaPackage]) -> Option<CondaPython> {
        python_of(packages).map(|python| CondaPython {
            version: python.version,
            path: python.path,
        })
    }
}
