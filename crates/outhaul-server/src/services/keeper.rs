//! The keeper of one service: looks at its record and its runs, does the one step that follows, and looks again. A
//! restart, a lost wake-up and the normal path are the same code.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use jiff::Timestamp;
use outhaul_store::StoreError;
use outhaul_types::service::{READY, ServiceInstance};
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{ApiError, ErrorCode, LogStream, Run, RunId, RunState, WebService};
use tokio::sync::watch;

use super::forward;
use super::instance::run_of;
use super::step::{Fate, Step, next, refused};
use crate::app::App;
use crate::errors::translate;
use crate::{cancel, submit};

/// Pause after something that could not be done now.
const PAUSE: Duration = Duration::from_secs(2);
/// How much of a failed instance's log is kept with its service.
const TAIL: u64 = 8 << 10;

/// Starts the keeper of a service, or wakes the one that it has.
pub(super) fn start(app: &Arc<App>, service: &WebService) {
    let Some(wake) = app.services.wake(&service.id) else {
        return;
    };
    let (app, name) = (Arc::clone(app), (service.workspace.clone(), service.name.clone()));
    let id = service.id.clone();
    tokio::spawn(async move {
        let mut stopping = app.stopping.subscribe();
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => {}
            () = keep(&app, &name.0, &name.1, &id, &wake) => app.services.forget(&id),
        }
    });
}

async fn keep(app: &Arc<App>, workspace: &str, name: &str, id: &RunId, wake: &tokio::sync::Notify) {
    loop {
        let waits = match look(app, workspace, name, id).await {
            Ok(Some(waits)) => waits,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(service = name, %error, "service.trouble: trying again");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let mut changes = waits.changes;
        let changed = async {
            if changes.is_empty() {
                std::future::pending::<()>().await;
            }
            let _ = select_all(changes.iter_mut().map(|change| Box::pin(change.changed()))).await;
        };
        let due = async {
            match waits.until {
                Some(at) => {
                    let left = at.duration_since(Timestamp::now());
                    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wake.notified() => {}
            () = changed => {}
            () = due => {}
        }
    }
}

/// What a keeper waits for.
struct Waits {
    changes: Vec<watch::Receiver<u64>>,
    until: Option<Timestamp>,
}

/// Does all that follows now. `None` when the service is no more.
async fn look(app: &Arc<App>, workspace: &str, name: &str, id: &RunId) -> Result<Option<Waits>, ApiError> {
    loop {
        let turn = app.services.turn.lock().await;
        let service = match app.store.service(workspace, name).await {
            Ok(service) if service.id == *id => service,
            Ok(_) | Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(translate(error)),
        };
        forward::keep(app, &service);
        let mut fates = HashMap::new();
        let mut changes = Vec::new();
        for run in service.runs() {
            // Followed before it is looked at: no change is missed.
            changes.push(app.hub.follow(run));
            fates.insert(run.clone(), fate(app, run).await?);
        }
        match next(&service, &fates, Timestamp::now()) {
            Step::Record(changed) => {
                tell(&service, &changed);
                app.store.put_service(*changed).await.map_err(translate)?;
            }
            Step::Intend => {
                let run = RunId::generate().map_err(|error| ApiError::internal(error.to_string()))?;
                let mut changed = service.clone();
                changed.next = Some(ServiceInstance {
                    run,
                    generation: service.generation,
                });
                app.store.put_service(changed).await.map_err(translate)?;
            }
            Step::Submit(instance) => match submit_instance(app, &service, instance).await {
                Ok(()) => {}
                // Trying again would change nothing.
                Err(error) if error.code != ErrorCode::Internal => {
                    let changed = refused(&service, &error.message, Timestamp::now());
                    tell(&service, &changed);
                    app.store.put_service(changed).await.map_err(translate)?;
                }
                Err(error) => return Err(error),
            },
            Step::End(runs) => {
                drop(turn);
                for run in runs {
                    let run = app.store.run(&run).await.map_err(translate)?;
                    cancel::end(app, &run).await?;
                }
            }
            Step::Remove => {
                app.store
                    .remove_secret(service.id.as_str())
                    .await
                    .map_err(translate)?;
                app.store
                    .remove_service(workspace, name, id)
                    .await
                    .map_err(translate)?;
                forward::close(app, id);
                tracing::info!(service = name, "service.deleted");
                return Ok(None);
            }
            Step::Wait(until) => return Ok(Some(Waits { changes, until })),
        }
    }
}

async fn submit_instance(
    app: &Arc<App>,
    service: &WebService,
    instance: ServiceInstance,
) -> Result<(), ApiError> {
    if service.target == LOCAL_TARGET {
        app.home.make_meeting()?;
    }
    let (told, blobs, program) = (service.clone(), app.blobs.clone(), app.program.clone());
    let run = tokio::task::spawn_blocking(move || run_of(&told, &instance, &blobs, &program))
        .await
        .map_err(|error| ApiError::internal(error.to_string()))??;
    submit::record_service_run(app, run).await
}

fn tell(before: &WebService, after: &WebService) {
    if before.state != after.state {
        tracing::info!(service = after.name, state = %after.state, "service.state");
    }
}

async fn fate(app: &App, id: &RunId) -> Result<Fate, ApiError> {
    let run = match app.store.run(id).await {
        Ok(run) => run,
        Err(StoreError::NotFound { .. }) => return Ok(Fate::Absent),
        Err(error) => return Err(translate(error)),
    };
    if run.state.is_terminal() {
        return Ok(Fate::Ended {
            message: ending(&run),
            log: tail(app, id),
        });
    }
    Ok(Fate::Going {
        // Its process is gone, and the record of that is on its way.
        ready: run.properties.contains_key(READY) && run.state == RunState::Running,
        ending: run.state == RunState::CancelRequested || run.state == RunState::Finalizing,
    })
}

fn ending(run: &Run) -> String {
    match (&run.failure, run.state) {
        (Some(failure), _) => failure.message.clone(),
        (None, RunState::Canceled) => format!("its run `{}` was canceled", run.id.short()),
        (None, _) => format!("its run `{}` ended by itself", run.id.short()),
    }
}

/// The last lines that a run wrote to standard error, or what building its environment printed.
fn tail(app: &App, id: &RunId) -> String {
    let folder = app.log_folder(id);
    let read = |stream: LogStream| last_lines(&folder.join(stream.as_str())).unwrap_or_default();
    let written = read(LogStream::Stderr);
    if written.trim().is_empty() {
        read(LogStream::Environment)
    } else {
        written
    }
}

fn last_lines(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // Not the rest of a line that was cut.
    let whole = if size > TAIL {
        text.split_once('\n').map_or("", |(_, rest)| rest)
    } else {
        &text
    };
    Ok(whole.to_owned())
}
