//! The address book: under which address an Azure resource is reached.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use outhaul_types::ApiError;
use outhaul_types::api::OfResource;
use outhaul_types::target::ResourceAddress;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Answer, Body, Query};
use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, put, remove))
}

/// All entries.
#[utoipa::path(get, path = "/resources", tag = "resources", responses((status = 200, body = [ResourceAddress])))]
async fn list(State(app): State<Arc<App>>) -> Answer<Json<Vec<ResourceAddress>>> {
    Ok(Json(app.store.addresses().await?))
}

/// Make or change an entry.
#[utoipa::path(put, path = "/resources", tag = "resources", request_body = ResourceAddress,
    responses((status = 200, body = ResourceAddress), (status = 400, body = ApiError)))]
async fn put(
    State(app): State<Arc<App>>,
    Body(entry): Body<ResourceAddress>,
) -> Answer<Json<ResourceAddress>> {
    if !entry.resource_id.starts_with('/') || entry.resource_id.contains(char::is_whitespace) {
        return Err(
            ApiError::bad_request(format!("`{}` is no resource id", entry.resource_id))
                .with_hint("it begins with /subscriptions/")
                .into(),
        );
    }
    if entry.address.is_empty() || entry.address.contains(char::is_whitespace) {
        return Err(ApiError::bad_request(format!("`{}` is no address", entry.address)).into());
    }
    app.store.put_address(entry.clone()).await?;
    Ok(Json(entry))
}

/// Remove an entry.
#[utoipa::path(delete, path = "/resources", tag = "resources", params(OfResource),
    responses((status = 204), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn remove(State(app): State<Arc<App>>, Query(of): Query<OfResource>) -> Answer<StatusCode> {
    if app.store.remove_address(&of.resource_id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found(format!("the address book does not know `{}`", of.resource_id)).into())
    }
}
