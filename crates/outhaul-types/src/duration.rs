//! Durations as people write them (`90`, `30m`, `1h30m`, `2d`) and as they read them (`2m 5s`).

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write seconds or parts such as `45s`, `30m`, `1h30m`, `2d`")]
pub struct InvalidDuration(String);

/// Reads a positive duration: plain seconds, or numbers with `s`, `m`, `h` or `d`, added up.
///
/// # Errors
/// [`InvalidDuration`] for anything else, for zero and for more than 1,000 years.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    let mut total: u64 = 0;
    let mut number = String::new();
    let mut parts = text.trim().chars().filter(|c| *c != ' ').peekable();
    while let Some(c) = parts.next() {
        if c.is_ascii_digit() {
            number.push(c);
            if parts.peek().is_some() {
                continue;
            }
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            // Seconds without a unit may only stand alone.
            '0'..='9' if total == 0 => 1,
            _ => return Err(invalid()),
        };
        let count: u64 = number.parse().map_err(|_| invalid())?;
        total = count
            .checked_mul(unit)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(invalid)?;
        number.clear();
    }
    if total == 0 || total > 1_000 * 365 * 86_400 {
        return Err(invalid());
    }
    Ok(Duration::from_secs(total))
}

/// Writes a duration for people, with at most two units: `0.4s`, `42s`, `2m 5s`, `3h 20m`, `8d 4h`.
#[must_use]
pub fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let two = |big: u64, big_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{big}{big_unit}")
        } else {
            format!("{big}{big_unit} {small}{small_unit}")
        }
    };
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3_600 => two(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("90", 90),
            ("45s", 45),
            ("30m", 1800),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("2d", 172_800),
        ] {
            assert_eq!(parse(text).map(|d| d.as_secs()), Ok(seconds), "{text}");
        }
        for text in ["", "0", "-5", "5x", "m", "1h30", "99999999999999999999", "1.5h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_shown() {
        let shown =
            [400u64, 42_000, 125_000, 12_000_000, 705_600_000].map(|ms| show(Duration::from_millis(ms)));
        assert_eq!(shown, ["0.4s", "42s", "2m 5s", "3h 20m", "8d 4h"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,20}") {
            let _ = parse(&text);
        }
    }
}
