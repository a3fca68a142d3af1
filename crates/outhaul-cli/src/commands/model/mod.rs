//! `outhaul model`: one file for each command that is more than a request.

mod download;
mod list;
mod register;
mod show;

use std::collections::BTreeMap;

use outhaul_types::{ChangeModel, exit_code};

use crate::args::{Assignment, ModelCommand, ModelUpdate};
use crate::context::Context;
use crate::error::{CliError, Outcome};

pub(super) async fn run(context: &Context, command: ModelCommand) -> Outcome {
    match command {
        ModelCommand::Register(args) => register::run(context, args).await,
        ModelCommand::List(args) => list::run(context, args).await,
        ModelCommand::Show { model } => show::run(context, &model.to_string()).await,
        ModelCommand::Download(args) => download::run(context, &args).await,
        ModelCommand::Update(args) => update(context, args).await,
        ModelCommand::Delete { model } => {
            let client = context.client().await?;
            client
                .delete_model(context.workspace(), &model.to_string())
                .await?;
            context.printer.note(&format!("model {model} is deleted"));
            if context.printer.json {
                context.printer.json(&serde_json::json!({}))?;
            }
            Ok(exit_code::SUCCESS)
        }
    }
}

async fn update(context: &Context, args: ModelUpdate) -> Outcome {
    let change = ChangeModel {
        remove_tags: args.remove_tag.into_iter().collect(),
        set_tags: pairs("tag", args.tag)?,
        add_properties: pairs("property", args.property)?,
        description: args.description,
    };
    if change == ChangeModel::default() {
        return Err(CliError::user("nothing to change is given")
            .hint("`--tag`, `--remove-tag`, `--property` and `--description` say what"));
    }
    let client = context.client().await?;
    let model = client
        .change_model(context.workspace(), &args.model.to_string(), &change)
        .await?;
    let printer = &context.printer;
    if printer.json {
        printer.json(&model)?;
    } else {
        printer.lines(&model.reference().to_string())?;
    }
    Ok(exit_code::SUCCESS)
}

/// Names and values, each name once.
fn pairs(what: &str, given: Vec<Assignment>) -> Result<BTreeMap<String, String>, CliError> {
    let mut pairs = BTreeMap::new();
    for Assignment { key, value } in given {
        if pairs.contains_key(&key) {
            return Err(CliError::user(format!("{what} `{key}` is given twice")));
        }
        pairs.insert(key, value);
    }
    Ok(pairs)
}
