//! Opening the database file: who may read it, whether it is one of ours, and how its connections are set up.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use outhaul_store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::fault::Result;
use crate::migrate;

/// Only the owner reads it. SQLite gives the `-wal` and `-shm` files beside it the same mode.
const MODE: u32 = 0o600;
/// Prepared statements that a connection keeps: more than there are in this crate.
const STATEMENTS: usize = 64;
/// Page caches in KiB: what an idle server keeps in memory. The operating system's cache does the rest.
const WRITER_CACHE_KIB: i64 = 2048;
const READER_CACHE_KIB: i64 = 1024;
/// The write-ahead log is cut back to this size in bytes after a burst.
const JOURNAL_LIMIT: i64 = 8 << 20;
/// How long a connection waits for another process, which there is only for a moment (a backup, a shell).
const BUSY: Duration = Duration::from_secs(5);

/// Opens the file for writing, makes it when it is not there, and brings its schema to the newest version. A
/// file of a newer version or of another kind is not touched.
pub(crate) fn writer(path: &Path) -> std::result::Result<Connection, StoreError> {
    let named = |error: StoreError| match error {
        StoreError::Backend(why) => StoreError::Backend(format!("`{}`: {why}", path.display())),
        other => other,
    };
    check_file(path).map_err(named)?;
    prepare(path).map_err(|fault| named(fault.into()))
}

/// Opens the file for reading; it must have been opened for writing before.
pub(crate) fn reader(path: &Path) -> std::result::Result<Connection, StoreError> {
    let open = || -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        set_up(&connection, READER_CACHE_KIB)?;
        Ok(connection)
    };
    open().map_err(StoreError::from)
}

fn prepare(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    // The version may still be in the write-ahead log, which closing this connection would write into the
    // file: not before it is known to be ours.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(BUSY)?;
    migrate::check(migrate::version(&connection)?)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    std::fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(|error| io(&error))?;

    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_LIMIT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    set_up(&connection, WRITER_CACHE_KIB)?;
    migrate::migrate(&mut connection)?;
    Ok(connection)
}

fn set_up(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Makes the file when it is not there, and refuses one that SQLite would only refuse after having changed it.
fn check_file(path: &Path) -> std::result::Result<(), StoreError> {
    // Made here, because SQLite would make it readable by whom the umask allows.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .open(path);
    let mut header = Vec::new();
    file.and_then(|file: File| file.take(HEADER as u64).read_to_end(&mut header))
        .map_err(|error| io(&error))?;
    match kind(&header) {
        Kind::Empty => Ok(()),
        Kind::Database { version } => migrate::check(version),
        Kind::Other => Err(StoreError::Backend(
            "it is not a database: move it away".to_owned(),
        )),
    }
}

fn io(error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::DiskFull(error.to_string()),
        _ => StoreError::Backend(error.to_string()),
    }
}

const HEADER: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Empty,
    Database { version: i64 },
    Other,
}

/// What a file is by its first 100 bytes; `PRAGMA user_version` lies at byte 60, big-endian.
fn kind(header: &[u8]) -> Kind {
    if header.is_empty() {
        return Kind::Empty;
    }
    match (
        header.starts_with(MAGIC),
        header.get(60..64).map(<[u8; 4]>::try_from),
    ) {
        (true, Some(Ok(version))) if header.len() == HEADER => Kind::Database {
            version: i64::from(i32::from_be_bytes(version)),
        },
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_first_bytes() {
        let mut header = [0u8; HEADER];
        assert_eq!(kind(&[]), Kind::Empty);
        assert_eq!(kind(&header), Kind::Other);
        header[..16].copy_from_slice(MAGIC);
        header[63] = 7;
        assert_eq!(kind(&header), Kind::Database { version: 7 });
        assert_eq!(kind(&header[..99]), Kind::Other);
        assert_eq!(kind(b"hello"), Kind::Other);
    }
}
