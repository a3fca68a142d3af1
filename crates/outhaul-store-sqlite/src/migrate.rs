//! The numbered migrations, applied in order under `PRAGMA user_version`, each in a transaction of its own.

use outhaul_store::StoreError;
use rusqlite::Connection;

use crate::fault::Result;

/// Migration `n` (from 1) leads from schema version `n - 1` to `n`. Never change one that was released.
const MIGRATIONS: [&str; 6] = [
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_targets.sql"),
    include_str!("../migrations/0003_tracking.sql"),
    include_str!("../migrations/0004_models.sql"),
    include_str!("../migrations/0005_services.sql"),
    include_str!("../migrations/0006_newest_metrics.sql"),
];

/// The newest schema version that this program knows.
pub const NEWEST: i64 = MIGRATIONS.len() as i64;

/// The schema version of an open database; 0 when it is empty.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

/// Refuses a version that this program does not know.
pub(crate) fn check(found: i64) -> std::result::Result<(), StoreError> {
    if found > NEWEST {
        Err(StoreError::NewerVersion { found, known: NEWEST })
    } else {
        Ok(())
    }
}

/// Brings the database to the newest version.
pub(crate) fn migrate(connection: &mut Connection) -> Result<()> {
    for (target, sql) in (1..).zip(MIGRATIONS) {
        if version(connection)? >= target {
            continue;
        }
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // Another process may have been quicker.
        if version(&transaction)? < target {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", target)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> String {
        let sql =
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name != 'sqlite_sequence' ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let all = statement.query_map((), |row| row.get::<_, String>(0)).unwrap();
        all.map(|sql| sql.unwrap() + ";\n").collect()
    }

    /// Fails when a migration changes the schema without its golden file: `tests/schema.sql` is then what the
    /// message shows.
    #[test]
    fn all_migrations_on_an_empty_database_give_the_known_schema() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let actual = schema(&connection);
        assert!(
            actual == include_str!("../tests/schema.sql"),
            "the schema is now:\n{actual}"
        );
        assert_eq!(version(&connection).unwrap(), NEWEST);
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let before = schema(&connection);
        migrate(&mut connection).unwrap();
        assert_eq!(schema(&connection), before);
    }

    #[test]
    fn a_newer_version_is_refused() {
        assert!(check(0).is_ok() && check(NEWEST).is_ok());
        let error = check(NEWEST + 1).unwrap_err();
        assert!(
            matches!(error, StoreError::NewerVersion { found, known } if (found, known) == (NEWEST + 1, NEWEST))
        );
    }
}
