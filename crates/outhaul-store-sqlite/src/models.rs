//! Reads and writes of registered models.

use jiff::Timestamp;
use outhaul_store::rules::models::{self as rules, ModelQuery, ServiceModels};
use outhaul_types::{ChangeModel, Model, NewModel, RunId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::Result;
use crate::{codec, services, workspaces};

/// The flag says whether it is new.
pub(crate) fn register(connection: &Connection, new: NewModel, at: Timestamp) -> Result<(Model, bool)> {
    workspaces::check(connection, &new.workspace)?;
    if let Some(known) = by_id(connection, &new.id)? {
        let model = known.ok_or_else(|| rules::id_taken(&new.id))?;
        return Ok((rules::registered_before(model, &new)?, false));
    }
    let key = rules::name_key(&new.name);
    let sql = "SELECT name FROM models WHERE workspace = ?1 AND name_key = ?2 AND model IS NOT NULL LIMIT 1";
    let living: Option<String> = connection
        .prepare_cached(sql)?
        .query_row([&new.workspace, &key], |row| row.get(0))
        .optional()?;
    rules::check_case(&new.name, living.as_deref())?;
    let sql = "SELECT max(version) FROM models WHERE workspace = ?1 AND name_key = ?2";
    let highest = connection
        .prepare_cached(sql)?
        .query_row([&new.workspace, &key], |row| row.get(0))?;
    let version = rules::next_version(&new.name, highest)?;
    let model = Model::registered(new, version, at);
    let sql = "INSERT INTO models (id, workspace, name_key, name, version, format, model)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        model.id.as_str(),
        model.workspace,
        key,
        model.name,
        model.version,
        codec::FORMAT,
        codec::json(&model)?
    ];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok((model, true))
}

pub(crate) fn get(
    connection: &Connection,
    workspace: &str,
    name: &str,
    version: Option<u32>,
) -> Result<Model> {
    let sql = "SELECT id, format, model FROM models WHERE workspace = ?1 AND name_key = ?2 AND name = ?3
               AND version = coalesce(?4, version) AND model IS NOT NULL ORDER BY version DESC LIMIT 1";
    let values = params![workspace, rules::name_key(name), name, version];
    let found = connection
        .prepare_cached(sql)?
        .query_row(values, |row| Ok(model(row)))
        .optional()?;
    found.unwrap_or_else(|| Err(rules::no_model(name, version).into()))
}

pub(crate) fn list(connection: &Connection, workspace: &str, query: &ModelQuery<'_>) -> Result<Vec<Model>> {
    workspaces::check(connection, workspace)?;
    let sql = "SELECT id, format, model FROM models WHERE workspace = ?1 AND name = coalesce(?2, name)
               AND model IS NOT NULL ORDER BY key DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![workspace, query.name])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(model(row)?);
    }
    Ok(query.choose(found))
}

pub(crate) fn change(
    connection: &Connection,
    workspace: &str,
    name: &str,
    version: u32,
    change: ChangeModel,
) -> Result<Model> {
    let known = get(connection, workspace, name, Some(version))?;
    let changed = rules::change(known, change)?;
    let sql = "UPDATE models SET format = ?2, model = ?3 WHERE id = ?1";
    let values = params![changed.id.as_str(), codec::FORMAT, codec::json(&changed)?];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(changed)
}

pub(crate) fn delete(connection: &Connection, workspace: &str, name: &str, version: u32) -> Result<()> {
    let known = get(connection, workspace, name, Some(version))?;
    rules::check_unused(&known.reference(), &services_with_models(connection, workspace)?)?;
    connection
        .prepare_cached("UPDATE models SET model = NULL WHERE id = ?1")?
        .execute([known.id.as_str()])?;
    Ok(())
}

/// The services of a workspace with their models: what keeps a model from being deleted.
fn services_with_models(connection: &Connection, workspace: &str) -> Result<Vec<ServiceModels>> {
    let services = services::all(connection, Some(workspace))?;
    Ok(services.iter().map(ServiceModels::of).collect())
}

/// The model that was registered under an id; `Some(None)` when it was deleted.
fn by_id(connection: &Connection, id: &RunId) -> Result<Option<Option<Model>>> {
    let sql = "SELECT id, format, model FROM models WHERE id = ?1";
    let found = connection.prepare_cached(sql)?.query_row([id.as_str()], |row| {
        Ok(match row.get_ref(2)? {
            rusqlite::types::ValueRef::Null => Ok(None),
            _ => model(row).map(Some),
        })
    });
    found.optional()?.transpose()
}

fn model(row: &Row<'_>) -> Result<Model> {
    let id: String = row.get(0)?;
    let text = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
    codec::read(|| format!("model `{id}`"), row.get(1)?, text)
}
