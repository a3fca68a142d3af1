//! The text of the person's known-hosts files.

use std::path::{Path, PathBuf};

use outhaul_ssh::ResolvedAlias;

use super::credential::at_home;

/// All files in one; those that cannot be read say nothing, as with OpenSSH.
pub(super) fn text(alias: Option<&ResolvedAlias>, home: Option<&Path>) -> String {
    let mut text = String::new();
    for file in files(alias, home) {
        if let Ok(bytes) = std::fs::read(&file) {
            text.push_str(&String::from_utf8_lossy(&bytes));
            text.push('\n');
        }
    }
    text
}

fn files(alias: Option<&ResolvedAlias>, home: Option<&Path>) -> Vec<PathBuf> {
    let named: Vec<&PathBuf> = alias
        .map(|alias| {
            let global = &alias.global_known_hosts_files;
            alias.user_known_hosts_files.iter().chain(global).collect()
        })
        .unwrap_or_default();
    if !named.is_empty() {
        return named.into_iter().map(|file| at_home(file, home)).collect();
    }
    let own = home.map(|home| home.join(".ssh"));
    let own = own
        .iter()
        .flat_map(|folder| ["known_hosts", "known_hosts2"].map(|name| folder.join(name)));
    own.chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_configuration_or_the_usual_ones() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path();
        assert_eq!(
            files(None, Some(Path::new("/h"))),
            [
                "/h/.ssh/known_hosts",
                "/h/.ssh/known_hosts2",
                "/etc/ssh/ssh_known_hosts"
            ]
            .map(PathBuf::from)
        );
        std::fs::write(path.join("one"), "a ssh-ed25519 x").unwrap();
        std::fs::write(path.join("two"), "b ssh-ed25519 y\n").unwrap();
        let alias = ResolvedAlias {
            user_known_hosts_files: vec!["~/one".into(), "~/missing".into()],
            global_known_hosts_files: vec![path.join("two")],
            ..ResolvedAlias::default()
        };
        assert_eq!(
            text(Some(&alias), Some(path)),
            "a ssh-ed25519 x\nb ssh-ed25519 y\n\n"
        );
    }
}
