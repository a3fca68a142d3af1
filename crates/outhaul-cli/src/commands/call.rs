//! `outhaul call`: a command that a program hands over on standard input rather than as arguments, which everybody on
//! the machine can read. Answers are JSON on standard output; an error is one line of JSON, the last on standard error.
//! The Python package takes snapshots, submits runs and attaches targets through it.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd as _;

use clap::Parser as _;
use outhaul_types::ErrorCode;
use serde::{Deserialize, Serialize};

use crate::args::{Cli, Command, Format};
use crate::error::{CliError, Outcome};
use crate::output::Printer;

/// The longest document, in bytes.
const LONGEST: usize = 64 << 20;

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The command and its arguments, without the program's name.
    words: Vec<String>,
}

/// An error as programs read it.
#[derive(Serialize)]
struct Refusal<'a> {
    code: ErrorCode,
    exit_code: u8,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Does what standard input asks for.
pub(super) fn run() -> Outcome {
    let outcome = document(&mut standard_input()?)
        .and_then(|document| parse(&document))
        .and_then(|cli| {
            let printer = Printer::new(&cli.global);
            super::dispatch(cli, printer)
        });
    outcome.or_else(|error| {
        let refusal = Refusal {
            code: error.error_code(),
            exit_code: error.code,
            message: &error.message,
            hint: (!error.hints.is_empty()).then(|| error.hints.join("; ")),
        };
        let mut line = serde_json::to_vec(&refusal).map_err(|error| CliError::system(error.to_string()))?;
        line.push(b'\n');
        // Nobody can be told that telling failed.
        let _ = io::stderr().lock().write_all(&line);
        Ok(error.code)
    })
}

/// Standard input without a buffer: what follows the document is for the command.
fn standard_input() -> Result<File, CliError> {
    let input = io::stdin().as_fd().try_clone_to_owned();
    input.map(File::from).map_err(|error| unreadable(&error))
}

fn unreadable(error: &io::Error) -> CliError {
    CliError::user(format!("standard input cannot be read: {error}"))
        .hint("this command is for programs: it reads the length of a document, and the document")
}

/// Reads the document's length, which ends with its line, and the document.
fn document(input: &mut impl Read) -> Result<Vec<u8>, CliError> {
    let mut length = 0usize;
    loop {
        let mut byte = [0];
        input.read_exact(&mut byte).map_err(|error| unreadable(&error))?;
        match byte[0] {
            b'\n' => break,
            digit @ b'0'..=b'9' if length <= LONGEST => length = length * 10 + usize::from(digit - b'0'),
            _ => return Err(unreadable(&io::Error::other("it does not begin with a length"))),
        }
    }
    if length > LONGEST {
        let message = format!("the document has {length} bytes, more than the {LONGEST} allowed");
        return Err(CliError::user(message));
    }
    let mut document = vec![0; length];
    input
        .read_exact(&mut document)
        .map_err(|error| unreadable(&error))?;
    Ok(document)
}

/// Reads the words as a command line whose answers are JSON.
fn parse(document: &[u8]) -> Result<Cli, CliError> {
    let asked: Asked = serde_json::from_slice(document)
        .map_err(|error| CliError::user(format!("the document on standard input is wrong: {error}")))?;
    let words = std::iter::once("outhaul").chain(asked.words.iter().map(String::as_str));
    let mut cli = Cli::try_parse_from(words).map_err(|error| refused(&error.to_string()))?;
    if matches!(
        cli.command,
        Command::Call | Command::Serve(_) | Command::Completions { .. }
    ) {
        return Err(CliError::user(
            "this command cannot be asked for on standard input",
        ));
    }
    cli.global.format = Format::Json;
    Ok(cli)
}

/// What the reader of command lines says, without what is for a person at a terminal.
fn refused(text: &str) -> CliError {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let text = text.split("\n\n").next().unwrap_or(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    CliError::user(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_read_and_nothing_behind_it() {
        let mut input: &[u8] = b"4\nabcdpassword\n";
        assert_eq!(document(&mut input).unwrap(), b"abcd");
        assert_eq!(input, b"password\n");
        for wrong in [
            "",
            "\n",
            "x\n",
            "5\nabc",
            "-1\n",
            "99999999999999999999999\n",
            "67108865\n",
        ] {
            let read = document(&mut wrong.as_bytes());
            assert!(wrong == "\n" || read.is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn words_are_a_command_line() {
        let cli = parse(br#"{"words": ["run", "--format", "text", "--env=A=1 2", "train.py", "--", "-x"]}"#)
            .unwrap();
        assert_eq!(cli.global.format, Format::Json);
        let Command::Run(run) = cli.command else {
            panic!("{:?}", cli.command)
        };
        assert_eq!(run.env[0].value.as_deref(), Some("1 2"));
        assert_eq!(run.rest, ["-x"]);
        for (wrong, says) in [
            ("{}", "missing field `words`"),
            (r#"{"words": [], "x": 1}"#, "unknown field `x`"),
            (r#"{"words": ["call"]}"#, "cannot be asked for"),
            (r#"{"words": ["serve"]}"#, "cannot be asked for"),
            (
                r#"{"words": ["run", "--experiment=a b", "x.py"]}"#,
                "invalid value 'a b' for '--experiment <NAME>'",
            ),
        ] {
            let error = parse(wrong.as_bytes()).unwrap_err();
            assert!(error.message.contains(says), "{wrong}: {}", error.message);
            assert!(
                !error.message.contains('\n') && !error.message.contains("--help"),
                "{}",
                error.message
            );
        }
    }
}
