//! Shares of processors as `docker run` takes them. Pure.

/// Billionths of a processor from a number such as `1.5`.
pub(super) fn parse_cpus(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if part.is_empty() || part.len() > 9 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: i64 = format!("{part:0<9}").parse().ok()?;
    whole
        .checked_mul(1_000_000_000)?
        .checked_add(part)
        .filter(|nanos| *nanos > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_read() {
        for (text, nanos) in [
            ("2", Some(2_000_000_000)),
            ("1.5", Some(1_500_000_000)),
            (".25", Some(250_000_000)),
            ("0", None),
            ("-1", None),
            ("1.x", None),
            ("", None),
            ("99999999999", None),
        ] {
            assert_eq!(parse_cpus(text), nanos, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,30}") {
            let _ = parse_cpus(&text);
        }
    }
}
