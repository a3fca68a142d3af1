//! `outhaul workspace`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use outhaul_client::{Client, ClientError};
use outhaul_types::api::CreateWorkspace;
use outhaul_types::id::check_name;
use outhaul_types::{ErrorCode, Workspace, exit_code};

use crate::args::{Settings, WorkspaceCommand};
use crate::context::Context;
use crate::error::{self, CliError, Outcome};
use crate::output::{Cell, Table, fields, moment};

pub(super) async fn run(context: &Context, command: WorkspaceCommand) -> Outcome {
    match command {
        WorkspaceCommand::Create { name, settings } => create(context, &name, &settings).await,
        WorkspaceCommand::List => list(context).await,
        WorkspaceCommand::Use { name } => {
            let workspace = context.client().await?.use_workspace(&name).await?;
            show(
                context,
                &workspace,
                &format!("workspace `{}` is in use now", workspace.name),
            )
        }
        WorkspaceCommand::Show { name } => {
            let client = context.client().await?;
            let workspace = find(context, &client, name.as_deref()).await?;
            show(context, &workspace, "")
        }
        WorkspaceCommand::Set { name, settings } => set(context, name.as_deref(), &settings).await,
    }
}

async fn create(context: &Context, name: &str, settings: &Settings) -> Outcome {
    check_name("workspace", name).map_err(error::user)?;
    let client = context.client().await?;
    match client.workspace(name).await {
        Ok(_) => {
            return Err(CliError::user(format!("workspace `{name}` exists already"))
                .hint(format!("`outhaul workspace set {name}` changes its settings, `outhaul workspace use {name}` chooses it")));
        }
        Err(ClientError::Api(error)) if error.code == ErrorCode::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut wanted = CreateWorkspace::default();
    if let Some(conda) = settings.conda {
        wanted.settings.conda = conda;
    }
    let workspace = client.put_workspace(name, &wanted).await?;
    show(
        context,
        &workspace,
        &format!("workspace `{name}` is made; `outhaul workspace use {name}` chooses it"),
    )
}

async fn set(context: &Context, name: Option<&str>, settings: &Settings) -> Outcome {
    let Some(conda) = settings.conda else {
        return Err(
            CliError::user("no setting was given").hint("for example: `outhaul workspace set --conda pypi`")
        );
    };
    let client = context.client().await?;
    let workspace = find(context, &client, name).await?;
    let mut wanted = CreateWorkspace {
        settings: workspace.settings,
    };
    wanted.settings.conda = conda;
    let workspace = client.put_workspace(&workspace.name, &wanted).await?;
    show(
        context,
        &workspace,
        &format!("workspace `{}` is changed", workspace.name),
    )
}

async fn list(context: &Context) -> Outcome {
    let printer = &context.printer;
    let workspaces = context.client().await?.workspaces().await?;
    if printer.json {
        printer.json(&workspaces)?;
        return Ok(exit_code::SUCCESS);
    }
    let mut table = Table::new(["NAME", "CONDA", "IN USE"]);
    for workspace in workspaces {
        let current = if workspace.current { "yes" } else { "" };
        table.row([
            Cell::new(workspace.name),
            Cell::new(workspace.settings.conda.to_string()),
            Cell::new(current),
        ]);
    }
    printer.lines(&table.show(printer.out))?;
    Ok(exit_code::SUCCESS)
}

/// The workspace that was named, by this command or by an option or default, else the one in use.
async fn find(context: &Context, client: &Client, name: Option<&str>) -> Result<Workspace, CliError> {
    if let Some(name) = name.or(context.workspace()) {
        return Ok(client.workspace(name).await?);
    }
    let current = client
        .workspaces()
        .await?
        .into_iter()
        .find(|workspace| workspace.current);
    current.ok_or_else(|| {
        CliError::system("no workspace is in use").hint("`outhaul workspace use default` chooses one")
    })
}

fn show(context: &Context, workspace: &Workspace, note: &str) -> Outcome {
    let printer = &context.printer;
    if printer.json {
        printer.json(workspace)?;
    } else if note.is_empty() {
        let pairs = [
            ("name", workspace.name.clone()),
            ("in use", if workspace.current { "yes" } else { "no" }.to_owned()),
            ("conda", workspace.settings.conda.to_string()),
            (
                "made",
                moment(workspace.created_at, Timestamp::now(), &TimeZone::system()),
            ),
        ];
        printer.lines(&fields(&pairs, printer.out))?;
    } else {
        printer.note(note);
    }
    Ok(exit_code::SUCCESS)
}
