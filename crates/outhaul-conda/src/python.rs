//! The Python among packages. Pure.

use outhaul_types::CondaPackage;

/// The Python that an environment brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// Full version, such as `3.11.7`.
    pub version: String,
    /// Where its interpreter is, from the folder of the environment on.
    pub path: String,
}

/// The Python among packages; none when no package brings one.
pub fn python_of(packages: &[CondaPackage]) -> Option<Python> {
    let package = packages.iter().find(|package| package.name == "python")?;
    let mut numbers = package.version.split('.');
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (plain(major) && plain(minor)).then(|| Python {
        version: package.version.clone(),
        path: format!("bin/python{major}.{minor}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_is_found_by_its_name() {
        let package = |name: &str, version: &str| CondaPackage {
            name: name.into(),
            version: version.into(),
            build: "0".into(),
            url: "https://h/x.conda".into(),
            sha256: None,
            md5: None,
        };
        let all = [package("python_abi", "3.11"), package("python", "3.11.7")];
        let found = python_of(&all).unwrap();
        assert_eq!(
            (found.version.as_str(), found.path.as_str()),
            ("3.11.7", "bin/python3.11")
        );
        assert_eq!(python_of(&all[..1]), None);
        assert_eq!(python_of(&[package("python", "3")]), None);
    }
}
