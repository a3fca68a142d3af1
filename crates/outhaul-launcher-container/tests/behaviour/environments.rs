//! What containers add: images, packages inside them, and what is left on the engine.

use std::path::Path;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Failed, Trial};
use outhaul_docker::{Engine, Options, UnixSocket};
use outhaul_driver::{Driver, DriverError, EnvironmentRequest, ErrorKind, LogSink, PreparedEnvironment};
use outhaul_testkit::code::wheel;
use outhaul_testkit::dockerd::{Dockerd, dockerd};
use outhaul_testkit::driver_suite::Bench;
use outhaul_types::{DockerSpec, EnvironmentSpec, FailureClass};

use crate::{Machine, runtime};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an_image_is_used_as_it_is", |machine| {
            runtime().block_on(as_it_is(machine));
        }),
        trial("packages_are_installed_by_the_image_itself", |machine| {
            runtime().block_on(packages(machine));
        }),
        trial(
            "an_image_that_is_nowhere_is_an_error_of_the_environment",
            |machine| {
                runtime().block_on(no_image(machine));
            },
        ),
    ]
}

fn trial(name: &str, test: fn(Arc<Machine>)) -> Trial {
    Trial::test(name, move || -> Result<(), Failed> {
        if let Some(dockerd) = dockerd() {
            test(Arc::new(Machine::new(dockerd)));
        }
        Ok(())
    })
}

/// Sees that the home of a machine's tests has no container left that nobody released, and removes those of its runs.
pub(crate) async fn nothing_left(dockerd: &Dockerd, root: &Path) {
    let options = Options::new(root.file_name().unwrap().to_string_lossy());
    let engine = Engine::connect(UnixSocket(dockerd.socket().to_owned()), options).unwrap();
    engine.remove_leftovers().await.unwrap();
}

/// Keeps what a build prints.
#[derive(Default)]
struct Kept(Mutex<String>);

impl LogSink for Kept {
    fn write(&self, bytes: &[u8]) {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
    }
}

fn request(docker: DockerSpec, spec: EnvironmentSpec) -> EnvironmentRequest {
    EnvironmentRequest {
        spec: EnvironmentSpec {
            docker: Some(Box::new(docker)),
            ..spec
        },
        lock: None,
        retry: false,
    }
}

async fn prepare(
    driver: &Arc<dyn Driver>,
    request: &EnvironmentRequest,
) -> (Result<PreparedEnvironment, DriverError>, String) {
    let log = Kept::default();
    let prepared = driver.prepare_environment(request, &log).await;
    (prepared, log.0.into_inner().unwrap())
}

async fn as_it_is(machine: Arc<Machine>) {
    let driver = machine.driver();
    let wanted = request(machine.docker().unwrap(), EnvironmentSpec::default());
    let ready = driver.environment_ready(&wanted).await.unwrap().unwrap();
    assert_eq!((ready.python.as_str(), &ready.bin), ("python3", &None));
    assert!(
        ready
            .lock
            .image
            .as_deref()
            .is_some_and(|id| id.starts_with("sha256:"))
    );
    let (prepared, _) = prepare(&driver, &wanted).await;
    assert_eq!(prepared.unwrap(), ready);
    // The very image that was locked, whatever its name means by now.
    let again = EnvironmentRequest {
        lock: Some(ready.lock.clone()),
        ..request(
            DockerSpec {
                image: Some("outhaul-test-moved-on:latest".into()),
                ..DockerSpec::default()
            },
            EnvironmentSpec::default(),
        )
    };
    let found = driver.environment_ready(&again).await.unwrap().unwrap();
    assert_eq!(found.lock.image, ready.lock.image);
}

async fn packages(machine: Arc<Machine>) {
    let driver = machine.driver();
    let plain = request(machine.docker().unwrap(), EnvironmentSpec::default());
    let image = driver
        .environment_ready(&plain)
        .await
        .unwrap()
        .unwrap()
        .lock
        .image
        .unwrap();
    let hex = image.rsplit(':').next().unwrap();
    // The only folder that a build in the image shares with the host.
    let shared = machine.root().join("local/environments/images").join(&hex[..32]);
    wheel(&shared.join("wheels"));
    let wanted = request(
        machine.docker().unwrap(),
        EnvironmentSpec {
            pip: vec!["addition".into()],
            index_options: vec![
                "--no-index".into(),
                format!("--find-links {}", shared.join("wheels").display()),
            ],
            ..EnvironmentSpec::default()
        },
    );
    assert!(driver.environment_ready(&wanted).await.unwrap().is_none());
    let (prepared, log) = prepare(&driver, &wanted).await;
    let prepared = prepared.unwrap_or_else(|error| panic!("{error}\n{log}"));
    assert_eq!(
        driver.environment_ready(&wanted).await.unwrap().unwrap(),
        prepared
    );
    assert!(
        Path::new(&prepared.python).starts_with(&shared),
        "{}",
        prepared.python
    );
    assert!(
        prepared.lock.requirements.contains("addition==1.2"),
        "{}",
        prepared.lock.requirements
    );
    // An environment for one image is none for another, nor for the host.
    let on_host = EnvironmentRequest {
        spec: EnvironmentSpec {
            docker: None,
            ..wanted.spec.clone()
        },
        ..wanted.clone()
    };
    assert!(driver.environment_ready(&on_host).await.unwrap().is_none());
}

async fn no_image(machine: Arc<Machine>) {
    let docker = DockerSpec {
        image: Some("127.0.0.1:1/nobody/nothing:1".into()),
        ..DockerSpec::default()
    };
    let (prepared, _) = prepare(&machine.driver(), &request(docker, EnvironmentSpec::default())).await;
    let error = prepared.unwrap_err();
    assert!(error.message.contains("127.0.0.1:1/nobody/nothing:1"), "{error}");
    assert!(
        error.kind == ErrorKind::Unreachable || error.class() == FailureClass::Environment,
        "{error:?}"
    );
}
