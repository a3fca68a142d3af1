//! The launch script: the variables and the command of a run's process, as POSIX sh.

use std::collections::BTreeMap;
use std::fmt::Write;

/// What a run's process is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// Variables, in the order of their names.
    pub variables: BTreeMap<String, String>,
    /// Folders that come first on `PATH`.
    pub path: Vec<String>,
    /// Folders that come first on `PYTHONPATH`.
    pub python_path: Vec<String>,
    /// Program and arguments.
    pub argv: Vec<String>,
}

/// Quotes a word for POSIX sh. Plain words stay as they are.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '+' | '@' | '%')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Writes the launch script. It is sourced by the supervisor in the run directory, and ends by becoming the
/// process.
#[must_use]
pub fn script(launch: &Launch) -> String {
    let mut text =
        String::from("# Becomes the run's process. Written by outhaul; sourced in the run directory.\n");
    // `$PWD` is the run directory here.
    for (name, value) in &launch.variables {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "export {name}={}", quote(value));
    }
    text.push_str("export OUTHAUL_RUN_DIR=\"$PWD\"\n");
    text.push_str("export OUTHAUL_METRICS_FILE=\"$PWD/metrics.jsonl\"\n");
    text.push_str("export OUTHAUL_UPLOADS_DIR=\"$PWD/uploads\"\n");
    for (name, folders) in [("PATH", &launch.path), ("PYTHONPATH", &launch.python_path)] {
        if !folders.is_empty() {
            let folders: Vec<String> = folders.iter().map(|folder| quote(folder)).collect();
            let _ = writeln!(
                text,
                "export {name}={}\"${{{name}:+:${name}}}\"",
                folders.join(":")
            );
        }
    }
    text.push_str("cd code || exit 126\n");
    let words: Vec<String> = launch.argv.iter().map(|word| quote(word)).collect();
    let _ = writeln!(text, "exec {}", words.join(" "));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_quoted() {
        for (word, quoted) in [
            ("a-b.py", "a-b.py"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("a\nb", "'a\nb'"),
            ("~", "'~'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// Whatever the words hold, a real shell gives them to the program as they are.
        #[test]
        fn a_shell_reads_back_what_was_quoted(words in proptest::collection::vec("[^\\x00]{0,12}", 1..5)) {
            let line: Vec<String> = words.iter().map(|word| quote(word)).collect();
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf '%s\\0' {}", line.join(" "))])
                .output()
                .unwrap();
            let expected: Vec<u8> = words.iter().flat_map(|word| word.bytes().chain([0])).collect();
            prop_assert_eq!(output.stdout, expected);
        }
    }

    #[test]
    fn the_script_ends_by_becoming_the_process() {
        let launch = Launch {
            variables: [("A".to_owned(), "it's".to_owned())].into(),
            path: vec!["/env/bin".into()],
            python_path: vec!["/lib dir".into()],
            argv: vec!["/env/bin/python".into(), "train.py".into(), "--name=a b".into()],
        };
        let text = script(&launch);
        assert!(text.contains("export A='it'\\''s'\n"), "{text}");
        assert!(
            text.contains("export PATH=/env/bin\"${PATH:+:$PATH}\"\n"),
            "{text}"
        );
        assert!(
            text.contains("export PYTHONPATH='/lib dir'\"${PYTHONPATH:+:$PYTHONPATH}\"\n"),
            "{text}"
        );
        assert!(
            text.ends_with("cd code || exit 126\nexec /env/bin/python train.py '--name=a b'\n"),
            "{text}"
        );
    }
}
