//! `StoreLimits`: the limits of a store.

use std::time::Duration;

/// The limits on the data that servers and users can make a store hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLimits {
    /// The bytes of one log. Default: 32 MiB.
    pub max_bytes: u64,
    /// The entries of one log. Default: 500,000.
    pub max_events: u64,
    /// How long a generation may run. Default: 1 hour.
    pub max_age: Duration,
    /// How long a log is kept after its end. Default: 10 minutes.
    pub ttl: Duration,
    /// The number of concurrent generations. Default: 10,000.
    pub max_generations: usize,
    /// The bytes of all logs together. Default: 1 GiB. When the limit is reached, logs are evicted in the order in
    /// which they ended. A store that bounds its memory by other means (Redis: `maxmemory`) ignores this.
    pub max_memory: u64,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            max_bytes: 32 << 20,
            max_events: 500_000,
            max_age: Duration::from_secs(3600),
            ttl: Duration::from_secs(600),
            max_generations: 10_000,
            max_memory: 1 << 30,
        }
    }
}
