//! The HTTP API under `/api/v1`: thin handlers, one file for each kind of thing. See `docs/api.md` for its habits.

mod arrays;
mod environments;
mod error;
mod events;
mod jobs;
mod logs;
mod mlflow;
mod models;
mod outputs;
mod resources;
mod runs;
mod server;
mod services;
mod stream;
mod targets;
mod tracked;
mod workspaces;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use outhaul_types::api::PREFIX;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub(crate) use outputs::{listed, send_file};

/// Every answer carries the build of the server under this name.
const BUILD: HeaderName = HeaderName::from_static("outhaul-build");

#[derive(OpenApi)]
#[openapi(info(
    title = "Outhaul",
    description = "Runs on compute targets: submit, follow, cancel, and what they left.",
    license(name = "Apache-2.0 OR MIT")
))]
struct Document;

/// All routes with their documentation.
fn documented() -> OpenApiRouter<Arc<App>> {
    let routes = OpenApiRouter::new()
        .merge(server::routes())
        .merge(workspaces::routes())
        .merge(runs::routes())
        .merge(tracked::routes())
        .merge(arrays::routes())
        .merge(logs::routes())
        .merge(events::routes())
        .merge(outputs::routes())
        .merge(targets::routes())
        .merge(jobs::routes())
        .merge(services::routes())
        .merge(resources::routes())
        .merge(mlflow::routes())
        .merge(environments::routes())
        .merge(models::routes());
    OpenApiRouter::with_openapi(Document::openapi()).nest(PREFIX, routes)
}

/// The OpenAPI document of the API, as indented JSON.
#[must_use]
pub fn openapi() -> String {
    // Made of texts, lists and maps with text keys only.
    documented().into_openapi().to_pretty_json().unwrap_or_default()
}

/// Method and path of every documented route.
#[must_use]
pub fn routes() -> Vec<(String, String)> {
    let document: serde_json::Value = serde_json::from_str(&openapi()).unwrap_or_default();
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods
                .as_object()
                .into_iter()
                .flatten()
                .map(|(method, _)| method.to_uppercase());
            methods.map(|method| (method, path.clone())).collect::<Vec<_>>()
        })
        .collect()
}

/// The router of a server.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (router, _) = documented().split_for_parts();
    router
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .layer(from_fn_with_state(Arc::clone(&app), mark))
        .with_state(app)
}

async fn mark(
    axum::extract::State(app): axum::extract::State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if let Ok(build) = HeaderValue::from_str(&app.build) {
        response.headers_mut().insert(BUILD, build);
    }
    response
}
