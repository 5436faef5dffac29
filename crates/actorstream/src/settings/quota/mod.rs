//! `Quota`: limits on the requests and tokens that a client sends in a minute.

mod lane;
mod meter;
mod turns;

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actorstream_proto::outcome::rate_limits::RateLimits;
use actorstream_proto::outcome::response_head::ResponseHead;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::head::Head;

use lane::{Charge, Lane};
use turns::Owner;

/// The time on the runtime's clock, which tests can pause.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// How many lanes there are at most: keys from a token service change all day, and models may come from users.
const MOST_LANES: usize = 1024;

/// How often unused lanes are looked for, when there is room for no more.
const SWEEP: Duration = Duration::from_secs(1);

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
/// output, and corrected when the response reports its usage; a refused request has used none, and one that was not sent counts as
/// none. Backends have the quotas of their own clients.
///
/// Up to 1,024 keys and models have quotas of their own at the same time; the others share one.
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
    lanes: Mutex<Lanes>,
}

#[derive(Debug, Default)]
struct Lanes {
    /// By the hash of server, key and model: a key is not stored.
    by_hash: HashMap<u64, Arc<Lane>>,
    /// The lane of those for which there is no room.
    shared: Option<Arc<Lane>>,
    swept: Option<Instant>,
}

impl Limiter {
    pub(crate) fn new(quota: Quota) -> Self {
        Self { quota, lanes: Mutex::default() }
    }

    /// Waits until a request to this server may be sent; `None` as soon as the server asks for a pause that lasts beyond `patience`.
    pub(crate) async fn admit(
        &self,
        (server, key, model): (&str, Option<&Secret>, Option<&str>),
        owner: &Owner,
        tokens: u64,
        patience: Option<Instant>,
    ) -> Option<Admission> {
        let lane = self.lane((server, key.map(Secret::reveal), model));
        let charge = lane.enter(owner, tokens, patience).await?;
        Some(Admission { lane, charge, stage: Cell::new(Stage::Unsent) })
    }

    /// Describes what a request to this server waits for, for an error.
    pub(crate) fn describe(&self, (server, key, model): (&str, Option<&Secret>, Option<&str>)) -> String {
        self.lane((server, key.map(Secret::reveal), model)).describe()
    }

    fn lane(&self, of: impl Hash) -> Arc<Lane> {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        let hash = hasher.finish();
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let Lanes { by_hash, shared, swept } = &mut *lanes;
        if let Some(lane) = by_hash.get(&hash) {
            return Arc::clone(lane);
        }
        let (new, now) = (|| Arc::new(Lane::new([self.quota.requests, self.quota.tokens])), now());
        if by_hash.len() >= MOST_LANES && swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP) {
            *swept = Some(now);
            by_hash.retain(|_, lane| Arc::strong_count(lane) > 1 || !lane.is_unused());
        }
        if by_hash.len() >= MOST_LANES {
            return Arc::clone(shared.get_or_insert_with(new));
        }
        Arc::clone(by_hash.entry(hash).or_insert_with(new))
    }
}

/// A request that may be sent. If it is dropped unsent, what it has taken comes back.
pub(crate) struct Admission {
    lane: Arc<Lane>,
    charge: Charge,
    stage: Cell<Stage>,
}

/// What has become of a request that may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Unsent,
    Sent,
    Refused,
}

impl Admission {
    /// A part of the request has been sent.
    pub(crate) fn sent(&self) {
        if self.stage.get() == Stage::Unsent {
            self.stage.set(Stage::Sent);
        }
    }

    /// The head of the response has arrived.
    pub(crate) fn learn(&self, head: &Head) {
        self.sent();
        let is_refusal = head.status >= 400;
        let limits: RateLimits = head.whole.as_ref().map(ResponseHead::rate_limits).unwrap_or_default();
        if is_refusal && self.stage.replace(Stage::Refused) != Stage::Refused {
            self.lane.give_back(&self.charge, true);
        }
        self.lane.learn(&self.charge, &limits, is_refusal);
        if head.status == 429
            && let Some(wait) = head.retry_after
        {
            self.lane.pause(wait);
        }
    }

    /// The response has reported its usage.
    pub(crate) fn settle(self, used: u64) {
        self.lane.settle(&self.charge, used);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.stage.get() == Stage::Unsent {
            self.lane.give_back(&self.charge, false);
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("stage", &self.stage).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn beyond_so_many_keys_and_models_the_others_share_a_lane() {
        tokio::time::pause();
        let limiter = Limiter::new(Quota::new().requests(1));
        let admit = async |model: usize| {
            let model = model.to_string();
            limiter.admit(("server", None, Some(&model)), &None, 0, None).await.unwrap().sent();
        };
        for model in 0..MOST_LANES {
            admit(model).await;
        }
        let start = now();
        admit(MOST_LANES).await;
        assert_eq!(start, now(), "the first one of those that share");
        admit(MOST_LANES + 1).await;
        assert_eq!(now().duration_since(start).as_secs(), 60);
        // The others are unused by now, and make room.
        admit(MOST_LANES + 2).await;
        assert_eq!(now().duration_since(start).as_secs(), 60);
        let lanes = limiter.lanes.lock().unwrap();
        assert!(lanes.by_hash.len() <= 2, "{}", lanes.by_hash.len());
    }
}
