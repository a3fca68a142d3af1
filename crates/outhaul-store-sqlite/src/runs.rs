//! Reads and writes of single runs and their events.

use jiff::Timestamp;
use outhaul_store::{AppliedRun, Guard, StoreError, rules};
use outhaul_types::api::RunSummary;
use outhaul_types::{NewRun, Run, RunEvent, RunEventKind, RunId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::{Fault, Result};
use crate::{codec, workspaces};

/// The columns that [`from_row`] reads. `CROSS JOIN` fixes the order: `runs` leads, the others follow by key.
pub(crate) const SELECT: &str = "SELECT runs.key, runs.id, run_records.format, run_records.record,
    run_submissions.format, run_submissions.submission
    FROM runs CROSS JOIN run_records ON run_records.run = runs.key
    CROSS JOIN run_submissions ON run_submissions.run = runs.key";

/// A run with its key.
pub(crate) fn from_row(row: &Row<'_>) -> Result<(i64, Run)> {
    let text = |column| Ok::<_, Fault>(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?);
    Ok((
        row.get(0)?,
        codec::run(text(1)?, (row.get(2)?, text(3)?), (row.get(4)?, text(5)?))?,
    ))
}

fn not_found(id: &str) -> Fault {
    StoreError::NotFound {
        what: "run",
        name: id.to_owned(),
    }
    .into()
}

/// The key under which the tables know a run.
pub(crate) fn key(connection: &Connection, id: &RunId) -> Result<i64> {
    let mut statement = connection.prepare_cached("SELECT key FROM runs WHERE id = ?1")?;
    let found = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    found.ok_or_else(|| not_found(id.as_str()))
}

pub(crate) fn get(connection: &Connection, id: &RunId) -> Result<Run> {
    Ok(load(connection, id)?.1)
}

fn load(connection: &Connection, id: &RunId) -> Result<(i64, Run)> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE runs.id = ?1"))?;
    let found = statement
        .query_row([id.as_str()], |row| Ok(from_row(row)))
        .optional()?;
    found.unwrap_or_else(|| Err(not_found(id.as_str())))
}

pub(crate) fn find(connection: &Connection, prefix: &str) -> Result<Run> {
    if !RunId::is_prefix(prefix) {
        return Err(not_found(prefix));
    }
    // `{` comes after every character of an id.
    let sql = "SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || '{' ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let matches = statement.query_map(params![prefix, rules::AMBIGUOUS_SHOWN as i64], |row| row.get(0))?;
    let mut matches = matches.collect::<rusqlite::Result<Vec<String>>>()?;
    if matches.len() > 1 {
        return Err(StoreError::Ambiguous {
            prefix: prefix.to_owned(),
            matches,
        }
        .into());
    }
    let id = matches.pop().ok_or_else(|| not_found(prefix))?;
    get(
        connection,
        &id.parse()
            .map_err(|error| Fault::damaged("the id of a run", &error))?,
    )
}

pub(crate) fn create(connection: &Connection, new: NewRun, at: Timestamp) -> Result<AppliedRun> {
    if let Some(submitted) = submission(connection, &new.id)? {
        return if submitted == new {
            Ok(AppliedRun {
                run: get(connection, &new.id)?,
                events: Vec::new(),
            })
        } else {
            Err(rules::other_submission(&new.id).into())
        };
    }
    workspaces::check(connection, &new.workspace)?;
    let parent = new
        .parent
        .as_ref()
        .map(|parent| key(connection, parent))
        .transpose()?;
    let counted = parent.is_none().then_some(at);
    workspaces::count_run(connection, &new.workspace, &new.experiment, counted)?;

    let submission = codec::json(&new)?;
    let (mut run, event) = Run::submitted(new, at);
    let sql =
        "INSERT INTO runs (id, workspace, experiment, target, name, parent, has_spec, created_at, state,
               terminal, tags) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    connection.prepare_cached(sql)?.execute(params![
        run.id.as_str(),
        run.workspace,
        run.experiment,
        run.target,
        run.name,
        parent,
        run.spec.is_some(),
        codec::nanos(at),
        run.state.as_str(),
        run.state.is_terminal(),
        codec::json(&run.tags)?,
    ])?;
    let key = connection.last_insert_rowid();
    put_tags(connection, key, &run)?;
    let sql = "INSERT INTO run_submissions (run, format, submission) VALUES (?1, ?2, ?3)";
    connection
        .prepare_cached(sql)?
        .execute(params![key, codec::FORMAT, submission])?;
    let sql = "INSERT INTO run_records (run, format, record) VALUES (?1, ?2, ?3)";
    connection
        .prepare_cached(sql)?
        .execute(params![key, codec::FORMAT, codec::record(&mut run)?])?;
    add_event(connection, key, &event)?;
    Ok(AppliedRun {
        run,
        events: vec![event],
    })
}

/// Records a run with events that follow its submission at once.
pub(crate) fn create_with(
    connection: &Connection,
    new: NewRun,
    events: Vec<RunEventKind>,
    at: Timestamp,
) -> Result<AppliedRun> {
    let mut created = create(connection, new, at)?;
    if !created.events.is_empty() && !events.is_empty() {
        let applied = apply(connection, &created.run.id, Guard::Any, events, at)?;
        created.run = applied.run;
        created.events.extend(applied.events);
    }
    Ok(created)
}

fn submission(connection: &Connection, id: &RunId) -> Result<Option<NewRun>> {
    let sql =
        "SELECT format, submission FROM run_submissions WHERE run = (SELECT key FROM runs WHERE id = ?1)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
    codec::submission(id.as_str(), row.get(0)?, text).map(Some)
}

pub(crate) fn apply(
    connection: &Connection,
    id: &RunId,
    guard: Guard,
    events: Vec<RunEventKind>,
    at: Timestamp,
) -> Result<AppliedRun> {
    let (key, run) = load(connection, id)?;
    let before = RunSummary::from(&run);
    let mut applied = rules::apply_events(run, guard, events, at)?;
    if applied.events.is_empty() {
        return Ok(applied);
    }
    let sql = "UPDATE run_records SET format = ?2, record = ?3 WHERE run = ?1";
    let record = codec::record(&mut applied.run)?;
    connection
        .prepare_cached(sql)?
        .execute(params![key, codec::FORMAT, record])?;
    let after = RunSummary::from(&applied.run);
    // Most events of a run that waits or is out of contact change nothing that lists show.
    if after != before {
        put_summary(connection, key, &after)?;
        if after.tags != before.tags {
            put_tags(connection, key, &applied.run)?;
        }
    }
    for event in &applied.events {
        add_event(connection, key, event)?;
    }
    Ok(applied)
}

fn put_summary(connection: &Connection, key: i64, summary: &RunSummary) -> Result<()> {
    let sql = "UPDATE runs SET state = ?2, terminal = ?3, started_at = ?4, ended_at = ?5, ran_ms = ?6,
               failure_class = ?7, exit_code = ?8, tags = ?9 WHERE key = ?1";
    connection.prepare_cached(sql)?.execute(params![
        key,
        summary.state.as_str(),
        summary.state.is_terminal(),
        summary.started_at.map(codec::nanos),
        summary.ended_at.map(codec::nanos),
        summary.ran_ms.map(codec::signed),
        summary.failure_class.map(|class| class.to_string()),
        summary.exit_code,
        codec::json(&summary.tags)?,
    ])?;
    Ok(())
}

fn put_tags(connection: &Connection, key: i64, run: &Run) -> Result<()> {
    if run.tags.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO run_tags (run, name, value) VALUES (?1, ?2, ?3)
               ON CONFLICT (run, name) DO UPDATE SET value = excluded.value";
    let mut statement = connection.prepare_cached(sql)?;
    for (name, value) in &run.tags {
        statement.execute(params![key, name, value])?;
    }
    Ok(())
}

fn add_event(connection: &Connection, key: i64, event: &RunEvent) -> Result<()> {
    let sql = "INSERT INTO events (run, seq, at, format, event) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (seq, at) = (codec::signed(event.seq), codec::nanos(event.at));
    let values = params![key, seq, at, codec::FORMAT, codec::json(&event.event)?];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

pub(crate) fn events(connection: &Connection, id: &RunId, after: u64) -> Result<Vec<RunEvent>> {
    let key = key(connection, id)?;
    let sql = "SELECT seq, at, format, event FROM events WHERE run = ?1 AND seq > ?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([key, codec::signed(after)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = codec::unsigned(row.get(0)?)?;
        let text = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        let event = codec::read(|| format!("event {seq} of run `{id}`"), row.get(2)?, text)?;
        found.push(RunEvent {
            seq,
            at: codec::time(row.get(1)?)?,
            event,
        });
    }
    Ok(found)
}

pub(crate) fn mark_released(connection: &Connection, id: &RunId) -> Result<()> {
    let key = key(connection, id)?;
    connection
        .prepare_cached("UPDATE runs SET released = 1 WHERE key = ?1 AND released = 0")?
        .execute([key])?;
    Ok(())
}
