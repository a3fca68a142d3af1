//! Lists of runs: filters, order, limits and what a summary says.

use std::sync::Arc;

use outhaul_types::api::{RunFilter, RunSummary};
use outhaul_types::{NewRun, RunEventKind, RunState};

use super::fixture::{at, child, finish, here, id, listed, new_run, runs, tags, workspace};
use crate::{Guard, Store, StoreError};

/// Order is that of submission: a clock that was set back changes nothing.
pub async fn the_newest_come_first_whatever_the_clock_says(store: Arc<dyn Store>) {
    workspace(&*store).await;
    for (number, second) in [(3, 30), (1, 10), (2, 20)] {
        store.create_run(new_run(number), at(second)).await.unwrap();
    }
    assert_eq!(listed(&*store, here()).await, [2, 1, 3]);
    // A change does not move a run.
    finish(&*store, 3, 0).await;
    assert_eq!(listed(&*store, here()).await, [2, 1, 3]);
}

/// Runs 1 to 4 that differ in everything that can be filtered by.
async fn various(store: &dyn Store) {
    workspace(store).await;
    for (number, experiment, target, pairs) in [
        (1, "e", "local", tags(&[("k", "v")])),
        (2, "e", "cluster", tags(&[("k", "w"), ("a", "")])),
        (3, "f", "local", tags(&[("l", "v")])),
        (4, "f", "cluster", tags(&[])),
    ] {
        let new = NewRun {
            experiment: experiment.into(),
            target: target.into(),
            tags: pairs,
            ..new_run(number)
        };
        store.create_run(new, at(1)).await.unwrap();
    }
    store
        .apply(&id(2), Guard::Any, vec![RunEventKind::Queued], at(2))
        .await
        .unwrap();
    finish(store, 3, 0).await;
    finish(store, 4, 1).await;
}

/// Every filter by itself, with what matches and what does not.
pub async fn each_filter_alone(store: Arc<dyn Store>) {
    various(&*store).await;
    let some = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (here(), vec![4, 3, 2, 1]),
        (RunFilter::default(), vec![4, 3, 2, 1]),
        (
            RunFilter {
                experiment: some("e"),
                ..here()
            },
            vec![2, 1],
        ),
        (
            RunFilter {
                experiment: some("E"),
                ..here()
            },
            vec![],
        ),
        (
            RunFilter {
                target: some("cluster"),
                ..here()
            },
            vec![4, 2],
        ),
        (
            RunFilter {
                target: some("clust"),
                ..here()
            },
            vec![],
        ),
        (
            RunFilter {
                state: some("NotStarted"),
                ..here()
            },
            vec![1],
        ),
        (
            RunFilter {
                state: some("queued"),
                ..here()
            },
            vec![2],
        ),
        (
            RunFilter {
                state: some("Completed"),
                ..here()
            },
            vec![3],
        ),
        (
            RunFilter {
                state: some("FAILED"),
                ..here()
            },
            vec![4],
        ),
        (
            RunFilter {
                state: some("Running"),
                ..here()
            },
            vec![],
        ),
        (
            RunFilter {
                tag: some("k"),
                ..here()
            },
            vec![2, 1],
        ),
        (
            RunFilter {
                tag: some("k=v"),
                ..here()
            },
            vec![1],
        ),
        (
            RunFilter {
                tag: some("a="),
                ..here()
            },
            vec![2],
        ),
        (
            RunFilter {
                tag: some("v"),
                ..here()
            },
            vec![],
        ),
        (
            RunFilter {
                parent: some(id(1).as_str()),
                ..here()
            },
            vec![],
        ),
        (
            RunFilter {
                parent: some("nobody"),
                ..here()
            },
            vec![],
        ),
    ] {
        assert_eq!(listed(&*store, filter.clone()).await, expected, "{filter:?}");
    }
}

/// A run is listed when it satisfies all filters.
pub async fn filters_add_up(store: Arc<dyn Store>) {
    various(&*store).await;
    let some = |text: &str| Some(text.to_owned());
    let all = RunFilter {
        experiment: some("e"),
        target: some("cluster"),
        state: some("Queued"),
        tag: some("k=w"),
        limit: Some(5),
        ..here()
    };
    assert_eq!(listed(&*store, all.clone()).await, [2]);
    for other in [
        RunFilter {
            workspace: None,
            experiment: some("f"),
            ..all.clone()
        },
        RunFilter {
            target: some("local"),
            ..all.clone()
        },
        RunFilter {
            state: some("Failed"),
            ..all.clone()
        },
        RunFilter {
            tag: some("k=v"),
            ..all.clone()
        },
        RunFilter {
            parent: some(id(1).as_str()),
            ..all
        },
    ] {
        assert_eq!(listed(&*store, other.clone()).await, [0u64; 0], "{other:?}");
    }
}

/// Patterns and letter case mean nothing in tags; a value may hold `=`.
pub async fn tags_are_compared_exactly(store: Arc<dyn Store>) {
    workspace(&*store).await;
    for (number, name, value) in [
        (1, "k", "a=b"),
        (2, "K", "a"),
        (3, "k%", "_"),
        (4, "a.b", "\"x\""),
    ] {
        let new = NewRun {
            tags: tags(&[(name, value)]),
            ..new_run(number)
        };
        store.create_run(new, at(1)).await.unwrap();
    }
    for (tag, expected) in [
        ("k", vec![1]),
        ("k=a=b", vec![1]),
        ("k=a", vec![]),
        ("K=a", vec![2]),
        ("k%", vec![3]),
        ("%", vec![]),
        ("k%=_", vec![3]),
        ("k%=x", vec![]),
        ("a.b=\"x\"", vec![4]),
        ("a.b=x", vec![]),
        ("", vec![]),
    ] {
        let filter = RunFilter {
            tag: Some(tag.into()),
            ..here()
        };
        assert_eq!(listed(&*store, filter).await, expected, "{tag}");
    }
}

/// A tag that is set later is filtered by its last value.
pub async fn tags_of_the_script_are_filtered_too(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    let tag = |value: &str| {
        vec![RunEventKind::Tagged {
            tags: tags(&[("best", value)]),
        }]
    };
    store.apply(&id(1), Guard::Any, tag("0.5"), at(1)).await.unwrap();
    store.apply(&id(1), Guard::Any, tag("0.4"), at(2)).await.unwrap();
    for (text, expected) in [("best", vec![1]), ("best=0.4", vec![1]), ("best=0.5", vec![])] {
        let filter = RunFilter {
            tag: Some(text.into()),
            ..here()
        };
        assert_eq!(listed(&*store, filter).await, expected, "{text}");
    }
}

/// The newest ones up to the limit; 0 means all.
pub async fn limits(store: Arc<dyn Store>) {
    runs(&*store, 5).await;
    for (limit, expected) in [
        (None, 5),
        (Some(0), 5),
        (Some(1), 1),
        (Some(4), 4),
        (Some(5), 5),
        (Some(6), 5),
        (Some(u32::MAX), 5),
    ] {
        let found = listed(&*store, RunFilter { limit, ..here() }).await;
        assert_eq!(found, [5, 4, 3, 2, 1][..expected], "{limit:?}");
    }
}

/// Children would bury the runs that people started.
pub async fn children_are_listed_with_their_parent_only(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    for (number, parent) in [(3, 1), (4, 1), (5, 2), (6, 3)] {
        store.create_run(child(number, parent), at(9)).await.unwrap();
    }
    assert_eq!(listed(&*store, here()).await, [2, 1]);
    for (parent, expected) in [(1, vec![4, 3]), (2, vec![5]), (3, vec![6]), (4, vec![])] {
        let filter = RunFilter {
            parent: Some(id(parent).to_string()),
            ..here()
        };
        assert_eq!(listed(&*store, filter).await, expected, "{parent}");
    }
    let all = RunFilter {
        children: Some(true),
        ..here()
    };
    assert_eq!(listed(&*store, all).await, [6, 5, 4, 3, 2, 1]);
    let one = RunFilter {
        parent: Some(id(1).to_string()),
        children: Some(true),
        limit: Some(1),
        ..here()
    };
    assert_eq!(listed(&*store, one).await, [4]);
}

/// At every step of a life a summary is made of the run as it stands, to the nanosecond.
pub async fn a_summary_says_what_the_run_says(store: Arc<dyn Store>) {
    various(&*store).await;
    for summary in store.list_runs(&here()).await.unwrap() {
        let run = store.run(&summary.id).await.unwrap();
        assert_eq!(summary, RunSummary::from(&run));
        assert_eq!(
            summary.exit_code.is_some(),
            matches!(summary.state, RunState::Completed | RunState::Failed)
        );
    }
    let failed = &store.list_runs(&here()).await.unwrap()[0];
    assert!(failed.failure_class.is_some() && failed.exit_code == Some(1) && failed.ran_ms == Some(1500));
    assert_eq!(
        (failed.started_at, failed.ended_at),
        (Some(at(100)), Some(at(100)))
    );
}

/// A workspace's list has none of another's runs.
pub async fn workspaces_are_apart(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    store.put_workspace("w", Default::default(), at(0)).await.unwrap();
    store
        .create_run(
            NewRun {
                workspace: "w".into(),
                ..new_run(3)
            },
            at(3),
        )
        .await
        .unwrap();
    assert_eq!(listed(&*store, here()).await, [2, 1]);
    assert_eq!(
        listed(
            &*store,
            RunFilter {
                workspace: Some("w".into()),
                ..here()
            }
        )
        .await,
        [3]
    );
    assert_eq!(listed(&*store, RunFilter::default()).await, [3, 2, 1]);
}

/// An empty list would hide the mistake.
pub async fn an_unknown_state_or_workspace_is_an_error(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    for (filter, kind) in [
        (
            RunFilter {
                state: Some("Runing".into()),
                ..here()
            },
            "run state",
        ),
        (
            RunFilter {
                workspace: Some("nobody".into()),
                ..here()
            },
            "workspace",
        ),
    ] {
        let error = store.list_runs(&filter).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::NotFound { what, .. } if *what == kind),
            "{error}"
        );
    }
}

/// Neither by its name nor with its value; the run's other tags stay.
pub async fn removed_tags_are_not_found(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let set = RunEventKind::Tagged {
        tags: tags(&[("gone", "1"), ("kept", "2")]),
    };
    let removed = RunEventKind::TagsRemoved {
        names: ["gone".to_owned()].into(),
    };
    store
        .apply(&id(1), Guard::Any, vec![set, removed], at(2))
        .await
        .unwrap();
    for (tag, expected) in [
        ("gone", vec![]),
        ("gone=1", vec![]),
        ("kept", vec![1]),
        ("kept=2", vec![1]),
    ] {
        let filter = RunFilter {
            tag: Some(tag.into()),
            ..here()
        };
        assert_eq!(listed(&*store, filter).await, expected, "{tag}");
    }
    let last = RunEventKind::TagsRemoved {
        names: ["kept".to_owned()].into(),
    };
    store.apply(&id(1), Guard::Any, vec![last], at(3)).await.unwrap();
    let filter = RunFilter {
        tag: Some("kept".into()),
        ..here()
    };
    assert_eq!(listed(&*store, filter).await, Vec::<u64>::new());
    assert_eq!(store.list_runs(&here()).await.unwrap()[0].tags, tags(&[]));
}
