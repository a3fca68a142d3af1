//! Recording runs: once for each id, and exactly what was submitted.

use std::collections::BTreeMap;
use std::sync::Arc;

use outhaul_types::api::RunSummary;
use outhaul_types::workspace::NO_TARGET;
use outhaul_types::{
    Command, EnvironmentSpec, GitState, Interpreter, NewRun, Run, RunEvent, RunEventKind, RunSpec, RunState,
    SnapshotRef,
};

use super::fixture::{at, child, here, id, listed, new_run, runs, spec, tags, workspace};
use crate::{Guard, Store, StoreError};

/// A new run is there with its `Submitted` event.
pub async fn a_run_is_recorded_with_its_first_event(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let created = store.create_run(new_run(1), at(5)).await.unwrap();
    let event = RunEvent {
        seq: 1,
        at: at(5),
        event: RunEventKind::Submitted,
    };
    assert_eq!(created.run, Run::submitted(new_run(1), at(5)).0);
    assert_eq!(created.events, vec![event.clone()]);
    assert_eq!(store.run(&id(1)).await.unwrap(), created.run);
    assert_eq!(store.events(&id(1), 0).await.unwrap(), [event]);
}

/// The same submission again changes nothing and adds no event.
pub async fn submitting_twice_makes_one_run(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let first = store.create_run(new_run(1), at(5)).await.unwrap();
    let again = store.create_run(new_run(1), at(6)).await.unwrap();
    assert_eq!((again.run, again.events), (first.run, vec![]));
    assert_eq!(listed(&*store, here()).await, [1]);
    assert_eq!(store.events(&id(1), 0).await.unwrap().len(), 1);
    assert_eq!(store.experiments("default").await.unwrap()[0].runs, 1);
}

/// A repeated submission is known by what was submitted, however the run has changed since: its own tags too.
pub async fn submitting_twice_after_changes_gives_the_run_as_it_stands(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let new = NewRun {
        tags: tags(&[("k", "v")]),
        ..new_run(1)
    };
    store.create_run(new.clone(), at(5)).await.unwrap();
    let events = vec![
        RunEventKind::Queued,
        RunEventKind::Tagged {
            tags: tags(&[("k", "w"), ("l", "")]),
        },
    ];
    let changed = store.apply(&id(1), Guard::Any, events, at(6)).await.unwrap().run;
    assert_eq!(changed.state, RunState::Queued);
    let again = store.create_run(new.clone(), at(7)).await.unwrap();
    assert_eq!((again.run, again.events), (changed.clone(), vec![]));
    // What the tags are by now is not what was submitted.
    let other = NewRun {
        tags: changed.tags,
        ..new
    };
    assert!(matches!(
        store.create_run(other, at(8)).await,
        Err(StoreError::Conflict(_))
    ));
}

/// Whatever differs: one id names one submission, and the first one stays.
pub async fn another_submission_with_the_same_id_is_refused(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    store.put_workspace("w", Default::default(), at(0)).await.unwrap();
    let before = store.run(&id(1)).await.unwrap();
    let others = [
        NewRun {
            name: "other".into(),
            ..new_run(1)
        },
        NewRun {
            workspace: "w".into(),
            ..new_run(1)
        },
        NewRun {
            experiment: "other".into(),
            ..new_run(1)
        },
        NewRun {
            target: "other".into(),
            ..new_run(1)
        },
        NewRun {
            tags: tags(&[("k", "v")]),
            ..new_run(1)
        },
        NewRun {
            parent: Some(id(2)),
            ..new_run(1)
        },
        NewRun {
            spec: None,
            ..new_run(1)
        },
        NewRun {
            spec: Some(RunSpec {
                max_duration_seconds: Some(1),
                ..spec()
            }),
            ..new_run(1)
        },
    ];
    for other in others {
        let error = store.create_run(other, at(9)).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Conflict(text) if text.contains(id(1).as_str())),
            "{error}"
        );
    }
    assert_eq!(store.run(&id(1)).await.unwrap(), before);
    assert_eq!(store.experiments("default").await.unwrap().len(), 1);
    assert_eq!(store.experiments("w").await.unwrap(), []);
}

/// A run belongs to a workspace that is there; a refused one leaves nothing.
pub async fn an_unknown_workspace_is_refused(store: Arc<dyn Store>) {
    let error = store.create_run(new_run(1), at(1)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::NotFound { what: "workspace", name } if name == "default"),
        "{error}"
    );
    assert!(matches!(
        store.run(&id(1)).await,
        Err(StoreError::NotFound { what: "run", .. })
    ));
    workspace(&*store).await;
    assert_eq!(store.experiments("default").await.unwrap(), []);
}

/// So does a child run to a parent.
pub async fn an_unknown_parent_is_refused(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let error = store.create_run(child(2, 1), at(1)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::NotFound { what: "run", name } if name == id(1).as_str()),
        "{error}"
    );
    assert!(store.run(&id(2)).await.is_err());
    assert_eq!(store.experiments("default").await.unwrap(), []);
}

/// Every field of a spec reads back.
pub async fn everything_of_a_spec_reads_back(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let spec = RunSpec {
        command: Command::Program {
            argv: vec!["a".into(), String::new(), "b c".into()],
        },
        snapshot: SnapshotRef {
            git: Some(GitState {
                commit: "c0ffee".into(),
                branch: Some("main".into()),
                dirty: true,
            }),
            files: u64::MAX,
            ..spec().snapshot
        },
        environment: EnvironmentSpec {
            name: Some("n".into()),
            interpreter: Interpreter::UserManaged {
                python: "/usr/bin/python3".into(),
            },
            pip: (0..500)
                .map(|number| format!("package-{number}==1.{number}"))
                .collect(),
            conda: vec!["mkl".into()],
            channels: vec!["forge".into()],
            variables: tags(&[("A", "1")]),
            ..EnvironmentSpec::default()
        },
        environment_lock: Some("lock".into()),
        environment_name: Some("n:3".into()),
        variables: tags(&[("B", "x\ny")]),
        max_duration_seconds: Some(60),
        resources: outhaul_types::Resources {
            nodes: Some(2),
            partition: Some("p".into()),
            ..Default::default()
        },
        array: None,
        adopted: None,
        spark: Some(outhaul_types::SparkSpec {
            configuration: tags(&[("spark.a", "1")]),
            packages: vec!["g:a:1".into()],
            ..Default::default()
        }),
        rerun_of: Some(id(1)),
        service: Some("churn-api".into()),
    };
    let new = NewRun {
        spec: Some(spec.clone()),
        ..new_run(2)
    };
    store.create_run(new, at(1)).await.unwrap();
    assert_eq!(store.run(&id(2)).await.unwrap().spec, Some(spec.clone()));
    let applied = store
        .apply(&id(2), Guard::Any, vec![RunEventKind::Queued], at(2))
        .await
        .unwrap();
    assert_eq!(applied.run.spec, Some(spec));
    assert_eq!(store.run(&id(2)).await.unwrap(), applied.run);
}

/// No text is special to a store.
pub async fn odd_texts_read_back(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let odd = [
        "",
        "'",
        "\"; DROP TABLE runs; --",
        "%_\\",
        "a\0b",
        "\u{1F680} \u{202e}",
        "line\nline\r\n",
    ];
    for (number, text) in (1..).zip(odd) {
        let pairs = BTreeMap::from([(text.to_owned(), text.to_owned())]);
        let new = NewRun {
            name: text.into(),
            experiment: text.into(),
            target: text.into(),
            tags: pairs,
            ..new_run(number)
        };
        let created = store.create_run(new, at(1)).await.unwrap().run;
        assert_eq!(store.run(&id(number)).await.unwrap(), created, "{text:?}");
        let filter = outhaul_types::api::RunFilter {
            experiment: Some(text.into()),
            target: Some(text.into()),
            ..here()
        };
        assert_eq!(listed(&*store, filter).await, [number], "{text:?}");
    }
}

/// A run that is played begins as it is recorded, or is not there at all.
pub async fn a_run_that_begins_at_once(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let new = NewRun {
        target: NO_TARGET.into(),
        spec: None,
        ..new_run(1)
    };
    let wrong = vec![RunEventKind::Running, RunEventKind::Running];
    let error = store.begin_run(new.clone(), wrong, at(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Forbidden(_)), "{error}");
    assert!(store.run(&id(1)).await.is_err());
    assert_eq!(store.experiments("default").await.unwrap(), []);

    let properties = tags(&[("alpha", "0.5")]);
    let first = vec![
        RunEventKind::Running,
        RunEventKind::PropertiesAdded { properties },
    ];
    let begun = store.begin_run(new.clone(), first.clone(), at(1)).await.unwrap();
    assert_eq!(begun.run, store.run(&id(1)).await.unwrap());
    assert_eq!(begun.events, store.events(&id(1), 0).await.unwrap());
    assert_eq!((begun.run.state, begun.events.len()), (RunState::Running, 3));
    assert_eq!(
        store.list_runs(&here()).await.unwrap(),
        [RunSummary::from(&begun.run)]
    );
    // Again, also after it has ended: the run as it stands.
    store
        .apply(&id(1), Guard::Any, vec![RunEventKind::Completed], at(2))
        .await
        .unwrap();
    let again = store.begin_run(new, first, at(3)).await.unwrap();
    assert_eq!((again.run.state, again.events.len()), (RunState::Completed, 0));
    assert_eq!(store.active_runs().await.unwrap(), []);
    assert_eq!(store.unreleased_runs().await.unwrap(), []);
}

/// Several runs are there at once, each with the events that came with it; a second time nothing changes.
pub async fn several_are_recorded_at_once(store: Arc<dyn Store>) {
    workspace(&*store).await;
    let several = || -> Vec<(NewRun, Vec<RunEventKind>)> {
        (1..=3)
            .map(|number| (new_run(number), vec![RunEventKind::Queued]))
            .collect()
    };
    let created = store.create_runs(several(), at(1)).await.unwrap();
    assert!(
        created
            .iter()
            .all(|it| it.run.state == RunState::Queued && it.events.len() == 2)
    );
    assert_eq!(listed(&*store, here()).await, [3, 2, 1]);
    assert_eq!(store.events(&id(2), 0).await.unwrap(), created[1].events);
    assert_eq!(store.run(&id(2)).await.unwrap(), created[1].run);
    let again = store.create_runs(several(), at(2)).await.unwrap();
    assert!(
        again
            .iter()
            .zip(&created)
            .all(|(one, other)| one.run == other.run && one.events.is_empty())
    );
    let ids = [id(3), id(9), id(1)];
    let found = store.summaries(&ids).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|summary| summary.id).collect();
    assert_eq!(found, [id(3), id(1)]);
}

/// One that cannot be recorded keeps all of them out.
pub async fn several_are_all_or_none(store: Arc<dyn Store>) {
    workspace(&*store).await;
    store.create_run(new_run(2), at(1)).await.unwrap();
    let other = NewRun {
        name: "other".into(),
        ..new_run(2)
    };
    let refused = store
        .create_runs(vec![(new_run(1), Vec::new()), (other, Vec::new())], at(2))
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let forbidden = vec![
        (new_run(3), Vec::new()),
        (new_run(4), vec![RunEventKind::Completed]),
    ];
    let refused = store.create_runs(forbidden, at(2)).await;
    assert!(matches!(refused, Err(StoreError::Forbidden(_))), "{refused:?}");
    assert_eq!(listed(&*store, here()).await, [2]);
    assert_eq!(store.experiments("default").await.unwrap()[0].runs, 1);
}
