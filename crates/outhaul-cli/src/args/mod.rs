//! The command line as data: clap structs only, no behaviour beyond parsing.

mod attach;
mod azureml;
mod environment;
mod mlflow;
mod model;
mod resource;
mod run;
mod runs;
mod score;
mod server;
mod service;
mod target;
mod values;
mod workspace;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use attach::{AttachCommand, AttachHdinsight, AttachRemote, AttachSlurm};
pub(crate) use azureml::AzuremlCommand;
pub(crate) use environment::{EnvironmentBuild, EnvironmentCommand, EnvironmentRegister};
pub(crate) use mlflow::MlflowCommand;
pub(crate) use model::{ModelCommand, ModelDownload, ModelList, ModelRegister, ModelUpdate};
pub(crate) use resource::ResourceCommand;
pub(crate) use run::RunArgs;
pub(crate) use runs::{
    AdoptArgs, JobNamed, LogsArgs, OutputsArgs, RerunArgs, RunsCommand, RunsListArgs, RunsNamed, SnapshotArgs,
};
pub(crate) use score::Score;
pub(crate) use server::{Serve, ServerCommand};
pub(crate) use service::{
    DeployCommand, DeployRemote, Deployment, KeyName, ServiceCommand, ServiceUpdate, ServiceWishes,
};
pub(crate) use target::TargetCommand;
pub(crate) use values::{Assignment, NamedVersion, Variable};
pub(crate) use workspace::{ExperimentCommand, Settings, WorkspaceCommand};

/// Run machine-learning scripts, reproducibly, on the compute that you have.
#[derive(Debug, Parser)]
#[command(name = "outhaul", version, propagate_version = true, max_term_width = 100, after_help = AFTER)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Examples:
  outhaul run train.py                                   run a script and follow it
  outhaul run train.py --environment environment.yml     with the packages that it needs
  outhaul run --detach -- python -m trainer --epochs 5   run a command, do not wait for it
  outhaul runs list --state Failed                       what went wrong?
  outhaul runs logs 3k9v -f                              follow a run (any unique beginning of its id)

The first command starts a server for your data folder; `outhaul server stop` ends it, runs go on.
Defaults can stand in an `outhaul.toml` in the current folder or above it.
Exit codes: 0 success; a failed script's own code; 2 wrong request; 120 environment, 121 target, 122 outhaul itself;
123 canceled, 124 time limit, 130 detached.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Workspace to work in; the one in use when absent
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub workspace: Option<String>,
    /// How answers are written
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, help_heading = "Global options")]
    pub format: Format,
    /// Write errors, results and the script's own output only
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// When to write in colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, help_heading = "Global options", value_name = "WHEN")]
    pub color: Color,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one JSON document on standard output
    Json,
}

/// When to write in colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// All commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a script or a command, and follow it
    Run(Box<RunArgs>),
    /// See, follow, cancel and repeat runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Repeat a run: same code, same packages, same settings
    #[command(
        after_help = "Examples:\n  outhaul rerun 3k9v\n  outhaul rerun 3k9v --on gpu-box --detach\n\nThe same as `outhaul runs rerun`."
    )]
    Rerun(RerunArgs),
    /// Attach, see, check and detach compute targets
    #[command(subcommand)]
    Target(TargetCommand),
    /// Keep the addresses of Azure resources
    #[command(subcommand)]
    Resource(ResourceCommand),
    /// Build, register and see environments
    #[command(subcommand)]
    Environment(EnvironmentCommand),
    /// Register, see, download and delete models
    #[command(subcommand)]
    Model(ModelCommand),
    /// See experiments
    #[command(subcommand)]
    Experiment(ExperimentCommand),
    /// Make, choose and see workspaces
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// See what there is for code of Azure ML's SDK v1
    #[command(subcommand)]
    Azureml(AzuremlCommand),
    /// Let MLflow's clients log to this installation
    #[command(subcommand)]
    Mlflow(MlflowCommand),
    /// Deploy a model as a web service
    #[command(subcommand)]
    Deploy(DeployCommand),
    /// See, test, change and delete web services
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Serve an entry script over HTTP, in the foreground
    Score(Box<Score>),
    /// Be the server, in the foreground
    Serve(Serve),
    /// See and stop the server of the data folder
    #[command(subcommand)]
    Server(ServerCommand),
    /// Check this installation
    #[command(after_help = "Examples:\n  outhaul doctor\n  outhaul doctor --format json")]
    Doctor,
    /// Do what a program asks for on standard input: the length of a document, an end of line, the document
    /// `{"words": ["run", "train.py"]}`, and what the command itself reads. Answers and errors are JSON
    #[command(
        hide = true,
        after_help = "Examples:\n  outhaul call < request\n\nWhat is said on standard input is in no list of processes."
    )]
    Call,
    /// Write a completion script for a shell
    #[command(
        after_help = "Examples:\n  outhaul completions bash > ~/.local/share/bash-completion/completions/outhaul\n  outhaul completions fish > ~/.config/fish/completions/outhaul.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    pub(crate) fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("outhaul").chain(line.split_whitespace()))
    }

    fn run(line: &str) -> RunArgs {
        match parse(line).unwrap().command {
            Command::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        fn look(command: &clap::Command, path: &str) {
            for child in command.get_subcommands() {
                let path = format!("{path} {}", child.get_name());
                if child.has_subcommands() {
                    look(child, &path);
                } else {
                    let help = child
                        .get_after_help()
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    assert!(
                        help.contains(&format!("  {path}")),
                        "`{path}` shows no example of itself"
                    );
                    for example in help.lines().filter_map(|line| line.strip_prefix("  outhaul ")) {
                        let words = example.split("  ").next().unwrap().split(" > ").next().unwrap();
                        let words = words.split(" < ").next().unwrap();
                        parse(words).unwrap_or_else(|error| panic!("`{example}`: {error}"));
                    }
                }
            }
        }
        look(&Cli::command(), "outhaul");
    }

    #[test]
    fn scripts_commands_and_arguments_are_told_apart() {
        let plain = run("run train.py");
        assert_eq!(
            (plain.script.as_deref(), plain.arguments.len(), plain.rest.len()),
            (Some("train.py"), 0, 0)
        );
        let arguments = run("run train.py a b -- --alpha 1");
        assert_eq!(
            (arguments.arguments, arguments.rest),
            (vec!["a".into(), "b".into()], vec!["--alpha".into(), "1".into()])
        );
        let command = run("run --target local -- python -m x --quiet -- y");
        assert_eq!(command.script, None);
        assert_eq!(command.rest, ["python", "-m", "x", "--quiet", "--", "y"]);
        assert!(!parse("run -- x --quiet").unwrap().global.quiet);
        let options = run(
            "run --tag a=1 --tag b= --env X=1 --env Y --max-duration 1h30m -q --detach train.py --format json",
        );
        assert_eq!(options.tag.len(), 2);
        assert_eq!(options.max_duration.map(|d| d.as_secs()), Some(5400));
        assert!(options.detach);
    }

    #[test]
    fn wrong_lines_are_usage_errors() {
        for line in [
            "run train.py --alpha 1",
            "run --tag novalue train.py",
            "run --env 1X=2 train.py",
            "run --max-duration soon train.py",
            "run --detach --dry-run train.py",
            "runs list --state Rnning",
            "runs list --limit many",
            "runs logs",
            "runs logs abc --stream stdot",
            "runs cancel",
            "runs cancel --array a b",
            "runs find --native 12",
            "runs adopt --target hpc",
            "run --array 5-1 train.py",
            "run --array 0-10000 train.py",
            "run --array  train.py",
            "workspace set --conda maybe",
            "--format yaml runs list",
            "environment show a:0",
            "serve now",
            "nothing",
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
        assert!(
            parse("runs list --state Rnning")
                .unwrap_err()
                .to_string()
                .contains("did you mean `Running`?")
        );
    }

    #[test]
    fn global_options_may_stand_anywhere() {
        for line in [
            "--format json runs list",
            "runs --format json list",
            "runs list --format json",
        ] {
            assert_eq!(parse(line).unwrap().global.format, Format::Json, "{line}");
        }
    }
}
