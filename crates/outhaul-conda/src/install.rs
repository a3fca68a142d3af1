//! Installing: fetched packages into a folder of this machine, as they must be at a path on the target.

use std::{ffi::OsStr, path::Path};

use outhaul_types::CondaPackage;
use rattler::install::{
    AppleCodeSignBehavior, ExternalSymlinkPolicy, InstallDriver, InstallError, InstallOptions, Transaction,
    link_package,
};
use rattler_conda_types::{PrefixRecord, RepoDataRecord, Subdir, prefix::Prefix};

use crate::{
    archive::{Archive, Unpacked},
    cause,
    conda::Conda,
    error::{CondaError, CondaErrorKind},
    platform, prefix,
};

/// What should be known of a folder that packages were installed into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Packages with a script that conda would run after linking. It is there, and it was not run.
    pub scripts_not_run: Vec<String>,
    /// Files that several packages bring; the package that is installed last has its own there.
    pub clobbered: Vec<String>,
}

impl Conda {
    /// Installs fetched packages into the folder `staging` of this machine, to be moved to `target_prefix` and run
    /// there. Neither conda nor this machine is needed then.
    ///
    /// `staging` must be empty or absent. When this fails, what it holds is of no use. Files are copies (or share
    /// their blocks on file systems that can), never hard links into the cache; no script of a package is run.
    pub async fn install(
        &self,
        packages: &[CondaPackage],
        staging: &Path,
        target_prefix: &str,
    ) -> Result<Installed, CondaError> {
        let target_prefix = prefix::check(target_prefix)?;
        let packages = self.unpacked(packages).await?;
        let subdirs = packages
            .iter()
            .map(|package| package.record.package_record.subdir.as_str());
        let subdir = platform::of_subdirs(subdirs)?
            .or_else(Subdir::current)
            .unwrap_or(Subdir::Linux64);
        if matches!(subdir, Subdir::Osx64 | Subdir::OsxArm64) && !cfg!(target_os = "macos") {
            return Err(CondaError::new(
                CondaErrorKind::Invalid,
                "packages for macOS have to be signed, which only macOS can do",
            )
            .with_hint("install the environment on a machine with macOS"));
        }
        prefix::fits(target_prefix, &packages)?;
        let folder = empty_folder(staging)?;

        let transaction = Transaction::<PrefixRecord, RepoDataRecord>::from_current_and_desired(
            Vec::new(),
            packages.iter().map(|package| package.record.clone()),
            None,
            None,
            subdir,
        )
        .map_err(|error| CondaError::new(CondaErrorKind::Damaged, cause::chain(&error)))?;
        let options = InstallOptions {
            target_prefix: Some(target_prefix.into()),
            platform: Some(subdir),
            python_info: transaction.python_info.clone(),
            allow_symbolic_links: Some(true),
            allow_hard_links: Some(false),
            apple_codesign_behavior: AppleCodeSignBehavior::Fail,
            external_symlink_policy: ExternalSymlinkPolicy::Deny,
            ..InstallOptions::default()
        };
        let driver = InstallDriver::builder()
            .execute_link_scripts(false)
            .with_io_concurrency_limit(64)
            .finish();
        let mut installed = Installed::default();
        // One after the other, so that files which several packages bring end up the same way each time.
        for package in &packages {
            link(package, &folder, &driver, options.clone()).await?;
            if has_script(package) {
                let name = package.record.package_record.name.as_normalized();
                tracing::warn!(package = name, "a script of the package was not run");
                installed.scripts_not_run.push(name.to_owned());
            }
        }
        let settled = tokio::task::spawn_blocking(move || driver.post_process(&transaction, &folder, None))
            .await
            .map_err(|error| CondaError::new(CondaErrorKind::Internal, error.to_string()))?
            .map_err(|error| {
                cause::of_disk(&format!("`{}` cannot be finished", staging.display()), &error)
            })?;
        installed.clobbered = settled
            .clobbered_paths
            .keys()
            .map(|path| path.display().to_string())
            .collect();
        installed.clobbered.sort_unstable();
        Ok(installed)
    }

    /// What packages say of themselves, read from the cache.
    async fn unpacked(&self, packages: &[CondaPackage]) -> Result<Vec<Unpacked>, CondaError> {
        let mut all = Vec::with_capacity(packages.len());
        for package in packages {
            let archive = Archive::parse(package)?;
            let Some(folder) = self.cached(&archive).await? else {
                return Err(CondaError::new(
                    CondaErrorKind::NotFetched,
                    format!("the archive `{}` is not in the cache", archive.name()),
                )
                .with_hint("fetch the packages first"));
            };
            let reading = tokio::task::spawn_blocking(move || archive.read(&folder));
            let read = reading
                .await
                .map_err(|error| CondaError::new(CondaErrorKind::Internal, error.to_string()))??;
            all.push(read);
        }
        Ok(all)
    }
}

fn empty_folder(folder: &Path) -> Result<Prefix, CondaError> {
    let occupied = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            return Err(cause::of_disk(
                &format!("`{}` cannot be read", folder.display()),
                &error,
            ));
        }
    };
    if occupied {
        return Err(CondaError::new(
            CondaErrorKind::Invalid,
            format!("`{}` is not empty", folder.display()),
        )
        .with_hint("install into a new folder"));
    }
    Prefix::create(folder)
        .map_err(|error| cause::of_disk(&format!("`{}` cannot be made", folder.display()), &error))
}

async fn link(
    package: &Unpacked,
    folder: &Prefix,
    driver: &InstallDriver,
    options: InstallOptions,
) -> Result<(), CondaError> {
    let name = package.record.package_record.name.as_normalized();
    let options = InstallOptions {
        paths_json: Some(package.paths.clone()),
        index_json: Some(package.index.clone()),
        ..options
    };
    let linked = link_package(&package.folder, folder, driver, options).await;
    let paths = linked.map_err(|error| match error {
        InstallError::MissingPythonInfo => CondaError::new(
            CondaErrorKind::Invalid,
            format!("the package `{name}` is made for Python, and there is no Python among the packages"),
        )
        .with_hint("add `python` to the specs"),
        error => cause::of_disk(&format!("the package `{name}` cannot be installed"), &error),
    })?;
    // No path of this machine goes into the record: the folder is for another one.
    let record = PrefixRecord::from_repodata_record(package.record.clone(), paths);
    let file = folder.path().join("conda-meta").join(record.file_name());
    record
        .write_to_path(&file, true)
        .map_err(|error| cause::of_disk(&format!("`{}` cannot be written", file.display()), &error))
}

fn has_script(package: &Unpacked) -> bool {
    let name = package.record.package_record.name.as_normalized();
    let scripts = [format!(".{name}-post-link.sh"), format!(".{name}-pre-link.sh")];
    package.paths.paths.iter().any(|entry| {
        entry.relative_path.parent() == Some(Path::new("bin"))
            && scripts
                .iter()
                .any(|script| entry.relative_path.file_name() == Some(OsStr::new(script)))
    })
}
