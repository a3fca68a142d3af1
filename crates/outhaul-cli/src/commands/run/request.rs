//! What the person asked for, checked as far as this machine can: the command line, `outhaul.toml`, the files they name.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use outhaul_types::api::SubmitRun;
use outhaul_types::id::check_name;
use outhaul_types::nearest::nearest;
use outhaul_types::{Command, CondaMode, Resources, RunId, SnapshotRef, SparkSpec};

use super::environment::Wish;
use crate::args::{RunArgs, Variable};
use crate::config::Config;
use crate::context::Context;
use crate::error::{self, CliError};

/// Endings of scripts in other languages than Python.
const OTHER_LANGUAGES: [(&str, &str); 7] = [
    ("sh", "sh"),
    ("bash", "bash"),
    ("r", "Rscript"),
    ("jl", "julia"),
    ("pl", "perl"),
    ("js", "node"),
    ("ipynb", "jupyter execute"),
];

/// A checked request.
#[derive(Debug)]
pub(super) struct Request {
    pub workspace: Option<String>,
    pub experiment: String,
    pub name: Option<String>,
    pub target: Option<String>,
    pub command: Command,
    /// The source folder, without links.
    pub source: PathBuf,
    pub environment: Wish,
    pub variables: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub max_duration_seconds: Option<u64>,
    pub resources: Resources,
    /// The indexes of an array, as they were given.
    pub array: Option<String>,
    pub spark: Option<SparkSpec>,
    pub conda: Option<CondaMode>,
}

impl Request {
    /// Reads and checks the request. Changes nothing.
    pub(super) fn of(context: &Context, args: &RunArgs) -> Result<Self, CliError> {
        let config = &context.config;
        let target = args.target.clone().or_else(|| config.target.clone());
        if let Some(target) = &target {
            check_name("target", target).map_err(error::user)?;
        }
        if let Some(experiment) = &args.experiment {
            check_name("experiment", experiment).map_err(error::user)?;
        }
        if let Some(name) = &args.name {
            check_run_name(name)?;
        }
        let variables = variables(config, &args.env, |name| std::env::var_os(name))?;
        let (command, source) = command_and_source(&context.here, config.source.as_deref(), args)?;
        let environment = match &args.environment_spec {
            Some(spec) => Wish::Spec(spec.clone()),
            None => Wish::of(
                context,
                args.environment.as_deref(),
                target.as_deref(),
                args.python.as_deref(),
            )?,
        };
        let experiment = args.experiment.clone().or_else(|| config.experiment.clone());
        let spark = args.spark.spec().map_err(CliError::user)?;
        let mut tags = config.tags.clone();
        tags.extend(args.tag.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
        Ok(Self {
            workspace: context.workspace().map(str::to_owned),
            experiment: experiment.unwrap_or_else(|| experiment_of(&source)),
            name: args.name.clone(),
            target,
            command,
            source,
            environment,
            variables,
            tags,
            max_duration_seconds: args
                .max_duration
                .or(config.max_duration)
                .map(|limit| limit.as_secs()),
            resources: Resources::from(&args.resources),
            array: args.array.as_ref().map(ToString::to_string),
            spark,
            conda: config.conda,
        })
    }

    /// The script, as a path within the source folder.
    pub(super) fn script(&self) -> Option<&str> {
        match &self.command {
            Command::Script { script, .. } => Some(script),
            Command::Program { .. } => None,
        }
    }

    /// Waits for what is still being found out about the environment.
    pub(super) fn settle(&mut self, context: &Context) -> Result<(), CliError> {
        self.environment.settle(&context.home)
    }

    /// The request as it goes to the server. Call [`Request::settle`] before.
    pub(super) fn submission(self, id: RunId, snapshot: SnapshotRef) -> SubmitRun {
        SubmitRun {
            id,
            workspace: self.workspace,
            experiment: self.experiment,
            name: self.name,
            target: self.target,
            command: self.command,
            snapshot,
            environment: self.environment.choice(),
            variables: self.variables,
            tags: self.tags,
            max_duration_seconds: self.max_duration_seconds,
            resources: self.resources,
            array: self.array,
            spark: self.spark,
            conda: self.conda,
        }
    }
}

fn check_run_name(name: &str) -> Result<(), CliError> {
    if name.trim().is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
        let name = name.escape_debug();
        return Err(CliError::user(format!(
            "run name `{name}` is not allowed: use 1 to 255 visible characters"
        )));
    }
    Ok(())
}

/// The variables of `outhaul.toml` and, stronger, of the command line.
fn variables(
    config: &Config,
    given: &[Variable],
    here: impl Fn(&str) -> Option<std::ffi::OsString>,
) -> Result<BTreeMap<String, String>, CliError> {
    let mut variables = config.env.clone();
    for variable in given {
        let name = &variable.name;
        let value = match &variable.value {
            Some(value) => value.clone(),
            None => here(name)
                .ok_or_else(|| {
                    CliError::user(format!(
                        "`--env {name}` passes on the variable `{name}`, which is not set here"
                    ))
                    .hint(format!("give it a value: `--env {name}=VALUE`"))
                })?
                .into_string()
                .map_err(|_| {
                    CliError::user(format!("the value of the variable `{name}` is not valid UTF-8"))
                })?,
        };
        variables.insert(name.clone(), value);
    }
    Ok(variables)
}

/// A valid experiment name from the source folder's.
fn experiment_of(source: &Path) -> String {
    let name = source
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().map(|c| if valid(c) { c } else { '-' }).collect();
    let name = name
        .trim_start_matches(|c: char| !c.is_ascii_alphanumeric())
        .trim_end_matches('-');
    let name: String = name.chars().take(255).collect();
    if name.is_empty() {
        "default".to_owned()
    } else {
        name
    }
}

fn command_and_source(
    here: &Path,
    default: Option<&Path>,
    args: &RunArgs,
) -> Result<(Command, PathBuf), CliError> {
    let named = args
        .source
        .as_ref()
        .map(|source| here.join(source))
        .or_else(|| default.map(Path::to_owned));
    let source = named.as_deref().map(folder).transpose()?;
    let Some(script) = &args.script else {
        let Some(program) = args.rest.first() else {
            return Err(CliError::user("name a script, or a command behind `--`")
                .hint("for example: `outhaul run train.py`, `outhaul run -- sh -c 'echo hello'`"));
        };
        if program.is_empty() {
            return Err(CliError::user("the command behind `--` is empty"));
        }
        let source = source.map_or_else(|| folder(here), Ok)?;
        return Ok((
            Command::Program {
                argv: args.rest.clone(),
            },
            source,
        ));
    };
    let file = script_file(here, script)?;
    let source = match source {
        Some(source) => source,
        None => file.parent().map(Path::to_owned).unwrap_or_default(),
    };
    let Ok(inside) = file.strip_prefix(&source) else {
        let message = format!(
            "script `{script}` lies outside the source folder `{}`",
            source.display()
        );
        let hint = "`--source DIR` names a folder that holds the script and all that it needs";
        return Err(CliError::user(message).hint(hint));
    };
    let Some(inside) = inside.to_str() else {
        return Err(CliError::user(format!(
            "the path of script `{script}` is not valid UTF-8"
        )));
    };
    let arguments = args.arguments.iter().chain(&args.rest).cloned().collect();
    Ok((
        Command::Script {
            script: inside.to_owned(),
            arguments,
        },
        source,
    ))
}

fn folder(path: &Path) -> Result<PathBuf, CliError> {
    let real = path.canonicalize().map_err(|error| {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => format!("no such source folder `{}`", path.display()),
            _ => format!("the source folder `{}` cannot be used: {error}", path.display()),
        };
        CliError::user(message)
    })?;
    if real.is_dir() {
        Ok(real)
    } else {
        Err(CliError::user(format!(
            "the source `{}` is not a folder",
            path.display()
        )))
    }
}

/// The script's file: its folder without links, and its own name.
fn script_file(here: &Path, script: &str) -> Result<PathBuf, CliError> {
    let path = here.join(script);
    let meta = match path.metadata() {
        Ok(meta) => meta,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Err(missing_script(&path, script));
        }
        Err(error) => {
            return Err(CliError::user(format!(
                "script `{script}` cannot be used: {error}"
            )));
        }
    };
    if meta.is_dir() {
        return Err(
            CliError::user(format!("`{script}` is a folder, not a script")).hint(format!(
                "name the script in it, or `--source {script}` with a command behind `--`"
            )),
        );
    }
    if !meta.is_file() {
        return Err(CliError::user(format!("`{script}` is not a regular file")));
    }
    File::open(&path)
        .map_err(|error| CliError::user(format!("script `{script}` cannot be read: {error}")))?;
    let ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or("")
        .to_ascii_lowercase();
    if let Some((_, program)) = OTHER_LANGUAGES.iter().find(|(known, _)| *known == ending) {
        return Err(
            CliError::user(format!("`{script}` is not a Python script")).hint(format!(
                "run it as a command: `outhaul run -- {program} {script}`"
            )),
        );
    }
    let broken = |error| CliError::user(format!("script `{script}` cannot be used: {error}"));
    let folder = path.parent().unwrap_or(here).canonicalize().map_err(broken)?;
    match path.file_name() {
        Some(name) => Ok(folder.join(name)),
        None => path.canonicalize().map_err(broken),
    }
}

fn missing_script(path: &Path, script: &str) -> CliError {
    let error = CliError::user(format!("no such script `{script}`"));
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return error;
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .take(10_000)
        .collect();
    let scripts = names
        .iter()
        .map(String::as_str)
        .filter(|name| name.ends_with(".py"));
    let Some(near) = nearest(name, scripts) else {
        return error;
    };
    let near = Path::new(script).with_file_name(near);
    error.hint(format!("did you mean `{}`?", near.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command as Subcommand};
    use clap::Parser as _;

    fn args(line: &str) -> RunArgs {
        match Cli::parse_from(["outhaul", "run"].into_iter().chain(line.split_whitespace())).command {
            Subcommand::Run(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    fn project() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(here.join("code/src")).unwrap();
        for file in ["code/train.py", "code/src/deep.py", "other.py", "code/run.sh"] {
            std::fs::write(here.join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("code/train.py", here.join("link.py")).unwrap();
        (folder, here)
    }

    #[test]
    fn the_script_is_found_in_its_source_folder() {
        let (_folder, here) = project();
        let cases = [
            ("code/train.py", None, "code", "train.py"),
            ("--source code code/src/deep.py", None, "code", "src/deep.py"),
            ("--source . code/src/../train.py", None, "", "code/train.py"),
            ("code/train.py", Some(""), "", "code/train.py"),
            ("--source code code/train.py", Some(""), "code", "train.py"),
            // A link is what travels, under its own name.
            ("link.py", None, "", "link.py"),
        ];
        for (line, default, source, script) in cases {
            let default = default.map(|folder| here.join(folder));
            let (command, found) = command_and_source(&here, default.as_deref(), &args(line)).unwrap();
            assert_eq!(
                found,
                here.join(source).components().collect::<PathBuf>(),
                "{line}"
            );
            assert_eq!(
                command,
                Command::Script {
                    script: script.into(),
                    arguments: vec![]
                },
                "{line}"
            );
        }
        let (command, _) = command_and_source(&here, None, &args("other.py a -- --b -- c")).unwrap();
        let arguments = ["a", "--b", "--", "c"].map(str::to_owned).to_vec();
        assert_eq!(
            command,
            Command::Script {
                script: "other.py".into(),
                arguments
            }
        );
        let (command, source) = command_and_source(&here, None, &args("-- python -c x")).unwrap();
        assert_eq!(
            command,
            Command::Program {
                argv: ["python", "-c", "x"].map(str::to_owned).to_vec()
            }
        );
        assert_eq!(source, here);
    }

    #[test]
    fn wrong_scripts_have_one_clear_error() {
        let (_folder, here) = project();
        let cases = [
            (
                "code/trian.py",
                "no such script `code/trian.py`",
                Some("did you mean `code/train.py`?"),
            ),
            ("nowhere/train.py", "no such script `nowhere/train.py`", None),
            ("code", "`code` is a folder, not a script", Some("")),
            (
                "code/run.sh",
                "`code/run.sh` is not a Python script",
                Some("run it as a command: `outhaul run -- sh code/run.sh`"),
            ),
            ("--source nowhere other.py", "no such source folder", None),
            ("--source other.py other.py", "is not a folder", None),
            (
                "--source code other.py",
                "script `other.py` lies outside the source folder",
                Some("`--source DIR`"),
            ),
            ("", "name a script, or a command behind `--`", Some("for example")),
        ];
        for (line, message, hint) in cases {
            let error = command_and_source(&here, None, &args(line)).unwrap_err();
            assert!(error.message.contains(message), "{line}: {error:?}");
            assert_eq!(error.code, 2, "{line}");
            match hint {
                Some(hint) => assert!(
                    error.hints[0].starts_with(hint) || hint.is_empty(),
                    "{line}: {error:?}"
                ),
                None => assert!(error.hints.is_empty(), "{line}: {error:?}"),
            }
        }
    }

    #[test]
    fn experiments_are_named_after_folders() {
        let cases = [
            ("/a/diabetes", "diabetes"),
            ("/a/my project!", "my-project"),
            ("/a/.hidden", "hidden"),
            ("/a/äö", "default"),
            ("/", "default"),
        ];
        for (folder, name) in cases {
            assert_eq!(experiment_of(Path::new(folder)), name);
            check_name("experiment", name).unwrap();
        }
    }

    #[test]
    fn variables_are_passed_on_and_the_command_line_wins() {
        let config = Config {
            env: [("A".into(), "1".into()), ("B".into(), "2".into())].into(),
            ..Config::default()
        };
        let given = ["B=3", "C"].map(|text| text.parse().unwrap());
        let all = variables(&config, &given, |name| (name == "C").then(|| "here".into())).unwrap();
        let expected = [("A", "1"), ("B", "3"), ("C", "here")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(all, expected.into());
        let error = variables(&config, &given, |_| None).unwrap_err();
        assert!(error.message.contains("`C`, which is not set here"), "{error:?}");
    }

    #[test]
    fn run_names_are_visible() {
        for (name, ok) in [
            ("a", true),
            ("a b ä", true),
            ("", false),
            (" ", false),
            ("a\nb", false),
        ] {
            assert_eq!(check_run_name(name).is_ok(), ok, "{name:?}");
        }
    }
}
