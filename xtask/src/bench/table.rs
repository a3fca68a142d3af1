//! What was measured, as a Markdown table or as JSON.

use anyhow::Result;
use serde_json::{Value, json};

use super::sample::Samples;

/// What a row is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// It is told, and no more.
    None,
    /// At most so many times what it is measured against.
    RatioAtMost(f64),
    /// At least this many times the throughput of what it is measured against: as a ratio of times, at most one over it.
    ThroughputAtLeast(f64),
    /// Less than this, in the unit of the row.
    Below(f64),
}

/// One thing that was measured.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub what: String,
    /// What came out: seconds, unless there is a unit.
    pub measured: Samples,
    /// Unit other than time.
    pub unit: Option<&'static str>,
    /// What it is compared with, and what came out there.
    pub against: Option<(String, Samples)>,
    /// The aim.
    pub aim: Aim,
    /// What else is to be said, or why nothing was measured.
    pub note: String,
}

impl Row {
    /// A time without comparison.
    pub fn time(what: impl Into<String>, measured: Samples) -> Self {
        Self {
            what: what.into(),
            measured,
            unit: None,
            against: None,
            aim: Aim::None,
            note: String::new(),
        }
    }

    /// A time and another one.
    pub fn pair(what: impl Into<String>, against: &str, (measured, other): (Samples, Samples)) -> Self {
        Self {
            against: Some((against.to_owned(), other)),
            ..Self::time(what, measured)
        }
    }

    /// With this aim.
    pub fn aim(self, aim: Aim) -> Self {
        Self { aim, ..self }
    }

    /// With this note.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }

    /// How many times the other it is, pair by pair. It reads the same in every row: less is better, 0.1 is a tenth of the
    /// other's time.
    fn ratios(&self) -> Option<Samples> {
        let (_, other) = self.against.as_ref()?;
        let ratios = self.measured.ratios(other);
        (ratios.median() > 0.0).then_some(ratios)
    }

    fn ratio(&self) -> Option<f64> {
        self.ratios().map(|ratios| ratios.median())
    }

    fn ratio_shown(&self) -> String {
        let Some(ratios) = self.ratios() else {
            return String::new();
        };
        let [median, least, most] = [ratios.median(), ratios.min(), ratios.max()].map(times);
        if least == most {
            return median;
        }
        format!("{median} ({least}–{most})")
    }

    fn met(&self) -> Option<bool> {
        match self.aim {
            Aim::None => None,
            Aim::RatioAtMost(limit) => self.ratio().map(|ratio| ratio <= limit),
            Aim::ThroughputAtLeast(limit) => self.ratio().map(|ratio| ratio <= 1.0 / limit),
            Aim::Below(limit) => Some(self.measured.median() < limit),
        }
    }

    fn shown(&self, samples: &Samples) -> String {
        let one = |value: f64| {
            self.unit
                .map_or_else(|| seconds(value), |unit| format!("{value:.1} {unit}"))
        };
        if samples.median() == 0.0 && samples.max() == 0.0 && self.unit.is_none() {
            return "–".into();
        }
        let middle = one(samples.median());
        if samples.min() == samples.max() {
            return middle;
        }
        format!("{middle} ({}–{})", one(samples.min()), one(samples.max()))
    }

    fn aim_shown(&self) -> String {
        match self.aim {
            Aim::None => String::new(),
            Aim::RatioAtMost(limit) => format!("≤ {limit} ×"),
            Aim::ThroughputAtLeast(limit) => {
                format!("≤ {} ×: throughput ≥ {limit} ×", times(1.0 / limit))
            }
            Aim::Below(limit) => match self.unit {
                Some(unit) => format!("< {limit} {unit}"),
                None => format!("< {}", seconds(limit)),
            },
        }
    }
}

/// A ratio: small ones differ in their third digit.
fn times(value: f64) -> String {
    if value < 0.1 {
        format!("{value:.3}")
    } else {
        format!("{value:.2}")
    }
}

fn seconds(value: f64) -> String {
    match value {
        value if value < 0.001 => format!("{:.0} µs", value * 1e6),
        value if value < 0.1 => format!("{:.1} ms", value * 1e3),
        value if value < 1.0 => format!("{:.0} ms", value * 1e3),
        value => format!("{value:.2} s"),
    }
}

/// The rows for people.
pub fn markdown(rows: &[Row], machine: &str) -> String {
    let mut text = format!("{machine}\n\n");
    text.push_str(
        "| what | median (least–most) | against | its median (least–most) | ratio, less is better (least–most) | aim | met | note |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for row in rows {
        let (against, other) = match &row.against {
            Some((name, other)) => (name.as_str(), row.shown(other)),
            None => ("", String::new()),
        };
        let ratio = row.ratio_shown();
        let met = row
            .met()
            .map(|met| if met { "yes" } else { "NO" })
            .unwrap_or_default();
        let cells = [
            &row.what,
            &row.shown(&row.measured),
            against,
            &other,
            &ratio,
            &row.aim_shown(),
            met,
            &row.note,
        ];
        text.push_str(&format!(
            "| {} |\n",
            cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
        ));
    }
    text.trim_end().to_owned()
}

/// The rows for programs.
pub fn json(rows: &[Row]) -> Result<String> {
    let figures =
        |samples: &Samples| json!({"median": samples.median(), "min": samples.min(), "max": samples.max()});
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "what": row.what,
                "unit": row.unit.unwrap_or("s"),
                "measured": figures(&row.measured),
                "against": row.against.as_ref().map(|(name, _)| name),
                "other": row.against.as_ref().map(|(_, other)| figures(other)),
                "ratio": row.ratios().map(|ratios| figures(&ratios)),
                "aim": row.aim_shown(),
                "met": row.met(),
                "note": row.note,
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&rows)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(seconds: f64) -> Samples {
        let mut samples = Samples::default();
        samples.add(seconds);
        samples
    }

    #[test]
    fn aims_are_met_or_not() {
        let pair = |aim| Row::pair("a", "b", (samples(0.09), samples(0.03))).aim(aim);
        assert_eq!(pair(Aim::RatioAtMost(4.0)).met(), Some(true));
        assert_eq!(pair(Aim::RatioAtMost(2.0)).met(), Some(false));
        assert_eq!(pair(Aim::ThroughputAtLeast(0.3)).met(), Some(true));
        assert_eq!(pair(Aim::ThroughputAtLeast(0.6)).met(), Some(false));
        assert_eq!(pair(Aim::Below(0.05)).met(), Some(false));
        assert_eq!(pair(Aim::None).met(), None);
    }

    #[test]
    fn rows_are_lines_of_a_table() {
        let row = Row::pair("run", "`a|b`", (samples(0.09), samples(0.03))).aim(Aim::RatioAtMost(4.0));
        let text = markdown(&[row], "here");
        assert_eq!(
            text.lines().last(),
            Some("| run | 90.0 ms | `a\\|b` | 30.0 ms | 3.00 | ≤ 4 × | yes |  |")
        );
        // An aim changes nothing in how a ratio reads.
        let answers = |aim| Row::pair("an answer", "c", (samples(0.002), samples(0.04))).aim(aim);
        let rows = [Aim::None, Aim::ThroughputAtLeast(15.0)].map(answers);
        let text = markdown(&rows, "here");
        let lines: Vec<&str> = text.lines().skip(4).collect();
        assert_eq!(
            lines,
            [
                "| an answer | 2.0 ms | c | 40.0 ms | 0.050 |  |  |  |",
                "| an answer | 2.0 ms | c | 40.0 ms | 0.050 | ≤ 0.067 ×: throughput ≥ 15 × | yes |  |",
            ]
        );
    }
}
