//! Jobs that a target's own name names: found, whoever submitted them, and made into runs that are only followed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use outhaul_driver::{DriverError, ErrorKind, JobOwner, NativeJob};
use outhaul_store::StoreError;
use outhaul_types::api::{AdoptJob, NativeJob as Shown, RunSummary};
use outhaul_types::id::check_name;
use outhaul_types::{
    ApiError, Command, ComputeTarget, EnvironmentSpec, NewRun, Run, RunEventKind, RunId, RunKey, RunSpec,
    SnapshotRef,
};

use crate::app::App;
use crate::errors::{of_target, translate};
use crate::life;
use crate::targets::Target;

/// The experiment of adopted runs, unless it is named.
const EXPERIMENT: &str = "adopted";

/// A job with the run that it is.
struct Known {
    record: ComputeTarget,
    target: Arc<Target>,
    job: NativeJob,
    run: Option<Run>,
}

async fn look(app: &App, target: &str, native: &str) -> Result<Known, ApiError> {
    let live = app.targets.get(target)?;
    let record = app.targets.entry(&live.name)?.record;
    let Some(record) = record.filter(|_| live.driver.capabilities().adopts) else {
        return Err(ApiError::bad_request(format!(
            "target `{}` knows no jobs but those that Outhaul submitted",
            live.name
        ))
        .with_hint("only a target with a queue of its own, such as Slurm, has others"));
    };
    let job = live.driver.job(native).await.map_err(refused)?.ok_or_else(|| {
        ApiError::not_found(format!("target `{}` knows no job `{native}`", live.name)).with_hint(
            "its scheduler forgets jobs some time after their end; `squeue` there lists those it knows",
        )
    })?;
    let run = run_of(app, &record, &job).await?;
    Ok(Known {
        record,
        target: live,
        job,
        run,
    })
}

fn refused(error: DriverError) -> ApiError {
    if error.kind != ErrorKind::Invalid {
        return of_target(error);
    }
    let api = ApiError::bad_request(error.message);
    match error.hint {
        Some(hint) => api.with_hint(hint),
        None => api,
    }
}

/// The run that a job is, if it is one.
async fn run_of(app: &App, target: &ComputeTarget, job: &NativeJob) -> Result<Option<Run>, ApiError> {
    let there = async |id: &RunId| match app.store.run(id).await {
        Ok(run) => Ok(Some(run)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(translate(error)),
    };
    let submitted = match &job.owner {
        Some(JobOwner::Run(key)) => match RunKey::parse(key.as_str()) {
            Some((id, _)) => there(&id).await?,
            None => None,
        },
        Some(JobOwner::Element { array, index }) => {
            let first = there(array).await?;
            let array = first.and_then(|run| run.spec?.array);
            match array.and_then(|array| array.run_at(*index)) {
                Some(id) => there(&id).await?,
                None => None,
            }
        }
        None => None,
    };
    if submitted.is_some() {
        return Ok(submitted);
    }
    // Through another attachment of the same target, it may have another id.
    let names = std::iter::once(&target.name).chain(&target.aliases);
    for name in names {
        let mut active = app
            .store
            .active_runs_of(name)
            .await
            .map_err(translate)?
            .into_iter();
        let is_it = |run: &Run| run.native_id.as_ref() == Some(&job.id.0);
        if let Some(run) = active.find(is_it) {
            return Ok(Some(run));
        }
    }
    there(&RunId::of_job(&target.id, &job.id.0)).await
}

/// What a target knows of a job.
pub(crate) async fn find(app: &App, target: &str, native: &str) -> Result<Shown, ApiError> {
    let known = look(app, target, native).await?;
    let some = |text: String| (!text.is_empty()).then_some(text);
    Ok(Shown {
        target: known.target.name.clone(),
        id: number(&known.job).to_owned(),
        state: known.job.state,
        reason: some(known.job.reason),
        name: known.job.name,
        user: known.job.user,
        command: some(known.job.command),
        work_dir: some(known.job.work_dir),
        stdout: known.job.stdout,
        stderr: known.job.stderr,
        run: known.run.as_ref().map(RunSummary::from),
    })
}

/// The target's own name, without the kind.
fn number(job: &NativeJob) -> &str {
    job.id.0.split_once(':').map_or(&*job.id.0, |(_, number)| number)
}

/// Makes a job that somebody else submitted into a run. The flag says whether it is new: a second time gives the same run.
pub(crate) async fn adopt(
    app: &Arc<App>,
    target: &str,
    native: &str,
    request: AdoptJob,
) -> Result<(Run, bool), ApiError> {
    let workspace = app.workspace(request.workspace.as_deref()).await?.name;
    let known = look(app, target, native).await?;
    let job = &known.job;
    if let Some(run) = known.run {
        if run.spec.as_ref().is_some_and(|spec| spec.adopted.is_some()) {
            return Ok((run, false));
        }
        return Err(ApiError::conflict(format!(
            "job `{}` is run `{}` already, which Outhaul submitted",
            number(job),
            run.id
        ))
        .with_hint(format!("`outhaul runs show {}` shows it", run.id.short())));
    }
    let wrong = |error: outhaul_types::id::InvalidName| ApiError::bad_request(error.to_string());
    let experiment = request.experiment.unwrap_or_else(|| EXPERIMENT.to_owned());
    check_name("experiment", &experiment).map_err(wrong)?;
    let name = request.name.unwrap_or_else(|| name_of(job));
    check_name("run", &name).map_err(wrong)?;

    known.target.driver.adopt(job).await.map_err(refused)?;
    let id = RunId::of_job(&known.record.id, &job.id.0);
    let new = NewRun {
        id: id.clone(),
        name,
        workspace,
        experiment,
        target: known.target.name.clone(),
        tags: BTreeMap::new(),
        parent: None,
        spec: Some(spec(job)),
    };
    // It is launched already, so that only following is left.
    let events = vec![
        RunEventKind::Queued,
        RunEventKind::Preparing,
        RunEventKind::LaunchIntended {
            attempt: 1,
            run_key: id.key(1),
        },
        RunEventKind::Launched {
            native_id: job.id.0.clone(),
        },
    ];
    let created = match app.store.create_runs(vec![(new, events)], Timestamp::now()).await {
        Ok(created) => created.into_iter().next(),
        // Somebody else was quicker, with other words.
        Err(StoreError::Conflict(_)) => None,
        Err(error) => return Err(translate(error)),
    };
    match created {
        Some(created) if !created.events.is_empty() => {
            tracing::info!(run = %id, target = created.run.target, job = number(job), "run.adopted");
            known.target.scheduler().resume(id.clone(), None);
            life::spawn(app, &known.target, id);
            Ok((created.run, true))
        }
        _ => Ok((app.store.run(&id).await.map_err(translate)?, false)),
    }
}

/// A valid name from the job's own.
fn name_of(job: &NativeJob) -> String {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = job
        .name
        .chars()
        .map(|c| if valid(c) { c } else { '-' })
        .take(200)
        .collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    match name {
        "" => format!("job-{}", number(job)),
        name => format!("{name}-{}", number(job)),
    }
}

/// What is known of a job that is not ours, in place of what it shall do.
fn spec(job: &NativeJob) -> RunSpec {
    let command = if job.command.is_empty() {
        &job.name
    } else {
        &job.command
    };
    RunSpec {
        command: Command::Program {
            argv: vec![command.clone()],
        },
        snapshot: SnapshotRef {
            tree: String::new(),
            files: 0,
            bytes: 0,
            source: job.work_dir.clone(),
            git: None,
        },
        environment: EnvironmentSpec::default(),
        environment_lock: None,
        environment_name: None,
        variables: BTreeMap::new(),
        max_duration_seconds: None,
        resources: Default::default(),
        array: None,
        adopted: Some(number(job).to_owned()),
        spark: None,
        rerun_of: None,
        service: None,
    }
}

#[cfg(test)]
mod tests {
    use outhaul_driver::NativeId;

    use super::*;

    #[test]
    fn jobs_give_their_runs_valid_names() {
        for (name, expected) in [
            ("train", "train-12_7"),
            ("my job (2)", "my-job--2--12_7"),
            ("--x", "x-12_7"),
            ("äö", "job-12_7"),
            ("", "job-12_7"),
        ] {
            let job = NativeJob {
                id: NativeId("slurm:12_7".into()),
                owner: None,
                state: "RUNNING".into(),
                reason: String::new(),
                name: name.into(),
                user: "me".into(),
                command: String::new(),
                work_dir: String::new(),
                stdout: None,
                stderr: None,
            };
            assert_eq!(name_of(&job), expected, "{name}");
            check_name("run", &name_of(&job)).unwrap();
        }
    }
}
