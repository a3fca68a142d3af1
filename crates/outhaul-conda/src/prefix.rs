//! The folder that an environment will be at on the target, and whether packages have room for its name. Pure.

use rattler_conda_types::package::FileMode;

use crate::{
    archive::Unpacked,
    error::{CondaError, CondaErrorKind},
};

/// Checks the folder; the same without a slash at its end comes back.
pub(crate) fn check(prefix: &str) -> Result<&str, CondaError> {
    let trimmed = prefix.trim_end_matches('/');
    let wrong = |why: &str| {
        CondaError::new(
            CondaErrorKind::Invalid,
            format!(
                "`{}` cannot hold a conda environment: {why}",
                prefix.escape_debug()
            ),
        )
        .with_hint("choose another folder on the target")
    };
    if !prefix.starts_with('/') {
        return Err(wrong("it is not an absolute path"));
    }
    if trimmed.is_empty() {
        return Err(wrong("it is the root of the file system"));
    }
    if trimmed.chars().any(char::is_control) || trimmed.contains(['"', '\'', '\\', '$', '`']) {
        return Err(wrong(
            "quotes, `$`, backslashes and line breaks break the scripts of packages",
        ));
    }
    Ok(trimmed)
}

/// Fails when a program of a package has no room for the folder's name, and names the one with the least.
pub(crate) fn fits(prefix: &str, packages: &[Unpacked]) -> Result<(), CondaError> {
    let tightest = packages
        .iter()
        .flat_map(|package| {
            let room = package.paths.paths.iter().filter_map(|entry| {
                let placeholder = entry.prefix_placeholder.as_ref()?;
                (placeholder.file_mode == FileMode::Binary).then_some(placeholder.placeholder.len())
            });
            room.map(move |room| (room, package))
        })
        .min_by_key(|&(room, _)| room);
    let Some((room, package)) = tightest.filter(|&(room, _)| room < prefix.len()) else {
        return Ok(());
    };
    Err(CondaError::new(
        CondaErrorKind::PrefixTooLong,
        format!(
            "the folder `{prefix}` has {} bytes in its name, and the package `{}` has room for {room}",
            prefix.len(),
            package.record.package_record.name.as_normalized()
        ),
    )
    .with_hint("choose a folder with a shorter name on the target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_environments() {
        for (folder, expected) in [
            ("/a/b", "/a/b"),
            ("/a/b//", "/a/b"),
            ("/with space/b", "/with space/b"),
        ] {
            assert_eq!(check(folder).unwrap(), expected);
        }
        for bad in ["", "a/b", "/", "//", "/a\nb", "/a$b", "/a'b"] {
            assert_eq!(check(bad).unwrap_err().kind, CondaErrorKind::Invalid, "{bad}");
        }
    }
}
