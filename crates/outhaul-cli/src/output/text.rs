//! Small texts: sizes, times, names. Pure.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use outhaul_types::duration;

/// A number of bytes as people read it: `512 B`, `1.2 KB`, `34 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1_000.0;
    let mut unit = 0;
    // 999.95 would be shown as 1000.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// How long ago something was: `just now`, `42s ago`, `3h ago`, `8d ago`.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    // A clock that was set back must not give a time in the future.
    let passed = Duration::try_from(now.duration_since(then)).unwrap_or_default();
    if passed.as_secs() < 2 {
        return "just now".to_owned();
    }
    let shown = duration::show(Duration::from_secs(passed.as_secs()));
    let first = shown.split(' ').next().unwrap_or(&shown);
    // `show` gives tenths below ten seconds.
    format!("{} ago", first.replace(".0s", "s"))
}

/// A moment in local time, with how long ago it was.
pub(crate) fn moment(then: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    format!(
        "{} ({})",
        then.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z"),
        ago(then, now)
    )
}

/// The text without characters that could move the cursor or colour the terminal.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(
            text.chars()
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// `1 file`, `2 files`.
pub(crate) fn plural(count: u64, one: &str) -> String {
    if count == 1 {
        format!("{count} {one}")
    } else {
        format!("{count} {one}s")
    }
}

/// A command line that a POSIX shell would read as these words.
pub(crate) fn shell_words<S: AsRef<str>>(words: &[S]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    let quoted = words.iter().map(|word| {
        let word = word.as_ref();
        if !word.is_empty() && word.chars().all(plain) {
            word.to_owned()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Names and values, one pair a line, the values aligned. A value of several lines is indented.
pub(crate) fn fields(pairs: &[(&str, String)], paint: super::Paint) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in pairs {
        let value = value.replace('\n', &format!("\n{}", " ".repeat(width + 2)));
        text.push_str(&format!("{}  {value}\n", paint.dim(&format!("{name:width$}"))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KB"),
            (1_234, "1.2 KB"),
            (9_949, "9.9 KB"),
            (9_950, "10 KB"),
            (999_499, "999 KB"),
            (999_500, "1.0 MB"),
            (200_000_000, "200 MB"),
            (u64::MAX, "18 EB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn times() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let cases = [
            (0, "just now"),
            (-50, "just now"),
            (5, "5s ago"),
            (42, "42s ago"),
            (125, "2m ago"),
            (7_300, "2h ago"),
            (90_000, "1d ago"),
        ];
        for (seconds, text) in cases {
            assert_eq!(
                ago(Timestamp::from_second(1_000_000 - seconds).unwrap(), now),
                text,
                "{seconds}"
            );
        }
    }

    #[test]
    fn terminals_are_safe_from_names() {
        assert_eq!(clean("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(clean("plain ä"), "plain ä");
    }

    #[test]
    fn command_lines_can_be_pasted() {
        let words = ["python", "a b.py", "it's", "", "--x=1", "$HOME"];
        assert_eq!(shell_words(&words), "python 'a b.py' 'it'\\''s' '' --x=1 '$HOME'");
    }

    #[test]
    fn pairs_are_aligned() {
        let text = fields(
            &[("id", "x".into()), ("state", "a\nb".into())],
            super::super::Paint(false),
        );
        assert_eq!(text, "id     x\nstate  a\n       b\n");
    }
}
