//! MLflow's tracking protocol, as its REST API documentation and its Python client (2.x and 3.x) have it: the
//! messages, the search language, and how Outhaul's experiments and runs look in its words. Pure: the routes are in
//! `outhaul-server/src/mlflow/`.

pub mod artifacts;
pub mod error;
pub mod experiment;
pub mod filter;
pub mod metric;
pub mod model;
pub mod order;
pub mod page;
pub mod request;
pub mod route;
pub mod run;

pub use error::MlflowError;
