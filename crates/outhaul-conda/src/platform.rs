//! Platforms, and what a target of a platform is known to have (conda's virtual packages). Pure.

use rattler_conda_types::{GenericVirtualPackage, PackageName, Subdir, Version, package::BuildString};

use crate::{
    error::{CondaError, CondaErrorKind},
    request::CondaRequest,
};

/// What a target is taken to have when nothing is known of it: the oldest that conda-forge builds for.
const OLDEST_GLIBC: &str = "2.17";
const OLDEST_LINUX: &str = "4.18";
const OLDEST_MACOS: &str = "13.0";

/// The folder of a channel that packages for a platform are in.
pub(crate) fn subdir(platform: &str) -> Result<Subdir, CondaError> {
    Ok(match platform {
        "linux-x86_64" | "linux-amd64" | "linux-64" => Subdir::Linux64,
        "linux-aarch64" | "linux-arm64" => Subdir::LinuxAarch64,
        "darwin-x86_64" | "macos-x86_64" | "osx-64" => Subdir::Osx64,
        "darwin-arm64" | "darwin-aarch64" | "macos-arm64" | "macos-aarch64" | "osx-arm64" => Subdir::OsxArm64,
        _ => {
            return Err(CondaError::new(
                CondaErrorKind::Invalid,
                format!("there are no conda packages for the platform `{platform}`"),
            )
            .with_hint("supported are linux-x86_64, linux-aarch64, darwin-x86_64 and darwin-arm64"));
        }
    })
}

/// The platform that packages installed together are for, read from the folders they come from.
pub(crate) fn of_subdirs<'a>(subdirs: impl Iterator<Item = &'a str>) -> Result<Option<Subdir>, CondaError> {
    let mut found: Option<Subdir> = None;
    for name in subdirs.filter(|&name| name != "noarch") {
        let this = subdir(name)?;
        if let Some(other) = found.filter(|&other| other != this) {
            return Err(CondaError::new(
                CondaErrorKind::Invalid,
                format!("packages for `{other}` and `{this}` cannot be installed together"),
            )
            .with_hint("solve the specs anew, for one platform"));
        }
        found = Some(this);
    }
    Ok(found)
}

/// What the target has beyond packages, as conda's virtual packages tell it.
pub(crate) fn virtual_packages(
    subdir: Subdir,
    request: &CondaRequest,
) -> Result<Vec<GenericVirtualPackage>, CondaError> {
    let mut all = vec![virtual_package("__unix", "0", "0")?];
    let processor = match subdir {
        Subdir::LinuxAarch64 => "aarch64",
        Subdir::OsxArm64 => "m1",
        _ => "x86_64",
    };
    all.push(virtual_package("__archspec", "1", processor)?);
    if matches!(subdir, Subdir::Linux64 | Subdir::LinuxAarch64) {
        let glibc = request.glibc.as_deref().unwrap_or(OLDEST_GLIBC);
        all.push(virtual_package("__glibc", glibc, "0")?);
        all.push(virtual_package("__linux", OLDEST_LINUX, "0")?);
    } else {
        all.push(virtual_package("__osx", OLDEST_MACOS, "0")?);
    }
    if let Some(cuda) = &request.cuda {
        all.push(virtual_package("__cuda", cuda, "0")?);
    }
    Ok(all)
}

fn virtual_package(name: &str, version: &str, build: &str) -> Result<GenericVirtualPackage, CondaError> {
    let version: Version = version.parse().map_err(|_| {
        CondaError::new(
            CondaErrorKind::Invalid,
            format!(
                "`{version}` is not a version of `{}`",
                name.trim_start_matches('_')
            ),
        )
        .with_hint("give numbers with points, such as 2.28")
    })?;
    Ok(GenericVirtualPackage {
        name: PackageName::new_unchecked(name),
        version,
        build_string: BuildString::new_unchecked(build),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(platform: &str, glibc: Option<&str>, cuda: Option<&str>) -> String {
        let request = CondaRequest {
            glibc: glibc.map(str::to_owned),
            cuda: cuda.map(str::to_owned),
            ..CondaRequest::default()
        };
        let all = virtual_packages(subdir(platform).unwrap(), &request).unwrap();
        let texts: Vec<String> = all
            .iter()
            .map(|package| {
                format!(
                    "{} {} {}",
                    package.name.as_source(),
                    package.version,
                    package.build_string
                )
            })
            .collect();
        texts.join(", ")
    }

    #[test]
    fn targets_have_what_is_told_and_not_what_this_machine_has() {
        for (platform, glibc, cuda, expected) in [
            (
                "linux-x86_64",
                None,
                None,
                "__unix 0 0, __archspec 1 x86_64, __glibc 2.17 0, __linux 4.18 0",
            ),
            (
                "linux-aarch64",
                Some("2.35"),
                Some("12.4"),
                "__unix 0 0, __archspec 1 aarch64, __glibc 2.35 0, __linux 4.18 0, __cuda 12.4 0",
            ),
            (
                "darwin-arm64",
                None,
                None,
                "__unix 0 0, __archspec 1 m1, __osx 13.0 0",
            ),
        ] {
            assert_eq!(told(platform, glibc, cuda), expected);
        }
    }

    #[test]
    fn words_for_platforms() {
        for (ours, theirs) in [
            ("linux-x86_64", "linux-64"),
            ("linux-64", "linux-64"),
            ("linux-aarch64", "linux-aarch64"),
            ("darwin-x86_64", "osx-64"),
            ("macos-arm64", "osx-arm64"),
        ] {
            assert_eq!(subdir(ours).unwrap().as_str(), theirs);
        }
        let error = subdir("win-64").unwrap_err();
        assert_eq!(error.kind, CondaErrorKind::Invalid);
        assert!(error.message.contains("`win-64`"), "{error}");
    }

    #[test]
    fn one_environment_is_for_one_platform() {
        let of = |all: &[&'static str]| of_subdirs(all.iter().copied());
        assert_eq!(of(&["noarch"]).unwrap(), None);
        assert_eq!(of(&["linux-64", "noarch"]).unwrap(), Some(Subdir::Linux64));
        let error = of(&["linux-64", "osx-64"]).unwrap_err();
        assert!(error.message.contains("`linux-64` and `osx-64`"), "{error}");
    }
}
