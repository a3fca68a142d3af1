//! Typed client of the API of a server on this machine, over the Unix socket in its data folder.
//!
//! [`Client`] has one method for each route. [`Follow`] reads a run's log or events until the run has ended, across
//! lost connections. [`ensure_server`] starts the server where none answers. Nothing here prints or reads the
//! process's environment. This file holds only docs, modules and re-exports.

mod build;
mod client;
mod connection;
mod error;
mod event_stream;
mod follow;
mod launch;
mod query;
mod routes;
mod scoring;
mod socket;
mod sse;
mod tracking;
mod trust;

pub use build::{VERSION, build_id, replaces};
pub use client::{ByteStream, Client};
pub use error::ClientError;
pub use event_stream::EventStream;
pub use follow::{Follow, FollowItem, LogPiece, Reconnect};
pub use launch::{LOCK_FILE, LOG_FILE, check_home, ensure_server, make_home, stop_server};
pub use routes::{BuildItem, BuildProgress};
pub use scoring::{ScoringAnswer, score};
pub use socket::{SOCKET_FILE, SocketPath, socket_path};
pub use sse::{SseError, SseEvent, SseParser};
pub use trust::Trust;
