//! Web services: names within workspaces, whole replacements, late answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use outhaul_types::model::{ModelFiles, ModelOrigin};
use outhaul_types::service::{ServedModel, ServiceError, ServiceInstance};
use outhaul_types::{NewModel, ServiceSpec, ServiceState, WebService};

use super::fixture::{at, id, spec, workspace};
use crate::{Store, StoreError};

fn service(name: &str, number: u64) -> WebService {
    let run = spec();
    WebService {
        id: id(number),
        name: name.into(),
        workspace: "default".into(),
        target: "local".into(),
        description: String::new(),
        tags: BTreeMap::new(),
        spec: ServiceSpec {
            models: Vec::new(),
            entry: "score.py".into(),
            source: run.snapshot,
            environment: run.environment,
            environment_name: None,
            variables: BTreeMap::new(),
            host: "127.0.0.1".into(),
            port: 6789,
            workers: 1,
            queue: 100,
            timeout_seconds: 1,
            max_body: 1,
            cors: None,
            keys: false,
            tls: None,
        },
        previous: None,
        generation: 1,
        state: ServiceState::Transitioning,
        state_since: at(1),
        error: None,
        current: None,
        next: None,
        leaving: Vec::new(),
        restarts: 0,
        retry_at: None,
        created_at: at(1),
        updated_at: at(1),
        url: "http://127.0.0.1:6789".into(),
    }
}

/// A registered model that a service has, or may go back to, is not deleted.
pub async fn a_model_that_is_served_is_kept(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let model = |number| NewModel {
        id: id(number),
        workspace: "default".into(),
        name: "churn".into(),
        files: ModelFiles {
            tree: "t".into(),
            entry: "model.pkl".into(),
            files: 1,
            bytes: 1,
        },
        origin: ModelOrigin::Path { path: "/m".into() },
        tags: BTreeMap::new(),
        properties: BTreeMap::new(),
        description: None,
        framework: None,
        framework_version: None,
    };
    for number in 81..84 {
        store.register_model(model(number), at(1)).await.unwrap();
    }
    let mut one = service("one", 1);
    let served = |version| ServedModel {
        name: "churn".into(),
        version,
        tree: "t".into(),
    };
    one.previous = Some(Box::new(one.spec.clone()));
    one.previous.as_mut().unwrap().models.push(served(1));
    one.spec.models.push(served(3));
    store.create_service(one).await.unwrap();
    for version in [1, 3] {
        let error = store.delete_model("default", "churn", version).await.unwrap_err();
        assert!(error.to_string().contains("`one`"), "{error}");
    }
    store.delete_model("default", "churn", 2).await.unwrap();
    store.remove_service("default", "one", &id(1)).await.unwrap();
    store.delete_model("default", "churn", 3).await.unwrap();
}

fn full(name: &str, number: u64) -> WebService {
    let mut full = service(name, number);
    full.description = "\u{1F680} \"x\"\n".into();
    full.tags.insert("a".into(), String::new());
    full.spec.models.push(ServedModel {
        name: "churn".into(),
        version: 3,
        tree: "t".into(),
    });
    full.spec.cors = Some("*".into());
    full.spec.environment_name = Some("e:1".into());
    full.previous = Some(Box::new(full.spec.clone()));
    full.state = ServiceState::Unhealthy;
    full.error = Some(ServiceError {
        message: "m".into(),
        log: "Traceback".into(),
        run: Some(id(70)),
        at: at(2),
    });
    let instance = |number, generation| ServiceInstance {
        run: id(number),
        generation,
    };
    (full.current, full.next) = (Some(instance(71, 1)), Some(instance(72, 2)));
    full.leaving = vec![id(73)];
    full.retry_at = Some(at(9));
    full
}

/// With all that it may hold; a change replaces it whole.
pub async fn everything_of_a_service_reads_back(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.create_service(full("one", 1)).await.unwrap();
    assert_eq!(store.service("default", "one").await.unwrap(), full("one", 1));
    store.put_service(service("one", 1)).await.unwrap();
    assert_eq!(store.services(None).await.unwrap(), [service("one", 1)]);
}

/// Two workspaces may use one name; an id is there once.
pub async fn names_belong_to_their_workspace(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.put_workspace("w", Default::default(), at(0)).await.unwrap();
    let elsewhere = WebService {
        workspace: "w".into(),
        ..service("one", 2)
    };
    for new in [service("two", 3), service("one", 1), elsewhere.clone()] {
        store.create_service(new).await.unwrap();
    }
    for taken in [service("one", 4), service("one", 1), service("three", 1)] {
        let error = store.create_service(taken).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{error}");
    }
    let here = [service("one", 1), service("two", 3)];
    assert_eq!(store.services(Some("default")).await.unwrap(), here);
    assert_eq!(
        store.services(None).await.unwrap(),
        [here[0].clone(), here[1].clone(), elsewhere.clone()]
    );
    assert_eq!(store.service("w", "one").await.unwrap(), elsewhere);
    let nowhere = WebService {
        workspace: "x".into(),
        ..service("one", 5)
    };
    let error = store.create_service(nowhere).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
}

/// What is said about a service that was deleted and deployed again concerns neither.
pub async fn a_late_change_of_another_service_changes_nothing(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.create_service(service("one", 2)).await.unwrap();
    for late in [service("one", 1), service("two", 2)] {
        let error = store.put_service(late).await.unwrap_err();
        assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    }
    store.remove_service("default", "one", &id(1)).await.unwrap();
    store.remove_service("default", "two", &id(2)).await.unwrap();
    assert_eq!(store.service("default", "one").await.unwrap(), service("one", 2));
    store.remove_service("default", "one", &id(2)).await.unwrap();
    let error = store.service("default", "one").await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    store.create_service(service("one", 3)).await.unwrap();
}
