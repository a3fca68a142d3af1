//! Licences of all dependencies against the allow-list in `deny.toml`. `cargo deny` does the same and more, where
//! it is installed; this is the part that must hold everywhere.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::repo::Repo;
use crate::shell;

/// Checks every package that the workspace and the fuzz targets are made of.
pub fn check(repo: &Repo) -> Result<()> {
    let allowed =
        allowed(&std::fs::read_to_string(repo.root.join("deny.toml")).context("cannot read `deny.toml`")?)?;
    let mut checked = 0;
    let mut refused = Vec::new();
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let text = shell::output(repo.cargo().args([
            "metadata",
            "--format-version",
            "1",
            "--manifest-path",
            manifest,
        ]))?;
        let metadata: Value = serde_json::from_str(&text)?;
        for package in metadata["packages"]
            .as_array()
            .context("cargo names no packages")?
        {
            checked += 1;
            let licence = package["license"].as_str().unwrap_or_default();
            if !holds(licence, &allowed) {
                refused.push(format!("{} {}: `{licence}`", package["name"], package["version"]));
            }
        }
    }
    refused.sort();
    refused.dedup();
    if !refused.is_empty() {
        bail!(
            "licences that `deny.toml` does not allow:\n{}",
            refused.join("\n")
        );
    }
    println!("the licences of {checked} packages are allowed");
    Ok(())
}

/// The list `allow` of the table `[licenses]`.
fn allowed(deny: &str) -> Result<Vec<String>> {
    let table = deny
        .split("[licenses]")
        .nth(1)
        .context("`deny.toml` has no table `[licenses]`")?;
    let list = table
        .split("allow = [")
        .nth(1)
        .and_then(|rest| rest.split(']').next());
    let list = list.context("`[licenses]` in `deny.toml` has no list `allow`")?;
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Whether a licence expression can be met with the allowed licences alone.
fn holds(expression: &str, allowed: &[String]) -> bool {
    // A slash is the old way to write `OR`.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader {
        words: &words,
        allowed,
    };
    !words.is_empty() && reader.any() == Some(true) && reader.words.is_empty()
}

/// Reads an expression from left to right; `None` when it is none.
struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.first() == Some(&word);
        if is {
            self.words = &self.words[1..];
        }
        is
    }

    fn any(&mut self) -> Option<bool> {
        let mut holds = self.all()?;
        while self.next_is("OR") {
            holds |= self.all()?;
        }
        Some(holds)
    }

    fn all(&mut self) -> Option<bool> {
        let mut holds = self.one()?;
        while self.next_is("AND") {
            holds &= self.one()?;
        }
        Some(holds)
    }

    fn one(&mut self) -> Option<bool> {
        if self.next_is("(") {
            let holds = self.any()?;
            return self.next_is(")").then_some(holds);
        }
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        let mut licence = (*first).to_owned();
        if self.next_is("WITH") {
            let (exception, rest) = self.words.split_first()?;
            self.words = rest;
            licence = format!("{licence} WITH {exception}");
        }
        Some(self.allowed.contains(&licence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let allowed = allowed(
            "[licenses]\nallow = [\n \"MIT\",\n \"BSD-3-Clause\", # why\n]\n[bans]\nallow = [\"GPL-3.0\"]",
        )
        .unwrap();
        assert_eq!(allowed, ["MIT", "BSD-3-Clause"]);
        let yes = [
            "MIT",
            "MIT OR Apache-2.0",
            "Apache-2.0/MIT",
            "(GPL-3.0 OR MIT) AND BSD-3-Clause",
            "GPL-3.0 OR MIT AND BSD-3-Clause",
        ];
        for expression in yes {
            assert!(holds(expression, &allowed), "{expression}");
        }
        let no = [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR GPL-3.0) AND GPL-3.0",
            "MIT WITH Some-exception",
            "MIT OR",
            "(MIT",
            "MIT MIT",
        ];
        for expression in no {
            assert!(!holds(expression, &allowed), "{expression}");
        }
    }
}
