//! Changing runs by events: guards, the transition table, all or none, and the log.

use std::sync::Arc;

use outhaul_types::{CancelReason, Run, RunEventKind, RunState, Waiting};

use super::fixture::{at, child, finish, id, new_run, runs, tags, until_exit};
use crate::{Guard, Store, StoreError};

fn note(message: impl Into<String>) -> RunEventKind {
    RunEventKind::Note {
        message: message.into(),
    }
}

/// From submission to the end, one event at a time: the record is what the events add up to.
pub async fn a_whole_life(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let (mut expected, first) = Run::submitted(new_run(1), at(1));
    let mut log = vec![first];
    let waiting = Waiting {
        since: at(1),
        reason: "a slot".into(),
        moved_by: "the end of another run".into(),
    };
    let mut life = until_exit(&id(1), 0);
    life.insert(
        1,
        RunEventKind::Waiting {
            waiting: Some(waiting),
        },
    );
    life.insert(
        2,
        RunEventKind::ContactLost {
            reason: "no answer".into(),
        },
    );
    life.push(RunEventKind::OutputsCollected { files: 3, bytes: 99 });
    life.push(RunEventKind::Completed);
    for (second, event) in (2..).zip(life) {
        let applied = store
            .apply(
                &id(1),
                Guard::Version(expected.version),
                vec![event.clone()],
                at(second),
            )
            .await
            .unwrap();
        let entry = expected.apply(event, at(second)).unwrap();
        assert_eq!((&applied.run, applied.events), (&expected, vec![entry.clone()]));
        assert_eq!(store.run(&id(1)).await.unwrap(), expected);
        log.push(entry);
    }
    assert_eq!(expected.state, RunState::Completed);
    assert_eq!(store.events(&id(1), 0).await.unwrap(), log);
}

/// If the last of several is forbidden, none of them has happened.
pub async fn several_events_are_all_or_none(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let before = store.run(&id(1)).await.unwrap();
    let tagged = RunEventKind::Tagged {
        tags: tags(&[("k", "v")]),
    };
    let bad = vec![RunEventKind::Queued, tagged, RunEventKind::Completed];
    let error = store
        .apply(&id(1), Guard::Version(1), bad, at(2))
        .await
        .unwrap_err();
    let StoreError::Forbidden(forbidden) = error else {
        panic!("{error}")
    };
    assert_eq!(
        (forbidden.from, forbidden.to),
        (RunState::Queued, RunState::Completed)
    );
    assert_eq!(store.run(&id(1)).await.unwrap(), before);
    assert_eq!(store.events(&id(1), 1).await.unwrap(), []);

    let applied = store
        .apply(&id(1), Guard::Version(1), until_exit(&id(1), 0), at(3))
        .await
        .unwrap();
    assert_eq!(
        applied.events.iter().map(|event| event.seq).collect::<Vec<_>>(),
        (2..=8).collect::<Vec<_>>()
    );
    assert_eq!(
        (applied.run.state, applied.run.version),
        (RunState::Finalizing, 8)
    );
    assert_eq!(store.events(&id(1), 1).await.unwrap(), applied.events);
}

/// What was decided on an older version does not happen.
pub async fn a_stale_guard_changes_nothing(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    store
        .apply(&id(1), Guard::Version(1), vec![RunEventKind::Queued], at(2))
        .await
        .unwrap();
    let before = store.run(&id(1)).await.unwrap();
    for version in [0, 1, 3, u64::MAX] {
        let error = store
            .apply(
                &id(1),
                Guard::Version(version),
                vec![RunEventKind::Preparing],
                at(3),
            )
            .await
            .unwrap_err();
        assert!(
            matches!(&error, StoreError::Stale { run } if *run == id(1)),
            "{error}"
        );
    }
    // The guard counts before the table, and for no events at all.
    for events in [vec![RunEventKind::Completed], vec![]] {
        assert!(matches!(
            store.apply(&id(1), Guard::Version(1), events, at(3)).await,
            Err(StoreError::Stale { .. })
        ));
    }
    assert_eq!(store.run(&id(1)).await.unwrap(), before);
    assert_eq!(store.events(&id(1), 0).await.unwrap().len(), 2);
}

/// The transition table holds whatever the guard.
pub async fn a_forbidden_transition_changes_nothing(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    finish(&*store, 2, 0).await;
    for (number, event) in [
        (1, RunEventKind::Running),
        (2, RunEventKind::Queued),
        (2, RunEventKind::Canceled),
    ] {
        let before = store.run(&id(number)).await.unwrap();
        let error = store
            .apply(&id(number), Guard::Any, vec![event], at(200))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Forbidden(_)), "{error}");
        assert_eq!(store.run(&id(number)).await.unwrap(), before);
        assert_eq!(
            store.events(&id(number), 0).await.unwrap().len() as u64,
            before.version
        );
    }
}

/// A request to cancel and a tag need no version.
pub async fn any_version_will_do_where_it_is_said(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let asked = RunEventKind::CancelRequested {
        reason: CancelReason::User,
    };
    let tagged = RunEventKind::Tagged {
        tags: tags(&[("k", "v")]),
    };
    store
        .apply(&id(1), Guard::Any, vec![tagged.clone()], at(2))
        .await
        .unwrap();
    store.apply(&id(1), Guard::Any, vec![asked], at(3)).await.unwrap();
    store
        .apply(&id(1), Guard::Any, vec![RunEventKind::Canceled], at(4))
        .await
        .unwrap();
    // A tag may come when the run has ended.
    let run = store
        .apply(&id(1), Guard::Any, vec![tagged], at(5))
        .await
        .unwrap()
        .run;
    assert_eq!(
        (run.state, run.version, run.tags),
        (RunState::Canceled, 5, tags(&[("k", "v")]))
    );
}

/// Applying nothing gives the run as it stands.
pub async fn no_events_change_nothing(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let before = store.run(&id(1)).await.unwrap();
    for guard in [Guard::Any, Guard::Version(1)] {
        let applied = store.apply(&id(1), guard, vec![], at(2)).await.unwrap();
        assert_eq!((applied.run, applied.events), (before.clone(), vec![]));
    }
    assert_eq!(store.run(&id(1)).await.unwrap(), before);
}

/// A run that is not there cannot be read or changed in any way.
pub async fn an_unknown_run_is_not_found(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let unknown = id(9);
    let errors = [
        store.run(&unknown).await.unwrap_err(),
        store
            .apply(&unknown, Guard::Any, vec![], at(2))
            .await
            .unwrap_err(),
        store
            .apply(&unknown, Guard::Version(1), vec![RunEventKind::Queued], at(2))
            .await
            .unwrap_err(),
        store.events(&unknown, 0).await.unwrap_err(),
        store.mark_released(&unknown).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(&error, StoreError::NotFound { what: "run", name } if name == unknown.as_str()),
            "{error}"
        );
    }
}

/// A reader that has seen events up to a position gets the rest.
pub async fn events_after_a_position(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    finish(&*store, 1, 0).await;
    let all = store.events(&id(1), 0).await.unwrap();
    assert_eq!(all.len(), 9);
    for after in [1, 5, 8, 9, 10, u64::MAX] {
        let expected: Vec<_> = all.iter().filter(|event| event.seq > after).cloned().collect();
        assert_eq!(store.events(&id(1), after).await.unwrap(), expected, "{after}");
    }
    assert_eq!(store.events(&id(2), 0).await.unwrap().len(), 1);
}

/// Hundreds of events, large ones among them, stay in order.
pub async fn a_long_history_keeps_its_order(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let notes: Vec<_> = (0..300)
        .map(|number| note(format!("{number} {}", "x".repeat(number % 7 * 2000))))
        .collect();
    let applied = store
        .apply(&id(1), Guard::Any, notes.clone(), at(2))
        .await
        .unwrap();
    assert_eq!(applied.run.version, 301);
    let found = store.events(&id(1), 1).await.unwrap();
    assert_eq!(
        found.iter().map(|event| event.event.clone()).collect::<Vec<_>>(),
        notes
    );
}

/// A child run goes from its beginning to its end; its parent's steps are not its own.
pub async fn a_child_has_its_own_rules(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    store.create_run(child(2, 1), at(2)).await.unwrap();
    let run = store
        .apply(&id(2), Guard::Version(1), vec![RunEventKind::Running], at(3))
        .await
        .unwrap()
        .run;
    assert_eq!(run.state, RunState::Running);
    let run = store
        .apply(&id(2), Guard::Version(2), vec![RunEventKind::Completed], at(4))
        .await
        .unwrap()
        .run;
    assert_eq!((run.state, run.ended_at), (RunState::Completed, Some(at(4))));
    assert_eq!(store.run(&id(2)).await.unwrap(), run);
}
