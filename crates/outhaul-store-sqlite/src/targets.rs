//! Reads and writes of compute targets and of what is sealed for them.

use outhaul_store::rules;
use outhaul_types::ComputeTarget;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::{Fault, Result};
use crate::{codec, target_json};

pub(crate) fn create(connection: &Connection, target: &ComputeTarget) -> Result<()> {
    let mut by_name = connection.prepare_cached("SELECT 1 FROM targets WHERE name = ?1")?;
    if by_name.exists([&target.name])? {
        return Err(rules::target_name_taken(&target.name).into());
    }
    let mut by_id = connection.prepare_cached("SELECT 1 FROM targets WHERE id = ?1")?;
    if by_id.exists([&target.id])? {
        return Err(rules::target_id_taken(&target.id).into());
    }
    let sql = "INSERT INTO targets (name, id, format, target) VALUES (?1, ?2, ?3, ?4)";
    let values = params![target.name, target.id, codec::FORMAT, codec::json(target)?];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

pub(crate) fn put(connection: &Connection, target: &ComputeTarget) -> Result<()> {
    let sql = "UPDATE targets SET format = ?3, target = ?4 WHERE name = ?1 AND id = ?2";
    let values = params![target.name, target.id, codec::FORMAT, codec::json(target)?];
    match connection.prepare_cached(sql)?.execute(values)? {
        0 => Err(rules::no_target(&target.name).into()),
        _ => Ok(()),
    }
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<ComputeTarget>> {
    let mut statement =
        connection.prepare_cached("SELECT name, format, target FROM targets ORDER BY name")?;
    let mut rows = statement.query(())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(from_row(row)?);
    }
    Ok(found)
}

pub(crate) fn get(connection: &Connection, name: &str) -> Result<ComputeTarget> {
    let found = connection
        .prepare_cached("SELECT name, format, target FROM targets WHERE name = ?1")?
        .query_row([name], |row| Ok(from_row(row)))
        .optional()?;
    found.unwrap_or_else(|| Err(rules::no_target(name).into()))
}

fn from_row(row: &Row<'_>) -> Result<ComputeTarget> {
    let text = |column| Ok::<_, Fault>(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?);
    target_json::read(text(0)?, row.get(1)?, text(2)?)
}

pub(crate) fn remove(connection: &Connection, name: &str, id: &str) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM targets WHERE name = ?1 AND id = ?2")?
        .execute([name, id])?;
    // Not when the id is that of a target with another name.
    connection
        .prepare_cached(
            "DELETE FROM secrets WHERE owner = ?1 AND NOT EXISTS (SELECT 1 FROM targets WHERE id = ?1)",
        )?
        .execute([id])?;
    Ok(())
}

pub(crate) fn put_secret(connection: &Connection, owner: &str, sealed: &[u8]) -> Result<()> {
    let sql = "INSERT INTO secrets (owner, sealed) VALUES (?1, ?2)
               ON CONFLICT (owner) DO UPDATE SET sealed = excluded.sealed";
    connection.prepare_cached(sql)?.execute(params![owner, sealed])?;
    Ok(())
}

pub(crate) fn secret(connection: &Connection, owner: &str) -> Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT sealed FROM secrets WHERE owner = ?1")?;
    Ok(statement.query_row([owner], |row| row.get(0)).optional()?)
}

pub(crate) fn remove_secret(connection: &Connection, owner: &str) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM secrets WHERE owner = ?1")?
        .execute([owner])?;
    Ok(())
}
