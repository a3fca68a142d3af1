//! Machines over SSH: a stored configuration made into a route, and a route into a target that takes runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use outhaul_docker::{Connector, Engine, Options as EngineOptions};
use outhaul_driver::{Driver, layers};
use outhaul_driver_remote::{Link, RemoteDriver, RemoteDriverConfig};
use outhaul_host::remote::Installation;
use outhaul_launcher_container::Containers;
use outhaul_launcher_slurm::{Slurm, SlurmOptions};
use outhaul_launcher_spark::{Spark, SparkOptions};
use outhaul_ssh::{
    Credential, Hop, HostKeyPolicy, KnownHosts, Route, SshError, SshErrorKind, check_host_key, scan_host_key,
};
use outhaul_types::api::{HostKeyVerdict, ScanHostKey, ScannedHostKey};
use outhaul_types::spark::HdinsightConfig;
use outhaul_types::target::{SlurmConfig, SshAuthentication, SshEndpoint};
use outhaul_types::{ApiError, ComputeTarget, ErrorCode, HostFacts, RemoteConfig, Secret, TargetConfig};

use crate::app::App;
use crate::sdk;
use crate::targets::Target;

/// Sessions that runs, builds and logs share on one connection; a server allows 10 unless it is told otherwise.
const SESSIONS: usize = 8;

fn credential(
    authentication: &SshAuthentication,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Credential, ApiError> {
    let secret = |name: &str| {
        secrets
            .get(name)
            .cloned()
            .ok_or_else(|| ApiError::bad_request(format!("the credential holds no `{name}`")))
    };
    Ok(match authentication {
        SshAuthentication::Password => Credential::Password(secret("password")?),
        SshAuthentication::PrivateKey { certificate } => Credential::PrivateKey {
            key: secret("private_key")?,
            passphrase: secrets.get("passphrase").cloned(),
            certificate: certificate.clone(),
        },
        SshAuthentication::Agent { socket } => Credential::Agent {
            socket: PathBuf::from(socket),
        },
    })
}

fn hop(endpoint: &SshEndpoint, credential: &Credential) -> Result<Hop, ApiError> {
    let key = endpoint
        .host_key
        .clone()
        .ok_or_else(|| ApiError::bad_request(format!("no host key is given for `{endpoint}`")))?;
    let host_key = if key.algorithm.is_empty() {
        HostKeyPolicy::Expect(key.fingerprint)
    } else {
        HostKeyPolicy::Pinned(key)
    };
    Ok(Hop {
        address: endpoint.address.clone(),
        port: endpoint.port,
        username: endpoint.username.clone(),
        credential: credential.clone(),
        host_key,
    })
}

/// The way to a machine.
pub(super) fn route(config: &RemoteConfig, secrets: &BTreeMap<String, Secret>) -> Result<Route, ApiError> {
    let credential = credential(&config.authentication, secrets)?;
    let hops = config
        .jumps
        .iter()
        .chain([&config.endpoint])
        .map(|endpoint| hop(endpoint, &credential))
        .collect::<Result<Vec<_>, _>>()?;
    let mut route = Route::new(hops);
    route.max_sessions = SESSIONS;
    Ok(route)
}

/// What is put on a machine.
pub(super) fn installation(app: &App, config: &RemoteConfig) -> Result<Installation, ApiError> {
    Installation::new(&app.attaching.server, config.folder.as_deref(), &sdk::files())
        .map_err(|error| ApiError::internal(error.to_string()))
}

/// A target that takes runs, for a machine that was looked at. Nothing is asked of it here.
pub(super) fn live(
    app: &App,
    target: &ComputeTarget,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Arc<Target>, ApiError> {
    let Some(config) = target.config.host() else {
        return super::here::live(app, target);
    };
    let facts = target
        .facts
        .clone()
        .ok_or_else(|| ApiError::internal(format!("nothing is known of the machine of `{}`", target.name)))?;
    let link = Link::new(&target.name, route(config, secrets)?);
    let driver = RemoteDriver::new(RemoteDriverConfig {
        shell: link.clone(),
        installation: installation(app, config)?,
        blobs: app.blobs.clone(),
        incoming: app.home.target(&target.id).join("incoming"),
        facts: facts.clone(),
        build_environment: Vec::new(),
        packages: config.packages,
        server: app.attaching.server_side.clone(),
        slots: target.slots(),
    });
    let driver: Arc<dyn Driver> = match &target.config {
        TargetConfig::Remote(_) => {
            let engine = Engine::connect(
                engine_over(&link, facts.docker_socket.as_deref().unwrap_or(ENGINE_SOCKET)),
                EngineOptions::new(app.attaching.server.clone()),
            )
            .map_err(|error| ApiError::internal(error.to_string()))?;
            Arc::new(Containers::new(driver, engine))
        }
        TargetConfig::Slurm(slurm) => Arc::new(Slurm::new(driver, slurm_options(slurm))),
        TargetConfig::Hdinsight(cluster) => {
            let options = spark_options(cluster, &facts)?;
            Arc::new(Spark::new(driver, cluster.clone(), options))
        }
    };
    Ok(Target::new(&target.name, layers::standard(driver)))
}

/// How jobs are submitted.
pub(super) fn slurm_options(config: &SlurmConfig) -> SlurmOptions {
    SlurmOptions {
        partition: config.partition.clone(),
        account: config.account.clone(),
        qos: config.qos.clone(),
        slots: config
            .host
            .as_ref()
            .map_or(config.local.as_ref().and_then(|local| local.slots), |host| {
                host.slots
            })
            .unwrap_or(0),
    }
}

/// How applications are submitted.
fn spark_options(config: &HdinsightConfig, facts: &HostFacts) -> Result<SparkOptions, ApiError> {
    let spark = facts
        .spark
        .as_ref()
        .ok_or_else(|| ApiError::internal("nothing is known of the cluster's Spark"))?;
    Ok(SparkOptions {
        submit: spark.submit.clone(),
        master: spark
            .master
            .parse()
            .map_err(|error: outhaul_launcher_spark::MasterError| ApiError::internal(error.to_string()))?,
        deploy_mode: config.deploy_mode,
    })
}

/// Where engines listen unless the machine says otherwise.
const ENGINE_SOCKET: &str = "/var/run/docker.sock";

/// The engine of a machine, over the same connection as everything else.
fn engine_over(link: &Arc<Link>, socket: &str) -> impl Connector {
    let (link, socket) = (Arc::downgrade(link), socket.to_owned());
    move || {
        let (link, socket) = (link.upgrade(), socket.clone());
        async move {
            let gone = || std::io::Error::other("the target was detached");
            let connection = link.ok_or_else(gone)?.connection().await;
            let connection = connection.map_err(|error| std::io::Error::other(error.message))?;
            let opened = connection.open_unix(&socket).await;
            opened.map_err(|error| std::io::Error::other(format!("`{socket}`: {}", error.message)))
        }
    }
}

/// An SSH error as the API gives it.
pub(super) fn api_error(error: SshError) -> ApiError {
    let api = ApiError::new(ErrorCode::Target, error.message);
    match error.hint {
        Some(hint) => api.with_hint(hint),
        None => api,
    }
}

/// Which check an SSH error fails.
pub(super) const fn failed_check(kind: &SshErrorKind) -> &'static str {
    match kind {
        SshErrorKind::HostKeyUnknown { .. }
        | SshErrorKind::HostKeyChanged { .. }
        | SshErrorKind::HostKeyRevoked => "host-key",
        SshErrorKind::LoginRefused | SshErrorKind::BadCredential => "login",
        SshErrorKind::ChannelRefused => "shell",
        _ => "connection",
    }
}

/// Asks a host for its key, and the person's `known_hosts` about it.
pub(crate) async fn scan(app: &App, request: ScanHostKey) -> Result<ScannedHostKey, ApiError> {
    let secrets = match &request.ticket {
        Some(ticket) => app.attaching.tickets.look(ticket)?,
        None => BTreeMap::new(),
    };
    let known = KnownHosts::parse(&request.known_hosts);
    // Only the jumps are logged in to.
    let credential = match request.jumps.as_slice() {
        [] => Credential::Password(Secret::new(String::new())),
        _ => credential(&request.authentication, &secrets)?,
    };
    let mut hops = request
        .jumps
        .iter()
        .map(|endpoint| hop(endpoint, &credential))
        .collect::<Result<Vec<_>, _>>()?;
    hops.push(Hop {
        address: request.endpoint.address.clone(),
        port: request.endpoint.port,
        username: request.endpoint.username.clone(),
        credential,
        host_key: HostKeyPolicy::KnownHosts(Arc::new(known.clone())),
    });
    let scanned = |host_key, verdict, expected| ScannedHostKey {
        host_key,
        verdict,
        expected,
    };
    match check_host_key(&Route::new(hops.clone())).await {
        Ok(key) => Ok(scanned(key, HostKeyVerdict::Known, None)),
        Err(error) => {
            let (verdict, expected) = match &error.kind {
                SshErrorKind::HostKeyUnknown { .. } => (HostKeyVerdict::Unknown, None),
                SshErrorKind::HostKeyChanged { pinned, .. } => {
                    (HostKeyVerdict::Changed, Some(pinned.clone()))
                }
                SshErrorKind::HostKeyRevoked => (HostKeyVerdict::Revoked, None),
                _ => return Err(api_error(error)),
            };
            let key = scan_host_key(&Route::new(hops)).await.map_err(api_error)?;
            Ok(scanned(key, verdict, expected))
        }
    }
}
