//! One archive of a lock: its address and checksums as rattler wants them, its place in the cache, and what is in it.

use std::path::{Path, PathBuf};

use outhaul_types::CondaPackage;
use rattler::package_cache::CacheKey;
use rattler_conda_types::{
    PackageName, PackageRecord, RepoDataRecord, VersionWithSource,
    package::{BuildString, CondaArchiveIdentifier, IndexJson, PackageFile, PathsJson},
};
use rattler_digest::{Md5, Md5Hash, Sha256, Sha256Hash, parse_digest_from_hex};
use url::Url;

use crate::{
    cause,
    error::{CondaError, CondaErrorKind},
};

/// An archive that a lock names.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    pub package: CondaPackage,
    pub url: Url,
    identifier: CondaArchiveIdentifier,
    sha256: Option<Sha256Hash>,
    md5: Option<Md5Hash>,
}

/// An archive that is in the cache, with what it says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Unpacked {
    pub folder: PathBuf,
    pub record: RepoDataRecord,
    pub index: IndexJson,
    pub paths: PathsJson,
}

impl Archive {
    pub fn parse(package: &CondaPackage) -> Result<Self, CondaError> {
        let wrong = |why: &str| {
            CondaError::new(
                CondaErrorKind::Invalid,
                format!("the package `{}` of the lock cannot be used: {why}", package.name),
            )
            .with_hint("solve the specs anew")
        };
        let url = Url::parse(&package.url).map_err(|_| wrong("its address is not an address"))?;
        let local = url.scheme() == "file" && url.to_file_path().is_ok();
        if !local && !matches!(url.scheme(), "https" | "http") {
            return Err(wrong("its address is neither http, https nor file"));
        }
        let identifier = CondaArchiveIdentifier::try_from_url(&url)
            .ok_or_else(|| wrong("its address does not end in `.conda` or `.tar.bz2`"))?;
        let sha256 = digest(package.sha256.as_deref(), parse_digest_from_hex::<Sha256>)
            .ok_or_else(|| wrong("its SHA-256 is not one"))?;
        let md5 = digest(package.md5.as_deref(), parse_digest_from_hex::<Md5>)
            .ok_or_else(|| wrong("its MD5 is not one"))?;
        Ok(Self {
            package: package.clone(),
            url,
            identifier,
            sha256,
            md5,
        })
    }

    /// Its file name, which is what people know it by.
    pub fn name(&self) -> String {
        self.identifier.to_file_name()
    }

    /// Its place in the cache. The address belongs to it: channels and platforms share names, versions and builds.
    pub fn key(&self) -> Result<CacheKey, CondaError> {
        let version: VersionWithSource = self.package.version.parse().map_err(|_| {
            CondaError::new(
                CondaErrorKind::Invalid,
                format!(
                    "`{}` is not a version of `{}`",
                    self.package.version, self.package.name
                ),
            )
        })?;
        let mut record = PackageRecord::new(
            PackageName::new_unchecked(self.package.name.as_str()),
            version,
            BuildString::new_unchecked(self.package.build.as_str()),
        );
        record.sha256 = self.sha256;
        record.md5 = self.md5;
        Ok(CacheKey::from(&record).with_url(self.url.clone()))
    }

    /// Reads what the unpacked archive says of itself. Blocking.
    pub fn read(&self, folder: &Path) -> Result<Unpacked, CondaError> {
        let damaged = |why: &str| {
            CondaError::new(
                CondaErrorKind::Damaged,
                format!("the archive `{}` is damaged: {why}", self.name()),
            )
            .with_hint("tell those who look after the channel")
        };
        let index =
            IndexJson::from_package_directory(folder).map_err(|error| damaged(&cause::chain(&error)))?;
        let paths = PathsJson::from_package_directory_with_deprecated_fallback(folder)
            .map_err(|error| damaged(&cause::chain(&error)))?;
        let says = (
            index.name.as_normalized(),
            index.version.to_string(),
            index.build.to_string(),
        );
        let wanted = &self.package;
        if says != (wanted.name.as_str(), wanted.version.clone(), wanted.build.clone()) {
            return Err(damaged(&format!(
                "it holds `{} {} {}` and should hold `{} {} {}`",
                says.0, says.1, says.2, wanted.name, wanted.version, wanted.build
            )));
        }
        let inside = |path: &Path| {
            path.components().all(|part| {
                matches!(
                    part,
                    std::path::Component::Normal(_) | std::path::Component::CurDir
                )
            })
        };
        if let Some(entry) = paths.paths.iter().find(|entry| !inside(&entry.relative_path)) {
            return Err(damaged(&format!(
                "its file `{}` would be outside of the environment",
                entry.relative_path.display()
            )));
        }
        if index
            .python_site_packages_path
            .as_deref()
            .is_some_and(|path| !inside(Path::new(path)))
        {
            return Err(damaged(
                "its folder for modules would be outside of the environment",
            ));
        }
        let record = PackageRecord::from_index_json(index.clone(), None, self.sha256, self.md5)
            .map_err(|error| damaged(&cause::chain(&error)))?;
        let channel = self.url.join("..").ok().map(|url| url.to_string());
        Ok(Unpacked {
            folder: folder.to_owned(),
            record: RepoDataRecord {
                package_record: record,
                identifier: self.identifier.clone().into(),
                url: self.url.clone(),
                channel,
            },
            index,
            paths,
        })
    }
}

/// A checksum that may be absent; nothing when what is there is not one.
fn digest<T>(text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        None => Some(None),
        Some(text) => parse(text).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lock_must_not_hold_is_refused() {
        let good = CondaPackage {
            name: "a".into(),
            version: "1".into(),
            build: "0".into(),
            url: "https://h/c/linux-64/a-1-0.conda".into(),
            sha256: Some("00".repeat(32)),
            md5: None,
        };
        assert_eq!(Archive::parse(&good).unwrap().name(), "a-1-0.conda");
        type Spoil = fn(&mut CondaPackage);
        let bad: [(Spoil, &str); 5] = [
            (|package| package.url = "no".into(), "not an address"),
            (
                |package| package.url = "ftp://h/a-1-0.conda".into(),
                "neither http",
            ),
            (
                |package| package.url = "https://h/a-1-0.zip".into(),
                "does not end in",
            ),
            (|package| package.sha256 = Some("12".into()), "SHA-256"),
            (|package| package.md5 = Some("zz".into()), "MD5"),
        ];
        for (spoil, why) in bad {
            let mut package = good.clone();
            spoil(&mut package);
            let error = Archive::parse(&package).unwrap_err();
            assert_eq!(error.kind, CondaErrorKind::Invalid);
            assert!(
                error.message.contains(why) && error.message.contains("`a`"),
                "{error}"
            );
        }
    }
}
