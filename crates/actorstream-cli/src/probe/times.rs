//! Times: percentiles and histograms.

use std::time::Duration;

/// The upper bounds of the buckets of a histogram, in microseconds; the last bucket has none.
const BOUNDS: [u64; 16] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000,
];

/// Several times of the same kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    /// In ascending order.
    sorted: Vec<Duration>,
}

/// A bucket of a histogram: its upper bound, or `None`, and how many times are in it.
pub(super) type Bucket = (Option<Duration>, usize);

impl Times {
    pub(super) fn of(times: impl Iterator<Item = Duration>) -> Self {
        let mut sorted: Vec<Duration> = times.collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The time that this share of all does not exceed, by the nearest rank; `None` if there are none.
    pub(super) fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = (share * self.sorted.len() as f64).ceil() as usize;
        self.sorted.get(rank.max(1) - 1).copied()
    }

    /// The buckets from the first to the last that is not empty.
    pub(super) fn histogram(&self) -> Vec<Bucket> {
        let bounds = BOUNDS.map(|micros| Some(Duration::from_micros(micros)));
        let mut buckets: Vec<Bucket> = bounds.into_iter().chain([None]).map(|bound| (bound, 0)).collect();
        for time in &self.sorted {
            let at = buckets.iter().position(|(bound, _)| bound.is_none_or(|bound| *time < bound));
            if let Some(at) = at {
                buckets[at].1 += 1;
            }
        }
        let is_used = |(_, count): &Bucket| *count > 0;
        let last = buckets.iter().rposition(is_used).map_or(0, |last| last + 1);
        buckets.truncate(last);
        let first = buckets.iter().position(is_used).unwrap_or_default();
        buckets.split_off(first)
    }
}

/// A time in the unit that fits it.
pub(super) fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..1_000.0 => format!("{micros:.0} µs"),
        ..10_000.0 => format!("{:.1} ms", micros / 1e3),
        ..1_000_000.0 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(times: &[u64]) -> Times {
        Times::of(times.iter().map(|millis| Duration::from_millis(*millis)))
    }

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let times = millis(&[5, 1, 3, 2, 4]);
        let quantile = |share| times.quantile(share).map(|time| time.as_millis());
        assert_eq!([0.0, 0.5, 0.9, 1.0].map(quantile), [Some(1), Some(3), Some(5), Some(5)]);
        assert_eq!(millis(&[]).quantile(0.5), None);
    }

    #[test]
    fn a_histogram_has_every_time_once_and_no_empty_ends() {
        let histogram = millis(&[1, 1, 7, 60_000]).histogram();
        assert_eq!(histogram[0], (Some(Duration::from_millis(2)), 2));
        assert_eq!(histogram.last(), Some(&(None, 1)));
        assert_eq!(histogram.iter().map(|(_, count)| count).sum::<usize>(), 4);
        assert!(millis(&[]).histogram().is_empty());
    }

    #[test]
    fn times_are_shown_in_their_unit() {
        let shown = [12, 1_500, 20_000, 3_210_000].map(|micros| shown(Duration::from_micros(micros)));
        assert_eq!(shown, ["12 µs", "1.5 ms", "20 ms", "3.2 s"]);
    }
}
