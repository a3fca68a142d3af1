//! Reads and writes of registered environments and of locks.

use jiff::Timestamp;
use outhaul_store::{StoreError, rules};
use outhaul_types::environment::RegisteredEnvironment;
use outhaul_types::{EnvironmentSpec, Lock};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::Result;
use crate::{codec, workspaces};

pub(crate) fn register(
    connection: &Connection,
    workspace: &str,
    name: &str,
    spec: EnvironmentSpec,
    at: Timestamp,
) -> Result<RegisteredEnvironment> {
    workspaces::check(connection, workspace)?;
    let newest = find(connection, workspace, name, None)?;
    let version = match newest {
        Some(newest) if newest.spec == spec => return Ok(newest),
        Some(newest) => newest.version + 1,
        None => 1,
    };
    let sql = "INSERT INTO environments (workspace, name, version, format, spec, created_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![
        workspace,
        name,
        version,
        codec::FORMAT,
        codec::json(&spec)?,
        codec::nanos(at)
    ];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(RegisteredEnvironment {
        name: name.to_owned(),
        version,
        spec,
        created_at: at,
    })
}

pub(crate) fn get(
    connection: &Connection,
    workspace: &str,
    name: &str,
    version: Option<u32>,
) -> Result<RegisteredEnvironment> {
    let found = find(connection, workspace, name, version)?;
    found.ok_or_else(|| rules::no_environment(name, version).into())
}

pub(crate) fn newest(connection: &Connection, workspace: &str) -> Result<Vec<RegisteredEnvironment>> {
    workspaces::check(connection, workspace)?;
    // With a lone max() SQLite takes the other columns from the row that has it.
    let sql = "SELECT name, max(version), format, spec, created_at FROM environments
               WHERE workspace = ?1 GROUP BY name ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([workspace])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(environment(row)?);
    }
    Ok(found)
}

fn find(
    connection: &Connection,
    workspace: &str,
    name: &str,
    version: Option<u32>,
) -> Result<Option<RegisteredEnvironment>> {
    let sql = "SELECT name, version, format, spec, created_at FROM environments
               WHERE workspace = ?1 AND name = ?2 AND version = coalesce(?3, version)
               ORDER BY version DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    statement
        .query_row(params![workspace, name, version], |row| Ok(environment(row)))
        .optional()?
        .transpose()
}

fn environment(row: &Row<'_>) -> Result<RegisteredEnvironment> {
    let name: String = row.get(0)?;
    let spec = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(RegisteredEnvironment {
        version: row.get(1)?,
        spec: codec::read(|| format!("the spec of environment `{name}`"), row.get(2)?, spec)?,
        created_at: codec::time(row.get(4)?)?,
        name,
    })
}

pub(crate) fn put_lock(connection: &Connection, environment_id: &str, lock: &Lock) -> Result<()> {
    let sql = "INSERT INTO locks (environment_id, lock) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection
        .prepare_cached(sql)?
        .execute(params![environment_id, codec::json(lock)?])?;
    Ok(())
}

pub(crate) fn lock(connection: &Connection, environment_id: &str) -> Result<Lock> {
    let sql = "SELECT lock FROM locks WHERE environment_id = ?1";
    let found = connection
        .prepare_cached(sql)?
        .query_row([environment_id], |row| row.get::<_, String>(0));
    let text = found.optional()?.ok_or_else(|| StoreError::NotFound {
        what: "lock of environment",
        name: environment_id.to_owned(),
    })?;
    codec::read(
        || format!("the lock of environment `{environment_id}`"),
        codec::FORMAT,
        &text,
    )
}
