//! The Python at hand: the first `python3` of the PATH. A version manager's stand-in (a shell script) is asked once which
//! interpreter it stands for; the answer is kept as long as nothing that decides it has changed.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::commands::doctor::find_program;
use crate::env_vars;
use crate::error::CliError;

/// An interpreter that is known or being asked for.
#[derive(Debug)]
pub(in crate::commands) enum Search {
    /// It is this one.
    Known(String),
    /// The stand-in was asked.
    Asked {
        /// The stand-in.
        path: PathBuf,
        /// Its process.
        child: Child,
        /// Where the answer may be kept, under which name.
        key: Option<String>,
    },
}

impl Search {
    /// Looks for the interpreter; does not wait for a stand-in's answer.
    pub(super) fn begin(search_path: &[PathBuf], home: &Path, here: &Path) -> Result<Self, CliError> {
        let Some(path) = find_program(search_path, "python3").or_else(|| find_program(search_path, "python"))
        else {
            return Err(CliError::user("no `python3` on the PATH")
                .hint("install Python 3.8 or newer, or name an environment with `--environment`"));
        };
        if !is_script(&path) {
            return Ok(Self::Known(utf8(path)?));
        }
        let key = pyenv_key(&path, here, |name| env_vars::get(name).map(Into::into));
        if let Some(known) = key.as_deref().and_then(|key| remembered(home, key)) {
            return Ok(Self::Known(known));
        }
        let child = Command::new(&path)
            .args(["-I", "-S", "-c", "import sys; print(sys.executable)"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| CliError::user(format!("`{}` cannot be started: {error}", path.display())))?;
        Ok(Self::Asked { path, child, key })
    }

    /// The interpreter's absolute path. Waits for a stand-in's answer, and keeps it if the data folder is there.
    pub(super) fn finish(&mut self, home: &Path) -> Result<String, CliError> {
        let (path, child, key) = match self {
            Self::Known(python) => return Ok(python.clone()),
            Self::Asked { path, child, key } => (path.display(), child, key),
        };
        // Standard output is a line; standard error is read behind it, so neither can fill up while the other is read.
        let mut answer = String::new();
        let mut complaint = String::new();
        let read = child.stdout.take().map(|mut out| out.read_to_string(&mut answer));
        let _ = child
            .stderr
            .take()
            .map(|mut err| err.read_to_string(&mut complaint));
        let ended = child.wait();
        let python = answer.trim();
        if !ended.is_ok_and(|status| status.success())
            || !matches!(read, Some(Ok(_)))
            || !python.starts_with('/')
        {
            let said = complaint
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("it gave no answer");
            return Err(CliError::user(format!(
                "`{path}` does not work as a Python interpreter: {}",
                said.trim()
            ))
            .hint("put a working `python3` on the PATH, or name an environment with `--environment`"));
        }
        let python = python.to_owned();
        if let Some(key) = key {
            remember(home, key, &python);
        }
        *self = Self::Known(python.clone());
        Ok(python)
    }
}

fn utf8(path: PathBuf) -> Result<String, CliError> {
    path.into_os_string().into_string().map_err(|path| {
        CliError::user(format!(
            "the path of the interpreter `{}` is not valid UTF-8",
            path.display()
        ))
        .hint("name an environment with `--environment`")
    })
}

fn is_script(path: &Path) -> bool {
    let mut head = [0; 2];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok()
        && &head == b"#!"
}

/// All that decides which interpreter a stand-in of pyenv (`<root>/shims/python3`) stands for, as the name of a file;
/// `None` for the stand-ins of others.
fn pyenv_key(shim: &Path, here: &Path, get: impl Fn(&str) -> Option<PathBuf>) -> Option<String> {
    let folder = shim
        .parent()
        .filter(|folder| folder.file_name().is_some_and(|name| name == "shims"))?;
    let root = folder.parent().filter(|root| root.join("versions").is_dir())?;
    let mut facts = vec![fact(shim), fact(&root.join("version"))];
    for name in [env_vars::PYENV_VERSION, env_vars::PYENV_DIR] {
        facts.push(format!("{name}={:?}", get(name)));
    }
    let begin = get(env_vars::PYENV_DIR).unwrap_or_else(|| here.to_owned());
    facts.extend(
        begin
            .ancestors()
            .map(|folder| fact(&folder.join(".python-version"))),
    );
    Some(outhaul_snapshot::Hash::of(facts.join("\n").as_bytes()).to_hex())
}

/// What tells whether a file was changed.
fn fact(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(meta) => {
            format!(
                "{path:?} {} {}.{} {}.{} {}",
                meta.ino(),
                meta.mtime(),
                meta.mtime_nsec(),
                meta.ctime(),
                meta.ctime_nsec(),
                meta.size()
            )
        }
        Err(_) => format!("{path:?} -"),
    }
}

fn kept(home: &Path, key: &str) -> PathBuf {
    home.join("interpreters").join(key)
}

fn remembered(home: &Path, key: &str) -> Option<String> {
    let python = fs::read_to_string(kept(home, key)).ok()?;
    Path::new(&python).is_file().then_some(python)
}

/// Best effort: an answer that cannot be kept is asked for again. Nothing is put into a folder that is no data folder
/// yet: the server would take it for somebody else's.
fn remember(home: &Path, key: &str, python: &str) {
    let file = kept(home, key);
    let Some(folder) = file.parent().filter(|_| home.join("version").is_file()) else {
        return;
    };
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let draft = tempfile::NamedTempFile::new_in(folder)?;
        fs::write(draft.path(), python)?;
        draft.persist(&file)?;
        Ok(())
    };
    let _ = write();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn program(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_real_interpreter_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        program(&bin.join("python"), "\x7fELF");
        let mut search = Search::begin(std::slice::from_ref(&bin), folder.path(), folder.path()).unwrap();
        assert_eq!(
            search.finish(folder.path()).unwrap(),
            bin.join("python").to_str().unwrap()
        );
        program(&bin.join("python3"), "\x7fELF");
        let mut search = Search::begin(std::slice::from_ref(&bin), folder.path(), folder.path()).unwrap();
        assert_eq!(
            search.finish(folder.path()).unwrap(),
            bin.join("python3").to_str().unwrap()
        );
    }

    #[test]
    fn without_python_the_error_says_what_to_do() {
        let error = Search::begin(&[], Path::new("/h"), Path::new("/")).unwrap_err();
        assert_eq!((error.code, error.hints.len()), (2, 1));
    }

    #[test]
    fn a_stand_in_is_asked_once_and_again_after_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (home, root) = (folder.path().join("home"), folder.path().join("pyenv"));
        fs::create_dir_all(root.join("versions")).unwrap();
        fs::create_dir(&home).unwrap();
        fs::write(home.join("version"), "1").unwrap();
        let (real, count) = (folder.path().join("real"), folder.path().join("count"));
        fs::write(&real, "").unwrap();
        let shim = root.join("shims/python3");
        program(
            &shim,
            &format!(
                "#!/bin/sh\necho x >> '{}'\necho '{}'\n",
                count.display(),
                real.display()
            ),
        );
        let path = [root.join("shims")];
        let ask = || {
            Search::begin(&path, &home, folder.path())
                .unwrap()
                .finish(&home)
                .unwrap()
        };
        let asked = || fs::read_to_string(&count).unwrap().lines().count();
        assert_eq!((ask(), asked()), (real.to_str().unwrap().to_owned(), 1));
        assert_eq!((ask(), asked()), (real.to_str().unwrap().to_owned(), 1));
        fs::write(folder.path().join(".python-version"), "3.12").unwrap();
        assert_eq!((ask(), asked()), (real.to_str().unwrap().to_owned(), 2));
    }

    #[test]
    fn a_stand_in_for_nothing_is_an_error_in_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        program(
            &folder.path().join("python3"),
            "#!/bin/sh\necho 'pyenv: version 3.99 is not installed' >&2\nexit 1\n",
        );
        let mut search = Search::begin(&[folder.path().to_owned()], folder.path(), folder.path()).unwrap();
        let error = search.finish(folder.path()).unwrap_err();
        assert!(
            error.message.ends_with("pyenv: version 3.99 is not installed"),
            "{error:?}"
        );
        assert_eq!(error.code, 2);
    }
}
