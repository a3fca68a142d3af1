//! Measuring: how long commands take, and what is made of many such times.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Times of one thing, in seconds, in the order in which they were measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds one.
    pub fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    /// The one in the middle; 0 when there is none.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => 0.0,
            count if count % 2 == 1 => sorted[count / 2],
            count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
        }
    }

    /// The least; 0 when there is none.
    pub fn min(&self) -> f64 {
        self.0.iter().copied().reduce(f64::min).unwrap_or_default()
    }

    /// The greatest; 0 when there is none.
    pub fn max(&self) -> f64 {
        self.0.iter().copied().reduce(f64::max).unwrap_or_default()
    }

    /// Each divided by the other's that was measured beside it: what slows the machine down for a while is in both.
    pub fn ratios(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0).filter(|(_, other)| **other > 0.0);
        Self(pairs.map(|(one, other)| one / other).collect())
    }
}

/// How long the command takes, in seconds. Nothing of its output is kept.
pub fn time(command: &mut Command) -> Result<f64> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("`{}` cannot be started", shell::shown(command)))?;
    let took = start.elapsed().as_secs_f64();
    if !status.success() {
        bail!("`{}` failed: {status}", shell::shown(command));
    }
    Ok(took)
}

/// Measures two things in turn, so that what else happens on the machine meets both alike.
pub fn alternate(
    rounds: usize,
    mut one: impl FnMut() -> Result<f64>,
    mut other: impl FnMut() -> Result<f64>,
) -> Result<(Samples, Samples)> {
    let (mut ones, mut others) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        ones.add(one()?);
        others.add(other()?);
    }
    Ok((ones, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends_are_found() {
        let mut samples = Samples::default();
        assert_eq!(samples.median(), 0.0);
        for seconds in [3.0, 1.0, 10.0] {
            samples.add(seconds);
        }
        assert_eq!((samples.min(), samples.median(), samples.max()), (1.0, 3.0, 10.0));
        samples.add(5.0);
        assert_eq!(samples.median(), 4.0);
        assert_eq!(
            samples.ratios(&Samples(vec![3.0, 0.0, 5.0])),
            Samples(vec![1.0, 2.0])
        );
    }

    #[test]
    fn both_are_measured_in_turn() {
        let order = std::cell::RefCell::new(String::new());
        let note = |letter: char| {
            order.borrow_mut().push(letter);
            Ok(f64::from(u32::from(letter)))
        };
        let (ones, others) = alternate(2, || note('a'), || note('b')).unwrap();
        assert_eq!(*order.borrow(), "abab");
        assert_eq!((ones.median(), others.median()), (97.0, 98.0));
    }

    #[test]
    fn a_command_that_fails_is_no_measurement() {
        assert!(time(&mut Command::new("false")).is_err());
        assert!(time(&mut Command::new("true")).is_ok());
    }
}
