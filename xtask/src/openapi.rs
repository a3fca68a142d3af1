//! `docs/openapi.json`, the document of the API as the server answers it.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::args::Args;
use crate::repo::Repo;
use crate::server::Server;
use crate::{Done, shell};

const FILE: &str = "docs/openapi.json";

/// `cargo xtask openapi`.
pub fn main(words: Vec<String>) -> Done {
    let mut args = Args::new(words);
    let check_only = args.flag("--check");
    args.end()?;
    let repo = Repo::find()?;
    shell::run(repo.cargo().args(["build", "--package", "outhaul-cli"]))?;
    if check_only {
        check(&repo)?;
        println!("{FILE} is what the server answers");
    } else {
        std::fs::write(repo.root.join(FILE), document(&repo)?)?;
        println!("{FILE} is written");
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares the committed document with the answer of the server that is built.
pub fn check(repo: &Repo) -> Result<()> {
    let served = document(repo)?;
    let kept = std::fs::read_to_string(repo.root.join(FILE)).unwrap_or_default();
    let Some(line) = first_difference(&kept, &served) else {
        return Ok(());
    };
    bail!("{FILE} is not what the server answers, from line {line} on; `cargo xtask openapi` writes it anew")
}

fn document(repo: &Repo) -> Result<String> {
    let server = Server::new(repo.built("debug", "outhaul"))?;
    server.start()?;
    let body = server.request("GET", "/api/v1/openapi.json", None)?;
    let mut text = String::from_utf8(body).context("the document is not text")?;
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(text)
}

fn first_difference(one: &str, other: &str) -> Option<usize> {
    if one == other {
        return None;
    }
    let same = one
        .lines()
        .zip(other.lines())
        .take_while(|(one, other)| one == other)
        .count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_line_that_differs_is_told() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert_eq!(first_difference("a\n", "a"), Some(2));
    }
}
