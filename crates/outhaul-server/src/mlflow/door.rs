//! The door: a listener on loopback that is there only when it was asked for, on a port that is kept.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};

use outhaul_types::tracking::TrackingDoor;
use outhaul_types::{ApiError, RunId, Secret};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::serve;
use super::token::{Holder, TokenKey};
use crate::app::App;
use crate::errors::translate;

/// What is sealed for the door lies under this owner.
const OWNER: &str = "mlflow-door";
/// The one secret of the door.
const KEY: &str = "key";

/// What the server keeps for the protocol.
#[derive(Default)]
pub(crate) struct Mlflow {
    /// Held while a document is read, changed and written back.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Held while the door is opened or closed.
    moving: tokio::sync::Mutex<()>,
    open: Mutex<Option<Open>>,
}

/// An open door.
#[derive(Clone)]
struct Open {
    port: u16,
    key: Arc<TokenKey>,
    close: watch::Sender<bool>,
}

impl Mlflow {
    fn now(&self) -> Option<Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, open: Option<Open>) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = open;
    }

    /// The key that tokens are checked with, while the door is open.
    pub(super) fn key(&self) -> Option<Arc<TokenKey>> {
        self.now().map(|open| open.key)
    }

    /// The address of a workspace and the token of a run's attempt, while the door is open.
    pub(crate) fn of_run(&self, workspace: &str, id: &RunId, attempt: u32) -> Option<(String, Secret)> {
        let open = self.now()?;
        let token = open.key.token(&Holder::Run(id.clone(), attempt));
        Some((uri(open.port, workspace), token))
    }
}

/// The tracking URI of a workspace.
fn uri(port: u16, workspace: &str) -> String {
    format!("http://127.0.0.1:{port}/workspaces/{workspace}")
}

/// How the door stands, seen from a workspace.
pub(crate) fn status(app: &App, workspace: &str) -> TrackingDoor {
    TrackingDoor {
        open: app.mlflow.now().is_some(),
        workspace: workspace.to_owned(),
        uri: app.mlflow.now().map(|open| uri(open.port, workspace)),
    }
}

/// Opens the door, now and at each start of the server until it is closed.
pub(crate) async fn open(app: &Arc<App>) -> Result<(), ApiError> {
    let _moving = app.mlflow.moving.lock().await;
    if app.mlflow.now().is_some() {
        return Ok(());
    }
    let kept = kept_port(app);
    let listener = bind(kept.unwrap_or(0)).await?;
    let port = listener
        .local_addr()
        .map_err(|error| ApiError::internal(format!("the tracking door has no port: {error}")))?
        .port();
    let key = Arc::new(TokenKey::new(&secret(app).await?));
    if kept != Some(port) {
        keep_port(app, port)?;
    }
    let (close, closed) = watch::channel(false);
    app.mlflow.set(Some(Open { port, key, close }));
    tokio::spawn(serve::serve(Arc::clone(app), listener, closed));
    tracing::info!(port, "mlflow.opened");
    Ok(())
}

/// Opens the door at the start of a server whose predecessor had it open.
pub(crate) async fn reopen(app: &Arc<App>) {
    if kept_port(app).is_some()
        && let Err(error) = open(app).await
    {
        tracing::error!(%error, "mlflow.opened: it stays closed");
    }
}

/// Closes the door until it is asked for again. The tokens stay good for the next opening.
pub(crate) async fn close(app: &App) -> Result<(), ApiError> {
    let _moving = app.mlflow.moving.lock().await;
    match std::fs::remove_file(app.home.mlflow_port()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(ApiError::internal(format!(
                "`{}`: {error}",
                app.home.mlflow_port().display()
            )));
        }
        _ => {}
    }
    if let Some(open) = app.mlflow.now() {
        open.close.send_replace(true);
        app.mlflow.set(None);
        tracing::info!("mlflow.closed");
    }
    Ok(())
}

/// The token of a workspace; `renew` makes all that were given out before worthless.
pub(crate) async fn token_of(app: &Arc<App>, workspace: &str, renew: bool) -> Result<Secret, ApiError> {
    if renew {
        let _moving = app.mlflow.moving.lock().await;
        let fresh = make_secret(app).await?;
        if let Some(mut open) = app.mlflow.now() {
            open.key = Arc::new(TokenKey::new(&fresh));
            app.mlflow.set(Some(open));
        }
    }
    let key = TokenKey::new(&secret(app).await?);
    Ok(key.token(&Holder::Workspace(workspace.to_owned())))
}

/// The port that was used before, or one that the system picks when somebody else has it.
async fn bind(port: u16) -> Result<TcpListener, ApiError> {
    let address = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let bound = match TcpListener::bind(address(port)).await {
        Err(error) if port != 0 => {
            tracing::warn!(port, %error, "mlflow.opened: on another port than before");
            TcpListener::bind(address(0)).await
        }
        other => other,
    };
    bound.map_err(|error| ApiError::internal(format!("cannot listen on 127.0.0.1 for MLflow: {error}")))
}

fn kept_port(app: &App) -> Option<u16> {
    let text = std::fs::read_to_string(app.home.mlflow_port()).ok()?;
    // A damaged file still says that the door shall be open.
    Some(text.trim().parse().unwrap_or(0))
}

fn keep_port(app: &App, port: u16) -> Result<(), ApiError> {
    let path = app.home.mlflow_port();
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, format!("{port}\n"))
        .and_then(|()| std::fs::rename(&fresh, &path))
        .map_err(|error| ApiError::internal(format!("`{}`: {error}", path.display())))
}

/// The door's secret, made where there is none.
async fn secret(app: &App) -> Result<Secret, ApiError> {
    let sealed = app.store.secret(OWNER).await.map_err(translate)?;
    let Some(sealed) = sealed else {
        return make_secret(app).await;
    };
    let opened = app.attaching.vault.open(OWNER, &sealed);
    let mut secrets = opened.map_err(|error| {
        ApiError::internal(error.to_string()).with_hint("`outhaul mlflow token --renew` makes a new one")
    })?;
    secrets
        .remove(KEY)
        .ok_or_else(|| ApiError::internal("the secret of the tracking door is not there"))
}

async fn make_secret(app: &App) -> Result<Secret, ApiError> {
    let mut text = String::new();
    // Two ids are 160 random bits.
    for _ in 0..2 {
        let id =
            RunId::generate().map_err(|error| ApiError::internal(format!("no random numbers: {error}")))?;
        text.push_str(id.as_str());
    }
    let secret = Secret::new(text);
    let sealed = app
        .attaching
        .vault
        .seal(OWNER, &[(KEY.to_owned(), secret.clone())].into())
        .map_err(|error| ApiError::internal(error.to_string()))?;
    app.store.put_secret(OWNER, sealed).await.map_err(translate)?;
    Ok(secret)
}
