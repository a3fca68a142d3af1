//! The one place that writes to standard output and standard error, in colour where that is wanted, and that notices
//! when nobody reads any more.

use std::io::{self, ErrorKind, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use owo_colors::{OwoColorize as _, Style};
use serde::Serialize;

use crate::args::{Color, Format, Global};
use crate::error::CliError;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(pub bool);

impl Paint {
    fn with(self, text: &str, style: Style) -> String {
        if self.0 && !text.is_empty() {
            text.style(style).to_string()
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with(text, Style::new().dimmed())
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with(text, Style::new().bold())
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with(text, Style::new().green())
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(text, Style::new().red())
    }

    pub(crate) fn careful(self, text: &str) -> String {
        self.with(text, Style::new().yellow())
    }

    pub(crate) fn active(self, text: &str) -> String {
        self.with(text, Style::new().cyan())
    }

    /// A run's state in its colour.
    pub(crate) fn state(self, state: outhaul_types::RunState, text: &str) -> String {
        use outhaul_types::RunState as S;
        match state {
            S::Completed => self.good(text),
            S::Failed => self.bad(text),
            S::Canceled | S::CancelRequested => self.careful(text),
            S::Running | S::Starting | S::Finalizing => self.active(text),
            S::NotStarted | S::Queued | S::Provisioning | S::Preparing => self.dim(text),
        }
    }
}

/// Writes what a command has to say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    /// Whether programs read the answers.
    pub json: bool,
    /// Whether only errors and results are wanted.
    pub quiet: bool,
    /// Colours of standard output.
    pub out: Paint,
    /// Colours of standard error.
    pub err: Paint,
    /// Whether a person watches standard error.
    pub watched: bool,
}

impl Printer {
    pub(crate) fn new(global: &Global) -> Self {
        let paint = |auto: ColorChoice| match global.color {
            Color::Auto => Paint(auto != ColorChoice::Never),
            Color::Always => Paint(true),
            Color::Never => Paint(false),
        };
        Self {
            json: global.format == Format::Json,
            quiet: global.quiet,
            out: paint(AutoStream::choice(&io::stdout())),
            err: paint(AutoStream::choice(&io::stderr())),
            watched: io::stderr().is_terminal(),
        }
    }

    /// Writes bytes to standard output, at once.
    ///
    /// # Errors
    /// When they cannot be written; a reader that has gone is a silent one.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), CliError> {
        write(&mut io::stdout().lock(), bytes, "output")
    }

    /// Writes bytes to standard error, at once.
    ///
    /// # Errors
    /// As [`Printer::raw`].
    pub(crate) fn raw_err(&self, bytes: &[u8]) -> Result<(), CliError> {
        write(&mut io::stderr().lock(), bytes, "error")
    }

    /// Writes lines to standard output.
    ///
    /// # Errors
    /// As [`Printer::raw`].
    pub(crate) fn lines(&self, text: &str) -> Result<(), CliError> {
        if text.is_empty() || text.ends_with('\n') {
            return self.raw(text.as_bytes());
        }
        self.raw(format!("{text}\n").as_bytes())
    }

    /// Writes a value as a JSON document to standard output.
    ///
    /// # Errors
    /// As [`Printer::raw`].
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|error| CliError::system(format!("the answer cannot be written as JSON: {error}")))?;
        text.push(b'\n');
        self.raw(&text)
    }

    /// Writes a value as one line of JSON to standard output.
    ///
    /// # Errors
    /// As [`Printer::raw`].
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<(), CliError> {
        let mut text = serde_json::to_vec(value)
            .map_err(|error| CliError::system(format!("the answer cannot be written as JSON: {error}")))?;
        text.push(b'\n');
        self.raw(&text)
    }

    /// Tells the person something on standard error, unless they want quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            // Nobody can be told that telling failed.
            let _ = self.raw_err(format!("{}\n", self.err.dim(&format!("outhaul: {text}"))).as_bytes());
        }
    }

    /// Warns the person on standard error.
    pub(crate) fn warning(&self, text: &str) {
        let _ = self.raw_err(format!("{} {text}\n", self.err.careful("warning:")).as_bytes());
    }

    /// Tells the person why the command failed.
    pub(crate) fn error(&self, error: &CliError) {
        if error.message.is_empty() {
            return;
        }
        let mut text = format!("{} {}\n", self.err.bad("error:"), error.message);
        for hint in &error.hints {
            text.push_str(&format!("{} {hint}\n", self.err.active("hint:")));
        }
        let _ = self.raw_err(text.as_bytes());
    }
}

fn write(to: &mut impl Write, bytes: &[u8], which: &str) -> Result<(), CliError> {
    to.write_all(bytes)
        .and_then(|()| to.flush())
        .map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => CliError::broken_pipe(),
            _ => CliError::system(format!("cannot write to standard {which}: {error}")),
        })
}
