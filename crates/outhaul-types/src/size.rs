//! Sizes as people and `docker run` write them.

/// Bytes from a size such as `512m`, `2g`, `1.5GiB` or `1000`; `None` when it is none. Units count in steps of 1024.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    let factor = 1u64 << shift;
    if let Ok(whole) = number.parse::<u64>() {
        return whole
            .checked_mul(factor)
            .filter(|bytes| i64::try_from(*bytes).is_ok());
    }
    let (whole, part) = number.split_once('.')?;
    if part.is_empty() || part.len() > 6 {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let scale = 10u64.pow(u32::try_from(part.len()).ok()?);
    let part: u64 = part.parse().ok()?;
    let bytes =
        u128::from(whole) * u128::from(factor) + u128::from(part) * u128::from(factor) / u128::from(scale);
    i64::try_from(bytes)
        .ok()
        .and_then(|bytes| u64::try_from(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("1000", Some(1000)),
            ("512m", Some(512 << 20)),
            ("2g", Some(2 << 30)),
            ("2G", Some(2 << 30)),
            ("1.5GiB", Some(3 << 29)),
            (".5k", Some(512)),
            ("64 MB", Some(64 << 20)),
            ("1tb", Some(1 << 40)),
            ("", None),
            ("g", None),
            ("-1", None),
            ("1.", None),
            ("1.2.3", None),
            ("2x", None),
            ("99999999999999999999", None),
            ("99999999t", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,30}") {
            let _ = parse_size(&text);
        }
    }
}
