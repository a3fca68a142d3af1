//! Reads and writes of web services.

use outhaul_store::rules;
use outhaul_types::{RunId, WebService};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::{Fault, Result};
use crate::{codec, workspaces};

pub(crate) fn create(connection: &Connection, service: &WebService) -> Result<()> {
    workspaces::check(connection, &service.workspace)?;
    let mut by_name =
        connection.prepare_cached("SELECT 1 FROM services WHERE workspace = ?1 AND name = ?2")?;
    if by_name.exists([&service.workspace, &service.name])? {
        return Err(rules::service_name_taken(&service.name).into());
    }
    let mut by_id = connection.prepare_cached("SELECT 1 FROM services WHERE id = ?1")?;
    if by_id.exists([service.id.as_str()])? {
        return Err(rules::service_id_taken(&service.id).into());
    }
    let sql = "INSERT INTO services (workspace, name, id, format, service) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![
        service.workspace,
        service.name,
        service.id.as_str(),
        codec::FORMAT,
        codec::json(service)?
    ])?;
    Ok(())
}

pub(crate) fn put(connection: &Connection, service: &WebService) -> Result<()> {
    let sql = "UPDATE services SET format = ?4, service = ?5 WHERE workspace = ?1 AND name = ?2 AND id = ?3";
    let changed = connection.prepare_cached(sql)?.execute(params![
        service.workspace,
        service.name,
        service.id.as_str(),
        codec::FORMAT,
        codec::json(service)?
    ])?;
    match changed {
        0 => Err(rules::no_service(&service.name).into()),
        _ => Ok(()),
    }
}

pub(crate) fn all(connection: &Connection, workspace: Option<&str>) -> Result<Vec<WebService>> {
    let sql = "SELECT name, format, service FROM services WHERE ?1 IS NULL OR workspace = ?1
               ORDER BY workspace, name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([workspace])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(from_row(row)?);
    }
    Ok(found)
}

pub(crate) fn get(connection: &Connection, workspace: &str, name: &str) -> Result<WebService> {
    let sql = "SELECT name, format, service FROM services WHERE workspace = ?1 AND name = ?2";
    let found = connection
        .prepare_cached(sql)?
        .query_row([workspace, name], |row| Ok(from_row(row)))
        .optional()?;
    found.unwrap_or_else(|| Err(rules::no_service(name).into()))
}

pub(crate) fn remove(connection: &Connection, workspace: &str, name: &str, id: &RunId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM services WHERE workspace = ?1 AND name = ?2 AND id = ?3")?
        .execute([workspace, name, id.as_str()])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<WebService> {
    let text = |column| Ok::<_, Fault>(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?);
    let name = text(0)?;
    codec::read(|| format!("web service `{name}`"), row.get(1)?, text(2)?)
}
