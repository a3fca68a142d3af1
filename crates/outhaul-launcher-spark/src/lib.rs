//! The launcher `spark` as a layer on a driver of a host from which a Spark cluster is submitted to: a run that asks for
//! Spark is a process of that host whose command is `spark-submit`; all other runs pass through.
//!
//! Pure: what `spark-submit` is given ([`submit`]), which masters there are ([`master`]), whose fault it is when it fails
//! ([`blame`]), what YARN's answers say ([`yarn`]), and what a cluster looks like ([`check`]).

mod blame;
mod check;
mod layer;
mod master;
mod submit;
mod yarn;

pub use check::{spark_checks, spark_facts, spark_questions};
pub use layer::Spark;
pub use master::{Master, MasterError};
pub use submit::SparkOptions;
