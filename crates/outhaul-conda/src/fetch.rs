//! Fetching: archives into the cache, each once, checked and unpacked.

use std::path::PathBuf;

use futures_util::{StreamExt, TryStreamExt, stream};
use outhaul_types::CondaPackage;
use rattler_networking::retry_policies::ExponentialBackoff;

use crate::{
    archive::Archive,
    cause,
    conda::Conda,
    error::{CondaError, CondaErrorKind},
};

/// How many archives are downloaded and unpacked at the same time.
const AT_ONCE: usize = 8;
/// How often a download that breaks off is begun anew.
const RETRIES: u32 = 3;

/// How far fetching has come; told once for each package that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The package that has just come, or was there.
    pub package: String,
    /// How many packages are there.
    pub done: usize,
    /// How many there will be.
    pub total: usize,
}

impl Conda {
    /// Brings the archives of packages into the cache. What is there is neither downloaded nor unpacked again.
    ///
    /// An archive whose checksum differs is thrown away and named in the error. Two processes that share the cache
    /// take turns.
    pub async fn fetch(
        &self,
        packages: &[CondaPackage],
        progress: impl Fn(&Progress),
    ) -> Result<(), CondaError> {
        let archives: Vec<Archive> = packages.iter().map(Archive::parse).collect::<Result<_, _>>()?;
        let total = archives.len();
        let mut done = 0;
        let mut tell = |archive: &Archive| {
            done += 1;
            progress(&Progress {
                package: archive.package.name.clone(),
                done,
                total,
            });
        };
        let mut missing = Vec::new();
        for archive in archives {
            match self.cached(&archive).await? {
                Some(_) => tell(&archive),
                None => missing.push(archive),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if self.options.offline
            && let Some(archive) = missing.iter().find(|archive| archive.url.scheme() != "file")
        {
            return Err(CondaError::new(
                CondaErrorKind::Unreachable,
                format!("the archive `{}` is not kept here", archive.name()),
            )
            .with_hint("fetch it once with the network"));
        }
        let folder = &self.options.package_cache;
        let _turn = self.cache.acquire_global_lock().await.map_err(|error| {
            cause::of_disk(
                &format!("the folder `{}` cannot be used for packages", folder.display()),
                &error,
            )
        })?;
        let mut fetching = stream::iter(missing)
            .map(|archive| async move { self.fetch_one(&archive).await.map(|()| archive) })
            .buffer_unordered(AT_ONCE);
        while let Some(archive) = fetching.try_next().await? {
            tell(&archive);
        }
        Ok(())
    }

    async fn fetch_one(&self, archive: &Archive) -> Result<(), CondaError> {
        // A download that breaks off is tried again; a file on the disk will not get better.
        let tries = if archive.url.scheme() == "file" {
            0
        } else {
            RETRIES
        };
        let policy = ExponentialBackoff::builder().build_with_max_retries(tries);
        let (key, url) = (archive.key()?, archive.url.clone());
        self.cache
            .get_or_fetch_from_url_with_retry(key, url, self.client.clone(), policy, None, None)
            .await
            .map_err(|error| cause::of_archive(&error, &archive.name()))?;
        Ok(())
    }

    /// Where an archive is unpacked in the cache, if it is there and whole.
    pub(crate) async fn cached(&self, archive: &Archive) -> Result<Option<PathBuf>, CondaError> {
        let key = archive.key()?;
        for layer in self.cache.layers() {
            if let Ok(found) = layer.try_validate(&key).await {
                return Ok(Some(found.path().to_owned()));
            }
        }
        Ok(None)
    }
}
