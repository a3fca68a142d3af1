//! The collected logs of a run: one file for each stream, byte for byte what the process wrote, and one that
//! keeps the order in which pieces of different streams arrived.

mod order;
mod reader;
mod writer;

pub(crate) use reader::LogReader;
pub(crate) use writer::LogWriter;

/// The file of the order of arrival.
const ORDER: &str = "order";
