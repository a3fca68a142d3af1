//! Requests about services: everything that can be wrong with one is found here, before anything changes. What a request
//! wants is written into the service's record; its keeper does the rest.

use std::sync::Arc;

use jiff::Timestamp;
use outhaul_store::StoreError;
use outhaul_types::api::{DeployService, ServiceChange, ServiceFilter};
use outhaul_types::service::check_service_name;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{ApiError, ServiceState, WebService, Workspace};

use super::place::Place;
use super::port::check_port;
use super::spec::{bring_models, changed_spec, first_spec};
use super::{keeper, keys};
use crate::app::App;
use crate::errors::{translate, unknown};

/// Records a service and begins to bring it up. The flag says whether it is new.
pub(crate) async fn deploy(app: &Arc<App>, request: DeployService) -> Result<(WebService, bool), ApiError> {
    let workspace = app.workspace(request.workspace.as_deref()).await?;
    check_service_name(&request.name).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let target = app
        .targets
        .get(request.target.as_deref().unwrap_or(LOCAL_TARGET))?;
    let place = Place::of(app, &target.name)?;
    bring_models(app, &workspace, &request.spec).await?;
    let _turn = app.services.turn.lock().await;
    match app.store.service(&workspace.name, &request.name).await {
        // The answer was lost, and the client asks again.
        Ok(known) if known.id == request.id => return Ok((known, false)),
        Ok(known) if request.overwrite && known.target != target.name => {
            return Err(ApiError::conflict(format!(
                "the web service `{}` runs on `{}`: it cannot take its own place on `{}`",
                request.name, known.target, target.name
            ))
            .with_hint("deploy under another name, or delete this one first"));
        }
        Ok(known) if request.overwrite && known.state != ServiceState::Deleting => {
            return Ok((change(app, &workspace, known, request.spec).await?, false));
        }
        Ok(known) => {
            let hint = if known.state == ServiceState::Deleting {
                "it is being deleted: try again in a moment"
            } else {
                "`outhaul service update` changes it; `--overwrite` puts this one in its place without a gap"
            };
            return Err(
                ApiError::conflict(format!("there is a web service `{}` already", request.name))
                    .with_hint(hint),
            );
        }
        Err(StoreError::NotFound { .. }) => {}
        Err(error) => return Err(translate(error)),
    }
    let change = request.spec;
    let spec = first_spec(app, &workspace, &place, &change).await?;
    let now = Timestamp::now();
    let service = WebService {
        id: request.id,
        name: request.name,
        workspace: workspace.name,
        target: target.name.clone(),
        description: change.description.unwrap_or_default(),
        tags: change.tags.unwrap_or_default(),
        url: place.url(&spec),
        spec,
        previous: None,
        generation: 1,
        state: ServiceState::Transitioning,
        state_since: now,
        error: None,
        current: None,
        next: None,
        leaving: Vec::new(),
        restarts: 0,
        retry_at: None,
        created_at: now,
        updated_at: now,
    };
    check_port(app, &place, &service, None).await?;
    keys::provide(app, &service).await?;
    app.store
        .create_service(service.clone())
        .await
        .map_err(translate)?;
    tracing::info!(service = service.name, url = service.url, "service.deployed");
    keeper::start(app, &service);
    Ok((service, true))
}

/// Changes a service; what answers now goes on until its successor does.
pub(crate) async fn update(
    app: &Arc<App>,
    service: &WebService,
    wanted: ServiceChange,
) -> Result<WebService, ApiError> {
    let workspace = app.workspace(Some(&service.workspace)).await?;
    bring_models(app, &workspace, &wanted).await?;
    let _turn = app.services.turn.lock().await;
    let now = app
        .store
        .service(&service.workspace, &service.name)
        .await
        .map_err(translate)?;
    change(app, &workspace, now, wanted).await
}

async fn change(
    app: &Arc<App>,
    workspace: &Workspace,
    mut service: WebService,
    wanted: ServiceChange,
) -> Result<WebService, ApiError> {
    if service.state == ServiceState::Deleting {
        return Err(ApiError::conflict(format!(
            "service `{}` is being deleted",
            service.name
        )));
    }
    let before = service.clone();
    let place = Place::of(app, &service.target)?;
    service.spec = changed_spec(app, workspace, &place, service.spec, &wanted).await?;
    service.url = place.url(&service.spec);
    if let Some(description) = wanted.description {
        service.description = description;
    }
    if let Some(tags) = wanted.tags {
        service.tags = tags;
    }
    check_port(app, &place, &service, Some(&before)).await?;
    keys::provide(app, &service).await?;
    let now = Timestamp::now();
    service.generation += 1;
    service.updated_at = now;
    service.retry_at = None;
    service.restarts = 0;
    match service.state {
        ServiceState::Healthy | ServiceState::Unhealthy if service.previous.is_none() => {
            service.previous = Some(Box::new(before.spec));
        }
        ServiceState::Failed => {
            service.state = ServiceState::Transitioning;
            service.state_since = now;
            service.error = None;
        }
        _ => {}
    }
    app.store.put_service(service.clone()).await.map_err(translate)?;
    tracing::info!(
        service = service.name,
        generation = service.generation,
        "service.updated"
    );
    keeper::start(app, &service);
    Ok(service)
}

/// Asks for a service's end.
pub(crate) async fn delete(app: &Arc<App>, service: &WebService) -> Result<WebService, ApiError> {
    let _turn = app.services.turn.lock().await;
    let mut now = app
        .store
        .service(&service.workspace, &service.name)
        .await
        .map_err(translate)?;
    if now.state != ServiceState::Deleting {
        now.state = ServiceState::Deleting;
        now.state_since = Timestamp::now();
        app.store.put_service(now.clone()).await.map_err(translate)?;
    }
    keeper::start(app, &now);
    Ok(now)
}

/// The service of a name, or an error that offers the nearest one.
pub(crate) async fn find(app: &App, workspace: Option<&str>, name: &str) -> Result<WebService, ApiError> {
    let workspace = app.workspace(workspace).await?;
    match app.store.service(&workspace.name, name).await {
        Err(StoreError::NotFound { .. }) => {
            let all = app
                .store
                .services(Some(&workspace.name))
                .await
                .map_err(translate)?;
            Err(unknown(
                "web service",
                name,
                all.iter().map(|known| known.name.as_str()),
                "outhaul service list",
            ))
        }
        other => other.map_err(translate),
    }
}

/// Services of a workspace, filtered.
pub(crate) async fn list(app: &App, filter: &ServiceFilter) -> Result<Vec<WebService>, ApiError> {
    let workspace = app.workspace(filter.workspace.as_deref()).await?;
    let mut all = app
        .store
        .services(Some(&workspace.name))
        .await
        .map_err(translate)?;
    if let Some(tag) = &filter.tag {
        let (name, value) = match tag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (tag.as_str(), None),
        };
        all.retain(|service| {
            let actual = service.tags.get(name);
            actual.is_some_and(|actual| value.is_none_or(|value| value == actual))
        });
    }
    if let Some(model) = &filter.model {
        all.retain(|service| {
            let mut models = service.spec.models.iter();
            models.any(|served| {
                *model == served.name || *model == format!("{}:{}", served.name, served.version)
            })
        });
    }
    Ok(all)
}
