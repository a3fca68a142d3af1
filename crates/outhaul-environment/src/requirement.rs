//! One requirement line: is it plausible, and what is its plain form. The resolver is the judge of the details.

/// The name at the head of a requirement line, or none when there is no valid package name.
pub(crate) fn requirement_name(line: &str) -> Option<&str> {
    let line = line.trim();
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
        .unwrap_or(line.len());
    let name = &line[..end];
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    (edge(name.chars().next()) && edge(name.chars().last())).then_some(name)
}

/// Package names compare without regard to case and with `-`, `_` and `.` alike.
pub(crate) fn normal_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

/// The line with its name normalised and without the spaces that mean nothing, for comparing specs.
pub(crate) fn canonical_line(line: &str) -> String {
    let line = line.trim();
    let Some(name) = requirement_name(line) else {
        return line.to_owned();
    };
    let rest = &line[name.len()..];
    // Behind `;` and `@`, and in front of `--hash`, spaces separate words.
    let tight = rest
        .find([';', '@'])
        .into_iter()
        .chain(rest.find(" --"))
        .min()
        .unwrap_or(rest.len());
    let head: String = rest[..tight].chars().filter(|c| !c.is_whitespace()).collect();
    let tail: Vec<&str> = rest[tight..].split_whitespace().collect();
    let tail = tail.join(" ");
    let gap = if tail.is_empty() { "" } else { " " };
    format!("{}{head}{gap}{tail}", normal_name(name))
}

/// What is wrong with a requirement line, and what to do about it.
pub(crate) struct Fault {
    pub message: String,
    pub hint: Option<String>,
}

fn fault(message: impl Into<String>, hint: impl Into<String>) -> Result<(), Fault> {
    Err(Fault {
        message: message.into(),
        hint: Some(hint.into()),
    })
}

/// Refuses lines that are no requirement or that name files of one machine.
pub(crate) fn check_requirement(line: &str) -> Result<(), Fault> {
    let line = line.trim();
    let first = line.split_whitespace().next().unwrap_or_default();
    let path_like = first.starts_with(['.', '/', '~'])
        || first.starts_with("file:")
        || (!line.contains('@') && !first.contains("://") && {
            let bare = first
                .split([';', '['])
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            bare.contains(['/', '\\']) || [".whl", ".tar.gz", ".zip"].iter().any(|end| bare.ends_with(end))
        });
    if path_like {
        return fault(
            format!("`{first}` is a path on one machine, so the environment could not be made anywhere else"),
            "put the package on an index and name it here, or put its source into the run's folder and import it",
        );
    }
    if first.contains("://") && !line.contains(" @ ") && !line[..line.find("://").unwrap_or(0)].contains('@')
    {
        return fault(
            format!(
                "`{}` has an address but no package name",
                crate::redact::redact_urls(first)
            ),
            "write `name @ address`",
        );
    }
    let Some(name) = requirement_name(line) else {
        return Err(Fault {
            message: format!("`{}` is not a requirement", shown(line)),
            hint: None,
        });
    };
    let rest = line[name.len()..].trim_start();
    if rest.contains("file:") {
        return fault(
            format!(
                "`{name}` comes from a path on one machine, so the environment could not be made anywhere else"
            ),
            "put the package on an index and name it here, or put its source into the run's folder and import it",
        );
    }
    if has_password(rest) {
        return fault(
            format!("the address of `{name}` holds a password"),
            "use a variable whose name begins with `PIP_` or `UV_`, as in `https://${PIP_TOKEN}@host/…`, or a netrc file",
        );
    }
    if rest.is_empty()
        || rest.starts_with(['<', '>', '=', '!', '~', '[', ';', '@', '('])
        || rest.starts_with("--hash")
    {
        if rest.starts_with('=') && !rest.starts_with("==") {
            return fault(
                format!("`{}` has one `=`", shown(line)),
                format!("a requirement for pip has two: `{name}={rest}`"),
            );
        }
        return Ok(());
    }
    Err(Fault {
        message: format!(
            "`{}` is not a requirement: `{name}` is followed by `{}`",
            shown(line),
            shown(rest)
        ),
        hint: None,
    })
}

/// True for an address with a literal user and password or token in it; `${NAME}` is fine.
pub(crate) fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        let Some((user, _)) = authority.rsplit_once('@') else {
            return false;
        };
        // A lone user name such as `git@` is no secret; a token in its place cannot be told from one, so only well
        // known names pass.
        match user.split_once(':') {
            Some((_, password)) => !password.is_empty() && !password.starts_with("${"),
            None => !user.starts_with("${") && !matches!(user, "git" | "hg" | "svn" | ""),
        }
    })
}

fn shown(text: &str) -> String {
    let text = crate::redact::redact_urls(text);
    if text.chars().count() <= 80 {
        return text;
    }
    text.chars().take(80).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_lines_pass() {
        for line in [
            "six",
            "six==1.17.0",
            "six >= 1, < 2",
            "scikit-learn[tests]>=1 ; python_version < '3.12'",
            "zope.interface",
            "torch @ https://host/torch-1-py3-none-any.whl",
            "pkg@git+https://git@host/x.git@main",
            "pkg @ git+https://${TOKEN}@host/x.git",
            "six (>=1)",
            "six==1.0 --hash=sha256:00",
        ] {
            if let Err(fault) = check_requirement(line) {
                panic!("{line}: {}", fault.message);
            }
        }
    }

    #[test]
    fn bad_lines_say_why() {
        for (line, word) in [
            ("./pkg", "path"),
            (".", "path"),
            ("~/pkg", "path"),
            ("wheels/six-1.whl", "path"),
            ("six-1-py3-none-any.whl", "path"),
            ("file:///x", "path"),
            ("six @ file:///x.whl", "path"),
            ("git+https://host/x.git", "no package name"),
            ("git+https://git@host/x.git", "no package name"),
            ("https://host/x.whl", "no package name"),
            ("six=1.0", "one `=`"),
            ("six 1.0", "followed by `1.0`"),
            ("==1.0", "not a requirement"),
            ("-x", "not a requirement"),
            ("x @ https://me:geheim@host/x.whl", "password"),
        ] {
            let fault = check_requirement(line)
                .err()
                .unwrap_or_else(|| panic!("{line} passed"));
            assert!(fault.message.contains(word), "{line}: {}", fault.message);
            assert!(!fault.message.contains("geheim"));
        }
    }

    #[test]
    fn plain_forms() {
        for (line, wanted) in [
            ("Six == 1.0", "six==1.0"),
            ("zope.Interface", "zope-interface"),
            ("a__b[x, y] >=1 , <2", "a-b[x,y]>=1,<2"),
            ("a>=1;python_version<'3'", "a>=1 ;python_version<'3'"),
            ("a   @   https://host/a.whl", "a @ https://host/a.whl"),
            (
                "a==1 --hash=sha256:00  --hash=sha256:11",
                "a==1 --hash=sha256:00 --hash=sha256:11",
            ),
        ] {
            assert_eq!(canonical_line(line), wanted);
        }
    }
}
