//! The behaviour suite of all stores, on SQLite.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by a panic")]

use outhaul_store::suite::Fresh;
use outhaul_store_sqlite::SqliteStore;

fn fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("outhaul.db")).unwrap();
    Fresh::keeping(store, folder)
}

outhaul_store::store_suite!(fresh);
