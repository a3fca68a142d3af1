//! `outhaul run --dry-run`: the exact plan. Starts, makes and changes nothing: what only the server knows is said when
//! one is running.

use outhaul_client::{Client, ClientError};
use outhaul_environment::spec_id;
use outhaul_snapshot::{EntryKind, Plan};
use outhaul_types::api::RunPlan;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{Command, DockerSpec, EnvironmentSpec, Interpreter, SnapshotRef, exit_code};
use serde::Serialize;

use super::environment::Wish;
use super::request::Request;
use super::{code, new_id};
use crate::context::Context;
use crate::error::{CliError, Outcome};
use crate::output::{Paint, clean, fields, plural, shell_words, size};

/// What can be known without a server.
#[derive(Debug, Serialize)]
struct LocalPlan {
    target: String,
    experiment: String,
    name: Option<String>,
    source: String,
    tree: String,
    file_count: u64,
    total_size: u64,
    files: Vec<PlannedFile>,
    /// `None` for a registered environment.
    environment_spec_id: Option<String>,
    environment: String,
    command: Vec<String>,
    /// Names only: values may be secrets.
    variables: Vec<String>,
    tags: std::collections::BTreeMap<String, String>,
    max_duration_seconds: Option<u64>,
}

#[derive(Debug, Serialize)]
struct PlannedFile {
    path: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

#[derive(Serialize)]
struct WholePlan {
    #[serde(flatten)]
    local: LocalPlan,
    /// What the server would do; `null` when none is running.
    server: Option<RunPlan>,
}

pub(super) async fn run(context: &Context, mut request: Request) -> Outcome {
    // The answer of a stand-in is not kept: nothing may change.
    request.environment.settle(std::path::Path::new(""))?;
    let snapshot = code::planned(context, &request.source, request.script())?;
    code::warn(context, &snapshot.warnings);
    let local = local_plan(&request, &snapshot);
    let server = server_plan(context, request, &snapshot).await?;
    let printer = &context.printer;
    if printer.json {
        printer.json(&WholePlan { local, server })?;
    } else {
        printer.lines(&show(&local, server.as_ref(), printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}

fn local_plan(request: &Request, snapshot: &Plan) -> LocalPlan {
    let files = snapshot.tree.entries().iter().map(|entry| match &entry.kind {
        EntryKind::File { size, .. } => PlannedFile {
            path: entry.path.clone(),
            size: *size,
            link: None,
        },
        EntryKind::Symlink { target } => PlannedFile {
            path: entry.path.clone(),
            size: 0,
            link: Some(target.clone()),
        },
    });
    let spec = request.environment.spec();
    LocalPlan {
        target: request.target.clone().unwrap_or_else(|| LOCAL_TARGET.to_owned()),
        experiment: request.experiment.clone(),
        name: request.name.clone(),
        source: request.source.to_string_lossy().into_owned(),
        tree: snapshot.tree_id.to_hex(),
        file_count: snapshot.file_count,
        total_size: snapshot.total_size,
        files: files.collect(),
        environment_spec_id: spec.map(spec_id),
        environment: describe(&request.environment),
        command: command_line(&request.command, spec),
        variables: request.variables.keys().cloned().collect(),
        tags: request.tags.clone(),
        max_duration_seconds: request.max_duration_seconds,
    }
}

fn describe(wish: &Wish) -> String {
    match wish {
        Wish::Named(named) => match named.version {
            Some(version) => format!("registered environment {}:{version}", named.name),
            None => format!("registered environment {}, newest version", named.name),
        },
        Wish::Spec(spec) => {
            let python = describe_python(spec);
            match spec.docker.as_deref() {
                Some(DockerSpec {
                    image: Some(image), ..
                }) => format!("{python}, in the image {image}"),
                Some(_) => format!("{python}, in an image built from a Dockerfile"),
                None => python,
            }
        }
        Wish::AtHand(_) => "the Python at hand".to_owned(),
    }
}

fn describe_python(spec: &EnvironmentSpec) -> String {
    match &spec.interpreter {
        Interpreter::UserManaged { python } => format!("{python}, as it is"),
        Interpreter::Managed { version } => {
            let python = version
                .as_ref()
                .map_or_else(|| "any Python 3".to_owned(), |v| format!("Python {v}"));
            let packages = plural((spec.pip.len() + spec.conda.len()) as u64, "package");
            format!("{python} with {packages} named")
        }
    }
}

/// The command as it will be, with a stand-in for an interpreter that is not known on this side.
fn command_line(command: &Command, spec: Option<&EnvironmentSpec>) -> Vec<String> {
    match command {
        Command::Program { argv } => argv.clone(),
        Command::Script { script, arguments } => {
            let python = match spec.map(|spec| &spec.interpreter) {
                Some(Interpreter::UserManaged { python }) => python.clone(),
                _ => "<environment>/bin/python".to_owned(),
            };
            [python, script.clone()]
                .into_iter()
                .chain(arguments.iter().cloned())
                .collect()
        }
    }
}

async fn server_plan(
    context: &Context,
    request: Request,
    snapshot: &Plan,
) -> Result<Option<RunPlan>, CliError> {
    let client = match Client::connect(&context.home).await {
        Ok(client) => client,
        Err(ClientError::NotRunning { .. }) => {
            context
                .printer
                .note("no server is running and none is started: what only it knows is left out");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let reference = SnapshotRef {
        tree: snapshot.tree_id.to_hex(),
        files: snapshot.file_count,
        bytes: snapshot.total_size,
        source: request.source.to_string_lossy().into_owned(),
        git: None,
    };
    Ok(Some(
        client.plan(&request.submission(new_id()?, reference)).await?,
    ))
}

fn show(local: &LocalPlan, server: Option<&RunPlan>, paint: Paint) -> String {
    let mut pairs = vec![
        (
            "target",
            server.map_or_else(
                || local.target.clone(),
                |plan| format!("{} ({})", plan.target, plan.driver),
            ),
        ),
        ("experiment", local.experiment.clone()),
        ("source", clean(&local.source).into_owned()),
        (
            "snapshot",
            format!("{}, {}", plural(local.file_count, "file"), size(local.total_size)),
        ),
        ("tree", local.tree.clone()),
        ("environment", clean(&local.environment).into_owned()),
    ];
    let spec_id = server
        .map(|plan| plan.environment_spec_id.clone())
        .or_else(|| local.environment_spec_id.clone());
    if let Some(id) = spec_id {
        pairs.push(("spec id", id));
    }
    if let Some(plan) = server {
        let ready = match (&plan.environment_id, plan.environment_ready) {
            (Some(id), true) => format!("{id}, built already"),
            (Some(id), false) => format!("{id}, will be built"),
            (None, _) => "will be known when it has been resolved".to_owned(),
        };
        pairs.push(("environment id", ready));
    }
    let command = server.map_or(&local.command, |plan| &plan.command);
    pairs.push(("command", clean(&shell_words(command)).into_owned()));
    if !local.variables.is_empty() {
        pairs.push(("variables", local.variables.join(", ")));
    }
    if !local.tags.is_empty() {
        let tags: Vec<String> = local
            .tags
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.push(("tags", clean(&tags.join(", ")).into_owned()));
    }
    if let Some(seconds) = local.max_duration_seconds {
        let limit = outhaul_types::duration::show(std::time::Duration::from_secs(seconds));
        pairs.push(("max duration", limit));
    }
    let mut text = fields(&pairs, paint);
    if let Some(plan) = server {
        text.push_str(&format!("\n{}\n", paint.bold("Steps")));
        for (number, step) in plan.steps.iter().enumerate() {
            text.push_str(&format!("{:3}. {}\n", number + 1, clean(step)));
        }
        if let Some(script) = &plan.script {
            text.push_str(&format!("\n{}\n{}\n", paint.bold("Script"), script.trim_end()));
        }
        if let Some(body) = &plan.container {
            text.push_str(&format!(
                "\n{}\n{}\n",
                paint.bold("Container"),
                clean(&format!("{body:#}"))
            ));
        }
    }
    text.push_str(&format!("\n{}\n", paint.bold("Files")));
    for file in &local.files {
        let what = file
            .link
            .as_ref()
            .map_or_else(|| size(file.size), |link| format!("-> {}", clean(link)));
        text.push_str(&format!("{what:>8}  {}\n", clean(&file.path)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_the_interpreter_that_will_run() {
        let script = Command::Script {
            script: "a.py".into(),
            arguments: vec!["--x".into()],
        };
        let at_hand = EnvironmentSpec {
            interpreter: Interpreter::UserManaged {
                python: "/usr/bin/python3".into(),
            },
            ..EnvironmentSpec::default()
        };
        assert_eq!(
            command_line(&script, Some(&at_hand)),
            ["/usr/bin/python3", "a.py", "--x"]
        );
        let managed = EnvironmentSpec::default();
        assert_eq!(
            command_line(&script, Some(&managed)),
            ["<environment>/bin/python", "a.py", "--x"]
        );
        assert_eq!(
            command_line(&script, None),
            ["<environment>/bin/python", "a.py", "--x"]
        );
        let program = Command::Program {
            argv: vec!["sh".into()],
        };
        assert_eq!(command_line(&program, Some(&at_hand)), ["sh"]);
    }

    #[test]
    fn secrets_are_not_shown() {
        let local = LocalPlan {
            target: "local".into(),
            experiment: "e".into(),
            name: None,
            source: "/s".into(),
            tree: "t".into(),
            file_count: 1,
            total_size: 1_500,
            files: vec![
                PlannedFile {
                    path: "a.py".into(),
                    size: 1_500,
                    link: None,
                },
                PlannedFile {
                    path: "l".into(),
                    size: 0,
                    link: Some("a.py".into()),
                },
            ],
            environment_spec_id: None,
            environment: "registered environment x:2".into(),
            command: vec!["sh".into(), "-c".into(), "a b".into()],
            variables: vec!["TOKEN".into()],
            tags: [("a".into(), "b".into())].into(),
            max_duration_seconds: Some(90),
        };
        let text = show(&local, None, Paint(false));
        let expected = "\
target        local
experiment    e
source        /s
snapshot      1 file, 1.5 KB
tree          t
environment   registered environment x:2
command       sh -c 'a b'
variables     TOKEN
tags          a=b
max duration  1m 30s

Files
  1.5 KB  a.py
 -> a.py  l
";
        assert_eq!(text, expected);
    }
}
