//! Percentiles of delays.

use std::fmt;

/// Delays in nanoseconds, sorted.
#[derive(Debug)]
pub(crate) struct Percentiles(Vec<u64>);

impl Percentiles {
    /// Returns the delay that this percentage does not exceed, in milliseconds.
    pub(crate) fn at(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(self.0.len() * percent / 100).or(self.0.get(last)).map_or(0.0, |ns| *ns as f64 / 1e6)
    }
}

impl FromIterator<u64> for Percentiles {
    fn from_iter<I: IntoIterator<Item = u64>>(delays: I) -> Self {
        let mut delays: Vec<u64> = delays.into_iter().collect();
        delays.sort_unstable();
        Self(delays)
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, most] = [50, 99, 100].map(|percent| self.at(percent));
        write!(f, "50 % {p50:.3} ms, 99 % {p99:.3} ms, at most {most:.3} ms ({} events)", self.0.len())
    }
}
