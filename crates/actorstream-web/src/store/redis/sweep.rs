//! The running generations: counts them, and finds those that have lost their producer.
//!
//! A sorted set contains the time of each generation's next check: the expiry of its lease at the last check. In a
//! cluster, the set is on another node than the generations and may lag behind them; each check corrects it.

use futures_util::future::try_join_all;
use redis::Value;

use super::keys::Keys;
use super::link::{Link, millis};
use super::reply::{Reply, unreadable};
use super::scripts::{ADMIT, Call, DUE, READ_STATE};
use crate::id::GenerationId;
use crate::store::{NewGeneration, StoreError, StoreLimit, StoreLimits};

/// The number of generations checked at once.
const BATCH: usize = 64;

/// The result of checking a generation.
enum Found {
    Orphan(GenerationId),
    /// The lease expires in this many milliseconds.
    Leased(String, u64),
    /// The generation has ended, or is gone.
    Over(String),
}

/// Admits a generation before it is created.
///
/// # Errors
/// `Full` if there are too many.
pub(super) async fn admit(
    link: &Link,
    keys: &Keys,
    new: &NewGeneration,
    limits: &StoreLimits,
) -> Result<(), StoreError> {
    let live = keys.live();
    let call =
        Call::new(&ADMIT, &[&live]).arg(new.id.as_str()).arg(millis(new.lease)).arg(limits.max_generations);
    match Reply::new(link.call(&call).await?) {
        Err(StoreError::Full(StoreLimit::Generations)) => {
            // Some generations may have ended without a report from their instance.
            orphans(link, keys, 4 * BATCH).await?;
            Reply::new(link.call(&call).await?).map(drop)
        }
        admitted => admitted.map(drop),
    }
}

/// Removes a generation that is no longer running.
pub(super) async fn over(link: &Link, keys: &Keys, id: &str) -> Result<(), StoreError> {
    link.command(redis::cmd("ZREM").arg(keys.live()).arg(id)).await.map(drop)
}

/// Schedules a generation that has lost its producer for the next check.
pub(super) async fn released(link: &Link, keys: &Keys, id: &GenerationId) -> Result<(), StoreError> {
    link.command(redis::cmd("ZADD").arg(keys.live()).arg("XX").arg(0).arg(id.as_str())).await.map(drop)
}

/// Returns at most `most` generations without an end and without a lease.
pub(super) async fn orphans(link: &Link, keys: &Keys, most: usize) -> Result<Vec<GenerationId>, StoreError> {
    let mut orphans = Vec::new();
    while orphans.len() < most {
        let due = Call::new(&DUE, &[&keys.live()]).arg(orphans.len()).arg(BATCH.min(most - orphans.len()));
        let (_, mut reply) = Reply::new(link.call(&due).await?)?;
        let now = reply.number()?;
        let Value::Array(ids) = reply.value()? else { return Err(unreadable()) };
        if ids.is_empty() {
            break;
        }
        let ids = ids.into_iter().map(|id| redis::from_redis_value::<String>(id).map_err(|_| unreadable()));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let found = try_join_all(ids.into_iter().map(|id| find(link, keys, id))).await?;
        for found in found {
            match found {
                Found::Orphan(id) => orphans.push(id),
                Found::Leased(id, left) => {
                    let later = now.saturating_add(left);
                    link.command(redis::cmd("ZADD").arg(keys.live()).arg("XX").arg(later).arg(id)).await?;
                }
                Found::Over(id) => over(link, keys, &id).await?,
            }
        }
    }
    Ok(orphans)
}

async fn look(link: &Link, keys: &Keys, id: String) -> Result<Found, StoreError> {
    let Ok(generation) = id.parse::<GenerationId>() else { return Ok(Found::Over(id)) };
    let call = Call::new(&READ_STATE, &[&keys.meta(&generation), &keys.lease(&generation)]);
    match link.call(&call).await.and_then(Reply::new) {
        Ok((_, reply)) => match reply.look()? {
            (state, _) if state.ended => Ok(Found::Over(id)),
            (_, 0) => Ok(Found::Orphan(generation)),
            (_, left) => Ok(Found::Leased(id, left)),
        },
        Err(StoreError::NotFound) => Ok(Found::Over(id)),
        Err(error) => Err(error),
    }
}

/// Checks a generation. An unreadable key is a result too, so that a foreign key affects only one generation, and
/// neither the others nor new connections.
async fn find(link: &Link, keys: &Keys, id: String) -> Result<Found, StoreError> {
    match look(link, keys, id.clone()).await {
        Err(StoreError::Invalid(why)) => {
            tracing::warn!(%id, "the generation is left alone: {why}");
            Ok(Found::Over(id))
        }
        found => found,
    }
}
