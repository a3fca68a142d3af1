//! pip's `requirements.txt`: packages and index options, without anything that only one machine has.

use super::Source;
use crate::error::SpecError;
use crate::requirement::has_password;
use outhaul_types::EnvironmentSpec;

/// Options that are kept, and whether they take a value.
const OPTIONS: &[(&str, bool)] = &[
    ("--index-url", true),
    ("--extra-index-url", true),
    ("--find-links", true),
    ("--no-index", false),
    ("--no-binary", true),
    ("--only-binary", true),
    ("--prefer-binary", false),
    ("--pre", false),
    ("--trusted-host", true),
    ("--require-hashes", false),
];

pub(super) fn read(source: &Source<'_>) -> Result<EnvironmentSpec, SpecError> {
    let mut spec = EnvironmentSpec::default();
    for (at, line) in logical_lines(source.text) {
        if line.starts_with('-') {
            let option = check_option(source, at, &line)?;
            spec.index_options.push(option);
            continue;
        }
        // Options of one package, as `--hash`, stay with it; the resolver reads them.
        source.requirement(at, &line)?;
        spec.pip.push(line);
    }
    Ok(spec)
}

/// Lines with continuations joined and comments gone, each with the offset of its first character.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    let mut offset = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end_matches(['\n', '\r']);
        let (at, mut joined) = open
            .take()
            .unwrap_or_else(|| (offset + (line.len() - line.trim_start().len()), String::new()));
        offset += raw.len();
        // A comment ends a logical line even behind a continuation, as with pip.
        let comment = line.trim_start().starts_with('#').then_some(0).or_else(|| {
            line.char_indices()
                .find(|&(i, c)| c == '#' && line[..i].ends_with(char::is_whitespace))
                .map(|(i, _)| i)
        });
        match (comment, line.strip_suffix('\\')) {
            (Some(end), _) => joined.push_str(&line[..end]),
            (None, Some(continued)) => {
                joined.push_str(continued);
                open = Some((at, joined));
                continue;
            }
            (None, None) => joined.push_str(line),
        }
        push(&mut lines, at, &joined);
    }
    if let Some((at, joined)) = open {
        push(&mut lines, at, &joined);
    }
    lines
}

fn push(lines: &mut Vec<(usize, String)>, at: usize, joined: &str) {
    let words: Vec<&str> = joined.split_whitespace().collect();
    if !words.is_empty() {
        lines.push((at, words.join(" ")));
    }
}

/// Checks an option line and brings it into the form `--name value`.
pub(super) fn check_option(source: &Source<'_>, at: usize, line: &str) -> Result<String, SpecError> {
    let (name, value) = match line.split_once(['=', ' ']) {
        Some((name, value)) => (name, value.trim()),
        None => (line, ""),
    };
    let short = |name: &str| {
        line.strip_prefix(name)
            .filter(|_| !line.starts_with("--"))
            .map(str::trim)
    };
    let (name, value) = match (short("-i"), short("-f")) {
        (Some(value), _) => ("--index-url", value),
        (_, Some(value)) => ("--find-links", value),
        _ => (name, value),
    };
    let refuse = |message: String, hint: &str| Err(source.error(at, message).with_hint(hint));
    if short("-e").is_some() || name == "--editable" {
        return refuse(
            format!(
                "`{line}` installs from a folder of one machine, so the environment could not be made anywhere else"
            ),
            "the script's folder is on the Python path already: leave the line out, or name a published package",
        );
    }
    if short("-r").is_some() || name == "--requirement" {
        return refuse(
            format!("`{line}` includes another file; an environment is made from one file"),
            "copy its lines into this file",
        );
    }
    if short("-c").is_some() || name == "--constraint" {
        return refuse(
            format!("`{line}` names another file; an environment is made from one file"),
            "write the versions into this file: once locked, every package is pinned anyway",
        );
    }
    let Some((_, takes_value)) = OPTIONS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
        return refuse(
            format!("option `{name}` is not supported"),
            &format!("supported: `{}`", known.join("`, `")),
        );
    };
    if !takes_value {
        return if value.is_empty() {
            Ok(name.to_owned())
        } else {
            Err(source.error(at, format!("option `{name}` takes no value")))
        };
    }
    if value.is_empty() {
        return Err(source.error(at, format!("option `{name}` lacks its value")));
    }
    if has_password(value) {
        return refuse(
            format!("the address of `{name}` holds a password"),
            "use variables whose names begin with `PIP_` or `UV_`, as in `https://${PIP_USERNAME}:${PIP_TOKEN}@host/simple`, or a netrc file",
        );
    }
    if name == "--find-links" && !value.contains("://") && !value.starts_with('/') {
        return refuse(
            format!("`{name} {value}` is a relative path, which the machine that builds does not have"),
            "use an absolute path on that machine, or an address",
        );
    }
    Ok(format!("{name} {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_comments_dropped() {
        let text = "a # c\n  b==1 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\n#x\\\nc#d\r\ne\\\n# f\ng \\";
        let lines: Vec<String> = logical_lines(text).into_iter().map(|(_, line)| line).collect();
        assert_eq!(
            lines,
            ["a", "b==1 --hash=sha256:00 --hash=sha256:11", "c#d", "e", "g"]
        );
    }
}
