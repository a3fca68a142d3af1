//! Reads and writes of the documents of tracking protocols.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::fault::Result;
use crate::{codec, workspaces};

/// Workspace, kind and id.
type Key = [String; 3];

pub(crate) fn put(connection: &Connection, key: &Key, document: &Value) -> Result<()> {
    workspaces::check(connection, &key[0])?;
    let sql = "INSERT INTO documents (workspace, kind, id, document) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (workspace, kind, id) DO UPDATE SET document = excluded.document";
    connection
        .prepare_cached(sql)?
        .execute(params![key[0], key[1], key[2], codec::json(document)?])?;
    Ok(())
}

pub(crate) fn get(connection: &Connection, key: &Key) -> Result<Option<Value>> {
    let sql = "SELECT document FROM documents WHERE workspace = ?1 AND kind = ?2 AND id = ?3";
    let found: Option<String> = connection
        .prepare_cached(sql)?
        .query_row(params![key[0], key[1], key[2]], |row| row.get(0))
        .optional()?;
    found.map(|text| read(&key[1], &key[2], &text)).transpose()
}

pub(crate) fn all(connection: &Connection, workspace: &str, kind: &str) -> Result<Vec<(String, Value)>> {
    let sql = "SELECT id, document FROM documents WHERE workspace = ?1 AND kind = ?2 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([workspace, kind])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, text): (String, String) = (row.get(0)?, row.get(1)?);
        let document = read(kind, &id, &text)?;
        found.push((id, document));
    }
    Ok(found)
}

fn read(kind: &str, id: &str, text: &str) -> Result<Value> {
    codec::read(|| format!("{kind} `{id}`"), codec::FORMAT, text)
}
