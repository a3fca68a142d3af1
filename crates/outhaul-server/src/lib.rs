//! The control plane: HTTP API, reconcilers and collectors of one data folder.

mod config;

pub use config::{ServeConfig, serve};
