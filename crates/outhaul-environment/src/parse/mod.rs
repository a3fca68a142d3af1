//! Spec files to [`EnvironmentSpec`]: which format a file has, and what is common to all formats. Pure.

mod conda_file;
mod docker;
mod node;
mod own_file;
mod requirements;
mod spark;
mod toml_text;
mod yaml_text;

use crate::error::{Place, SpecError};
use crate::requirement::check_requirement;
use outhaul_types::EnvironmentSpec;

/// Largest spec file that is read, in bytes.
pub const MAX_SPEC_BYTES: usize = 1 << 20;

/// Formats of spec files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecFormat {
    /// A conda `environment.yml`.
    Conda,
    /// A pip `requirements.txt`.
    Requirements,
    /// Outhaul's own `environment.toml`.
    Toml,
}

impl SpecFormat {
    /// The format that the file's name stands for.
    #[must_use]
    pub fn of(file_name: &str) -> Option<Self> {
        let lower = file_name.to_ascii_lowercase();
        match lower.rsplit_once('.')?.1 {
            "yml" | "yaml" => Some(Self::Conda),
            "toml" => Some(Self::Toml),
            "txt" | "in" => Some(Self::Requirements),
            _ => None,
        }
    }
}

/// Reads a spec file. `file_name` decides the format and appears in errors. No file is opened and no machine is
/// asked; text of any content gives a spec or one error, never a panic.
pub fn parse(file_name: &str, text: &str) -> Result<EnvironmentSpec, SpecError> {
    let Some(format) = SpecFormat::of(file_name) else {
        return Err(SpecError::whole(
            file_name,
            "cannot tell the format of this environment file from its name",
        )
        .with_hint("use `environment.yml` (conda), `requirements.txt` (pip) or `environment.toml`"));
    };
    if text.len() > MAX_SPEC_BYTES {
        return Err(SpecError::whole(
            file_name,
            format!(
                "the environment file has {} bytes, more than the {MAX_SPEC_BYTES} allowed",
                text.len()
            ),
        )
        .with_hint("an environment file lists packages; is this the right file?"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source {
        file: file_name,
        text,
    };
    if let Some(at) = text.find('\0') {
        return Err(source.error(at, "the file holds a zero byte, so it is not a text file"));
    }
    let comments_only = text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    });
    if comments_only {
        return Err(
            SpecError::whole(file_name, "the environment file is empty").with_hint(match format {
                SpecFormat::Conda => {
                    "name at least one dependency, for example `dependencies: [python=3.11]`"
                }
                SpecFormat::Requirements => "name at least one package, or run without an environment file",
                SpecFormat::Toml => "name at least the Python, for example `python = \">=3.9\"`",
            }),
        );
    }
    match format {
        SpecFormat::Conda => conda_file::read(&source),
        SpecFormat::Requirements => requirements::read(&source),
        SpecFormat::Toml => own_file::read(&source),
    }
}

/// The file being read, for errors that point into it.
pub(crate) struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    /// An error at a byte offset.
    fn error(&self, at: usize, message: impl Into<String>) -> SpecError {
        SpecError {
            file: self.file.to_owned(),
            place: Some(Place::at(self.text, at)),
            message: message.into(),
            hint: None,
        }
    }

    /// Checks a requirement line that stands at a byte offset.
    fn requirement(&self, at: usize, line: &str) -> Result<(), SpecError> {
        check_requirement(line).map_err(|fault| {
            let error = self.error(at, fault.message);
            match fault.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })
    }
}
