//! Asking the person who sits at the terminal, and reading secrets from standard input. Standard input is read byte for
//! byte and without a buffer, so that nothing of a secret stays behind and the next question finds its answer.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::os::fd::AsFd as _;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use outhaul_types::Secret;
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::output::Printer;

/// The longest line that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Whether somebody can be asked: they see the question and can answer it.
pub(crate) fn can_ask(printer: &Printer) -> bool {
    printer.watched && io::stdin().is_terminal()
}

/// Asks a question that is answered by yes or no; anything but yes is no.
///
/// # Errors
/// When the terminal cannot be used.
pub(crate) fn confirm(printer: &Printer, question: &str) -> Result<bool, CliError> {
    printer.raw_err(format!("{question} [y/N] ").as_bytes())?;
    let answer = line(&mut standard_input()?)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// One line of standard input as a secret, without its end. On a terminal it is asked for and not shown.
///
/// # Errors
/// When nothing comes, or standard input cannot be read.
pub(crate) fn secret(printer: &Printer, what: &str) -> Result<Secret, CliError> {
    let mut input = standard_input()?;
    let mut line = if input.is_terminal() {
        printer.raw_err(format!("{what}: ").as_bytes())?;
        let quiet = Quiet::begin(&input)?;
        let read = line(&mut input);
        drop(quiet);
        printer.raw_err(b"\n")?;
        read?
    } else {
        line(&mut input)?
    };
    if line.is_empty() {
        return Err(
            CliError::user(format!("no {what} was given on standard input")).hint("write it as one line")
        );
    }
    Ok(Secret::new(std::mem::take(&mut *line)))
}

fn standard_input() -> Result<File, CliError> {
    io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(File::from)
        .map_err(cannot)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "this is what an error is mapped with"
)]
fn cannot(error: io::Error) -> CliError {
    CliError::user(format!("standard input cannot be read: {error}"))
}

/// A line without its end, in a buffer that never grows and is overwritten.
fn line(input: &mut impl Read) -> Result<Zeroizing<String>, CliError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0u8; 1]);
    loop {
        match input.read(&mut *byte) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if bytes.len() == LONGEST => {
                return Err(CliError::user(format!(
                    "the line on standard input is longer than {LONGEST} bytes"
                )));
            }
            Ok(_) => bytes.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cannot(error)),
        }
    }
    if bytes.last() == Some(&b'\r') {
        let _ = bytes.pop();
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(CliError::user("the line on standard input is not valid UTF-8")),
    }
}

/// While it lives, the terminal does not show what is typed.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn begin(terminal: &File) -> Result<Self, CliError> {
        let wrong = |error: &dyn std::fmt::Display| {
            CliError::system(format!(
                "the terminal cannot be told not to show a secret: {error}"
            ))
        };
        let terminal = terminal.try_clone().map_err(|error| wrong(&error))?;
        let before = tcgetattr(&terminal).map_err(|error| wrong(&error))?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &hidden).map_err(|error| wrong(&error))?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nothing more that could be done.
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_without_its_end_and_no_further() {
        for (input, expected, left) in [
            ("hunter2\n", "hunter2", ""),
            ("hunter2\r\nmore\n", "hunter2", "more\n"),
            ("hunter2", "hunter2", ""),
            (" with blanks \n", " with blanks ", ""),
            ("a\rb\n", "a\rb", ""),
            ("\n", "", ""),
            ("", "", ""),
            ("pässwörd\n", "pässwörd", ""),
        ] {
            let mut rest = input.as_bytes();
            assert_eq!(line(&mut rest).unwrap().as_str(), expected, "{input:?}");
            assert_eq!(rest, left.as_bytes(), "{input:?}");
        }
        assert!(line(&mut [0xff, b'\n'].as_slice()).is_err());
        assert!(line(&mut vec![b'a'; LONGEST + 1].as_slice()).is_err());
    }
}
