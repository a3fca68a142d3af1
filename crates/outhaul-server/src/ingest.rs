//! Metrics on their way from a run's metrics file into the store: cutting lines (pure), and keeping what they say
//! exactly once.

use std::collections::BTreeMap;

use outhaul_store::{Guard, MetricBatch, StoreError};
use outhaul_types::metric::{MAX_LINE, MetricRecord, parse_line};
use outhaul_types::{Failure, FailureClass, NewRun, Run, RunEventKind, RunId, RunState};

use crate::app::App;

/// How many bad lines of one stretch are named.
const NAMED: usize = 3;

/// Whole lines of a stretch of the file, and how many bytes they take up. What comes after the last line end waits
/// for more, unless it is longer than any line may be, or `last` says that nothing will come.
pub(crate) fn cut(bytes: &[u8], last: bool) -> (Vec<&[u8]>, usize) {
    let mut whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if last || bytes.len() - whole > MAX_LINE {
        whole = bytes.len();
    }
    let lines = bytes[..whole]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace));
    (lines.collect(), whole)
}

/// Keeps what a stretch of a run's metrics file says, beginning at byte `from` of the file. Returns how many bytes
/// were taken.
pub(crate) async fn keep(
    app: &App,
    run: &Run,
    from: u64,
    bytes: &[u8],
    last: bool,
) -> Result<usize, StoreError> {
    let (lines, taken) = cut(bytes, last);
    if taken == 0 {
        return Ok(0);
    }
    let mut batch = MetricBatch {
        from,
        to: from + taken as u64,
        values: Vec::new(),
    };
    let mut tags: BTreeMap<RunId, BTreeMap<String, String>> = BTreeMap::new();
    let mut properties: BTreeMap<RunId, BTreeMap<String, String>> = BTreeMap::new();
    let mut bad: Vec<String> = Vec::new();
    let of = |child: Option<String>| {
        child.map_or_else(|| run.id.clone(), |child| RunId::of_child(&run.id, &child))
    };
    let mut ends = Vec::new();
    for line in lines {
        match parse_line(line) {
            Ok(MetricRecord::Metric { child, value }) => batch.values.push((of(child), value)),
            Ok(MetricRecord::Tag { child, name, value }) => {
                tags.entry(of(child)).or_default().insert(name, value);
            }
            Ok(MetricRecord::Property { child, name, value }) => {
                let known = properties.entry(of(child)).or_default();
                known.entry(name).or_insert(value);
            }
            Ok(MetricRecord::Upload) => {}
            Ok(MetricRecord::Child { id, name, parent }) => {
                create_child(app, run, &id, name, of(parent)).await?;
            }
            Ok(MetricRecord::ChildEnd { id, state, error }) => ends.push((of(Some(id)), state, error)),
            Err(why) => bad.push(why),
        }
    }
    // All before the mark moves, and each such that doing it again changes nothing.
    for (id, tags) in tags {
        add_tags(app, run, &id, tags).await?;
    }
    for (id, properties) in properties {
        add_properties(app, run, &id, properties).await?;
    }
    for (id, state, error) in ends {
        end_child(app, run, &id, &state, error).await?;
    }
    keep_known(app, run, batch).await?;
    // After the mark moved: said at most once.
    if !bad.is_empty() {
        let shown = bad.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        let lines = if bad.len() == 1 {
            "line of the metrics file was"
        } else {
            "lines of the metrics file were"
        };
        let message = format!("{} {lines} left out: {shown}", bad.len());
        app.apply(&run.id, Guard::Any, vec![RunEventKind::Note { message }])
            .await?;
    }
    app.hub.changed(&run.id);
    Ok(taken)
}

/// Adds the batch; values of a child run that was never announced are left out rather than lost with all others.
async fn keep_known(app: &App, run: &Run, mut batch: MetricBatch) -> Result<(), StoreError> {
    let mut known: BTreeMap<RunId, bool> = BTreeMap::from([(run.id.clone(), true)]);
    for (owner, _) in &batch.values {
        if !known.contains_key(owner) {
            known.insert(owner.clone(), own(app, run, owner).await?.is_some());
        }
    }
    batch
        .values
        .retain(|(owner, _)| known.get(owner).copied().unwrap_or_default());
    app.store.add_metrics(&run.id, batch).await
}

/// The run with this id if it is `run` itself or a descendant of it: a script has a say in no other run.
async fn own(app: &App, run: &Run, id: &RunId) -> Result<Option<Run>, StoreError> {
    let found = match app.store.run(id).await {
        Ok(found) => found,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut above = Some(found.clone());
    while let Some(at) = above {
        if at.id == run.id {
            return Ok(Some(found));
        }
        above = match at.parent {
            Some(parent) => app.store.run(&parent).await.ok(),
            None => None,
        };
    }
    Ok(None)
}

async fn add_tags(
    app: &App,
    run: &Run,
    id: &RunId,
    tags: BTreeMap<String, String>,
) -> Result<(), StoreError> {
    match own(app, run, id).await? {
        Some(owner)
            if tags
                .iter()
                .any(|(name, value)| owner.tags.get(name) != Some(value)) =>
        {
            app.apply(id, Guard::Any, vec![RunEventKind::Tagged { tags }])
                .await
                .map(drop)
        }
        _ => Ok(()),
    }
}

async fn add_properties(
    app: &App,
    run: &Run,
    id: &RunId,
    mut properties: BTreeMap<String, String>,
) -> Result<(), StoreError> {
    let Some(owner) = own(app, run, id).await? else {
        return Ok(());
    };
    // The first value stays.
    properties.retain(|name, _| !owner.properties.contains_key(name));
    if properties.is_empty() {
        return Ok(());
    }
    app.apply(id, Guard::Any, vec![RunEventKind::PropertiesAdded { properties }])
        .await
        .map(drop)
}

async fn create_child(
    app: &App,
    run: &Run,
    script_id: &str,
    name: Option<String>,
    parent: RunId,
) -> Result<(), StoreError> {
    let id = RunId::of_child(&run.id, script_id);
    if app.store.run(&id).await.is_ok() || own(app, run, &parent).await?.is_none() {
        return Ok(());
    }
    let new = NewRun {
        name: name.unwrap_or_else(|| format!("{}-{}", run.name, id.short())),
        id: id.clone(),
        workspace: run.workspace.clone(),
        experiment: run.experiment.clone(),
        target: run.target.clone(),
        tags: BTreeMap::new(),
        parent: Some(parent),
        spec: None,
    };
    app.store.create_run(new, jiff::Timestamp::now()).await?;
    app.apply(&id, Guard::Any, vec![RunEventKind::Running])
        .await
        .map(drop)
}

async fn end_child(
    app: &App,
    run: &Run,
    id: &RunId,
    state: &str,
    error: Option<String>,
) -> Result<(), StoreError> {
    let event = match state {
        "Completed" => RunEventKind::Completed,
        "Canceled" => RunEventKind::Canceled,
        _ => {
            let message = error.unwrap_or_else(|| "the script said so".to_owned());
            RunEventKind::Failed {
                failure: Failure::new(FailureClass::User, message),
            }
        }
    };
    match own(app, run, id).await? {
        // Only children: the run itself ends by the evidence of its process.
        Some(child) if child.id != run.id && !child.state.is_terminal() => {
            app.apply(id, Guard::Any, vec![event]).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Ends the child runs that their script left open, with the state that their parent ended in.
pub(crate) async fn end_children(app: &App, run: &Run, state: RunState) -> Result<(), StoreError> {
    let filter = outhaul_types::api::RunFilter {
        workspace: Some(run.workspace.clone()),
        parent: Some(run.id.to_string()),
        ..Default::default()
    };
    for child in app.store.list_runs(&filter).await? {
        if !child.state.is_terminal() {
            let error = Some("its parent ended before it".to_owned());
            end_child(
                app,
                run,
                &child.id,
                if state == RunState::Completed {
                    "Completed"
                } else {
                    state.as_str()
                },
                error,
            )
            .await?;
            let grandchildren = app.store.run(&child.id).await?;
            Box::pin(end_children(app, &grandchildren, state)).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_taken_until_the_end() {
        let bytes = b"{\"a\":1}\n\n{\"b\":2}\n{\"c\"";
        let (lines, taken) = cut(bytes, false);
        assert_eq!((lines, taken), (vec![&b"{\"a\":1}"[..], b"{\"b\":2}"], 17));
        assert_eq!(cut(bytes, true).0.len(), 3);
        assert_eq!(cut(b"no line yet", false), (vec![], 0));
        let long = vec![b'x'; MAX_LINE + 1];
        assert_eq!(cut(&long, false).1, long.len());
    }

    proptest::proptest! {
        /// However the file is cut into stretches, the same lines come out.
        #[test]
        fn any_cut_gives_the_same_lines(text in "[a-c\\n]{0,60}", at in 0usize..60) {
            let bytes = text.as_bytes();
            let at = at.min(bytes.len());
            let (first, taken) = cut(&bytes[..at], false);
            let mut lines: Vec<Vec<u8>> = first.into_iter().map(<[u8]>::to_vec).collect();
            lines.extend(cut(&bytes[taken..], true).0.into_iter().map(<[u8]>::to_vec));
            let whole: Vec<Vec<u8>> = cut(bytes, true).0.into_iter().map(<[u8]>::to_vec).collect();
            proptest::prop_assert_eq!(lines, whole);
        }
    }
}
