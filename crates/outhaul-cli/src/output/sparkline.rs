//! A series of values in one line: ▁▂▃▅▇. Pure.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws a series in at most `width` characters: the lowest value is the lowest bar, the highest the highest, neighbours
/// are averaged where there are too many. A gap is drawn where a part has no finite value. Empty without two values.
pub(crate) fn sparkline(values: &[f64], width: usize) -> String {
    if values.len() < 2 || width == 0 {
        return String::new();
    }
    let parts = width.min(values.len());
    let means: Vec<Option<f64>> = (0..parts)
        .map(|part| {
            let part = &values[part * values.len() / parts..(part + 1) * values.len() / parts];
            let finite: Vec<f64> = part.iter().copied().filter(|value| value.is_finite()).collect();
            // Each is divided before it is added: the sum of large values would not be finite.
            let count = finite.len() as f64;
            (!finite.is_empty()).then(|| finite.iter().map(|value| value / count).sum())
        })
        .collect();
    let low = means.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    // Halves, because the difference of large values would not be finite either.
    let range = high / 2.0 - low / 2.0;
    let bar = |value: f64| {
        let part = if range > 0.0 {
            (value / 2.0 - low / 2.0) / range
        } else {
            0.5
        };
        BARS[((part * 7.0).round().clamp(0.0, 7.0)) as usize]
    };
    means.into_iter().map(|mean| mean.map_or(' ', bar)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes() {
        let cases: [(&[f64], &str); 7] = [
            (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], "▁▂▃▄▅▆▇█"),
            (&[2.0, 1.0], "█▁"),
            (&[5.0, 5.0, 5.0], "▅▅▅"),
            (&[1.0, f64::NAN, 2.0], "▁ █"),
            (&[f64::NAN, f64::INFINITY], "  "),
            (&[1.0], ""),
            (&[f64::MIN, 0.0, f64::MAX], "▁▅█"),
        ];
        for (values, line) in cases {
            assert_eq!(sparkline(values, 20), line, "{values:?}");
        }
        let long: Vec<f64> = (0..1_000).map(f64::from).collect();
        assert_eq!(sparkline(&long, 8), "▁▂▃▄▅▆▇█");
    }

    proptest! {
        #[test]
        fn any_series_fits(values: Vec<f64>, width in 0usize..40) {
            let line = sparkline(&values, width);
            let expected = if values.len() < 2 { 0 } else { values.len().min(width) };
            prop_assert_eq!(line.chars().count(), expected);
        }
    }
}
