//! The store on SQLite: one file, one writer thread with group commit, a few readers. Why it is built this
//! way is told in `docs/decisions/0002-sqlite-by-rusqlite.md`; what it must do is the behaviour suite of
//! `outhaul-store`.

mod addresses;
mod codec;
mod documents;
mod environments;
mod fault;
mod list;
mod metrics;
mod migrate;
mod models;
mod newest;
mod open;
mod readers;
mod runs;
mod services;
mod store;
mod target_json;
mod targets;
mod workspaces;
mod writer;

pub use migrate::NEWEST as SCHEMA_VERSION;
pub use store::SqliteStore;
