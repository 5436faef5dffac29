//! `Registry`: the current values of all metrics.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::atomics::AtomicU64;
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// The bounds of histograms of times, in seconds, as OpenTelemetry's conventions for generative AI have them.
const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// The bounds of histograms of tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// How the names of histograms of tokens end.
const OF_TOKENS: [&str; 3] = ["token.usage", "operation.input_tokens", "operation.output_tokens"];

/// The current values of all metrics.
#[derive(Default)]
pub(super) struct Registry {
    counters: Series<AtomicU64>,
    gauges: Series<AtomicU64>,
    histograms: Series<Buckets>,
}

impl Registry {
    pub(super) fn counters(&self) -> Vec<(Key, u64)> {
        self.counters.read(|value| value.load(Ordering::Relaxed))
    }

    pub(super) fn gauges(&self) -> Vec<(Key, f64)> {
        self.gauges.read(|value| f64::from_bits(value.load(Ordering::Relaxed)))
    }

    pub(super) fn histograms(&self) -> Vec<(Key, Distribution)> {
        self.histograms.read(Buckets::distribution)
    }
}

impl Recorder for Registry {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.counters.get(key, AtomicU64::default).into()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.gauges.get(key, AtomicU64::default).into()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let is_tokens = OF_TOKENS.iter().any(|end| key.name().ends_with(end));
        self.histograms.get(key, || Buckets::new(if is_tokens { &TOKENS } else { &SECONDS })).into()
    }
}

/// The values of one kind of metric, by name and labels.
struct Series<V>(Mutex<HashMap<Key, Arc<V>>>);

impl<V> Default for Series<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V> Series<V> {
    fn get(&self, key: &Key, new: impl FnOnce() -> V) -> Arc<V> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match values.get(key) {
            Some(value) => Arc::clone(value),
            None => Arc::clone(values.entry(key.to_retained()).or_insert_with(|| Arc::new(new()))),
        }
    }

    /// Returns the values in the order of their names and labels.
    fn read<R>(&self, read: impl Fn(&V) -> R) -> Vec<(Key, R)> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = values.iter().map(|(key, value)| (key.clone(), read(value))).collect();
        drop(values);
        all.sort_by(|(key, _), (other, _)| key.cmp(other));
        all
    }
}

/// What a histogram has recorded.
#[derive(Clone)]
pub(super) struct Distribution {
    /// The upper bounds of the buckets, in ascending order.
    pub(super) bounds: &'static [f64],
    /// How many values are at most as large as each bound.
    pub(super) at_most: Vec<u64>,
    /// How many values there are.
    pub(super) count: u64,
    pub(super) sum: f64,
}

/// A histogram.
struct Buckets(Mutex<Distribution>);

impl Buckets {
    fn new(bounds: &'static [f64]) -> Self {
        Self(Mutex::new(Distribution { bounds, at_most: vec![0; bounds.len()], count: 0, sum: 0.0 }))
    }

    fn distribution(&self) -> Distribution {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = recorded.bounds.partition_point(|bound| *bound < value);
        recorded.at_most[first..].iter_mut().for_each(|count| *count += 1);
        recorded.count += 1;
        recorded.sum += value;
    }
}
