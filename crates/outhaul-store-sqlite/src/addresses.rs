//! Reads and writes of the address book.

use outhaul_store::rules;
use outhaul_types::target::ResourceAddress;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::fault::Result;

pub(crate) fn put(connection: &Connection, address: &ResourceAddress) -> Result<()> {
    let sql = "INSERT INTO addresses (key, resource_id, address) VALUES (?1, ?2, ?3)
               ON CONFLICT (key) DO UPDATE SET resource_id = excluded.resource_id, address = excluded.address";
    let key = rules::address_key(&address.resource_id);
    connection
        .prepare_cached(sql)?
        .execute([&key, &address.resource_id, &address.address])?;
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<ResourceAddress>> {
    let sql = "SELECT resource_id, address FROM addresses ORDER BY key";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map((), from_row)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn get(connection: &Connection, resource_id: &str) -> Result<Option<ResourceAddress>> {
    let sql = "SELECT resource_id, address FROM addresses WHERE key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let key = rules::address_key(resource_id);
    Ok(statement.query_row([key], from_row).optional()?)
}

pub(crate) fn remove(connection: &Connection, resource_id: &str) -> Result<bool> {
    let mut statement = connection.prepare_cached("DELETE FROM addresses WHERE key = ?1")?;
    Ok(statement.execute([rules::address_key(resource_id)])? > 0)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ResourceAddress> {
    Ok(ResourceAddress {
        resource_id: row.get(0)?,
        address: row.get(1)?,
    })
}
