//! Content-addressed source trees: what a run's code was, kept by the hash of every file.
//!
//! A *snapshot* is a [`Tree`] (a list of paths, each with the hash of its content) plus the
//! contents themselves in a [`BlobStore`]. [`take`] makes one from a folder, [`plan`] says what
//! would be in it, [`materialise`] writes it out again. An unchanged folder costs one walk and no
//! reads: a [`StatIndex`] remembers what each file looked like when it was last hashed.
//!
//! What a snapshot holds, and the rules that leave files out, are described at [`scan`].
//!
//! This file: only docs, modules and re-exports.

mod blobs;
mod codec;
mod error;
mod git;
mod hash;
mod index;
mod ingest;
mod links;
mod look;
mod materialise;
mod pool;
mod progress;
mod read;
mod scan;
mod stat;
mod take;
mod tree;
mod whole;

pub use blobs::{BlobStore, Put, VerifiedReader};
pub use error::{Problem, SnapshotError, TreeError};
pub use git::{GitState, git_state};
pub use hash::{Hash, NotAHash};
pub use index::StatIndex;
pub use materialise::materialise;
pub use progress::{Progress, silent};
pub use scan::{Scan, ScanEntry, ScanKind, ScanOptions, scan};
pub use stat::FileStat;
pub use take::{Plan, Snapshot, TakeOptions, plan, take};
pub use tree::{EntryKind, Tree, TreeEntry};
pub use whole::keep_whole;
