//! Which environment is asked for: a file, a registered name, or the Python at hand.

use std::path::{Path, PathBuf};

use outhaul_environment::MAX_SPEC_BYTES;
use outhaul_types::api::EnvironmentChoice;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{DockerSpec, EnvironmentSpec, Interpreter};

use super::interpreter::Search;
use crate::args::NamedVersion;
use crate::context::Context;
use crate::env_vars;
use crate::error::CliError;

/// The interpreter of another machine, which looks for it on its own `PATH`.
const PYTHON_THERE: &str = "python3";

/// An environment as the person asked for it.
#[derive(Debug)]
pub(in crate::commands) enum Wish {
    /// A registered one.
    Named(NamedVersion),
    /// One that a file spells out.
    Spec(Box<EnvironmentSpec>),
    /// The Python at hand, as it is.
    AtHand(Search),
}

impl Wish {
    /// The environment of an option, else that of `outhaul.toml`, else the Python at hand: on this machine, or as the
    /// target finds it. `python` is the one at hand where the caller knows better than the `PATH`.
    pub(in crate::commands) fn of(
        context: &Context,
        given: Option<&str>,
        target: Option<&str>,
        python: Option<&str>,
    ) -> Result<Self, CliError> {
        let config = &context.config;
        match (given, &config.environment) {
            (Some(given), _) => Self::named(&context.here, given),
            (None, Some(default)) => Self::named(config.folder().unwrap_or(&context.here), default),
            (None, None) if target.is_some_and(|target| target != LOCAL_TARGET) => {
                Ok(Self::python_as_it_is(PYTHON_THERE.to_owned()))
            }
            (None, None) => match python {
                Some(python) => Ok(Self::python_as_it_is(python.to_owned())),
                None => {
                    Search::begin(&env_vars::search_path(), &context.home, &context.here).map(Self::AtHand)
                }
            },
        }
    }

    /// A file relative to `folder`, or a registered environment.
    pub(in crate::commands) fn named(folder: &Path, text: &str) -> Result<Self, CliError> {
        match kind(folder, text)? {
            Kind::File(path) => Ok(Self::Spec(Box::new(read(&path, text)?))),
            Kind::Name(name) => Ok(Self::Named(name)),
        }
    }

    /// Waits for what is still being found out.
    pub(in crate::commands) fn settle(&mut self, home: &Path) -> Result<(), CliError> {
        if let Self::AtHand(search) = self {
            let python = search.finish(home)?;
            *self = Self::python_as_it_is(python);
        }
        Ok(())
    }

    fn python_as_it_is(python: String) -> Self {
        Self::Spec(Box::new(EnvironmentSpec {
            interpreter: Interpreter::UserManaged { python },
            ..EnvironmentSpec::default()
        }))
    }

    /// The wish as the API has it. A Python at hand must be settled before.
    pub(in crate::commands) fn choice(self) -> EnvironmentChoice {
        match self {
            Self::Named(NamedVersion { name, version }) => EnvironmentChoice::Named { name, version },
            Self::Spec(spec) => EnvironmentChoice::Spec { spec: *spec },
            Self::AtHand(_) => EnvironmentChoice::Spec {
                spec: EnvironmentSpec::default(),
            },
        }
    }

    /// The spec, where it is known on this side.
    pub(super) fn spec(&self) -> Option<&EnvironmentSpec> {
        match self {
            Self::Spec(spec) => Some(spec),
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    File(PathBuf),
    Name(NamedVersion),
}

/// Tells a file from a name.
fn kind(folder: &Path, text: &str) -> Result<Kind, CliError> {
    let path = folder.join(text);
    if path.is_file() {
        return Ok(Kind::File(path));
    }
    let lower = text.to_ascii_lowercase();
    let looks_like_file = text.contains('/')
        || [".yml", ".yaml", ".txt", ".in", ".toml"]
            .iter()
            .any(|ending| lower.ends_with(ending));
    if looks_like_file {
        return Err(match path.metadata() {
            Ok(_) => CliError::user(format!("environment file `{text}` is not a regular file")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                CliError::user(format!("no such environment file `{text}`"))
            }
            Err(error) => CliError::user(format!("environment file `{text}` cannot be used: {error}")),
        });
    }
    text.parse().map(Kind::Name).map_err(CliError::user)
}

/// Reads an environment file; `shown` is how the person named it.
pub(in crate::commands) fn read(path: &Path, shown: &str) -> Result<EnvironmentSpec, CliError> {
    let cannot = |error: std::io::Error| {
        CliError::user(match error.kind() {
            std::io::ErrorKind::NotFound => format!("no such environment file `{shown}`"),
            _ => format!("environment file `{shown}` cannot be read: {error}"),
        })
    };
    let size = path.metadata().map_err(cannot)?.len();
    if size > MAX_SPEC_BYTES as u64 {
        let message =
            format!("environment file `{shown}` has {size} bytes, more than the {MAX_SPEC_BYTES} allowed");
        return Err(
            CliError::user(message).hint("an environment file lists packages; is this the right file?")
        );
    }
    let bytes = std::fs::read(path).map_err(cannot)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        CliError::user(format!(
            "environment file `{shown}` is not valid UTF-8, so it is not a text file"
        ))
    })?;
    let mut spec = outhaul_environment::parse(shown, &text).map_err(|mut error| {
        let hint = error.hint.take();
        CliError::user(error.to_string()).hint_if(hint)
    })?;
    if let Some(docker) = &mut spec.docker {
        read_dockerfile(path, docker)?;
    }
    Ok(spec)
}

/// Puts a Dockerfile's text where the environment file names its path, which starts at the environment file's folder.
fn read_dockerfile(environment: &Path, docker: &mut DockerSpec) -> Result<(), CliError> {
    let Some(named) = docker.dockerfile.as_ref().filter(|text| !is_dockerfile(text)) else {
        return Ok(());
    };
    let path = environment.parent().unwrap_or(Path::new("")).join(named);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        CliError::user(format!(
            "the Dockerfile `{}` cannot be read: {error}",
            path.display()
        ))
        .hint("`dockerfile` takes the text of a Dockerfile, or its path from the environment file's folder")
    })?;
    docker.dockerfile = Some(text);
    Ok(())
}

/// Whether this is a Dockerfile itself rather than the path of one.
fn is_dockerfile(text: &str) -> bool {
    text.contains('\n') || text.trim_start().to_ascii_uppercase().starts_with("FROM ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_names_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["environment.yml", "plain", "sk:2"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("envs")).unwrap();
        let kind = |text: &str| kind(folder.path(), text);
        let named = |name: &str, version| {
            Kind::Name(NamedVersion {
                name: name.into(),
                version,
            })
        };
        assert_eq!(
            kind("environment.yml"),
            Ok(Kind::File(folder.path().join("environment.yml")))
        );
        assert_eq!(
            kind("./environment.yml"),
            Ok(Kind::File(folder.path().join("./environment.yml")))
        );
        assert_eq!(kind("plain"), Ok(Kind::File(folder.path().join("plain"))));
        assert_eq!(kind("sk:2"), Ok(Kind::File(folder.path().join("sk:2"))));
        assert_eq!(kind("sklearn"), Ok(named("sklearn", None)));
        assert_eq!(kind("sklearn:2"), Ok(named("sklearn", Some(2))));
        assert_eq!(kind("envs"), Ok(named("envs", None)));
        for missing in [
            "enviroment.yml",
            "x.YAML",
            "a/b",
            "requirements.txt",
            "environment.toml",
        ] {
            assert_eq!(
                kind(missing).unwrap_err().message,
                format!("no such environment file `{missing}`")
            );
        }
        assert!(
            kind("./envs")
                .unwrap_err()
                .message
                .contains("is not a regular file")
        );
        assert!(
            kind("sklearn:x")
                .unwrap_err()
                .message
                .contains("is not a version")
        );
        assert!(
            kind("a b")
                .unwrap_err()
                .message
                .contains("environment name `a b` is not allowed")
        );
    }

    #[test]
    fn a_wrong_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("environment.yml");
        std::fs::write(&file, "name: x\ndependencies: [python\n").unwrap();
        let error = read(&file, "my/environment.yml").unwrap_err();
        assert!(error.message.starts_with("`my/environment.yml`:"), "{error:?}");
        assert_eq!(error.code, 2);
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        assert!(
            read(&file, "e.yml")
                .unwrap_err()
                .message
                .contains("not valid UTF-8")
        );
        std::fs::write(
            &file,
            "name: x\ndependencies:\n  - python=3.11\n  - pip:\n    - numpy\n",
        )
        .unwrap();
        let spec = read(&file, "e.yml").unwrap();
        assert_eq!(
            (spec.name.as_deref(), spec.pip.as_slice()),
            (Some("x"), ["numpy".to_owned()].as_slice())
        );
    }
}
