//! The newest number of each metric of a run: a table that points into `metrics`, so that nobody reads all values of many
//! runs to show the last of each.

use std::collections::BTreeMap;

use outhaul_store::rules;
use outhaul_store::rules::RunQuery;
use outhaul_types::{MetricValue, Run, RunId};
use rusqlite::{Connection, params, params_from_iter};

use crate::fault::Result;
use crate::{list, metrics, runs, workspaces};

/// The newest of what was just added, by run and name, with their positions.
#[derive(Default)]
pub(crate) struct Added<'a>(BTreeMap<(i64, &'a str), (i64, &'a MetricValue)>);

impl<'a> Added<'a> {
    /// Takes note of a value that was added.
    pub fn note(&mut self, run: i64, position: i64, value: &'a MetricValue) {
        if value.number().is_none() {
            return;
        }
        let known = self.0.entry((run, &value.name)).or_insert((position, value));
        if rules::is_newer(value, known.1) {
            *known = (position, value);
        }
    }

    /// Points at those that are newer than what was there.
    pub fn write(self, connection: &Connection) -> Result<()> {
        let sql = "SELECT metrics.name, kind, value, step, time FROM newest_metrics AS newest
                   CROSS JOIN metrics ON metrics.run = newest.run AND metrics.position = newest.position
                   WHERE newest.run = ?1 AND newest.name = ?2";
        let mut known = connection.prepare_cached(sql)?;
        let sql = "INSERT INTO newest_metrics (run, name, position) VALUES (?1, ?2, ?3)
                   ON CONFLICT (run, name) DO UPDATE SET position = excluded.position";
        let mut point = connection.prepare_cached(sql)?;
        for ((run, name), (position, value)) in self.0 {
            let mut rows = known.query(params![run, name])?;
            let is_newer = match rows.next()? {
                Some(row) => rules::is_newer(value, &metrics::from_row(row)?),
                None => true,
            };
            if is_newer {
                point.execute(params![run, name, position])?;
            }
        }
        Ok(())
    }
}

/// Those of one run, by name.
pub(crate) fn of_run(connection: &Connection, id: &RunId) -> Result<Vec<MetricValue>> {
    of_key(connection, runs::key(connection, id)?)
}

fn of_key(connection: &Connection, run: i64) -> Result<Vec<MetricValue>> {
    let sql = "SELECT metrics.name, kind, value, step, time FROM newest_metrics AS newest
               CROSS JOIN metrics ON metrics.run = newest.run AND metrics.position = newest.position
               WHERE newest.run = ?1 ORDER BY newest.name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([run])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(metrics::from_row(row)?);
    }
    Ok(found)
}

/// These whole runs as far as they are there, each with its own.
pub(crate) fn with_ids(connection: &Connection, ids: &[RunId]) -> Result<Vec<(Run, Vec<MetricValue>)>> {
    let mut statement = connection.prepare_cached(&format!("{} WHERE runs.id = ?1", runs::SELECT))?;
    let mut found = Vec::new();
    for id in ids {
        let mut rows = statement.query([id.as_str()])?;
        if let Some(row) = rows.next()? {
            let (key, run) = runs::from_row(row)?;
            found.push((run, of_key(connection, key)?));
        }
    }
    Ok(found)
}

/// The whole runs that a query means, each with its own.
pub(crate) fn with_runs(
    connection: &Connection,
    query: &RunQuery<'_>,
) -> Result<Vec<(Run, Vec<MetricValue>)>> {
    if let Some(name) = query.workspace {
        workspaces::check(connection, name)?;
    }
    let (sql, values) = list::statement(runs::SELECT, query);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, run) = runs::from_row(row)?;
        found.push((run, of_key(connection, key)?));
    }
    Ok(found)
}
