//! Starting, recovering and stopping.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use outhaul_artifacts::FolderArtifacts;
use outhaul_docker::{Engine, Options as EngineOptions, UnixSocket};
use outhaul_driver::layers;
use outhaul_driver_local::{LocalConfig, LocalDriver};
use outhaul_launcher_container::Containers;
use outhaul_snapshot::BlobStore;
use outhaul_store::{Store, StoreError};
use outhaul_store_sqlite::SqliteStore;
use outhaul_types::workspace::{DEFAULT_WORKSPACE, LOCAL_TARGET};
use outhaul_types::{ApiError, RunState, Secret};
use outhaul_vault::{MasterKey, Vault};
use tokio::sync::watch;

use crate::app::App;
use crate::attach::{self, Attaching, Tickets};
use crate::config::ServeConfig;
use crate::errors::translate;
use crate::home::Home;
use crate::hub::Hub;
use crate::inherited::inherited;
use crate::janitor::{self, Janitor};
use crate::mlflow::{self, Mlflow};
use crate::reserve::Reserve;
use crate::scheduler::{Group, is_of_service};
use crate::services::{self, Services};
use crate::targets::{Entry, Target, Targets};
use crate::{api, failpoint, ingest, life, listen, sdk, uploads};

/// How long a stopping server waits for its last answers.
const FAREWELL: Duration = Duration::from_secs(3);
/// Unfinished files of blob stores older than this were left by a killed process.
const LEFTOVER: Duration = Duration::from_secs(24 * 3600);

/// The socket of this machine's Docker engine: as `DOCKER_HOST` says, or the usual one.
fn docker_socket(environment: &[(String, String)]) -> PathBuf {
    let named = environment.iter().find(|(name, _)| name == "DOCKER_HOST");
    let path = named.and_then(|(_, value)| value.strip_prefix("unix://"));
    path.map_or_else(|| PathBuf::from("/var/run/docker.sock"), PathBuf::from)
}

/// Runs a server until it is stopped. Prints nothing.
///
/// # Errors
/// When it cannot start, or cannot go on; the same error was told through `config.ready` if it had not started.
pub fn serve(config: ServeConfig) -> Result<(), ApiError> {
    failpoint::arm(config.failpoint.as_deref());
    if config.background {
        // Fails only for a process that leads a session already.
        let _ = nix::unistd::setsid();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let started = runtime
        .map_err(|error| ApiError::internal(format!("cannot start: {error}")))
        .and_then(|runtime| Ok((Home::open(&config.home)?, runtime)));
    let (home, runtime) = match started {
        Ok(started) => started,
        Err(error) => {
            (config.ready)(Err(&error));
            return Err(error);
        }
    };
    let socket = home.root().join("server.sock");
    let result = runtime.block_on(run(config, home));
    // Before the lock of the data folder goes: a next server makes its own socket after it has the lock.
    let _ = std::fs::remove_file(socket);
    // Work that is under way may be cut off anywhere: that is what it is made for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn run(config: ServeConfig, home: Home) -> Result<(), ApiError> {
    let ServeConfig {
        program,
        build,
        environment,
        search_path,
        master_key,
        ready,
        ..
    } = config;
    let opening = Opening {
        program,
        build,
        environment,
        search_path,
        master_key,
    };
    let root = home.root().to_owned();
    let started = async {
        let (app, leavings) = open(home, opening).await?;
        tokio::spawn(janitor::work(Arc::clone(&app), leavings));
        // Before runs are taken up: those that are started then shall know of it.
        mlflow::reopen(&app).await;
        recover(&app).await?;
        Ok::<_, ApiError>((listen::bind(&root)?, app))
    };
    let (listener, app) = match started.await {
        Ok(started) => started,
        Err(error) => {
            ready(Err(&error));
            return Err(error);
        }
    };
    tracing::info!(pid = std::process::id(), home = %root.display(), "server.started");
    ready(Ok(()));
    tokio::spawn(stop_on_signal(app.stopping.clone()));
    let mut stopping = app.stopping.subscribe();
    let stopped = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let serving = axum::serve(listener, api::router(Arc::clone(&app))).with_graceful_shutdown(stopped);
    let mut last_word = app.stopping.subscribe();
    let result = tokio::select! {
        result = serving.into_future() => result,
        () = async {
            let _ = last_word.wait_for(|stop| *stop).await;
            tokio::time::sleep(FAREWELL).await;
        } => Ok(()),
    };
    tracing::info!("server.stopped");
    result.map_err(|error| ApiError::internal(format!("the server cannot go on: {error}")))
}

async fn stop_on_signal(stopping: watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stopping.send_replace(true);
}

/// What opening needs of the configuration.
struct Opening {
    program: PathBuf,
    build: String,
    environment: Vec<(String, String)>,
    search_path: Vec<String>,
    master_key: Option<Secret>,
}

async fn open(
    home: Home,
    config: Opening,
) -> Result<(Arc<App>, tokio::sync::mpsc::UnboundedReceiver<outhaul_types::Run>), ApiError> {
    let store = SqliteStore::open(&home.database()).map_err(|error| match error {
        StoreError::NewerVersion { .. } => {
            ApiError::conflict(format!("the data folder `{}`: {error}", home.root().display()))
                .with_hint("use a newer outhaul, or set OUTHAUL_HOME to another folder; nothing was changed")
        }
        other => translate(other),
    })?;
    if store.workspaces().await.map_err(translate)?.is_empty() {
        store
            .put_workspace(DEFAULT_WORKSPACE, Default::default(), Timestamp::now())
            .await
            .map_err(translate)?;
    }
    let broken = |error: &dyn std::fmt::Display| {
        ApiError::internal(format!("the data folder cannot be used: {error}"))
    };
    let blobs = BlobStore::open(home.blobs()).map_err(|error| broken(&error))?;
    // Only untidy, never wrong, when this fails.
    let _ = blobs.remove_leftovers(LEFTOVER);
    uploads::remove_leftovers(&home.uploads());
    let artifacts = FolderArtifacts::open(&home.artifacts()).map_err(|error| broken(&error))?;
    let slots =
        std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    let server_side = outhaul_driver_remote::ServerSide {
        packages: home.root().join("packages"),
        search_path: config.search_path.clone(),
        environment: inherited(config.environment.clone()),
    };
    let docker = docker_socket(&config.environment);
    let local = LocalDriver::open(LocalConfig {
        root: home.target(LOCAL_TARGET),
        blobs: blobs.clone(),
        sdk: sdk::install(&home.python())?,
        environment: inherited(config.environment),
        search_path: config.search_path,
        packages: server_side.packages.clone(),
        docker: docker.clone(),
        slots,
        detachable: false,
    })
    .map_err(|error| broken(&error))?;
    let engine = Engine::connect(UnixSocket(docker), EngineOptions::new(home.server_id()?))
        .map_err(|error| broken(&error))?;
    let local = Containers::new(local, engine);
    let targets = Targets::default();
    let this_machine = Target::new(LOCAL_TARGET, layers::standard(Arc::new(local)));
    targets.put(
        LOCAL_TARGET,
        Entry {
            record: None,
            live: Some(this_machine),
        },
    );
    let (janitor, leavings) = Janitor::new();
    let app = App {
        build: config.build,
        program: config.program,
        started_at: Timestamp::now(),
        store: Arc::new(store),
        artifacts: Arc::new(artifacts),
        blobs,
        targets,
        attaching: Attaching {
            vault: Vault::new(master_key(&home, config.master_key)?),
            server: home.server_id()?,
            tickets: Tickets::default(),
            turn: tokio::sync::Mutex::default(),
            server_side,
        },
        mlflow: Mlflow::default(),
        services: Services::default(),
        hub: Hub::default(),
        reserve: Reserve::take(home.root()),
        janitor,
        stopping: watch::channel(false).0,
        home,
    };
    Ok((Arc::new(app), leavings))
}

/// The key that secrets are sealed with: the given one, or that of the data folder.
fn master_key(home: &Home, given: Option<Secret>) -> Result<MasterKey, ApiError> {
    match given {
        Some(text) => MasterKey::from_text(&text)
            .map_err(|error| ApiError::bad_request(format!("OUTHAUL_MASTER_KEY: {error}"))),
        None => {
            MasterKey::open_or_create(&home.key_file()).map_err(|error| ApiError::internal(error.to_string()))
        }
    }
}

/// Takes up every run that has not ended where the last server left it.
async fn recover(app: &Arc<App>) -> Result<(), ApiError> {
    attach::recover(app).await?;
    for run in app.store.unreleased_runs().await.map_err(translate)? {
        // The last server may have died between the end of a run and that of its children.
        ingest::end_children(app, &run, run.state)
            .await
            .map_err(translate)?;
        app.janitor.clean_up(run);
    }
    let active = app.store.active_runs().await.map_err(translate)?;
    if !active.is_empty() {
        tracing::info!(runs = active.len(), "server.recovering");
    }
    let mut resumed = Vec::new();
    for run in active {
        let Ok(target) = app.targets.get(&run.target) else {
            // Taken up when its target is attached (again).
            tracing::warn!(run = %run.id, target = run.target, "server.recovering: the run's target is not attached");
            continue;
        };
        match run.state {
            _ if is_of_service(&run) => life::spawn(app, &target, run.id),
            RunState::NotStarted | RunState::Queued => {
                target.scheduler().enqueue(run.id.clone(), Group::of(&run));
            }
            _ => {
                target.scheduler().resume(run.id.clone(), Group::of(&run));
                resumed.push((target, run.id));
            }
        }
    }
    // All slots are counted before the first queued run may start.
    for (target, id) in resumed {
        life::spawn(app, &target, id);
    }
    for target in app.targets.live() {
        life::start_ready(app, &target);
    }
    services::recover(app).await?;
    Ok(())
}
