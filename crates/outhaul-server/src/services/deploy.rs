//! Requests about services: everything that can be wrong with one is found here, before anything changes. What a request
//! wants is written into the service's record; its keeper does the rest.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use outhaul_snapshot::{Hash, Tree};
use outhaul_store::StoreError;
use outhaul_types::api::{DeployService, ModelChoice, ServiceChange, ServiceFilter};
use outhaul_types::model::ModelName;
use outhaul_types::service::{ServedModel, check_service_name};
use outhaul_types::spec::is_inside;
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{ApiError, Interpreter, ServiceSpec, ServiceState, WebService, Workspace};

use super::{keeper, keys};
use crate::app::App;
use crate::errors::{translate, unknown};
use crate::{models, submit};

const HOST: &str = "127.0.0.1";
const WORKERS: u16 = 1;
const QUEUE: u32 = 100;
const TIMEOUT_SECONDS: u64 = 3_600;
const MAX_BODY: u64 = 100 << 20;

fn wrong(message: impl Into<String>) -> ApiError {
    ApiError::bad_request(message)
}

/// Records a service and begins to bring it up. The flag says whether it is new.
pub(crate) async fn deploy(app: &Arc<App>, request: DeployService) -> Result<(WebService, bool), ApiError> {
    let workspace = app.workspace(request.workspace.as_deref()).await?;
    check_service_name(&request.name).map_err(|error| wrong(error.to_string()))?;
    let target = app
        .targets
        .get(request.target.as_deref().unwrap_or(LOCAL_TARGET))?;
    if target.name != LOCAL_TARGET {
        return Err(wrong(format!(
            "target `{}` serves no models: web services run on `{LOCAL_TARGET}` today",
            target.name
        ))
        .with_hint(format!("deploy to `{LOCAL_TARGET}`, the machine of the server")));
    }
    let _turn = app.services.turn.lock().await;
    match app.store.service(&workspace.name, &request.name).await {
        // The answer was lost, and the client asks again.
        Ok(known) if known.id == request.id => return Ok((known, false)),
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
    let spec = first_spec(app, &workspace, &change).await?;
    let now = Timestamp::now();
    let service = WebService {
        id: request.id,
        name: request.name,
        workspace: workspace.name,
        target: target.name.clone(),
        description: change.description.unwrap_or_default(),
        tags: change.tags.unwrap_or_default(),
        url: url(&spec),
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
    check_port(app, &service, None).await?;
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
    service.spec = changed_spec(app, workspace, service.spec, &wanted).await?;
    service.url = url(&service.spec);
    if let Some(description) = wanted.description {
        service.description = description;
    }
    if let Some(tags) = wanted.tags {
        service.tags = tags;
    }
    check_port(app, &service, Some(&before)).await?;
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

async fn first_spec(
    app: &App,
    workspace: &Workspace,
    change: &ServiceChange,
) -> Result<ServiceSpec, ApiError> {
    let missing = |what: &str| wrong(format!("a web service needs {what}"));
    let source = change
        .source
        .clone()
        .ok_or_else(|| missing("a folder with its entry script (`source`)"))?;
    let entry = change
        .entry
        .clone()
        .ok_or_else(|| missing("an entry script with `init()` and `run()` (`entry`)"))?;
    if change.environment.is_none() {
        return Err(missing("an environment (`environment`)"));
    }
    let nothing_yet = ServiceSpec {
        models: Vec::new(),
        entry,
        source,
        environment: Default::default(),
        environment_name: None,
        variables: Default::default(),
        host: HOST.to_owned(),
        port: 0,
        workers: WORKERS,
        queue: QUEUE,
        timeout_seconds: TIMEOUT_SECONDS,
        max_body: MAX_BODY,
        cors: None,
        keys: false,
        tls: None,
    };
    changed_spec(app, workspace, nothing_yet, change).await
}

async fn changed_spec(
    app: &App,
    workspace: &Workspace,
    mut spec: ServiceSpec,
    change: &ServiceChange,
) -> Result<ServiceSpec, ApiError> {
    if let Some(source) = &change.source {
        spec.source = source.clone();
    }
    if let Some(entry) = &change.entry {
        spec.entry = entry.strip_prefix("./").unwrap_or(entry).to_owned();
    }
    check_entry(&spec, &tree(app, &spec.source.tree)?)?;
    if let Some(models) = &change.models {
        spec.models = chosen_models(app, workspace, models).await?;
    }
    if let Some(choice) = &change.environment {
        let (environment, name) = submit::environment(app, workspace, choice.clone(), change.conda).await?;
        if environment.spark.is_some() {
            return Err(wrong("a web service cannot have an environment for Spark"));
        }
        (spec.environment, spec.environment_name) = (environment, name);
    }
    if let Some(variables) = &change.variables {
        spec.variables.clone_from(variables);
    }
    for (name, value) in spec.variables.iter().chain(&spec.environment.variables) {
        submit::check_variable(name, value)?;
    }
    if let Some(host) = &change.host {
        spec.host.clone_from(host);
    }
    if spec.host.parse::<IpAddr>().is_err() {
        return Err(
            wrong(format!("`{}` is not an IP address to listen on", spec.host))
                .with_hint("127.0.0.1 is this machine only, 0.0.0.0 every machine that reaches it"),
        );
    }
    spec.port = change.port.unwrap_or(spec.port);
    spec.workers = change.workers.unwrap_or(spec.workers);
    spec.queue = change.queue.unwrap_or(spec.queue);
    spec.timeout_seconds = change.timeout_seconds.unwrap_or(spec.timeout_seconds);
    spec.max_body = change.max_body.unwrap_or(spec.max_body);
    spec.keys = change.keys.unwrap_or(spec.keys);
    if let Some(tls) = &change.tls {
        spec.tls = Some(tls.clone());
    }
    if let Some(origin) = &change.cors {
        spec.cors = Some(origin.clone()).filter(|origin| !origin.is_empty());
    }
    check_limits(&spec)?;
    if spec.port == 0 {
        spec.port = free_port(&spec.host)?;
    }
    Ok(spec)
}

fn check_limits(spec: &ServiceSpec) -> Result<(), ApiError> {
    if spec.workers == 0 || spec.workers > 1024 {
        return Err(wrong("`workers` is not between 1 and 1024"));
    }
    if spec.timeout_seconds == 0 {
        return Err(wrong(
            "`timeout_seconds` is 0: no call of `run()` could end in time",
        ));
    }
    if spec.max_body >= 4 << 30 {
        return Err(wrong("`max_body` is not below 4 GB"));
    }
    if spec.keys && spec.environment.docker.is_some() {
        return Err(
            wrong("a service in a container cannot ask for keys yet").with_hint(
                "take `docker` out of the environment, or put a server that checks callers in front",
            ),
        );
    }
    if let Some(tls) = &spec.tls {
        if spec.environment.docker.is_some() {
            return Err(wrong("a service in a container cannot speak TLS itself yet")
                .with_hint("take `docker` out of the environment, or put a server with TLS in front"));
        }
        for path in [&tls.certificate, &tls.key] {
            if !std::path::Path::new(path).is_absolute() {
                return Err(wrong(format!("`{path}` is not the absolute path of a file")));
            }
        }
    }
    let is_relative =
        matches!(&spec.environment.interpreter, Interpreter::UserManaged { python } if python.is_empty());
    if is_relative {
        return Err(wrong("the environment names no interpreter"));
    }
    Ok(())
}

fn tree(app: &App, id: &str) -> Result<Tree, ApiError> {
    let hash: Hash = id
        .parse()
        .map_err(|_| wrong(format!("`{id}` is not the id of a tree")))?;
    app.blobs.get_tree(&hash).map_err(|error| {
        wrong(format!("the tree `{id}` cannot be read: {error}"))
            .with_hint("ask again: the files are then stored anew")
    })
}

fn check_entry(spec: &ServiceSpec, tree: &Tree) -> Result<(), ApiError> {
    let entry = &spec.entry;
    if !is_inside(entry) || tree.get(entry).is_none() {
        return Err(wrong(format!(
            "entry script `{entry}` is not in the source folder `{}`",
            spec.source.source
        ))
        .with_hint(
            "its path is relative to the source folder; `.amlignore` and `.gitignore` may leave it out",
        ));
    }
    if entry.ends_with(".py") {
        Ok(())
    } else {
        Err(wrong(format!("entry script `{entry}` does not end in `.py`")))
    }
}

async fn chosen_models(
    app: &App,
    workspace: &Workspace,
    choices: &[ModelChoice],
) -> Result<Vec<ServedModel>, ApiError> {
    let mut chosen: Vec<ServedModel> = Vec::new();
    for choice in choices {
        let model = match choice {
            ModelChoice::Registered { name, version } => {
                let name = ModelName {
                    name: name.clone(),
                    version: *version,
                };
                let model = models::find(app, &workspace.name, &name.to_string()).await?;
                models::bring_to_blobs(app, &model).await?;
                ServedModel {
                    name: model.name,
                    version: model.version,
                    tree: model.files.tree,
                }
            }
            ModelChoice::Files { name, tree: id } => {
                outhaul_types::id::check_name("model", name).map_err(|error| wrong(error.to_string()))?;
                tree(app, id)?;
                ServedModel {
                    name: name.clone(),
                    version: 0,
                    tree: id.clone(),
                }
            }
        };
        if chosen
            .iter()
            .any(|other| other.name == model.name && other.version == model.version)
        {
            return Err(wrong(format!(
                "model `{}:{}` is given twice",
                model.name, model.version
            )));
        }
        chosen.push(model);
    }
    Ok(chosen)
}

fn url(spec: &ServiceSpec) -> String {
    let host = match spec.host.parse::<IpAddr>() {
        // Everywhere, so also here.
        Ok(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => spec.host.clone(),
    };
    let scheme = if spec.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{host}:{}", spec.port)
}

fn address(host: &str, port: u16) -> Result<SocketAddr, ApiError> {
    let host: IpAddr = host
        .parse()
        .map_err(|_| wrong(format!("`{host}` is not an IP address to listen on")))?;
    Ok(SocketAddr::new(host, port))
}

fn free_port(host: &str) -> Result<u16, ApiError> {
    let listener = std::net::TcpListener::bind(address(host, 0)?)
        .map_err(|error| wrong(format!("cannot listen on `{host}`: {error}")))?;
    let found = listener
        .local_addr()
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(found.port())
}

/// A port belongs to one service, and to no other program.
async fn check_port(app: &App, service: &WebService, before: Option<&WebService>) -> Result<(), ApiError> {
    let (host, port) = (&service.spec.host, service.spec.port);
    if before.is_some_and(|before| (&before.spec.host, before.spec.port) == (host, port)) {
        return Ok(());
    }
    for other in app.store.services(None).await.map_err(translate)? {
        if other.id != service.id && other.target == service.target && other.spec.port == port {
            return Err(ApiError::conflict(format!(
                "port {port} belongs to the web service `{}`",
                other.name
            ))
            .with_hint("choose another port with `--port`; without it a free one is taken"));
        }
    }
    match std::net::TcpListener::bind(address(host, port)?) {
        Ok(_) => Ok(()),
        Err(error) => Err(
            ApiError::conflict(format!("cannot listen on `{host}:{port}`: {error}")).with_hint(
                "another program may use the port: choose one with `--port`; without it a free one is taken",
            ),
        ),
    }
}
