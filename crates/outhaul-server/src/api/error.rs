//! Errors as answers, and requests whose faults are told as such.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use outhaul_store::StoreError;
use outhaul_types::ApiError;

use crate::errors::translate;

/// An error on its way to the client.
pub(super) struct Failed(pub(super) ApiError);

/// The result of a handler.
pub(super) type Answer<T> = Result<T, Failed>;

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(error = %self.0, "api.failed");
        }
        (status, Json(self.0)).into_response()
    }
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self(translate(error))
    }
}

impl From<JsonRejection> for Failed {
    fn from(error: JsonRejection) -> Self {
        Self(ApiError::bad_request(format!(
            "the request's body is not what this route takes: {}",
            error.body_text()
        )))
    }
}

impl From<QueryRejection> for Failed {
    fn from(error: QueryRejection) -> Self {
        Self(ApiError::bad_request(format!(
            "the request's query is not what this route takes: {}",
            error.body_text()
        )))
    }
}

/// A JSON body whose faults are answered as API errors.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(Failed))]
pub(super) struct Body<T>(pub(super) T);

/// A query whose faults are answered as API errors.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Failed))]
pub(super) struct Query<T>(pub(super) T);

/// Answers a path that is not there.
pub(super) async fn no_route(uri: Uri) -> Failed {
    Failed(
        ApiError::not_found(format!("there is no route `{}`", uri.path()))
            .with_hint("`/api/v1/openapi.json` lists all routes"),
    )
}

/// Answers a path that is there for another method.
pub(super) async fn no_method(method: Method, uri: Uri) -> Failed {
    Failed(
        ApiError::bad_request(format!("`{method}` is not a method of route `{}`", uri.path()))
            .with_hint("`/api/v1/openapi.json` lists all routes with their methods"),
    )
}
