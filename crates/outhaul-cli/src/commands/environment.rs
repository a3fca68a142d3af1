//! `outhaul environment`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use outhaul_client::BuildItem;
use outhaul_types::api::{BuildEnvironment, RegisterEnvironment};
use outhaul_types::environment::RegisteredEnvironment;
use outhaul_types::id::check_name;
use outhaul_types::{Interpreter, exit_code};

use super::run::environment::{Wish, read};
use crate::args::{EnvironmentBuild, EnvironmentCommand, EnvironmentRegister};
use crate::context::Context;
use crate::error::{self, CliError, Outcome};
use crate::output::{Cell, Table, ago, clean, fields, moment};

pub(super) async fn run(context: &Context, command: EnvironmentCommand) -> Outcome {
    match command {
        EnvironmentCommand::Build(args) => build(context, &args).await,
        EnvironmentCommand::List => list(context).await,
        EnvironmentCommand::Show { environment } => {
            let client = context.client().await?;
            let found = client
                .environment(&environment.name, environment.version, context.workspace())
                .await?;
            show(context, &found)
        }
        EnvironmentCommand::Register(args) => register(context, &args).await,
    }
}

async fn build(context: &Context, args: &EnvironmentBuild) -> Outcome {
    let printer = &context.printer;
    let target = args.target.clone().or_else(|| context.config.target.clone());
    if let Some(target) = &target {
        check_name("target", target).map_err(error::user)?;
    }
    let environment = Wish::named(&context.here, &args.environment)?.choice();
    let workspace = context.workspace().map(str::to_owned);
    let request = BuildEnvironment {
        environment,
        workspace,
        target,
        conda: context.config.conda,
    };
    let client = context.client().await?;
    let mut progress = client.build_environment(&request).await?;
    let mut built = None;
    while let Some(item) = progress.next().await? {
        match item {
            BuildItem::Log(piece) if !printer.quiet => {
                let text = String::from_utf8_lossy(&piece.bytes);
                printer.raw_err(printer.err.dim(&text).as_bytes())?;
            }
            BuildItem::Log(_) => {}
            BuildItem::Built(environment) => built = Some(environment),
            BuildItem::Failed(error) => return Err(error.into()),
        }
    }
    let Some(built) = built else {
        return Err(CliError::system("the server ended the build without a result").hint("try again"));
    };
    if printer.json {
        printer.json(&built)?;
    } else {
        let pairs = [
            ("environment", built.id.clone()),
            ("target", built.target.clone()),
            (
                "python",
                format!("{} ({})", clean(&built.python), clean(&built.lock.python_version)),
            ),
            ("resolved by", built.lock.tool.clone()),
        ];
        printer.lines(&fields(&pairs, printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}

async fn list(context: &Context) -> Outcome {
    let printer = &context.printer;
    let environments = context.client().await?.environments(context.workspace()).await?;
    if printer.json {
        printer.json(&environments)?;
        return Ok(exit_code::SUCCESS);
    }
    let now = Timestamp::now();
    let mut table = Table::new(["NAME", "VERSION", "PYTHON", "PACKAGES", "REGISTERED"]);
    for environment in environments {
        let spec = &environment.spec;
        table.row([
            Cell::new(environment.name),
            Cell::right(environment.version.to_string()),
            Cell::new(python(&spec.interpreter)),
            Cell::right((spec.pip.len() + spec.conda.len()).to_string()),
            Cell::new(ago(environment.created_at, now)),
        ]);
    }
    printer.lines(&table.show(printer.out))?;
    Ok(exit_code::SUCCESS)
}

fn python(interpreter: &Interpreter) -> String {
    match interpreter {
        Interpreter::Managed { version } => version.clone().unwrap_or_else(|| "any".to_owned()),
        Interpreter::UserManaged { python } => python.clone(),
    }
}

fn show(context: &Context, environment: &RegisteredEnvironment) -> Outcome {
    let printer = &context.printer;
    if printer.json {
        printer.json(environment)?;
        return Ok(exit_code::SUCCESS);
    }
    let spec = &environment.spec;
    let lines = |lines: &[String]| {
        lines
            .iter()
            .map(|line| clean(line).into_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let mut pairs = vec![
        ("name", environment.name.clone()),
        ("version", environment.version.to_string()),
        (
            "registered",
            moment(environment.created_at, Timestamp::now(), &TimeZone::system()),
        ),
        ("python", clean(&python(&spec.interpreter)).into_owned()),
    ];
    let lists = [
        ("packages", &spec.pip),
        ("index options", &spec.index_options),
        ("conda", &spec.conda),
        ("channels", &spec.channels),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            pairs.push((name, lines(list)));
        }
    }
    if !spec.variables.is_empty() {
        let variables: Vec<String> = spec
            .variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.push(("variables", lines(&variables)));
    }
    printer.lines(&fields(&pairs, printer.out))?;
    Ok(exit_code::SUCCESS)
}

async fn register(context: &Context, args: &EnvironmentRegister) -> Outcome {
    let spec = read(&context.here.join(&args.file), &args.file)?;
    let Some(name) = args.name.clone().or_else(|| spec.name.clone()) else {
        return Err(
            CliError::user(format!("`{}` gives the environment no name", args.file))
                .hint("name it with `--name NAME`"),
        );
    };
    check_name("environment", &name).map_err(error::user)?;
    let workspace = context.workspace().map(str::to_owned);
    let client = context.client().await?;
    let registered = client
        .register_environment(&RegisterEnvironment {
            workspace,
            name,
            spec,
        })
        .await?;
    let printer = &context.printer;
    if printer.json {
        printer.json(&registered)?;
    } else {
        printer.lines(&format!("{}:{}", registered.name, registered.version))?;
    }
    Ok(exit_code::SUCCESS)
}
