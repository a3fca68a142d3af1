//! The keys of services: made at random, sealed in the store under the service's id, given to the service's process and to
//! nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use outhaul_types::api::{ServiceKeys, WhichKey};
use outhaul_types::{ApiError, Run, RunId, Secret, WebService};

use crate::app::App;
use crate::errors::translate;

const PRIMARY: &str = "primary";
const SECONDARY: &str = "secondary";

fn fresh() -> Result<Secret, ApiError> {
    // 160 random bits.
    let half = || RunId::generate().map_err(|error| ApiError::internal(error.to_string()));
    Ok(Secret::new(format!("{}{}", half()?, half()?)))
}

async fn sealed(app: &App, service: &WebService) -> Result<Option<BTreeMap<String, Secret>>, ApiError> {
    let owner = service.id.as_str();
    let Some(sealed) = app.store.secret(owner).await.map_err(translate)? else {
        return Ok(None);
    };
    let opened = app.attaching.vault.open(owner, &sealed);
    opened
        .map(Some)
        .map_err(|error| ApiError::internal(format!("the keys of service `{}`: {error}", service.name)))
}

async fn keep(app: &App, service: &WebService, keys: &BTreeMap<String, Secret>) -> Result<(), ApiError> {
    let owner = service.id.as_str();
    let sealed = app
        .attaching
        .vault
        .seal(owner, keys)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    app.store.put_secret(owner, sealed).await.map_err(translate)
}

/// Sees to it that a service which wants keys has some.
pub(super) async fn provide(app: &App, service: &WebService) -> Result<(), ApiError> {
    if !service.spec.keys || sealed(app, service).await?.is_some() {
        return Ok(());
    }
    let keys = [(PRIMARY, fresh()?), (SECONDARY, fresh()?)].map(|(name, key)| (name.to_owned(), key));
    keep(app, service, &keys.into()).await
}

/// The keys of a service.
pub(crate) async fn keys_of(app: &App, service: &WebService) -> Result<ServiceKeys, ApiError> {
    let none = || {
        ApiError::bad_request(format!("service `{}` asks callers for no key", service.name))
            .with_hint("deploy or update it with `--auth-keys`")
    };
    if !service.spec.keys {
        return Err(none());
    }
    let keys = sealed(app, service).await?.ok_or_else(none)?;
    let text = |name| {
        keys.get(name)
            .map(|key| key.expose().to_owned())
            .unwrap_or_default()
    };
    Ok(ServiceKeys {
        primary: text(PRIMARY),
        secondary: text(SECONDARY),
    })
}

/// Makes a key anew; the service takes it up with its next instance.
pub(crate) async fn renew(app: &Arc<App>, service: &WebService, which: WhichKey) -> Result<(), ApiError> {
    keys_of(app, service).await?;
    let mut keys = sealed(app, service).await?.unwrap_or_default();
    let name = match which {
        WhichKey::Primary => PRIMARY,
        WhichKey::Secondary => SECONDARY,
    };
    keys.insert(name.to_owned(), fresh()?);
    keep(app, service, &keys).await
}

/// What the process of a service's run gets beside its other variables.
pub(crate) async fn variables(app: &App, run: &Run) -> Vec<(String, Secret)> {
    let Some(name) = run.spec.as_ref().and_then(|spec| spec.service.as_deref()) else {
        return Vec::new();
    };
    let Ok(service) = app.store.service(&run.workspace, name).await else {
        return Vec::new();
    };
    match sealed(app, &service).await {
        Ok(Some(keys)) if service.spec.keys => {
            let lines: Vec<&str> = keys.values().map(Secret::expose).collect();
            vec![("OUTHAUL_SCORING_KEY".to_owned(), Secret::new(lines.join("\n")))]
        }
        Ok(_) => Vec::new(),
        Err(error) => {
            tracing::warn!(run = %run.id, %error, "service.keys: it is started without");
            Vec::new()
        }
    }
}
