//! What of ours lies on a machine, and how it gets there with nothing but a shell and `tar`.

use std::fmt::Write as _;

use crate::run_dir::{CONTAINER_SUPERVISOR, SUPERVISOR, names};

/// The far side's script.
const HOST: &str = include_str!("host.sh");

/// What is put on a machine: three scripts and the Python package, in a folder named by their content. A newer version
/// lies beside the older one, which running supervisors still use.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Path of our root folder, absolute or relative to the home folder.
    root: String,
    version: String,
    pack: Vec<u8>,
}

/// Why a folder on a machine cannot be used, as a path goes through the words of shells of all kinds.
#[must_use]
pub fn folder_problem(folder: &str) -> Option<String> {
    let odd =
        |c: char| c.is_control() || matches!(c, '\'' | '"' | '\\' | '$' | '`' | '!' | '*' | '?' | '[' | '~');
    if !folder.starts_with('/') {
        return Some(format!("`{folder}` is not an absolute path"));
    }
    if folder.chars().any(odd) || folder.split('/').any(|part| part == "..") {
        return Some(format!(
            "`{folder}` holds a character that shells treat in different ways, or `..`"
        ));
    }
    None
}

impl Installation {
    /// The installation of the server with this id. `folder` is a checked absolute path; `.outhaul` in the home folder
    /// when absent. `sdk` holds the files of the Python package.
    ///
    /// # Errors
    /// Never in practice: writing into memory cannot fail.
    pub fn new(server: &str, folder: Option<&str>, sdk: &[(String, Vec<u8>)]) -> std::io::Result<Self> {
        let mut files = vec![
            ("host.sh".to_owned(), HOST.as_bytes().to_vec()),
            ("supervise.sh".to_owned(), SUPERVISOR.as_bytes().to_vec()),
            (
                names::CONTAINER_SUPERVISOR.to_owned(),
                CONTAINER_SUPERVISOR.as_bytes().to_vec(),
            ),
        ];
        files.extend(
            sdk.iter()
                .map(|(path, bytes)| (format!("sdk/{path}"), bytes.clone())),
        );
        let mut builder = tar::Builder::new(Vec::new());
        for (path, bytes) in &files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_mtime(super::pack::DATE);
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes.as_slice())?;
        }
        let pack = builder.into_inner()?;
        Ok(Self {
            root: format!("{}/{server}", folder.unwrap_or(".outhaul").trim_end_matches('/')),
            version: blake3::hash(&pack).to_hex()[..16].to_owned(),
            pack,
        })
    }

    /// Version of what is installed.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The files to install, as a tar.
    #[must_use]
    pub fn pack(&self) -> &[u8] {
        &self.pack
    }

    /// Name of the library folder under the root.
    #[must_use]
    pub fn library(&self) -> String {
        format!("lib/{}", self.version)
    }

    /// The command line for an operation. Its words mean the same to every login shell.
    #[must_use]
    pub fn line(&self, operation: &str, arguments: &[&str]) -> String {
        debug_assert!(arguments.iter().all(|word| {
            word.chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':'))
        }));
        let mut line = format!("sh '{}/lib/{}/host.sh' {operation}", self.root, self.version);
        for word in arguments {
            // Writing to a String cannot fail.
            let _ = write!(line, " {word}");
        }
        line
    }

    /// The command line that installs the tar on its standard input. Without a single quote or `!` inside, so that
    /// csh and fish read it as sh does.
    #[must_use]
    pub fn install_line(&self, token: &str) -> String {
        let (root, version) = (&self.root, &self.version);
        format!(
            "sh -c 'umask 077; printf \"\\n@@outhaul@@\\n\"; n=\"{root}/lib/.new.{token}\"; d=\"{root}/lib/{version}\"; \
             e=$(mkdir -p \"$n\" 2>&1) || {{ echo \"failed $e\"; exit 0; }}; \
             e=$(tar -xof - -C \"$n\" 2>&1) || {{ rm -rf \"$n\"; echo \"failed $e\"; exit 0; }}; \
             if test -d \"$d\"; then rm -rf \"$n\"; else mv \"$n\" \"$d\"; fi && echo ok'"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_nothing_that_shells_disagree_on() {
        let installation = Installation::new("abc", None, &[]).unwrap();
        let line = installation.line("submit", &["k-1", "have"]);
        assert_eq!(
            line,
            format!(
                "sh '.outhaul/abc/lib/{}/host.sh' submit k-1 have",
                installation.version()
            )
        );
        let install = installation.install_line("t");
        assert_eq!(install.matches('\'').count(), 2, "{install}");
        assert!(!install.contains('!') && !install.contains("\n"), "{install}");
    }

    #[test]
    fn folders_that_shells_disagree_on_are_refused() {
        for (folder, fine) in [
            ("/data/outhaul", true),
            ("/data/my files", true),
            ("data", false),
            ("/data/$HOME", false),
            ("/data/it's", false),
            ("/data/../etc", false),
            ("/a\nb", false),
        ] {
            assert_eq!(folder_problem(folder).is_none(), fine, "{folder}");
        }
    }
}
