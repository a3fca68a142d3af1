//! Environments for runs in containers: the image, and what is added to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use outhaul_docker::{Engine, ImageRef};
use outhaul_driver::{DriverError, EnvironmentRequest, ErrorKind, LogSink, PreparedEnvironment};
use outhaul_environment::{
    EnvironmentManager, LOCK_VERSION, ManagerOptions, PrepareOptions, environment_id, spec_id,
};
use outhaul_host::environment::{Log, failed, prepared};
use outhaul_host::staging::{HostLayout, StagingDriver};
use outhaul_types::{DockerSpec, EnvironmentSpec, Interpreter, Lock};

use crate::build_host::ImageBuildHost;
use crate::error::{driver_error, image_error};

/// What a run in a container gets beside its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addition {
    /// Nothing: the image's own Python, or one in it that the person names.
    Nothing,
    /// A conda environment, which brings all it needs. The host makes it; the container sees it.
    Conda,
    /// Packages of the Python index, installed by the image's Python.
    Packages,
}

/// What is added to the image of a spec.
pub(crate) fn addition(spec: &EnvironmentSpec) -> Addition {
    match &spec.interpreter {
        Interpreter::UserManaged { .. } => Addition::Nothing,
        Interpreter::Managed { .. } if !spec.conda.is_empty() => Addition::Conda,
        Interpreter::Managed { version: None } if spec.pip.is_empty() => Addition::Nothing,
        Interpreter::Managed { .. } => Addition::Packages,
    }
}

/// Makes environments in and beside images.
pub(crate) struct Environments {
    engine: Engine,
    /// One manager for each image.
    managers: Mutex<HashMap<String, Arc<EnvironmentManager>>>,
}

/// Passes on what pulling and building an image say.
struct ImageLog<'a>(&'a dyn LogSink);

impl outhaul_docker::LogSink for ImageLog<'_> {
    fn line(&self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}

impl Environments {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            managers: Mutex::default(),
        }
    }

    /// The environment if image and addition are there.
    pub(crate) async fn ready(
        &self,
        host: &dyn StagingDriver,
        docker: &DockerSpec,
        request: &EnvironmentRequest,
    ) -> Result<Option<PreparedEnvironment>, DriverError> {
        let Some(image) = self.find(docker, request.lock.as_ref()).await? else {
            return Ok(None);
        };
        let inner = without_container(request);
        let added = match addition(&inner.spec) {
            Addition::Nothing => Some(as_it_is(&inner.spec)),
            Addition::Conda => host.environment_ready(&inner).await?,
            Addition::Packages => {
                let manager = self.manager(&host.layout(), host, &image).await?;
                let ready = match &inner.lock {
                    Some(lock) => manager.ready_locked(&inner.spec, lock).await,
                    None => manager.ready(&inner.spec).await,
                };
                let ready = ready.map_err(|error| failed("look for the environment", &error))?;
                ready.map(|built| prepared(built, &inner.spec.interpreter))
            }
        };
        Ok(added.map(|added| in_image(added, &request.spec, image)))
    }

    /// Gets the image, and makes the addition.
    pub(crate) async fn prepare(
        &self,
        host: &dyn StagingDriver,
        docker: &DockerSpec,
        request: &EnvironmentRequest,
        log: &dyn LogSink,
    ) -> Result<PreparedEnvironment, DriverError> {
        let image = match self.find(docker, request.lock.as_ref()).await? {
            Some(image) => image,
            None => self
                .engine
                .ensure_image(&reference(docker)?, &ImageLog(log))
                .await
                .map_err(image_error)?,
        };
        if let Some(recorded) = request.lock.as_ref().and_then(|lock| lock.image.as_ref())
            && *recorded != image
        {
            log.write(
                format!("the image here has the id {image}, where it was locked {recorded}\n").as_bytes(),
            );
        }
        let inner = without_container(request);
        let added = match addition(&inner.spec) {
            Addition::Nothing => as_it_is(&inner.spec),
            Addition::Conda => host.prepare_environment(&inner, log).await?,
            Addition::Packages => {
                let manager = self.manager(&host.layout(), host, &image).await?;
                let options = PrepareOptions {
                    retry: request.retry,
                    relock: request.retry && request.lock.is_none(),
                    keep: false,
                };
                let built = manager
                    .prepare(&inner.spec, inner.lock.clone(), options, &Log(log))
                    .await;
                built
                    .map(|built| prepared(built, &inner.spec.interpreter))
                    .map_err(|error| failed("prepare the environment in the image", &error))?
            }
        };
        Ok(in_image(added, &request.spec, image))
    }

    /// The id of the image if it is there: the very one that was locked, or the one of that name.
    async fn find(&self, docker: &DockerSpec, lock: Option<&Lock>) -> Result<Option<String>, DriverError> {
        if let Some(id) = lock.and_then(|lock| lock.image.clone()) {
            let locked = self.engine.find_image(&ImageRef::Name(id)).await;
            if let Some(id) = locked.map_err(driver_error)? {
                return Ok(Some(id));
            }
        }
        self.engine
            .find_image(&reference(docker)?)
            .await
            .map_err(image_error)
    }

    async fn manager(
        &self,
        layout: &HostLayout,
        host: &dyn StagingDriver,
        image: &str,
    ) -> Result<Arc<EnvironmentManager>, DriverError> {
        let known = |id: &str| {
            let managers = self.managers.lock().unwrap_or_else(PoisonError::into_inner);
            managers.get(id).cloned()
        };
        if let Some(manager) = known(image) {
            return Ok(manager);
        }
        let search_path = self.engine.image_search_path(image).await.map_err(driver_error)?;
        let id = image.rsplit(':').next().unwrap_or(image);
        let root = format!("{}/images/{}", layout.environments, &id[..id.len().min(32)]);
        let mut passed_env = layout.build_environment.clone();
        for (name, folder) in [
            ("HOME", "home"),
            ("TMPDIR", "scratch"),
            ("UV_CACHE_DIR", "cache/uv"),
            ("PIP_CACHE_DIR", "cache/pip"),
            ("UV_PYTHON_CACHE_DIR", "cache/python"),
        ] {
            passed_env.retain(|(known, _)| known != name);
            passed_env.push((name.to_owned(), format!("{root}/{folder}")));
        }
        // `TMPDIR` has to be there before the first command.
        let build = host.build_host();
        build
            .write_atomic(&format!("{root}/scratch/.here"), b"")
            .await
            .map_err(|error| {
                DriverError::permanent(ErrorKind::Target, "prepare for the image", error.to_string())
            })?;
        let options = ManagerOptions {
            search_path,
            passed_env,
            ..ManagerOptions::default()
        };
        let image_host = ImageBuildHost {
            host: build,
            engine: self.engine.clone(),
            image: image.to_owned(),
            root: root.clone(),
            user: layout.user,
            known: Mutex::default(),
        };
        let manager = Arc::new(EnvironmentManager::new(Arc::new(image_host), &root, options));
        self.managers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(image.to_owned(), Arc::clone(&manager));
        Ok(manager)
    }
}

/// The image of a spec.
fn reference(docker: &DockerSpec) -> Result<ImageRef, DriverError> {
    ImageRef::of(docker).ok_or_else(|| {
        let message = "the environment's `docker` names no image";
        DriverError::permanent(ErrorKind::Invalid, "get the image", message)
    })
}

/// The request for what is added to the image.
fn without_container(request: &EnvironmentRequest) -> EnvironmentRequest {
    let spec = EnvironmentSpec {
        docker: None,
        ..request.spec.clone()
    };
    let lock = request.lock.clone().map(|lock| Lock {
        image: None,
        spec_id: spec_id(&spec),
        ..lock
    });
    EnvironmentRequest {
        spec,
        lock,
        ..*request
    }
}

/// The image's own Python. Nobody asks it for its version: an image for programs alone may have none.
fn as_it_is(spec: &EnvironmentSpec) -> PreparedEnvironment {
    let python = match &spec.interpreter {
        Interpreter::UserManaged { python } => python.clone(),
        Interpreter::Managed { .. } => "python3".to_owned(),
    };
    PreparedEnvironment {
        id: String::new(),
        python: python.clone(),
        bin: None,
        lock: Lock {
            version: LOCK_VERSION,
            spec_id: String::new(),
            python_version: String::new(),
            platform: String::new(),
            tool: "none".to_owned(),
            interpreter: Some(python),
            index_options: Vec::new(),
            requirements: String::new(),
            conda: Vec::new(),
            image: None,
        },
    }
}

/// What was added, as the environment of the whole spec.
fn in_image(added: PreparedEnvironment, spec: &EnvironmentSpec, image: String) -> PreparedEnvironment {
    let lock = Lock {
        spec_id: spec_id(spec),
        image: Some(image),
        ..added.lock
    };
    PreparedEnvironment {
        id: environment_id(&lock),
        lock,
        ..added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_to_an_image() {
        let spec = |pip: &[&str], conda: &[&str], version: Option<&str>| EnvironmentSpec {
            interpreter: Interpreter::Managed {
                version: version.map(str::to_owned),
            },
            pip: pip.iter().map(|&line| line.to_owned()).collect(),
            conda: conda.iter().map(|&line| line.to_owned()).collect(),
            ..EnvironmentSpec::default()
        };
        assert_eq!(addition(&spec(&[], &[], None)), Addition::Nothing);
        assert_eq!(addition(&spec(&[], &[], Some("3.11"))), Addition::Packages);
        assert_eq!(addition(&spec(&["a"], &[], None)), Addition::Packages);
        assert_eq!(addition(&spec(&["a"], &["b"], None)), Addition::Conda);
        let named = EnvironmentSpec {
            interpreter: Interpreter::UserManaged {
                python: "/opt/python".into(),
            },
            ..EnvironmentSpec::default()
        };
        assert_eq!(addition(&named), Addition::Nothing);
        assert_eq!(as_it_is(&named).python, "/opt/python");
    }

    #[test]
    fn the_image_is_part_of_the_environment() {
        let spec = EnvironmentSpec::default();
        let ids = ["sha256:a", "sha256:b"].map(|id| in_image(as_it_is(&spec), &spec, id.into()).id);
        assert_ne!(ids[0], ids[1]);
        let request = EnvironmentRequest {
            spec: EnvironmentSpec {
                docker: Some(Box::default()),
                ..EnvironmentSpec::default()
            },
            lock: Some(in_image(as_it_is(&spec), &spec, "sha256:a".into()).lock),
            retry: true,
        };
        let inner = without_container(&request);
        assert!(inner.spec.docker.is_none() && inner.retry);
        assert_eq!(inner.lock.unwrap().image, None);
    }
}
