//! All that reaches a person or a program: the printer, and pure functions that make texts.

mod printer;
mod progress;
mod sparkline;
mod spinner;
mod summary;
mod table;
mod text;

pub(crate) use printer::{Paint, Printer};
pub(crate) use progress::SnapshotProgress;
pub(crate) use sparkline::sparkline;
pub(crate) use spinner::Spinner;
pub(crate) use summary::{series, summary};
pub(crate) use table::{Cell, Table};
pub(crate) use text::{ago, clean, fields, moment, plural, shell_words, size};
