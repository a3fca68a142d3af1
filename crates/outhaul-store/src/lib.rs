//! The state of Outhaul behind one trait: workspaces, runs with their event logs, metrics, outputs, environments, and
//! compute targets with what is sealed for them and the address book. [`MemoryStore`] keeps it in memory; `outhaul-store-sqlite` keeps it in SQLite. Both pass
//! [`suite`], which says what a store must do.

mod error;
mod memory;
pub mod rules;
mod store;
pub mod suite;

pub use error::StoreError;
pub use memory::MemoryStore;
pub use store::{AppliedRun, Guard, IngestedMetrics, MetricBatch, Store};
