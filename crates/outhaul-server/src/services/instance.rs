//! What an instance of a service is as a run: its folder, its command and its limits.
//!
//! The folder holds `source/`, `azureml-models/<name>/<version>/` and `serve.py`, which becomes `outhaul score` with the
//! interpreter of the environment. In a container and on another machine the program itself lies there, too.

use std::collections::BTreeMap;
use std::path::Path;

use outhaul_snapshot::{BlobStore, EntryKind, Hash, SnapshotError, Tree, TreeEntry};
use outhaul_types::model::ModelName;
use outhaul_types::model::layout::layout;
use outhaul_types::service::{ServiceInstance, TlsFiles};
use outhaul_types::workspace::LOCAL_TARGET;
use outhaul_types::{ApiError, Command, NewRun, RunSpec, SnapshotRef, WebService};

/// The experiment that the runs of services belong to.
const EXPERIMENT: &str = "web-services";
const SOURCE: &str = "source";
const SERVE: &str = "serve.py";
const PROGRAM: &str = "bin/outhaul";

/// What becomes of the instance's process.
const SERVE_TEXT: &str = include_str!("serve.py");

/// The run of an instance.
pub(super) fn run_of(
    service: &WebService,
    instance: &ServiceInstance,
    blobs: &BlobStore,
    program: &Path,
) -> Result<NewRun, ApiError> {
    let wrong = |error: SnapshotError| {
        ApiError::internal(format!("the files of service `{}`: {error}", service.name))
    };
    let spec = &service.spec;
    let mut models = Vec::new();
    for model in &spec.models {
        let name = ModelName {
            name: model.name.clone(),
            version: Some(model.version),
        };
        models.push((name, tree(blobs, &model.tree).map_err(wrong)?));
    }
    let laid_out = layout(models.iter().map(|(name, tree)| (name.clone(), tree)));
    let model_dir = if models.is_empty() {
        String::new()
    } else {
        laid_out.model_dir.clone()
    };
    let mut parts = vec![(SOURCE.to_owned(), tree(blobs, &spec.source.tree).map_err(wrong)?)];
    parts.extend(
        laid_out
            .places
            .into_iter()
            .map(|place| (place.folder, place.model.clone())),
    );
    let mut files = vec![file(blobs, SERVE, SERVE_TEXT.as_bytes()).map_err(wrong)?];
    let is_brought = spec.environment.docker.is_some() || service.target != LOCAL_TARGET;
    if is_brought {
        let put = blobs.put_file(program).map_err(wrong)?;
        files.push(entry(PROGRAM, put.hash, put.size, true));
    }
    let tree = joined(&parts, files).map_err(|error| {
        ApiError::bad_request(format!("the files of service `{}`: {error}", service.name))
    })?;
    let id = blobs.put_tree(&tree).map_err(wrong)?;
    let program = if is_brought {
        PROGRAM.to_owned()
    } else {
        program.to_string_lossy().into_owned()
    };
    let mut environment = spec.environment.clone();
    if let (Some(docker), Some(TlsFiles { certificate, key })) = (&mut environment.docker, &spec.tls) {
        for path in [certificate, key] {
            docker
                .arguments
                .extend(["--volume".to_owned(), format!("{path}:{path}:ro")]);
        }
    }
    Ok(NewRun {
        id: instance.run.clone(),
        name: format!("{}-{}", service.name, instance.run.short()),
        workspace: service.workspace.clone(),
        experiment: EXPERIMENT.to_owned(),
        target: service.target.clone(),
        tags: BTreeMap::from([("outhaul.service".to_owned(), service.name.clone())]),
        parent: None,
        spec: Some(RunSpec {
            command: Command::Script {
                script: SERVE.to_owned(),
                arguments: arguments(service, program, model_dir),
            },
            snapshot: SnapshotRef {
                tree: id.to_hex(),
                files: tree.file_count(),
                bytes: tree.total_size(),
                source: spec.source.source.clone(),
                git: spec.source.git.clone(),
            },
            environment,
            environment_lock: None,
            environment_name: spec.environment_name.clone(),
            variables: spec.variables.clone(),
            max_duration_seconds: None,
            resources: Default::default(),
            array: None,
            adopted: None,
            spark: None,
            rerun_of: None,
            service: Some(service.name.clone()),
        }),
    })
}

/// What `serve.py` is told: the program, where the models are, the name by which instances hand over, and the arguments
/// of `outhaul score`.
fn arguments(service: &WebService, program: String, model_dir: String) -> Vec<String> {
    let spec = &service.spec;
    let mut words = vec![program, model_dir, service.id.to_string(), spec.entry.clone()];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    option("--host", spec.host.clone());
    option("--port", spec.port.to_string());
    option("--workers", spec.workers.to_string());
    option("--queue", spec.queue.to_string());
    option("--timeout", spec.timeout_seconds.to_string());
    option("--max-body", spec.max_body.to_string());
    if let Some(origin) = &spec.cors {
        option("--cors", origin.clone());
    }
    if let Some(tls) = &spec.tls {
        option("--tls-cert", tls.certificate.clone());
        option("--tls-key", tls.key.clone());
    }
    if spec.keys {
        words.push("--require-key".to_owned());
    }
    words
}

fn tree(blobs: &BlobStore, id: &str) -> Result<Tree, SnapshotError> {
    // An id that is none has no tree, either.
    let hash = id.parse().unwrap_or_else(|_| Hash::of(id.as_bytes()));
    blobs.get_tree(&hash)
}

fn file(blobs: &BlobStore, path: &str, content: &[u8]) -> Result<TreeEntry, SnapshotError> {
    let put = blobs.put_bytes(content)?;
    Ok(entry(path, put.hash, put.size, false))
}

fn entry(path: &str, hash: Hash, size: u64, executable: bool) -> TreeEntry {
    let kind = EntryKind::File {
        hash,
        size,
        executable,
    };
    TreeEntry {
        path: path.to_owned(),
        kind,
    }
}

/// Trees below folders, and files beside them, as one tree.
fn joined(parts: &[(String, Tree)], files: Vec<TreeEntry>) -> Result<Tree, outhaul_snapshot::TreeError> {
    let below = parts.iter().flat_map(|(folder, tree)| {
        tree.entries().iter().map(move |entry| TreeEntry {
            path: format!("{folder}/{}", entry.path),
            kind: entry.kind.clone(),
        })
    });
    let mut entries: Vec<TreeEntry> = below.chain(files).collect();
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Tree::new(entries)
}
