//! `outhaul model`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use outhaul_types::id::{InvalidName, check_name};
use outhaul_types::{ModelName, RunId};

use super::values::Assignment;

/// What can be done with models. `NAME` alone is the newest version.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Keep a file or folder as the next version of a model
    Register(ModelRegister),
    /// List models, newest first
    List(ModelList),
    /// Show a model, its files, and the run, code and packages that it comes from
    #[command(
        after_help = "Examples:\n  outhaul model show churn\n  outhaul model show churn:2 --format json"
    )]
    Show {
        /// The model
        #[arg(value_name = "NAME[:VERSION]")]
        model: ModelName,
    },
    /// Write the files of a model into a folder, and check each against its hash
    Download(ModelDownload),
    /// Change the tags and the description of a version, and add properties
    Update(ModelUpdate),
    /// Delete a version; its number is not given again
    #[command(
        after_help = "Examples:\n  outhaul model delete churn:2\n\nA model that a web service uses is not deleted."
    )]
    Delete {
        /// The model
        #[arg(value_name = "NAME:VERSION")]
        model: ModelName,
    },
}

/// Arguments of `outhaul model register`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul model register churn --from-run 3k9v --path outputs/model.pkl\n  outhaul model register churn --path build/model.pkl --tag stage=test\n  outhaul model register net --path saved_model --framework TensorFlow:2.16\n\nFrom a run nothing is copied: a model is what the run left, under a name. Of a run that has not\nended only files that are kept already can be registered."
)]
pub(crate) struct ModelRegister {
    /// Its name
    #[arg(value_parser = model_name)]
    pub name: String,
    /// Take the files from the outputs of this run
    #[arg(long, value_name = "RUN")]
    pub from_run: Option<String>,
    /// The file or folder: of this machine, or among the outputs of the run
    #[arg(long, value_name = "PATH")]
    pub path: String,
    /// A tag; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub tag: Vec<Assignment>,
    /// A fact that is set once and stays; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub property: Vec<Assignment>,
    /// What it is, in words
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The framework that it was made with
    #[arg(long, value_name = "NAME[:VERSION]")]
    pub framework: Option<String>,
    /// That framework's version, for programs: `--framework` is the name alone then
    #[arg(long, value_name = "VERSION", hide = true)]
    pub framework_version: Option<String>,
    /// Id of the registration, so that asking twice registers once
    #[arg(long, value_name = "ID", hide = true)]
    pub id: Option<RunId>,
}

/// Arguments of `outhaul model list`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul model list\n  outhaul model list --latest --tag stage=production\n  outhaul model list --run 3k9v --format json"
)]
pub(crate) struct ModelList {
    /// Only models of this name
    #[arg(long, value_parser = model_name)]
    pub name: Option<String>,
    /// Only models with this tag, with this value or any
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub tag: Option<String>,
    /// Only models with this property, with this value or any
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub property: Option<String>,
    /// Only models of this run
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Only models of this framework
    #[arg(long, value_name = "NAME")]
    pub framework: Option<String>,
    /// Of each name only the newest of those that the rest leaves
    #[arg(long)]
    pub latest: bool,
}

/// Arguments of `outhaul model download`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul model download churn\n  outhaul model download churn:2 --to models --force"
)]
pub(crate) struct ModelDownload {
    /// The model
    #[arg(value_name = "NAME[:VERSION]")]
    pub model: ModelName,
    /// The folder; the current one when absent
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `outhaul model update`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  outhaul model update churn:2 --tag stage=production\n  outhaul model update churn:2 --remove-tag stage --description first-try"
)]
pub(crate) struct ModelUpdate {
    /// The model
    #[arg(value_name = "NAME:VERSION")]
    pub model: ModelName,
    /// A tag to set; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub tag: Vec<Assignment>,
    /// A tag to remove; may be given several times
    #[arg(long, value_name = "NAME")]
    pub remove_tag: Vec<String>,
    /// A property to add; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub property: Vec<Assignment>,
    /// What it is, in words; an empty text removes it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

/// A name for a model.
fn model_name(text: &str) -> Result<String, InvalidName> {
    check_name("model", text).map(|()| text.to_owned())
}
