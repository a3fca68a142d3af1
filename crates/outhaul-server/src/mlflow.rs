//! MLflow's tracking protocol at this server: the door (a listener on loopback, opened when it is asked for), who may
//! come in, and the routes. The protocol itself is in `outhaul-mlflow`; see `docs/decisions/0018-a-door-for-mlflow.md`.

mod artifacts;
mod door;
mod experiments;
mod logging;
mod models;
mod runs;
mod search;
mod serve;
mod store;
mod token;

pub(crate) use door::{Mlflow, close, open, reopen, status, token_of};
