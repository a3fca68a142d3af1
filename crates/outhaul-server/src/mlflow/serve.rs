//! A request at the door: who asks, for what, and the answer in the protocol's words.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use outhaul_mlflow::MlflowError;
use outhaul_mlflow::error::Code;
use outhaul_mlflow::request::Fields;
use outhaul_mlflow::route::{Route, route};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::token::Holder;
use super::{artifacts, experiments, logging, models, runs, search};
use crate::app::App;

/// The result of a route.
pub(super) type Answer<T = Value> = Result<T, MlflowError>;

/// The largest body of a request that is no file. A batch of 1000 metrics has about 200 kB.
const LARGEST: usize = 32 << 20;
/// The version of MLflow whose server these routes are like. Clients of 3.x fall back to what it had.
const VERSION: &str = "3.0.0";

/// Answers until the door is closed or the server stops.
pub(super) async fn serve(app: Arc<App>, listener: TcpListener, mut closed: watch::Receiver<bool>) {
    let mut stopping = app.stopping.subscribe();
    let over = async move {
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => {}
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    };
    let router = Router::new().fallback(answer).with_state(app);
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(over).await {
        tracing::error!(%error, "mlflow.closed");
    }
}

async fn answer(State(app): State<Arc<App>>, request: Request) -> Response {
    match handle(&app, request).await {
        Ok(response) => response,
        Err(error) => {
            if error.code == Code::InternalError {
                tracing::error!(error = error.message, "mlflow.failed");
            }
            refusal(&error)
        }
    }
}

fn refusal(error: &MlflowError) -> Response {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(error.body())).into_response();
    if error.code == Code::Unauthenticated {
        let scheme = header::HeaderValue::from_static("Bearer realm=\"outhaul\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

async fn handle(app: &Arc<App>, request: Request) -> Answer<Response> {
    let (parts, body) = request.into_parts();
    let path = decoded(parts.uri.path())?;
    let inside = path
        .strip_prefix("/workspaces/")
        .and_then(|rest| rest.split_once('/'));
    let (workspace, rest) = match inside {
        Some((workspace, rest)) => (Some(workspace), rest),
        None => (None, path.trim_start_matches('/')),
    };
    match rest {
        "health" => return Ok("OK".into_response()),
        "version" => return Ok(VERSION.into_response()),
        _ => {}
    }
    let workspace = allowed(app, &parts.headers, workspace).await?;
    let unknown = || {
        let message = format!("there is no route `{} {path}` in this server", parts.method);
        MlflowError::new(Code::EndpointNotFound, message)
    };
    let rest = rest.strip_prefix("api/2.0/").ok_or_else(unknown)?;
    let asked = route(parts.method.as_str(), rest).ok_or_else(unknown)?;
    match &asked {
        Route::Upload(path) => {
            return Ok(artifacts::upload(app, &workspace, path, body)
                .await?
                .into_response());
        }
        Route::Download(path) => return artifacts::download(app, &workspace, path).await,
        Route::Unsupported(what) => {
            let message = format!("{what} is not part of this server yet");
            return Err(MlflowError::new(Code::NotImplemented, message));
        }
        _ => {}
    }
    let fields = fields(&parts.method, &parts.uri, body).await?;
    let value = dispatch(app, &workspace, asked, fields).await?;
    Ok(axum::Json(value).into_response())
}

async fn dispatch(app: &Arc<App>, workspace: &str, asked: Route, fields: Fields) -> Answer {
    match asked {
        Route::CreateExperiment => experiments::create(app, workspace, &fields).await,
        Route::GetExperiment => experiments::get(app, workspace, &fields).await,
        Route::GetExperimentByName => experiments::get_by_name(app, workspace, &fields).await,
        Route::SearchExperiments => experiments::search(app, workspace, &fields).await,
        Route::DeleteExperiment => experiments::set_deleted(app, workspace, &fields, true).await,
        Route::RestoreExperiment => experiments::set_deleted(app, workspace, &fields, false).await,
        Route::UpdateExperiment => experiments::rename(app, workspace, &fields).await,
        Route::SetExperimentTag => experiments::set_tag(app, workspace, &fields).await,
        Route::DeleteExperimentTag => experiments::delete_tag(app, workspace, &fields).await,
        Route::CreateRun => runs::create(app, workspace, &fields).await,
        Route::GetRun => runs::get(app, workspace, &fields).await,
        Route::UpdateRun => runs::update(app, workspace, &fields).await,
        Route::DeleteRun => runs::set_deleted(app, workspace, &fields, true).await,
        Route::RestoreRun => runs::set_deleted(app, workspace, &fields, false).await,
        Route::SearchRuns => search::search(app, workspace, &fields).await,
        Route::MetricHistory => runs::history(app, workspace, &fields).await,
        Route::MetricHistoryBulk => runs::history_bulk(app, workspace, &fields).await,
        Route::LogMetric => logging::metric(app, workspace, &fields).await,
        Route::LogBatch => logging::batch(app, workspace, fields).await,
        Route::LogParam => logging::param(app, workspace, &fields).await,
        Route::LogInputs => logging::inputs(app, workspace, fields).await,
        Route::LogOutputs => logging::outputs(app, workspace, fields).await,
        Route::LogModel => logging::model(app, workspace, &fields).await,
        Route::SetTag => logging::set_tag(app, workspace, &fields).await,
        Route::DeleteTag => logging::delete_tag(app, workspace, &fields).await,
        Route::ListArtifacts => artifacts::list_run(app, workspace, &fields).await,
        Route::ListModelArtifacts(id) => artifacts::list_model(app, workspace, &id, &fields).await,
        Route::ListFolder => artifacts::list_folder(app, workspace, &fields).await,
        Route::Remove(path) => artifacts::remove(app, workspace, &path).await,
        Route::CreateModel => models::create(app, workspace, fields).await,
        Route::SearchModels => models::search(app, workspace, &fields).await,
        Route::GetModel(id) => models::get(app, workspace, &id).await,
        Route::FinalizeModel(id) => models::finalize(app, workspace, &id, &fields).await,
        Route::DeleteModel(id) => models::delete(app, workspace, &id).await,
        Route::SetModelTags(id) => models::set_tags(app, workspace, &id, fields).await,
        Route::DeleteModelTag(id, key) => models::delete_tag(app, workspace, &id, &key).await,
        Route::LogModelParams(id) => models::log_params(app, workspace, &id, fields).await,
        // Answered before the body is read.
        Route::Upload(_) | Route::Download(_) | Route::Unsupported(_) => Ok(json!({})),
    }
}

/// The workspace that a request may work in.
async fn allowed(app: &App, headers: &HeaderMap, asked: Option<&str>) -> Answer<String> {
    let denied = || {
        let message = "a token is needed that this server has given out: set MLFLOW_TRACKING_TOKEN to what \
                       `outhaul mlflow token` prints";
        MlflowError::new(Code::Unauthenticated, message)
    };
    let key = app.mlflow.key().ok_or_else(denied)?;
    let holder = shown(headers)
        .and_then(|token| key.holder(&token))
        .ok_or_else(denied)?;
    let workspace = match holder {
        Holder::Workspace(name) => name,
        Holder::Run(id, attempt) => {
            let run = app.store.run(&id).await.map_err(|_| denied())?;
            if run.state.is_terminal() || run.attempt != attempt {
                let message = format!("the token is that of run `{}`, which has ended", id.short());
                return Err(MlflowError::new(Code::Unauthenticated, message));
            }
            run.workspace
        }
    };
    match asked {
        Some(asked) if asked != workspace => {
            let message = format!("the token is for workspace `{workspace}`, and not for `{asked}`");
            Err(MlflowError::new(Code::PermissionDenied, message))
        }
        _ => Ok(workspace),
    }
}

/// The token that a request shows: as Bearer, or as the password of Basic.
fn shown(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = base64::engine::general_purpose::STANDARD.decode(rest).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

async fn fields(method: &Method, uri: &Uri, body: Body) -> Answer<Fields> {
    let wrong =
        |why: &dyn std::fmt::Display| MlflowError::invalid(format!("the request cannot be read: {why}"));
    if method == Method::GET {
        let Query(pairs) =
            Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|error| wrong(&error))?;
        return Fields::of_query(pairs).map_err(|error| wrong(&error));
    }
    let bytes = to_bytes(body, LARGEST).await.map_err(|error| wrong(&error))?;
    if bytes.is_empty() {
        return Ok(Fields::default());
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(&error))
}

/// A path with `%20` and the like read.
fn decoded(path: &str) -> Answer<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: u8| {
                    char::from(byte)
                        .to_digit(16)
                        .and_then(|digit| u8::try_from(digit).ok())
                };
                match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => {
                        bytes.push(high << 4 | low);
                        rest = after;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).map_err(|_| MlflowError::invalid("the path is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_as_bearer_or_as_a_password() {
        let basic = format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode("me:a:b")
        );
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            (basic.as_str(), Some("a:b")),
            ("Basic !", None),
            ("Digest x", None),
            ("abc", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(shown(&headers).as_deref(), token, "{value}");
        }
    }

    #[test]
    fn paths_are_decoded() {
        for (path, expected) in [
            ("/a%20b", "/a b"),
            ("/%C3%A9", "/é"),
            ("/100%", "/100%"),
            ("/%zz", "/%zz"),
        ] {
            assert_eq!(decoded(path).unwrap(), expected);
        }
        assert!(decoded("/%ff").is_err());
    }
}
