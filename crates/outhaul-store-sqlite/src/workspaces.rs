//! Reads and writes of workspaces and experiments.

use jiff::Timestamp;
use outhaul_store::StoreError;
use outhaul_types::api::Experiment;
use outhaul_types::{Workspace, WorkspaceSettings};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::codec;
use crate::fault::{Fault, Result};

pub(crate) fn put(
    connection: &Connection,
    name: &str,
    settings: &WorkspaceSettings,
    at: Timestamp,
) -> Result<Workspace> {
    let sql = "INSERT INTO workspaces (name, settings, created_at, current)
               VALUES (?1, ?2, ?3, NOT EXISTS (SELECT 1 FROM workspaces))
               ON CONFLICT (name) DO UPDATE SET settings = excluded.settings";
    connection
        .prepare_cached(sql)?
        .execute(params![name, codec::json(settings)?, codec::nanos(at)])?;
    get(connection, name)
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<Workspace>> {
    let sql = "SELECT name, settings, created_at, current FROM workspaces ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(workspace(row)?);
    }
    Ok(found)
}

pub(crate) fn make_current(connection: &Connection, name: &str) -> Result<Workspace> {
    check(connection, name)?;
    connection
        .prepare_cached("UPDATE workspaces SET current = 0 WHERE current = 1")?
        .execute(())?;
    connection
        .prepare_cached("UPDATE workspaces SET current = 1 WHERE name = ?1")?
        .execute([name])?;
    get(connection, name)
}

/// Refuses a workspace that is not there.
pub(crate) fn check(connection: &Connection, name: &str) -> Result<()> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM workspaces WHERE name = ?1")?;
    if statement.exists([name])? {
        Ok(())
    } else {
        Err(not_found(name))
    }
}

pub(crate) fn experiments(connection: &Connection, workspace: &str) -> Result<Vec<Experiment>> {
    check(connection, workspace)?;
    let sql = "SELECT name, runs, last_run_at FROM experiments WHERE workspace = ?1 ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([workspace])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let last_run_at: Option<i64> = row.get(2)?;
        found.push(Experiment {
            name: row.get(0)?,
            runs: codec::unsigned(row.get(1)?)?,
            last_run_at: last_run_at.map(codec::time).transpose()?,
        });
    }
    Ok(found)
}

/// Records an experiment, and one run more of it unless that is a child run.
pub(crate) fn count_run(
    connection: &Connection,
    workspace: &str,
    experiment: &str,
    at: Option<Timestamp>,
) -> Result<()> {
    let sql = "INSERT INTO experiments (workspace, name, runs, last_run_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (workspace, name) DO UPDATE
               SET runs = runs + excluded.runs, last_run_at = coalesce(excluded.last_run_at, last_run_at)";
    let counted = i64::from(at.is_some());
    connection
        .prepare_cached(sql)?
        .execute(params![workspace, experiment, counted, at.map(codec::nanos)])?;
    Ok(())
}

fn get(connection: &Connection, name: &str) -> Result<Workspace> {
    let sql = "SELECT name, settings, created_at, current FROM workspaces WHERE name = ?1";
    let found = connection
        .prepare_cached(sql)?
        .query_row([name], |row| Ok(workspace(row)))
        .optional()?;
    found.unwrap_or_else(|| Err(not_found(name)))
}

fn workspace(row: &Row<'_>) -> Result<Workspace> {
    let name: String = row.get(0)?;
    let settings = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Workspace {
        settings: codec::read(
            || format!("the settings of workspace `{name}`"),
            codec::FORMAT,
            settings,
        )?,
        created_at: codec::time(row.get(2)?)?,
        current: row.get(3)?,
        name,
    })
}

fn not_found(name: &str) -> Fault {
    StoreError::NotFound {
        what: "workspace",
        name: name.to_owned(),
    }
    .into()
}
