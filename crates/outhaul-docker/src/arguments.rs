//! Options as for `docker run`: what is known is read, all else is refused at once. Pure.

mod cpus;
mod options;
mod value;

use std::fmt;

use outhaul_types::nearest::nearest;

use self::options::{KNOWN, Known, REFUSED, known};
pub use self::value::{DeviceMap, Gpus, Ulimit};

/// An argument that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The argument.
    pub argument: String,
    /// Why it is refused.
    pub message: String,
    /// What to do instead.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.argument, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, ": {hint}"),
            None => Ok(()),
        }
    }
}

impl Problem {
    pub(crate) fn new(
        argument: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            argument: argument.into(),
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

/// What the arguments ask for beyond the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// `SOURCE:TARGET[:OPTIONS]`, source and target absolute or the source a volume's name.
    pub volumes: Vec<String>,
    /// Network.
    pub network: Option<String>,
    /// Limit of the memory in bytes.
    pub memory: Option<u64>,
    /// Limit of the processor time in billionths of a processor.
    pub nano_cpus: Option<i64>,
    /// Variables.
    pub environment: Vec<(String, String)>,
    /// Namespace for shared memory.
    pub ipc: Option<String>,
    /// Capabilities beyond the usual ones.
    pub cap_add: Vec<String>,
    /// Size of the shared memory in bytes.
    pub shm_size: Option<u64>,
    /// Graphics processors.
    pub gpus: Option<Gpus>,
    /// Limits of the process.
    pub ulimits: Vec<Ulimit>,
    /// Devices of the host.
    pub devices: Vec<DeviceMap>,
    /// Host name.
    pub hostname: Option<String>,
    /// `NAME:ADDRESS`.
    pub add_hosts: Vec<String>,
}

/// Reads arguments, in the forms `--name value`, `--name=value`, `-n value`, `-n=value` and `-nvalue`.
///
/// # Errors
/// All arguments that are refused, each with the reason and what to do instead.
pub fn parse_arguments(arguments: &[String]) -> Result<Extra, Vec<Problem>> {
    let mut extra = Extra::default();
    let mut problems = Vec::new();
    let mut rest = arguments.iter().map(String::as_str).peekable();
    while let Some(word) = rest.next() {
        let (name, attached) = split(word);
        if let Some(option) = known(name) {
            match attached.or_else(|| rest.next_if(|next| !looks_like_option(next))) {
                Some(value) => {
                    if let Err(problem) = value::set(&mut extra, option, name, value) {
                        problems.push(problem);
                    }
                }
                None => problems.push(Problem::new(
                    word,
                    "has no value",
                    format!("write `{name} VALUE`"),
                )),
            }
            continue;
        }
        let (takes_value, problem) = refuse(word, name);
        if takes_value && attached.is_none() {
            let _ = rest.next_if(|next| !looks_like_option(next));
        }
        problems.push(problem);
    }
    if problems.is_empty() {
        Ok(extra)
    } else {
        Err(problems)
    }
}

/// Splits `--name=value` and, for known options of one letter, `-nvalue`.
fn split(word: &str) -> (&str, Option<&str>) {
    if let Some((name, value)) = word.split_once('=')
        && (word.starts_with("--") || name.len() == 2)
    {
        return (name, Some(value));
    }
    if !word.starts_with("--") && word.starts_with('-') && word.is_char_boundary(2) && word.len() > 2 {
        let (name, value) = word.split_at(2);
        if known(name).is_some() {
            return (name, Some(value));
        }
    }
    (word, None)
}

fn looks_like_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

/// Whether a value follows an option that is refused, and the refusal.
fn refuse(word: &str, name: &str) -> (bool, Problem) {
    if !looks_like_option(word) {
        let hint = "give only options here; the image and the command have places of their own";
        return (false, Problem::new(word, "is not an option", hint));
    }
    if let Some((_, takes_value, reason, instead)) = REFUSED.iter().find(|(names, ..)| names.contains(&name))
    {
        return (
            *takes_value,
            Problem::new(name, format!("is not allowed: {reason}"), *instead),
        );
    }
    let names = KNOWN
        .iter()
        .map(|(known, _)| *known)
        .filter(|known| known.len() > 2);
    let hint = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "known are `--volume`, `--network`, `--memory`, `--cpus`, `--env`, `--ipc`, `--cap-add`, \
                 `--shm-size`, `--gpus`, `--ulimit`, `--device`, `--hostname` and `--add-host`"
            .to_owned(),
    };
    // Whether a value follows an unknown option cannot be known; a lone word behind it is taken as one.
    (true, Problem::new(name, "is not a known option", hint))
}

#[cfg(test)]
mod tests;
