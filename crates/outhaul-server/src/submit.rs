//! From a request to a recorded run: everything that can be wrong with it is found here, before anything changes.

use std::sync::Arc;

use jiff::Timestamp;
use outhaul_driver::{EnvironmentRequest, PreparedEnvironment};
use outhaul_environment::resolve_conda;
use outhaul_store::{Guard, StoreError};
use outhaul_types::api::{ArrayRun, EnvironmentChoice, Rerun, RunArray, RunPlan, RunSummary, SubmitRun};
use outhaul_types::id::check_name;
use outhaul_types::spec::{is_inside, is_variable_name};
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{
    ApiError, ArrayElement, Command, CondaMode, EnvironmentSpec, ErrorCode, Indexes, Interpreter, Lock,
    NewRun, Run, RunEventKind, RunId, RunSpec, RunState, Workspace,
};

use crate::app::App;
use crate::errors::{of_target, translate, unknown};
use crate::scheduler::Group;
use crate::targets::Target;
use crate::{failpoint, life};

/// Records a run and hands it to its target's queue. The flag says whether it is new.
pub(crate) async fn submit(app: &Arc<App>, request: SubmitRun) -> Result<(Run, bool), ApiError> {
    if request.array.is_some() {
        return Err(ApiError::bad_request("one run has no `array`")
            .with_hint("`POST /arrays` submits a run for each index"));
    }
    check_code(app, &request)?;
    let (new, target) = check(app, request).await?;
    record(app, &target, new).await
}

/// Records the runs of an array, all at once, and hands them to their target's queue. The flag says whether they are
/// new.
pub(crate) async fn submit_array(
    app: &Arc<App>,
    mut request: SubmitRun,
) -> Result<(RunArray, bool), ApiError> {
    let Some(text) = request.array.take() else {
        return Err(ApiError::bad_request("the array's indexes are not given")
            .with_hint("give them as `array`: `0-99`, `0-9:2`, `1,3,7` or `0-99%10`"));
    };
    let indexes = indexes(&text)?;
    check_code(app, &request)?;
    let (new, target) = check(app, request).await?;
    let array = new.id.clone();
    let element = |(id, element): (RunId, ArrayElement)| {
        let name = format!("{}-{}", new.name, element.index);
        check_name("run", &name).map_err(|error| ApiError::bad_request(error.to_string()))?;
        let spec = new.spec.clone().map(|spec| RunSpec {
            array: Some(element),
            ..spec
        });
        let run = NewRun {
            id,
            name,
            spec,
            ..new.clone()
        };
        Ok((run, vec![RunEventKind::Queued]))
    };
    let runs = indexes
        .elements(&array)
        .map(element)
        .collect::<Result<Vec<_>, ApiError>>()?;
    failpoint::hit("submit.before-create");
    let created = app
        .store
        .create_runs(runs, Timestamp::now())
        .await
        .map_err(translate)?;
    failpoint::hit("submit.after-create");
    let is_new = created.iter().any(|created| !created.events.is_empty());
    if is_new {
        tracing::info!(array = %array, runs = created.len(), target = target.name, "array.submitted");
        let mut scheduler = target.scheduler();
        for created in &created {
            scheduler.enqueue(created.run.id.clone(), Group::of(&created.run));
        }
        drop(scheduler);
        life::start_ready(app, &target);
    }
    let runs = indexes
        .all()
        .iter()
        .zip(&created)
        .map(|(index, created)| ArrayRun {
            index: *index,
            run: RunSummary::from(&created.run),
        });
    let shown = RunArray {
        id: array,
        array: text,
        runs: runs.collect(),
    };
    Ok((shown, is_new))
}

fn indexes(text: &str) -> Result<Indexes, ApiError> {
    text.parse::<Indexes>()
        .map_err(|error| ApiError::bad_request(error.to_string()))
}

/// Repeats a run: its recorded code and command, and the lock of its environment.
pub(crate) async fn rerun(app: &Arc<App>, original: &Run, request: Rerun) -> Result<(Run, bool), ApiError> {
    let Some(mut spec) = original.spec.clone() else {
        return Err(ApiError::bad_request(format!(
            "run `{}` has no command: it was played by a script or a client",
            original.id.short()
        ))
        .with_hint("repeat its parent, where it has one that was submitted"));
    };
    if let Some(job) = &spec.adopted {
        return Err(ApiError::bad_request(format!(
            "run `{}` is job `{job}` of target `{}`, which Outhaul did not submit: it has no code to repeat",
            original.id.short(),
            original.target
        )));
    }
    if let Some(service) = &spec.service {
        // It would take the service's socket, and nobody would know of it.
        return Err(ApiError::bad_request(format!(
            "run `{}` serves the web service `{service}` and cannot be repeated on its own",
            original.id.short()
        ))
        .with_hint(format!("`outhaul service reload {service}` starts it anew")));
    }
    let target = app
        .targets
        .get(request.target.as_deref().unwrap_or(&original.target))?;
    if target.name != original.target
        && let Interpreter::UserManaged { python } = &mut spec.environment.interpreter
    {
        // A path means nothing on another machine; the name does.
        "python3".clone_into(python);
    }
    spec.environment_lock.clone_from(&original.environment_id);
    spec.rerun_of = Some(original.id.clone());
    let new = NewRun {
        name: format!("{}-{}", spec.command.stem(), request.id.short()),
        id: request.id,
        workspace: original.workspace.clone(),
        experiment: original.experiment.clone(),
        target: target.name.clone(),
        tags: original.tags.clone(),
        parent: None,
        spec: Some(spec),
    };
    record(app, &target, new).await
}

/// Records the run of a web service, which takes no slot, and starts it; once, however often it is asked.
pub(crate) async fn record_service_run(app: &Arc<App>, new: NewRun) -> Result<(), ApiError> {
    let target = app.targets.get(&new.target)?;
    failpoint::hit("submit.before-create");
    let created = app
        .store
        .create_run(new, Timestamp::now())
        .await
        .map_err(translate)?;
    failpoint::hit("submit.after-create");
    if !created.events.is_empty() {
        tracing::info!(run = %created.run.id, target = created.run.target, "run.submitted");
        life::spawn(app, &target, created.run.id);
    }
    Ok(())
}

async fn record(app: &Arc<App>, target: &Arc<Target>, new: NewRun) -> Result<(Run, bool), ApiError> {
    failpoint::hit("submit.before-create");
    let created = app
        .store
        .create_run(new, Timestamp::now())
        .await
        .map_err(translate)?;
    failpoint::hit("submit.after-create");
    let is_new = !created.events.is_empty();
    let mut run = created.run;
    if is_new {
        tracing::info!(run = %run.id, target = run.target, "run.submitted");
        target.scheduler().enqueue(run.id.clone(), Group::of(&run));
        life::start_ready(app, target);
        if target.scheduler().position(&run.id).is_some() {
            match app
                .apply(&run.id, Guard::Version(run.version), vec![RunEventKind::Queued])
                .await
            {
                Ok(applied) => run = applied.run,
                // It was started or withdrawn in the meantime.
                Err(StoreError::Stale { .. } | StoreError::Forbidden(_)) => {}
                Err(error) => return Err(translate(error)),
            }
        }
    }
    Ok((run, is_new))
}

/// Finds everything that is wrong with a request.
async fn check(app: &App, request: SubmitRun) -> Result<(NewRun, Arc<Target>), ApiError> {
    let workspace = app.workspace(request.workspace.as_deref()).await?;
    let target = app
        .targets
        .get(request.target.as_deref().unwrap_or(LOCAL_TARGET))?;
    let wrong = |error: outhaul_types::id::InvalidName| ApiError::bad_request(error.to_string());
    check_name("experiment", &request.experiment).map_err(wrong)?;
    if let Some(name) = &request.name {
        check_name("run", name).map_err(wrong)?;
    }
    for name in request.tags.keys() {
        if name.is_empty() || name.contains('=') {
            return Err(ApiError::bad_request(format!(
                "tag name `{name}` is not allowed: it must not be empty or hold `=`"
            )));
        }
    }
    for (name, value) in &request.variables {
        check_variable(name, value)?;
    }
    check_command(&request)?;
    let (environment, environment_name) =
        environment(app, &workspace, request.environment, request.conda).await?;
    for (name, value) in &environment.variables {
        check_variable(name, value)?;
    }
    let spec = RunSpec {
        command: request.command,
        snapshot: request.snapshot,
        environment,
        environment_lock: None,
        environment_name,
        variables: request.variables,
        max_duration_seconds: request.max_duration_seconds,
        resources: request.resources,
        array: None,
        adopted: None,
        spark: request.spark,
        rerun_of: None,
        service: None,
    };
    let problems = target.driver.validate(&spec);
    if !problems.is_empty() {
        let texts: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
        let error = ApiError::bad_request(format!(
            "target `{}` cannot do this: {}",
            target.name,
            texts.join("; ")
        ));
        return Err(match problems.into_iter().find_map(|problem| problem.hint) {
            Some(hint) => error.with_hint(hint),
            None => error,
        });
    }
    let new = NewRun {
        name: request
            .name
            .unwrap_or_else(|| format!("{}-{}", spec.command.stem(), request.id.short())),
        id: request.id,
        workspace: workspace.name,
        experiment: request.experiment,
        target: target.name.clone(),
        tags: request.tags,
        parent: None,
        spec: Some(spec),
    };
    Ok((new, target))
}

pub(crate) fn check_variable(name: &str, value: &str) -> Result<(), ApiError> {
    if !is_variable_name(name) {
        return Err(
            ApiError::bad_request(format!("`{name}` cannot be the name of an environment variable"))
                .with_hint("use letters, digits and `_`, not beginning with a digit"),
        );
    }
    if name.starts_with("OUTHAUL_") {
        return Err(
            ApiError::bad_request(format!("environment variable `{name}` is set by outhaul itself"))
                .with_hint("use another name"),
        );
    }
    if value.contains('\0') {
        return Err(ApiError::bad_request(format!(
            "the value of environment variable `{name}` holds a zero byte"
        )));
    }
    Ok(())
}

fn check_command(request: &SubmitRun) -> Result<(), ApiError> {
    let words = match &request.command {
        Command::Script { script, arguments } => {
            if !is_inside(script) {
                return Err(ApiError::bad_request(format!(
                    "script `{script}` is not inside the source folder"
                )));
            }
            arguments
        }
        Command::Program { argv } if argv.first().is_none_or(String::is_empty) => {
            return Err(ApiError::bad_request("the command is empty"));
        }
        Command::Program { argv } => argv,
    };
    if words.iter().any(|word| word.contains('\0')) {
        return Err(ApiError::bad_request("an argument holds a zero byte"));
    }
    Ok(())
}

/// The code must be in the store, and the script in it. (A plan asks for nothing to be stored, so it does without.)
fn check_code(app: &App, request: &SubmitRun) -> Result<(), ApiError> {
    let id = &request.snapshot.tree;
    let hash = id
        .parse()
        .map_err(|_| ApiError::bad_request(format!("`{id}` is not the id of a source tree")))?;
    let tree = app.blobs.get_tree(&hash).map_err(|error| {
        ApiError::bad_request(format!("the source tree `{id}` cannot be read: {error}"))
            .with_hint("submit again: the code is then stored anew")
    })?;
    match &request.command {
        Command::Script { script, .. } if is_inside(script) && tree.get(script).is_none() => {
            Err(ApiError::bad_request(format!(
                "script `{script}` is not in the snapshot of `{}`",
                request.snapshot.source
            ))
            .with_hint("see whether `.amlignore` or `.gitignore` leaves it out"))
        }
        _ => Ok(()),
    }
}

/// The environment that a request chooses, with `name:version` if it is a registered one.
pub(crate) async fn environment(
    app: &App,
    workspace: &Workspace,
    choice: EnvironmentChoice,
    conda: Option<CondaMode>,
) -> Result<(EnvironmentSpec, Option<String>), ApiError> {
    let (spec, name) = match choice {
        EnvironmentChoice::Spec { spec } => (spec, None),
        EnvironmentChoice::Named { name, version } => {
            let found = registered(app, &workspace.name, &name, version).await?;
            (found.spec, Some(format!("{name}:{}", found.version)))
        }
    };
    let mode = conda.unwrap_or(workspace.settings.conda);
    let resolved = resolve_conda("environment", &spec, mode).map_err(|error| {
        let api = ApiError::new(ErrorCode::Environment, error.message);
        match error.hint {
            Some(hint) => api.with_hint(hint),
            None => api,
        }
    })?;
    Ok((resolved, name))
}

/// A registered environment, or an error that offers the nearest name.
pub(crate) async fn registered(
    app: &App,
    workspace: &str,
    name: &str,
    version: Option<u32>,
) -> Result<outhaul_types::environment::RegisteredEnvironment, ApiError> {
    match app.store.environment(workspace, name, version).await {
        Err(StoreError::NotFound { .. }) => {
            let all = app.store.environments(workspace).await.map_err(translate)?;
            if let (Some(newest), Some(version)) = (all.iter().find(|known| known.name == name), version) {
                return Err(
                    ApiError::not_found(format!("environment `{name}` has no version {version}"))
                        .with_hint(format!("its newest version is {}", newest.version)),
                );
            }
            Err(unknown(
                "environment",
                name,
                all.iter().map(|known| known.name.as_str()),
                "outhaul environment list",
            ))
        }
        other => other.map_err(translate),
    }
}

/// What a submission would do; nothing is changed.
pub(crate) async fn plan(app: &Arc<App>, request: SubmitRun) -> Result<RunPlan, ApiError> {
    let indexes = request.array.as_deref().map(indexes).transpose()?;
    let (mut new, target) = check(app, request).await?;
    if let (Some(indexes), Some(spec)) = (&indexes, &mut new.spec) {
        // The first one stands for all.
        spec.array = indexes.elements(&new.id).next().map(|(_, element)| element);
    }
    let (run, _) = Run::submitted(new, Timestamp::now());
    let spec = run
        .spec
        .as_ref()
        .map(|spec| spec.environment.clone())
        .unwrap_or_default();
    let wanted = EnvironmentRequest {
        spec: spec.clone(),
        lock: None,
        retry: false,
    };
    let ready = target
        .driver
        .environment_ready(&wanted)
        .await
        .map_err(of_target)?;
    let known = ready.is_some();
    let environment_spec_id = outhaul_environment::spec_id(&spec);
    let environment = ready.unwrap_or_else(|| placeholder(&spec, &environment_spec_id));
    let request = target.driver.plan(&run, 1, &environment);
    let is_full = target.scheduler().is_full();
    let what = match &indexes {
        Some(indexes) => format!("{} runs, one for each index of `{indexes}`,", indexes.count()),
        None => "the run".to_owned(),
    };
    let mut steps = vec![format!(
        "record {what} in workspace `{}`, experiment `{}`",
        run.workspace, run.experiment
    )];
    if is_full {
        steps.push(format!("wait for a slot of target `{}`", target.name));
    }
    if let Some(docker) = &spec.docker {
        steps.push(match (&docker.image, known) {
            (Some(image), false) => format!("pull the image `{image}` if it is not there"),
            (Some(image), true) => format!("use the image `{image}`, which is there"),
            (None, false) => "build the image from its Dockerfile, once for each content".to_owned(),
            (None, true) => "use the image that is built already".to_owned(),
        });
    }
    steps.push(match (&spec.interpreter, known) {
        (Interpreter::UserManaged { python }, _) => format!("use the interpreter `{python}` as it is"),
        (Interpreter::Managed { .. }, true) => "use the environment that is built already".to_owned(),
        (Interpreter::Managed { .. }, false) => "lock and build the environment".to_owned(),
    });
    steps.push("stage the code".to_owned());
    let start = match (&request.container, &request.batch) {
        (Some(_), _) => "start the container, with the process under its supervisor",
        (None, Some(_)) => "submit the job, which starts the process under its supervisor",
        (None, None) => "start the process under its supervisor",
    };
    steps.push(start.to_owned());
    debug_assert_eq!(run.state, RunState::NotStarted);
    Ok(RunPlan {
        target: target.name.clone(),
        driver: target.driver.kind().to_owned(),
        environment_id: known.then(|| environment.id.clone()),
        environment_spec_id,
        environment_ready: known,
        command: request.command,
        script: Some(request.script),
        container: request.container,
        batch: request.batch,
        steps,
    })
}

/// Stands for an environment that is not built yet.
fn placeholder(spec: &EnvironmentSpec, spec_id: &str) -> PreparedEnvironment {
    let lock = Lock {
        version: 1,
        spec_id: spec_id.to_owned(),
        python_version: String::new(),
        platform: String::new(),
        tool: "none".to_owned(),
        interpreter: None,
        index_options: Vec::new(),
        requirements: String::new(),
        conda: Vec::new(),
        image: None,
    };
    let python = match &spec.interpreter {
        Interpreter::UserManaged { python } => python.clone(),
        Interpreter::Managed { .. } => "ENVIRONMENT/bin/python".to_owned(),
    };
    PreparedEnvironment {
        id: "(not built yet)".to_owned(),
        python,
        bin: None,
        lock,
    }
}
