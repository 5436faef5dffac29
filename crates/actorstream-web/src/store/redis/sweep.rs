//! The generations that run: how many there are, and which of them have lost their producer.
//!
//! A sorted set holds when to look at each the next time, which is when the lease that it had then is over. It is on
//! another node than the generations in a cluster, and so a step behind them: whoever looks puts it right.

use futures_util::future::try_join_all;
use redis::Value;

use super::keys::Keys;
use super::link::{Link, millis};
use super::reply::{Reply, unreadable};
use super::scripts::{ADMIT, Call, DUE, LOOK};
use crate::id::GenerationId;
use crate::store::{NewGeneration, StoreError, StoreLimit, StoreLimits};

/// How many are looked at in one go.
const BATCH: usize = 64;

/// What is found of one that was to be looked at.
enum Found {
    Orphan(GenerationId),
    /// Its lease has so many milliseconds left.
    Leased(String, u64),
    /// It has ended, or is gone.
    Over(String),
}

/// Takes a generation in, before it is created.
///
/// # Errors
/// `Full` when there are too many.
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
            // Some of them may be over, if their instance had no time to say so.
            orphans(link, keys, 4 * BATCH).await?;
            Reply::new(link.call(&call).await?).map(drop)
        }
        admitted => admitted.map(drop),
    }
}

/// It runs no more.
pub(super) async fn over(link: &Link, keys: &Keys, id: &str) -> Result<(), StoreError> {
    link.command(redis::cmd("ZREM").arg(keys.live()).arg(id)).await.map(drop)
}

/// It has lost its producer: it is to be looked at next.
pub(super) async fn released(link: &Link, keys: &Keys, id: &GenerationId) -> Result<(), StoreError> {
    link.command(redis::cmd("ZADD").arg(keys.live()).arg("XX").arg(0).arg(id.as_str())).await.map(drop)
}

/// Those that have no end and no lease, at most so many.
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

async fn find(link: &Link, keys: &Keys, id: String) -> Result<Found, StoreError> {
    let Ok(generation) = id.parse::<GenerationId>() else { return Ok(Found::Over(id)) };
    let call = Call::new(&LOOK, &[&keys.meta(&generation), &keys.lease(&generation)]);
    match Reply::new(link.call(&call).await?) {
        Ok((_, reply)) => match reply.look()? {
            (news, _) if news.ended => Ok(Found::Over(id)),
            (_, 0) => Ok(Found::Orphan(generation)),
            (_, left) => Ok(Found::Leased(id, left)),
        },
        Err(StoreError::NotFound) => Ok(Found::Over(id)),
        Err(error) => Err(error),
    }
}
