//! Registered models: numbers that are given once, what may change, and lists.

use std::sync::Arc;

use outhaul_types::api::ModelFilter;
use outhaul_types::model::{ModelFiles, ModelOrigin};
use outhaul_types::{ChangeModel, Model, NewModel};
use tokio::task::JoinSet;

use super::fixture::{at, id, tags, workspace};
use crate::{Store, StoreError};

fn new(number: u64, name: &str) -> NewModel {
    NewModel {
        id: id(number),
        workspace: "default".into(),
        name: name.into(),
        files: ModelFiles {
            tree: format!("tree {number}"),
            entry: "model.pkl".into(),
            files: 1,
            bytes: 1 << 40,
        },
        origin: ModelOrigin::Path {
            path: "/home/ü/model.pkl".into(),
        },
        tags: tags(&[]),
        properties: tags(&[]),
        description: None,
        framework: None,
        framework_version: None,
    }
}

fn full(number: u64, name: &str) -> NewModel {
    NewModel {
        origin: ModelOrigin::Run {
            run: id(77),
            experiment: "e".into(),
            path: "outputs/model.pkl".into(),
        },
        tags: tags(&[("a", "1"), ("b", "x=y")]),
        properties: tags(&[("p", "1")]),
        description: Some("what it is".into()),
        framework: Some("ScikitLearn".into()),
        framework_version: Some("1.5".into()),
        ..new(number, name)
    }
}

async fn register(store: &dyn Store, new: NewModel) -> Model {
    let number: i64 = new.id.as_str().parse().unwrap();
    let (model, is_new) = store.register_model(new, at(number)).await.unwrap();
    assert!(is_new);
    model
}

async fn listed(store: &dyn Store, filter: ModelFilter) -> Vec<String> {
    let found = store.models("default", &filter).await.unwrap();
    found.iter().map(|model| model.reference().to_string()).collect()
}

fn is_no_model(error: &StoreError, named: &str) -> bool {
    matches!(error, StoreError::NotFound { what: "model", name } if name == named)
}

fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_))
}

/// Each name counts for itself, and all that was given reads back.
pub async fn versions_count_from_1(store: Arc<dyn Store>) {
    workspace(&*store).await;
    for number in 1..=11 {
        let given = if number == 4 {
            full(number, "m")
        } else {
            new(number, "m")
        };
        let model = register(&*store, given.clone()).await;
        let second = i64::try_from(number).unwrap();
        assert_eq!(
            model,
            Model::registered(given, u32::try_from(number).unwrap(), at(second))
        );
        assert_eq!(
            store.model("default", "m", Some(model.version)).await.unwrap(),
            model
        );
        assert_eq!(store.model("default", "m", None).await.unwrap(), model);
    }
    assert_eq!(register(&*store, new(20, "other")).await.version, 1);
    for (name, version, named) in [
        ("m", Some(12), "m:12"),
        ("m", Some(0), "m:0"),
        ("x", None, "x"),
        ("M", None, "M"),
    ] {
        let error = store.model("default", name, version).await.unwrap_err();
        assert!(is_no_model(&error, named), "{error}");
    }
}

/// A lost answer: the model as it stands by now, and no second version.
pub async fn registering_twice_makes_one_version(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.put_workspace("w", Default::default(), at(0)).await.unwrap();
    register(&*store, full(1, "m")).await;
    let change = ChangeModel {
        set_tags: tags(&[("c", "3")]),
        ..ChangeModel::default()
    };
    let changed = store.change_model("default", "m", 1, change).await.unwrap();
    let again = store.register_model(full(1, "m"), at(9)).await.unwrap();
    assert_eq!(again, (changed.clone(), false));

    let mut other_files = full(1, "m");
    other_files.files.tree = "another".into();
    let elsewhere = NewModel {
        workspace: "w".into(),
        ..full(1, "m")
    };
    for different in [full(1, "n"), new(1, "m"), other_files, elsewhere] {
        let error = store.register_model(different, at(9)).await.unwrap_err();
        assert!(is_conflict(&error), "{error}");
    }
    assert_eq!(
        store.models("default", &ModelFilter::default()).await.unwrap(),
        [changed]
    );
    assert_eq!(store.models("w", &ModelFilter::default()).await.unwrap(), []);
}

/// Neither the number nor the id of a deleted model is used again.
pub async fn a_deleted_number_is_not_given_again(store: Arc<dyn Store>) {
    workspace(&*store).await;
    for number in 1..=3 {
        register(&*store, new(number, "m")).await;
    }
    for version in [3, 1] {
        store.delete_model("default", "m", version).await.unwrap();
        let named = format!("m:{version}");
        let gone = [
            store.delete_model("default", "m", version).await.unwrap_err(),
            store.model("default", "m", Some(version)).await.unwrap_err(),
            store
                .change_model("default", "m", version, ChangeModel::default())
                .await
                .unwrap_err(),
        ];
        for error in gone {
            assert!(is_no_model(&error, &named), "{error}");
        }
    }
    assert_eq!(store.model("default", "m", None).await.unwrap().version, 2);
    assert_eq!(listed(&*store, ModelFilter::default()).await, ["m:2"]);
    let error = store.register_model(new(3, "m"), at(9)).await.unwrap_err();
    assert!(is_conflict(&error), "{error}");
    assert_eq!(register(&*store, new(4, "m")).await.version, 4);

    store.delete_model("default", "m", 2).await.unwrap();
    store.delete_model("default", "m", 4).await.unwrap();
    let error = store.model("default", "m", None).await.unwrap_err();
    assert!(is_no_model(&error, "m"), "{error}");
    assert_eq!(register(&*store, new(5, "m")).await.version, 5);
}

/// While one is there, the other case is refused; both have one row of numbers.
pub async fn names_in_another_case_are_one_name(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.put_workspace("w", Default::default(), at(0)).await.unwrap();
    register(&*store, new(1, "Churn")).await;
    let error = store.register_model(new(2, "churn"), at(2)).await.unwrap_err();
    assert!(
        is_conflict(&error) && error.to_string().contains("`Churn`"),
        "{error}"
    );
    assert_eq!(listed(&*store, ModelFilter::default()).await, ["Churn:1"]);
    let elsewhere = NewModel {
        workspace: "w".into(),
        ..new(3, "churn")
    };
    assert_eq!(register(&*store, elsewhere).await.version, 1);

    let error = store.delete_model("default", "churn", 1).await.unwrap_err();
    assert!(is_no_model(&error, "churn:1"), "{error}");
    store.delete_model("default", "Churn", 1).await.unwrap();
    assert_eq!(register(&*store, new(2, "churn")).await.version, 2);
}

/// Tags come and go; properties are only added, all of a change or none.
pub async fn tags_change_and_properties_are_added(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let first = register(&*store, full(1, "m")).await;
    let second = register(&*store, full(2, "m")).await;
    let change = ChangeModel {
        remove_tags: ["a".to_owned(), "b".to_owned(), "none".to_owned()].into(),
        set_tags: tags(&[("b", "2"), ("c", "")]),
        add_properties: tags(&[("p", "1"), ("q", "2")]),
        description: Some("other".into()),
    };
    let expected = Model {
        tags: tags(&[("b", "2"), ("c", "")]),
        properties: tags(&[("p", "1"), ("q", "2")]),
        description: Some("other".into()),
        ..first
    };
    let changed = store.change_model("default", "m", 1, change).await.unwrap();
    assert_eq!(changed, expected);
    let refused = ChangeModel {
        set_tags: tags(&[("d", "4")]),
        add_properties: tags(&[("n", "new"), ("p", "2")]),
        ..ChangeModel::default()
    };
    let error = store.change_model("default", "m", 1, refused).await.unwrap_err();
    assert!(
        is_conflict(&error) && error.to_string().contains("`p`"),
        "{error}"
    );
    assert_eq!(store.model("default", "m", Some(1)).await.unwrap(), expected);
    assert_eq!(store.model("default", "m", Some(2)).await.unwrap(), second);
    let empty = ChangeModel {
        description: Some(String::new()),
        ..ChangeModel::default()
    };
    let changed = store.change_model("default", "m", 1, empty).await.unwrap();
    assert_eq!(changed.description, None);
}

/// Newest first, each filter alone and together.
pub async fn filters_add_up(store: Arc<dyn Store>) {
    workspace(&*store).await;
    register(&*store, full(1, "a")).await;
    register(&*store, new(2, "b")).await;
    register(&*store, new(3, "a")).await;
    let tagged = NewModel {
        tags: tags(&[("a", "2")]),
        framework: Some("Onnx".into()),
        ..new(4, "b")
    };
    register(&*store, tagged).await;
    let filter = |name: &str, tag: &str, rest: ModelFilter| ModelFilter {
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        tag: Some(tag.to_owned()).filter(|tag| !tag.is_empty()),
        ..rest
    };
    let none = ModelFilter::default;
    let latest = || ModelFilter {
        latest: Some(true),
        ..none()
    };
    let framework = |name: &str| ModelFilter {
        framework: Some(name.into()),
        ..none()
    };
    let of_run = |run: &str| ModelFilter {
        run: Some(run.into()),
        ..none()
    };
    let property = |text: &str| ModelFilter {
        property: Some(text.into()),
        ..none()
    };
    for (filter, expected) in [
        (none(), &["b:2", "a:2", "b:1", "a:1"][..]),
        (filter("a", "", none()), &["a:2", "a:1"]),
        (filter("A", "", none()), &[]),
        (filter("", "a", none()), &["b:2", "a:1"]),
        (filter("", "a=1", none()), &["a:1"]),
        (filter("", "b=x=y", none()), &["a:1"]),
        (filter("", "b=", none()), &[]),
        (filter("b", "a", none()), &["b:2"]),
        (property("p=1"), &["a:1"]),
        (property("p"), &["a:1"]),
        (property("p=2"), &[]),
        (of_run(id(77).as_str()), &["a:1"]),
        (of_run(id(7).as_str()), &[]),
        (framework("scikitlearn"), &["a:1"]),
        (framework("Onnx"), &["b:2"]),
        (framework("Scikit"), &[]),
        (latest(), &["b:2", "a:2"]),
        // Of those that match, not of all.
        (filter("", "a=1", latest()), &["a:1"]),
    ] {
        assert_eq!(listed(&*store, filter.clone()).await, expected, "{filter:?}");
    }
}

/// Neither registered nor listed.
pub async fn of_an_unknown_workspace(store: Arc<dyn Store>) {
    let errors = [
        store.register_model(new(1, "m"), at(1)).await.unwrap_err(),
        store
            .models("default", &ModelFilter::default())
            .await
            .unwrap_err(),
    ];
    for error in errors {
        let what = |error: &StoreError| {
            matches!(
                error,
                StoreError::NotFound {
                    what: "workspace",
                    ..
                }
            )
        };
        assert!(what(&error), "{error}");
    }
    workspace(&*store).await;
    assert_eq!(listed(&*store, ModelFilter::default()).await, [""; 0]);
}

/// Many clients at once get different numbers without a gap, and those that ask twice get one.
pub async fn many_registrations_at_once_have_numbers_of_their_own(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let (model, is_new) = store.register_model(new(number / 2, "m"), at(1)).await.unwrap();
            (model.version, is_new)
        });
    }
    let mut all = tasks.join_all().await;
    all.sort_unstable();
    let versions: Vec<u32> = all.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (2..42).map(|number| number / 2).collect::<Vec<_>>());
    assert_eq!(all.iter().filter(|(_, is_new)| *is_new).count(), 20);
}
