//! Reads and writes of metrics and outputs.

use std::collections::BTreeMap;

use outhaul_store::{IngestedMetrics, MetricBatch, rules};
use outhaul_types::api::Output;
use outhaul_types::{MetricKind, MetricValue, RunId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::{Fault, Result};
use crate::newest::Added;
use crate::{codec, runs};

pub(crate) fn add(connection: &Connection, id: &RunId, batch: &MetricBatch) -> Result<()> {
    let run = runs::key(connection, id)?;
    rules::check_metrics(id, mark(connection, run)?, batch)?;
    // For each run that is named: its key and the position of its next metric.
    let mut owners: BTreeMap<&RunId, (i64, i64)> = BTreeMap::new();
    let sql = "INSERT INTO metrics (run, position, name, kind, value, step, time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = connection.prepare_cached(sql)?;
    let mut newest = Added::default();
    for (owner, metric) in &batch.values {
        let entry = match owners.entry(owner) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let key = if owner == id {
                    run
                } else {
                    runs::key(connection, owner)?
                };
                new.insert((key, next_position(connection, key)?))
            }
        };
        let value = codec::json(&metric.value)?;
        let kind = metric.kind.as_str();
        insert.execute(params![
            entry.0,
            entry.1,
            metric.name,
            kind,
            value,
            metric.step,
            metric.time
        ])?;
        newest.note(entry.0, entry.1, metric);
        entry.1 += 1;
    }
    newest.write(connection)?;
    let sql = "INSERT INTO metric_marks (run, bytes) VALUES (?1, ?2)
               ON CONFLICT (run) DO UPDATE SET bytes = excluded.bytes";
    connection
        .prepare_cached(sql)?
        .execute([run, codec::signed(batch.to)])?;
    Ok(())
}

/// Adds metrics that are not there yet.
pub(crate) fn log(connection: &Connection, id: &RunId, values: &[MetricValue]) -> Result<()> {
    let run = runs::key(connection, id)?;
    let mut position = next_position(connection, run)?;
    // Named, because SQLite would choose the primary key and look at every metric of the run.
    let sql = "INSERT INTO metrics (run, position, name, kind, value, step, time)
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (
               SELECT 1 FROM metrics INDEXED BY metrics_by_name WHERE run = ?1 AND name = ?3
               AND step IS ?6 AND time IS ?7 AND kind = ?4 AND value = ?5)";
    let mut insert = connection.prepare_cached(sql)?;
    let mut newest = Added::default();
    for metric in values {
        let added = insert.execute(params![
            run,
            position,
            metric.name,
            metric.kind.as_str(),
            codec::json(&metric.value)?,
            metric.step,
            metric.time
        ])?;
        if added > 0 {
            newest.note(run, position, metric);
            position += 1;
        }
    }
    newest.write(connection)
}

pub(crate) fn ingested(connection: &Connection, id: &RunId) -> Result<IngestedMetrics> {
    Ok(IngestedMetrics {
        bytes: mark(connection, runs::key(connection, id)?)?,
    })
}

pub(crate) fn all(connection: &Connection, id: &RunId) -> Result<Vec<MetricValue>> {
    let run = runs::key(connection, id)?;
    let sql = "SELECT name, kind, value, step, time FROM metrics WHERE run = ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([run])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(from_row(row)?);
    }
    Ok(found)
}

/// A metric from the columns `name`, `kind`, `value`, `step` and `time`.
pub(crate) fn from_row(row: &Row<'_>) -> Result<MetricValue> {
    let name: String = row.get(0)?;
    let kind = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
    let value = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
    let time: Option<f64> = row.get(4)?;
    Ok(MetricValue {
        kind: MetricKind::parse(kind).ok_or_else(|| Fault::damaged("the kind of a metric", kind))?,
        value: codec::read(|| format!("metric `{name}`"), codec::FORMAT, value)?,
        step: row.get(3)?,
        // SQLite keeps a NaN as NULL.
        time: time.unwrap_or(f64::NAN),
        name,
    })
}

pub(crate) fn put_outputs(connection: &Connection, id: &RunId, outputs: &[Output]) -> Result<()> {
    let run = runs::key(connection, id)?;
    let sql = "INSERT OR REPLACE INTO outputs (run, path, size, hash) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(sql)?;
    for output in outputs {
        insert.execute(params![run, output.path, codec::signed(output.size), output.hash])?;
    }
    Ok(())
}

pub(crate) fn remove_outputs(connection: &Connection, id: &RunId, paths: &[String]) -> Result<()> {
    let run = runs::key(connection, id)?;
    let mut remove = connection.prepare_cached("DELETE FROM outputs WHERE run = ?1 AND path = ?2")?;
    for path in paths {
        remove.execute(params![run, path])?;
    }
    Ok(())
}

pub(crate) fn outputs(connection: &Connection, id: &RunId) -> Result<Vec<Output>> {
    let run = runs::key(connection, id)?;
    let mut statement =
        connection.prepare_cached("SELECT path, size, hash FROM outputs WHERE run = ?1 ORDER BY path")?;
    let mut rows = statement.query([run])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Output {
            path: row.get(0)?,
            size: codec::unsigned(row.get(1)?)?,
            hash: row.get(2)?,
        });
    }
    Ok(found)
}

fn mark(connection: &Connection, run: i64) -> Result<u64> {
    let mut statement = connection.prepare_cached("SELECT bytes FROM metric_marks WHERE run = ?1")?;
    let bytes = statement.query_row([run], |row| row.get(0)).optional()?;
    bytes.map_or(Ok(0), codec::unsigned)
}

fn next_position(connection: &Connection, run: i64) -> Result<i64> {
    let sql = "SELECT coalesce(max(position), 0) + 1 FROM metrics WHERE run = ?1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([run], |row| row.get(0))?)
}
