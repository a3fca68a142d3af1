//! `outhaul.toml`: defaults for the folder that it lies in and all below.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use outhaul_types::CondaMode;
use outhaul_types::id::check_name;
use outhaul_types::nearest::nearest;
use outhaul_types::spec::is_variable_name;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::CliError;

/// Name of the file.
pub(crate) const FILE: &str = "outhaul.toml";

const KEYS: [&str; 9] = [
    "target",
    "experiment",
    "environment",
    "source",
    "conda",
    "workspace",
    "max-duration",
    "env",
    "tags",
];

/// Defaults.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// The file that they are from.
    pub file: Option<PathBuf>,
    pub target: Option<String>,
    pub experiment: Option<String>,
    /// A file (relative to the config file's folder) or a registered name.
    pub environment: Option<String>,
    /// Absolute.
    pub source: Option<PathBuf>,
    pub conda: Option<CondaMode>,
    pub workspace: Option<String>,
    pub max_duration: Option<Duration>,
    pub env: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
}

impl Config {
    /// The nearest file from `folder` upwards; no defaults where there is none.
    ///
    /// # Errors
    /// When the file cannot be read or is wrong.
    pub(crate) fn find(folder: &Path) -> Result<Self, CliError> {
        for folder in folder.ancestors() {
            let file = folder.join(FILE);
            match std::fs::read_to_string(&file) {
                Ok(text) => return parse(&file, &text),
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                    ) => {}
                Err(error) => {
                    return Err(CliError::user(format!(
                        "`{}` cannot be read: {error}",
                        file.display()
                    )));
                }
            }
        }
        Ok(Self::default())
    }

    /// The folder that the file lies in.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.file.as_deref().and_then(Path::parent)
    }
}

struct Source<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn error(&self, at: usize, message: &str) -> CliError {
        let line = self.text.as_bytes()[..at.min(self.text.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        CliError::user(format!("`{}`:{line}: {message}", self.file.display()))
    }

    fn text(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, CliError> {
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Ok(text.to_string()),
            DeValue::String(_) => Err(self.error(value.span().start, &format!("`{key}` is empty"))),
            _ => Err(self.error(value.span().start, &format!("`{key}` must be a text in quotes"))),
        }
    }

    /// A table of texts, in which numbers and truth values stand for themselves.
    fn table(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<(String, usize, String)>, CliError> {
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.error(value.span().start, &format!("`{key}` must be a table: `[{key}]`")));
        };
        let entries = table.iter().map(|(name, value)| {
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
                    self.text.get(value.span()).unwrap_or_default().to_owned()
                }
                _ => {
                    let message = format!("`{key}.{}` must be a text in quotes", name.get_ref());
                    return Err(self.error(value.span().start, &message));
                }
            };
            Ok((name.get_ref().to_string(), name.span().start, text))
        });
        entries.collect()
    }
}

fn parse(file: &Path, text: &str) -> Result<Config, CliError> {
    let source = Source { file, text };
    let table = DeTable::parse(text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        source.error(
            error.span().map_or(0, |span| span.start),
            &format!("this is not valid TOML: {message}"),
        )
    })?;
    let mut config = Config {
        file: Some(file.to_owned()),
        ..Config::default()
    };
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let key_at = key.span().start;
        let at = value.span().start;
        let key: &str = key.get_ref();
        let wrong = |error: &dyn std::fmt::Display| source.error(at, &error.to_string());
        let name = |what| -> Result<Option<String>, CliError> {
            let name = source.text(key, value)?;
            check_name(what, &name).map_err(|error| wrong(&error))?;
            Ok(Some(name))
        };
        match key {
            "target" => config.target = name("target")?,
            "experiment" => config.experiment = name("experiment")?,
            "workspace" => config.workspace = name("workspace")?,
            "environment" => config.environment = Some(source.text(key, value)?),
            "source" => {
                let folder = file.parent().unwrap_or(Path::new("/"));
                config.source = Some(folder.join(source.text(key, value)?));
            }
            "conda" => {
                config.conda = Some(
                    source
                        .text(key, value)?
                        .parse()
                        .map_err(|error: String| wrong(&error))?,
                );
            }
            "max-duration" => {
                let text = match value.get_ref() {
                    DeValue::Integer(_) => text.get(value.span()).unwrap_or_default().to_owned(),
                    _ => source.text(key, value)?,
                };
                config.max_duration =
                    Some(outhaul_types::duration::parse(&text).map_err(|error| wrong(&error))?);
            }
            "env" => {
                for (name, at, value) in source.table(key, value)? {
                    if !is_variable_name(&name) {
                        return Err(source.error(at, &format!("`{name}` cannot be a variable's name")));
                    }
                    config.env.insert(name, value);
                }
            }
            "tags" => {
                config.tags = source
                    .table(key, value)?
                    .into_iter()
                    .map(|(name, _, value)| (name, value))
                    .collect();
            }
            _ => {
                let hint = match nearest(key, KEYS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("known keys: {}", KEYS.map(|key| format!("`{key}`")).join(", ")),
                };
                return Err(source.error(key_at, &format!("unknown key `{key}`")).hint(hint));
            }
        }
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, CliError> {
        parse(Path::new("/p/outhaul.toml"), text)
    }

    #[test]
    fn all_keys_are_read() {
        let text = "target = 'local'\nexperiment = 'e'\nenvironment = 'env.yml'\nsource = 'src'\nconda = 'pypi'\n\
                    workspace = 'w'\nmax-duration = '2h'\n[env]\nA = '1'\nB = 2\n[tags]\nteam = 'x y'\nok = true\n";
        let config = read(text).unwrap();
        assert_eq!(config.target.as_deref(), Some("local"));
        assert_eq!(config.source, Some("/p/src".into()));
        assert_eq!(config.conda, Some(CondaMode::Pypi));
        assert_eq!(config.max_duration, Some(Duration::from_secs(7200)));
        assert_eq!(
            config.env,
            [("A".into(), "1".into()), ("B".into(), "2".into())].into()
        );
        assert_eq!(
            config.tags,
            [("ok".into(), "true".into()), ("team".into(), "x y".into())].into()
        );
        assert_eq!(
            read("max-duration = 90").unwrap().max_duration,
            Some(Duration::from_secs(90))
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let cases = [
            (
                "\n\ntargte = 'x'",
                "`/p/outhaul.toml`:3: unknown key `targte`",
                Some("did you mean `target`?"),
            ),
            (
                "max_duration = '1h'",
                "`/p/outhaul.toml`:1: unknown key `max_duration`",
                Some("did you mean `max-duration`?"),
            ),
            (
                "a = 1\nzzzzzzzzzzzz = 1",
                "`/p/outhaul.toml`:1: unknown key `a`",
                None,
            ),
            (
                "target = 3",
                "`/p/outhaul.toml`:1: `target` must be a text in quotes",
                None,
            ),
            ("target = ''", "`/p/outhaul.toml`:1: `target` is empty", None),
            (
                "conda = 'no'",
                "`/p/outhaul.toml`:1: `no` is not a conda mode; there are `channels`, `pypi` and `refuse`",
                None,
            ),
            (
                "x = 1\nx = 2",
                "`/p/outhaul.toml`:2: this is not valid TOML: duplicate key",
                None,
            ),
            (
                "env = 1",
                "`/p/outhaul.toml`:1: `env` must be a table: `[env]`",
                None,
            ),
            (
                "[env]\n\n'1A' = ''",
                "`/p/outhaul.toml`:3: `1A` cannot be a variable's name",
                None,
            ),
            (
                "[tags]\na = [1]",
                "`/p/outhaul.toml`:2: `tags.a` must be a text in quotes",
                None,
            ),
        ];
        for (text, message, hint) in cases {
            let error = read(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.code), (message, 2), "{text}");
            if let Some(hint) = hint {
                assert_eq!(error.hints, [hint], "{text}");
            }
        }
        assert!(
            read("target = 'a b'")
                .unwrap_err()
                .message
                .contains("target name `a b` is not allowed")
        );
        assert!(read("zzzzzzzzzzzzzzz = 1").unwrap_err().hints[0].starts_with("known keys: `target`"));
    }

    #[test]
    fn the_nearest_file_upwards_counts() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(FILE), "target = 'top'").unwrap();
        assert_eq!(Config::find(&deep).unwrap().target.as_deref(), Some("top"));
        std::fs::write(folder.path().join("a").join(FILE), "experiment = 'mid'").unwrap();
        let config = Config::find(&deep).unwrap();
        assert_eq!((config.target, config.experiment.as_deref()), (None, Some("mid")));
    }
}
