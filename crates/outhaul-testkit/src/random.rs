//! Chance that can be repeated: a small generator, and the seed and the size of a test as the environment says them.

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

/// Variable that sets the seed of all chance in a test.
pub const SEED: &str = "OUTHAUL_TEST_SEED";
/// Variable that asks for the long form of tests (`1`).
pub const FULL: &str = "OUTHAUL_TEST_FULL";

/// The seed that the environment names, or a new one. Print it: a failure is repeated with it.
#[must_use]
pub fn seed() -> u64 {
    let named = std::env::var(SEED)
        .ok()
        .map(|text| text.parse().expect("the seed is a number"));
    named.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos()) ^ now.as_secs() << 20 & 0xffff_ffff
    })
}

/// Whether the long form of tests is asked for.
#[must_use]
pub fn full() -> bool {
    std::env::var_os(FULL).is_some_and(|value| value == "1")
}

/// A generator (splitmix64): the same seed gives the same numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    /// A number of a range that is not empty.
    pub fn of(&mut self, range: Range<u64>) -> u64 {
        range.start + self.bits() % (range.end - range.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers_and_they_stay_in_the_range() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..100).map(|_| random.of(5..15)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!((5..15).all(|number| draw(7).contains(&number)));
    }
}
