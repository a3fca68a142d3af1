//! Metrics: every line of a metrics file counts exactly once, in order, with its exact value.

use std::sync::Arc;

use outhaul_types::api::RunFilter;
use outhaul_types::{MetricKind, MetricValue, RunEventKind, RunId};
use serde_json::{Value, json};

use super::fixture::{at, child, here, id, listed, runs, tags};
use crate::{Guard, MetricBatch, Store, StoreError, rules};

pub(super) fn scalar(name: &str, value: f64) -> MetricValue {
    MetricValue {
        name: name.into(),
        kind: MetricKind::Scalar,
        value: json!(value),
        step: None,
        time: 1.5,
    }
}

fn batch(from: u64, to: u64, values: Vec<(RunId, MetricValue)>) -> MetricBatch {
    MetricBatch { from, to, values }
}

async fn ingested(store: &dyn Store, number: u64) -> u64 {
    store.ingested_metrics(&id(number)).await.unwrap().bytes
}

/// Order is that of the file, not that of names, steps or clocks.
pub async fn they_are_kept_in_the_order_of_logging(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    assert_eq!(ingested(&*store, 1).await, 0);
    assert_eq!(store.metrics(&id(1)).await.unwrap(), []);
    let values: Vec<_> = (0..40)
        .map(|number| MetricValue {
            step: Some(-number),
            time: 100.25 - number as f64,
            ..scalar(if number % 3 == 0 { "a" } else { "b" }, number as f64)
        })
        .collect();
    for (from, part) in (0..).step_by(100).zip(values.chunks(7)) {
        let part = part.iter().map(|value| (id(1), value.clone())).collect();
        store
            .add_metrics(&id(1), batch(from, from + 100, part))
            .await
            .unwrap();
    }
    assert_eq!(store.metrics(&id(1)).await.unwrap(), values);
    assert_eq!((ingested(&*store, 1).await, ingested(&*store, 2).await), (600, 0));
    assert_eq!(store.metrics(&id(2)).await.unwrap(), []);
}

/// To the last bit, for every kind.
pub async fn values_read_back_exactly(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let kinds = [
        (MetricKind::Scalar, json!(0.1 + 0.2)),
        (MetricKind::Scalar, json!(31.245_270_191_439_438)),
        (MetricKind::Scalar, json!(5e-324)),
        (MetricKind::Scalar, json!(f64::MAX)),
        (MetricKind::Scalar, json!(-0.0)),
        (MetricKind::Scalar, json!(u64::MAX)),
        (MetricKind::Scalar, json!(i64::MIN)),
        (MetricKind::Scalar, json!(3)),
        (MetricKind::Scalar, json!(3.0)),
        (MetricKind::Scalar, json!("NaN")),
        (MetricKind::Scalar, json!("-Infinity")),
        (MetricKind::Scalar, json!("text '\u{0}")),
        (MetricKind::Scalar, json!(true)),
        (MetricKind::Scalar, Value::Null),
        (MetricKind::List, json!([1, 2.5, "NaN"])),
        (MetricKind::Row, json!({"x": 0.1, "y": 2})),
        (MetricKind::Table, json!({"x": [1, 2], "y": [3, 4]})),
        (MetricKind::Image, json!({"path": "outputs/a.png"})),
        (
            MetricKind::ConfusionMatrix,
            json!({"data": {"matrix": [[1, 0], [0, 1]]}}),
        ),
        (MetricKind::Residuals, json!({})),
        (MetricKind::Predictions, json!({})),
        (MetricKind::AccuracyTable, json!({"big": vec![0.5; 5000]})),
    ];
    let values: Vec<_> = kinds
        .into_iter()
        .map(|(kind, value)| MetricValue {
            name: "a \u{1F680}".into(),
            kind,
            value,
            step: Some(i64::MIN),
            time: 1_763_903_000.123_456_7,
        })
        .collect();
    let part = values.iter().map(|value| (id(1), value.clone())).collect();
    store.add_metrics(&id(1), batch(0, 1, part)).await.unwrap();
    for (found, expected) in store.metrics(&id(1)).await.unwrap().iter().zip(&values) {
        assert_eq!(found, expected);
        assert_eq!(found.value.to_string(), expected.value.to_string());
    }
    assert_eq!(store.metrics(&id(1)).await.unwrap().len(), values.len());
}

/// A stretch that is sent again (its answer was lost) is refused and adds nothing.
pub async fn the_same_stretch_counts_once(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let stretch = || batch(0, 50, vec![(id(1), scalar("a", 1.0))]);
    store.add_metrics(&id(1), stretch()).await.unwrap();
    let error = store.add_metrics(&id(1), stretch()).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Conflict(text) if text.contains("50")),
        "{error}"
    );
    assert_eq!(
        (
            store.metrics(&id(1)).await.unwrap().len(),
            ingested(&*store, 1).await
        ),
        (1, 50)
    );
}

/// Neither a gap, nor an overlap, nor a stretch that ends before it begins.
pub async fn a_gap_is_refused(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    store.add_metrics(&id(1), batch(0, 50, vec![])).await.unwrap();
    for (from, to) in [(51, 60), (49, 60), (0, 60), (50, 49), (u64::MAX, u64::MAX)] {
        let stretch = batch(from, to, vec![(id(1), scalar("a", 1.0))]);
        let error = store.add_metrics(&id(1), stretch).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{from} {to}: {error}");
    }
    assert_eq!(
        (
            store.metrics(&id(1)).await.unwrap().len(),
            ingested(&*store, 1).await
        ),
        (0, 50)
    );
}

/// If one value belongs to a run that is not there, none is taken and the mark stays.
pub async fn an_unknown_run_takes_nothing_of_the_batch(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    let values = vec![(id(1), scalar("a", 1.0)), (id(9), scalar("a", 2.0))];
    for owner in [1, 9] {
        let error = store
            .add_metrics(&id(owner), batch(0, 50, values.clone()))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, StoreError::NotFound { what: "run", name } if name == id(9).as_str()),
            "{error}"
        );
    }
    assert_eq!(
        (
            store.metrics(&id(1)).await.unwrap().len(),
            ingested(&*store, 1).await
        ),
        (0, 0)
    );
    assert!(matches!(
        store.metrics(&id(9)).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        store.ingested_metrics(&id(9)).await,
        Err(StoreError::NotFound { .. })
    ));
}

/// One file of a run holds metrics of its children too; the mark is the run's.
pub async fn children_have_their_own(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    store.create_run(child(2, 1), at(2)).await.unwrap();
    let values = vec![
        (id(2), scalar("c", 1.0)),
        (id(1), scalar("p", 2.0)),
        (id(2), scalar("c", 3.0)),
        (id(1), scalar("p", 4.0)),
    ];
    store.add_metrics(&id(1), batch(0, 80, values)).await.unwrap();
    store
        .add_metrics(&id(1), batch(80, 90, vec![(id(2), scalar("c", 5.0))]))
        .await
        .unwrap();
    let child = [scalar("c", 1.0), scalar("c", 3.0), scalar("c", 5.0)];
    assert_eq!(store.metrics(&id(2)).await.unwrap(), child);
    assert_eq!(
        store.metrics(&id(1)).await.unwrap(),
        [scalar("p", 2.0), scalar("p", 4.0)]
    );
    assert_eq!((ingested(&*store, 1).await, ingested(&*store, 2).await), (90, 0));
}

/// Lines that hold no metric move the mark as well.
pub async fn an_empty_stretch_moves_the_mark(store: Arc<dyn Store>) {
    runs(&*store, 1).await;
    for (from, to) in [(0, 0), (0, 10), (10, 10), (10, 1 << 40)] {
        store.add_metrics(&id(1), batch(from, to, vec![])).await.unwrap();
        assert_eq!(ingested(&*store, 1).await, to);
    }
}

/// What a client sends again counts once; what differs in anything is another value. The mark of the file stays.
pub async fn a_client_may_send_them_again(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    let value = |value: f64, step: Option<i64>, time: f64| MetricValue {
        name: "loss".into(),
        kind: MetricKind::Scalar,
        value: json!(value),
        step,
        time,
    };
    store
        .add_metrics(&id(1), batch(0, 9, vec![(id(1), value(0.5, None, 1.0))]))
        .await
        .unwrap();
    let sent = vec![
        value(0.5, None, 1.0),
        value(0.5, Some(0), 1.0),
        value(0.5, Some(0), 2.0),
        value(0.25, Some(0), 2.0),
        MetricValue {
            kind: MetricKind::List,
            ..value(0.5, Some(0), 1.0)
        },
        MetricValue {
            name: "Loss".into(),
            ..value(0.5, Some(0), 1.0)
        },
    ];
    for _ in 0..2 {
        store.log_metrics(&id(1), sent.clone()).await.unwrap();
        assert_eq!(store.metrics(&id(1)).await.unwrap(), sent);
    }
    assert_eq!(store.metrics(&id(2)).await.unwrap(), []);
    assert_eq!(store.ingested_metrics(&id(1)).await.unwrap().bytes, 9);
    let error = store.log_metrics(&id(9), sent).await.unwrap_err();
    assert!(
        matches!(error, StoreError::NotFound { what: "run", .. }),
        "{error}"
    );
}

/// However they came: by the file, from clients, in one batch or in several; and only what is a number.
pub async fn the_newest_of_each_name(store: Arc<dyn Store>) {
    runs(&*store, 2).await;
    assert_eq!(store.newest_metrics(&id(1)).await.unwrap(), []);
    let value = |name: &str, value: Value, step: Option<i64>, time: f64| MetricValue {
        name: name.into(),
        kind: MetricKind::Scalar,
        value,
        step,
        time,
    };
    let list = MetricValue {
        kind: MetricKind::List,
        ..value("b", json!([9]), Some(9), 9.0)
    };
    let of_file = vec![
        (id(1), value("b", json!(1), None, 1.0)),
        (id(1), list),
        (id(1), value("text", json!("red"), None, 1.0)),
        (id(1), value("a", json!(3), Some(3), 1.0)),
        (id(1), value("a", json!(2), Some(2), 2.0)),
        (id(2), value("a", json!("NaN"), Some(8), 1.0)),
    ];
    store.add_metrics(&id(1), batch(0, 9, of_file)).await.unwrap();
    let of_client = vec![
        value("a", json!(1), Some(1), 9.0),
        value("A", json!(0.5), Some(i64::MIN), 1.0),
        value("b", json!("Infinity"), Some(0), 1.0),
        value("b", json!(7), Some(-1), 5.0),
    ];
    // Sent again, they change nothing.
    for _ in 0..2 {
        store.log_metrics(&id(1), of_client.clone()).await.unwrap();
        assert_eq!(
            store.newest_metrics(&id(1)).await.unwrap(),
            [
                value("A", json!(0.5), Some(i64::MIN), 1.0),
                value("a", json!(3), Some(3), 1.0),
                value("b", json!("Infinity"), Some(0), 1.0),
            ]
        );
    }
    assert_eq!(
        store.newest_metrics(&id(2)).await.unwrap(),
        [value("a", json!("NaN"), Some(8), 1.0)]
    );
    let all = store.metrics(&id(1)).await.unwrap();
    let by_rule: Vec<_> = rules::newest(&all).into_values().cloned().collect();
    assert_eq!(store.newest_metrics(&id(1)).await.unwrap(), by_rule);
    assert!(matches!(
        store.newest_metrics(&id(9)).await.unwrap_err(),
        StoreError::NotFound { what: "run", .. }
    ));
}

/// The runs that the same filter lists, whole, each with its own.
pub async fn of_many_runs_at_once(store: Arc<dyn Store>) {
    runs(&*store, 3).await;
    store.create_run(child(4, 1), at(4)).await.unwrap();
    for number in [1, 2, 4] {
        let values = vec![scalar("m", number as f64), scalar("n", -1.0)];
        store.log_metrics(&id(number), values).await.unwrap();
    }
    store
        .apply(
            &id(2),
            Guard::Any,
            vec![RunEventKind::Tagged {
                tags: tags(&[("k", "v")]),
            }],
            at(5),
        )
        .await
        .unwrap();
    for (filter, expected) in [
        (here(), vec![3, 2, 1]),
        (
            RunFilter {
                children: Some(true),
                ..here()
            },
            vec![4, 3, 2, 1],
        ),
        (
            RunFilter {
                limit: Some(2),
                ..here()
            },
            vec![3, 2],
        ),
        (
            RunFilter {
                tag: Some("k=v".into()),
                ..here()
            },
            vec![2],
        ),
        (
            RunFilter {
                experiment: Some("none".into()),
                ..here()
            },
            vec![],
        ),
    ] {
        assert_eq!(listed(&*store, filter.clone()).await, expected, "{filter:?}");
        let found = store.runs_with_metrics(&filter).await.unwrap();
        let mut single = Vec::new();
        for number in expected {
            let (run, newest) = (
                store.run(&id(number)).await,
                store.newest_metrics(&id(number)).await,
            );
            single.push((run.unwrap(), newest.unwrap()));
        }
        assert_eq!(found, single, "{filter:?}");
        let mut ids: Vec<RunId> = single.iter().map(|(run, _)| run.id.clone()).collect();
        ids.reverse();
        single.reverse();
        ids.insert(0, id(999));
        assert_eq!(store.whole_runs(&ids).await.unwrap(), single, "{filter:?}");
    }
    let counts: Vec<_> = store.runs_with_metrics(&here()).await.unwrap();
    let counts: Vec<_> = counts.iter().map(|(_, metrics)| metrics.len()).collect();
    assert_eq!(counts, [0, 2, 2]);
    let elsewhere = RunFilter {
        workspace: Some("elsewhere".into()),
        ..RunFilter::default()
    };
    assert!(store.runs_with_metrics(&elsewhere).await.is_err());
}
