//! The behaviour of snapshots on real folders, one file per operation.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod common;
mod killed;
mod materialise;
mod scan;
mod take;
