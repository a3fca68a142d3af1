//! What can go wrong with a spec file or while an environment is made ready, in words for its owner.

use std::fmt;

use crate::host::HostError;
use crate::redact::redact_urls;

/// Longest part of a source line that an error shows, in characters.
const SHOWN: usize = 160;

/// A spot in a spec file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line's text, without its end and without passwords in addresses.
    pub text: String,
}

impl Place {
    /// The place of byte `offset` in `text`. An offset inside a character or past the end is moved back.
    #[must_use]
    pub fn at(text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        let end = text[offset..].find('\n').map_or(text.len(), |i| offset + i);
        Self {
            line: before.matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
            text: redact_urls(text[start..end].trim_end()),
        }
    }
}

/// A spec file that cannot be used: what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// Name of the file as given by the caller.
    pub file: String,
    /// Where in the file, when the fault has a place.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SpecError {
    /// An error about the file as a whole.
    #[must_use]
    pub fn whole(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            message: message.into(),
            hint: None,
        }
    }

    /// The same error with a way out.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            None => write!(f, "`{}`: {}", self.file, self.message)?,
            Some(place) => {
                write!(
                    f,
                    "`{}`:{}:{}: {}",
                    self.file, place.line, place.column, self.message
                )?;
                let number = place.line.to_string();
                let gutter = " ".repeat(number.len());
                let text: String = place
                    .text
                    .chars()
                    .map(|c| if c.is_control() { ' ' } else { c })
                    .collect();
                // Far into a long line, the window moves along so that the caret stays visible.
                let skip = if place.column > SHOWN {
                    place.column - SHOWN / 2
                } else {
                    0
                };
                let shown: String = text.chars().skip(skip).take(SHOWN).collect();
                let caret = " ".repeat((place.column - 1).saturating_sub(skip).min(SHOWN));
                write!(f, "\n {gutter} |\n {number} | {shown}\n {gutter} | {caret}^")?;
            }
        }
        match &self.hint {
            Some(hint) => write!(f, "\n{hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SpecError {}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The spec asks for something that cannot be: change the spec.
    Environment,
    /// The machine could not do it now: network, disk, missing tools.
    Target,
}

/// Why an environment could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The spec itself cannot be used.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// No set of packages satisfies the requirements; the text is the resolver's own.
    #[error("the packages of the environment cannot be resolved:\n{message}{}", Log(log))]
    Unsolvable {
        /// The resolver's own words.
        message: String,
        /// Path of the whole log on the host, if it was written.
        log: Option<String>,
    },
    /// Packages were resolved but one of them does not build or install.
    #[error("the environment could not be built ({purpose}):\n{message}{}", Log(log))]
    BuildFailed {
        /// The step that failed.
        purpose: String,
        /// The tool's own words.
        message: String,
        /// Path of the whole log on the host, if it was written.
        log: Option<String>,
    },
    /// An earlier attempt failed through the spec's fault and nothing changed since.
    #[error(
        "{message}{}\nthis failed before and nothing changed since; to try again: `outhaul environment build FILE`",
        Log(log)
    )]
    Remembered {
        /// The error text of the failed attempt.
        message: String,
        /// Path of the log of the failed attempt.
        log: Option<String>,
    },
    /// The interpreter that the spec names cannot be used.
    #[error("the interpreter `{path}` cannot be used: {reason}")]
    BadInterpreter {
        /// Path from the spec.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No interpreter of the wanted version is there and none could be fetched.
    #[error("no python {wanted} on this machine (found: {found}); {advice}")]
    NoInterpreter {
        /// The wanted version as the spec has it.
        wanted: String,
        /// The interpreters that were found, or `none`.
        found: String,
        /// What to do next.
        advice: String,
    },
    /// Neither uv nor a working pip could be brought about.
    #[error("{message}")]
    NoTool {
        /// What is missing and how to get it.
        message: String,
    },
    /// A lock made for another kind of machine.
    #[error("the lock was made for `{locked}`, this machine is `{here}`; make a new lock on this machine")]
    OtherPlatform {
        /// Platform in the lock.
        locked: String,
        /// Platform of this machine.
        here: String,
    },
    /// The network, the disk or the machine let us down; trying again later may work.
    #[error("{purpose} failed for now: {message}{}", Log(log))]
    Temporary {
        /// The step that failed.
        purpose: String,
        /// What happened.
        message: String,
        /// Path of the whole log on the host, if it was written.
        log: Option<String>,
    },
    /// The host could not do a file or process operation.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl EnvironmentError {
    /// Whose fault it is: the spec's or the machine's.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Spec(_)
            | Self::Unsolvable { .. }
            | Self::BuildFailed { .. }
            | Self::Remembered { .. }
            | Self::BadInterpreter { .. } => ErrorClass::Environment,
            Self::NoInterpreter { .. }
            | Self::NoTool { .. }
            | Self::OtherPlatform { .. }
            | Self::Temporary { .. }
            | Self::Host(_) => ErrorClass::Target,
        }
    }

    /// True when trying again without changing anything may work (network, disk).
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Temporary { .. } | Self::Host(_))
    }

    /// True when the machine could not be asked, so that nothing is known about the environment.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Host(error) if error.kind == crate::host::HostErrorKind::Unreachable)
    }

    /// True when the failure is kept and answers later attempts for the same spec.
    pub(crate) fn is_remembered(&self) -> bool {
        matches!(self, Self::Unsolvable { .. } | Self::BuildFailed { .. })
    }

    /// Names the log file in errors that have room for it.
    pub(crate) fn set_log(&mut self, path: &str) {
        if let Self::Unsolvable { log, .. } | Self::BuildFailed { log, .. } | Self::Temporary { log, .. } =
            self
        {
            *log = Some(path.to_owned());
        }
    }
}

struct Log<'a>(&'a Option<String>);

impl fmt::Display for Log<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(f, "\nthe whole log: `{path}`"),
            None => Ok(()),
        }
    }
}
