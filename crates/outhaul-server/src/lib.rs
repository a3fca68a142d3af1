//! The control plane of one data folder: HTTP API, reconcilers and collectors.
//!
//! Data flows one way: [`api`] → [`submit`] → store → [`scheduler`] → [`life`] → driver → target; evidence flows
//! back through [`observer`] into the store, the [`logs`] and the [`hub`] that wakes whoever follows.

mod adoption;
mod api;
mod app;
mod attach;
mod cancel;
mod config;
mod errors;
mod failpoint;
mod home;
mod hub;
mod ingest;
mod inherited;
mod janitor;
mod life;
mod listen;
mod logs;
mod mlflow;
mod models;
mod observer;
mod own_variables;
mod reserve;
mod scheduler;
mod sdk;
mod serve;
mod services;
mod submit;
mod targets;
mod tracked;
mod uploads;
mod waiting;

pub use api::{openapi, routes};
pub use config::{Ready, ServeConfig};
pub use failpoint::NAMES as FAILPOINTS;
pub use sdk::write_for_people;
pub use serve::serve;
