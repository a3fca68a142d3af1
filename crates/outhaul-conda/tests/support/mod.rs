//! What the tests of this crate share: folders with a channel, requests, and a server for channels over HTTP.

#![allow(
    clippy::allow_attributes,
    dead_code,
    reason = "each test file uses a part of it, so that neither lint is met everywhere"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

pub mod http;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use outhaul_conda::{Conda, CondaError, CondaOptions, CondaRequest};
use outhaul_types::CondaPackage;
use tempfile::TempDir;

/// A folder with caches, gone at the end of the test.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn conda(&self) -> Conda {
        self.conda_with(false)
    }

    pub fn conda_with(&self, offline: bool) -> Conda {
        Conda::new(CondaOptions {
            index_cache: self.path("indexes"),
            package_cache: self.path("packages"),
            offline,
            ..CondaOptions::default()
        })
        .unwrap()
    }
}

pub fn request(channels: &[&str], specs: &[&str]) -> CondaRequest {
    CondaRequest {
        specs: specs.iter().map(|&text| text.to_owned()).collect(),
        channels: channels.iter().map(|&text| text.to_owned()).collect(),
        platform: "linux-x86_64".into(),
        ..CondaRequest::default()
    }
}

pub fn named(packages: &[CondaPackage]) -> Vec<String> {
    packages
        .iter()
        .map(|package| format!("{} {}", package.name, package.version))
        .collect()
}

pub async fn solved(conda: &Conda, channels: &[&str], specs: &[&str]) -> Result<Vec<String>, CondaError> {
    Ok(named(&conda.solve(&request(channels, specs)).await?))
}

/// Every file below a folder: its path, and its mode with its content, or where it links to.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    use std::os::unix::{ffi::OsStrExt, fs::MetadataExt};
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                open.push(path);
                continue;
            }
            let content = if metadata.is_symlink() {
                std::fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
            } else {
                assert_eq!(
                    metadata.nlink(),
                    1,
                    "a hard link into the cache: {}",
                    path.display()
                );
                std::fs::read(&path).unwrap()
            };
            all.insert(
                path.strip_prefix(folder).unwrap().to_owned(),
                (metadata.mode(), content),
            );
        }
    }
    all
}
