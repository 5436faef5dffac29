//! `Quota`: limits on the requests and tokens that a client sends in a minute.

mod lane;
mod meter;
mod turns;

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use actorstream_proto::outcome::rate_limits::RateLimits;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::head::Head;

use lane::Lane;

/// The time on the runtime's clock, which tests can pause.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// How many lanes are kept before unused ones are dropped: keys from a token service change all day.
const KEPT: usize = 256;

/// Limits on what a client sends in a minute, for each key and each model, as providers count. Requests beyond them wait.
///
/// ```
/// use actorstream::{OpenAi, Quota};
///
/// # fn main() -> Result<(), actorstream::StreamError> {
/// let openai = OpenAi::builder()
///     .api_key("a key")
///     .quota(Quota::new().requests(500).tokens(200_000))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// A minute's worth may be sent at once; then requests go out as their share of a minute passes. A client with a quota, even an empty
/// one, also keeps the limits that a server states in the heads of responses (`x-ratelimit-…`), and pauses after a 429 for as long as
/// its `Retry-After` says, at most an hour.
///
/// The wait counts as that for a permit: it is bounded by the `queue` timeout, told in [`Timings::queue`](crate::Timings), and ends
/// with the stream. [Owners](crate::Call::owner) that wait take turns, and the requests of one owner keep their order. Only `POST`
/// requests count, retries and rounds of tools included. The tokens of a request are estimated by its length and its limit on
/// output, and corrected when the response reports its usage. Backends have the quotas of their own clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    requests: Option<u64>,
    tokens: Option<u64>,
}

impl Quota {
    /// A quota without limits of its own: only those of the server hold.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many requests may be sent in a minute, at least 1.
    #[must_use]
    pub fn requests(mut self, per_minute: u64) -> Self {
        self.requests = Some(per_minute);
        self
    }

    /// Sets how many tokens, of requests and responses together, may be used in a minute, at least 1. A request that needs more waits
    /// until nothing is used.
    #[must_use]
    pub fn tokens(mut self, per_minute: u64) -> Self {
        self.tokens = Some(per_minute);
        self
    }
}

/// Keeps the quota of a client; shared by all its streams.
#[derive(Debug)]
pub(crate) struct Limiter {
    quota: Quota,
    /// By the hash of server, key and model: a key is not stored.
    lanes: Mutex<HashMap<u64, Arc<Lane>>>,
}

impl Limiter {
    pub(crate) fn new(quota: Quota) -> Self {
        Self { quota, lanes: Mutex::default() }
    }

    /// Waits until a request to this server may be sent.
    pub(crate) async fn admit(
        &self,
        (server, key, model): (&str, Option<&Secret>, Option<&str>),
        owner: Option<&Arc<str>>,
        tokens: u64,
    ) -> Admission {
        let lane = self.lane((server, key.map(Secret::reveal), model));
        lane.enter(owner, tokens).await;
        Admission { lane, tokens }
    }

    fn lane(&self, of: impl Hash) -> Arc<Lane> {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= KEPT {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || !lane.is_unused());
        }
        let new = || Arc::new(Lane::new([self.quota.requests, self.quota.tokens]));
        Arc::clone(lanes.entry(hasher.finish()).or_insert_with(new))
    }
}

/// A request that may be sent.
pub(crate) struct Admission {
    lane: Arc<Lane>,
    /// The tokens that were counted.
    tokens: u64,
}

impl Admission {
    /// The head of the response has arrived.
    pub(crate) fn learn(&self, head: &Head) {
        if let Some(head) = &head.whole {
            let limits: RateLimits = head.rate_limits();
            self.lane.learn(&limits);
        }
        if head.status == 429
            && let Some(wait) = head.retry_after
        {
            self.lane.pause(wait);
        }
    }

    /// The response has reported its usage.
    pub(crate) fn settle(self, used: u64) {
        self.lane.settle(self.tokens, used);
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}
