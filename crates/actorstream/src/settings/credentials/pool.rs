//! `KeyPool`: several keys that take turns.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actorstream_proto::outcome::secret::Secret;
use tokio::time::Instant;

use super::{Credentials, CredentialsError, KeyAnswer, KeyFuture, KeyRequest};

/// How long a key rests that a server refused.
const REFUSED: Duration = Duration::from_secs(300);

/// How long a key rests that is over its rate limit, if the server does not say how long.
const RATE_LIMITED: Duration = Duration::from_secs(20);

/// The longest rest that a server can impose.
const LONGEST: Duration = Duration::from_secs(3600);

/// Several keys that take turns. A key that a server refuses (401, 403) rests for five minutes; one that is over its rate limit
/// (429) for as long as the server says, at most an hour, or for 20 s. If all keys rest, the one whose rest ends first is used.
pub struct KeyPool {
    keys: Mutex<Vec<Key>>,
}

struct Key {
    key: Secret,
    rests_until: Option<Instant>,
    /// When it was last used; a pool is too small for anything but a search.
    used: u64,
}

impl KeyPool {
    /// A pool of these keys. Empty ones, and repetitions, are left out.
    pub fn new<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Self {
        let mut unique: Vec<Key> = Vec::new();
        for key in keys {
            let key = Secret::new(key.as_ref());
            if !key.reveal().is_empty() && unique.iter().all(|other| other.key != key) {
                unique.push(Key { key, rests_until: None, used: 0 });
            }
        }
        Self { keys: Mutex::new(unique) }
    }

    fn keys(&self) -> MutexGuard<'_, Vec<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the key that was not used for the longest time, of those that do not rest.
    fn next(&self) -> Option<Secret> {
        let (mut keys, now) = (self.keys(), Instant::now());
        let turn = keys.iter().map(|key| key.used).max()? + 1;
        let rest = |key: &Key| key.rests_until.filter(|until| *until > now);
        let next = keys.iter_mut().min_by_key(|key| (rest(key), key.used))?;
        next.used = turn;
        Some(next.key.clone())
    }
}

impl Credentials for KeyPool {
    fn key(&self, _: KeyRequest) -> KeyFuture {
        let key = self.next().ok_or_else(|| CredentialsError::new("the pool holds no keys"));
        Box::pin(async { key })
    }

    fn report(&self, key: &Secret, answer: KeyAnswer) {
        let rest = match answer {
            KeyAnswer::Accepted => None,
            KeyAnswer::Refused => Some(REFUSED),
            KeyAnswer::RateLimited(after) => Some(after.unwrap_or(RATE_LIMITED).min(LONGEST)),
        };
        if let Some(known) = self.keys().iter_mut().find(|known| known.key == *key) {
            known.rests_until = rest.map(|rest| Instant::now() + rest);
        }
    }
}

impl fmt::Debug for KeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPool").field("keys", &self.keys().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(pool: &KeyPool) -> String {
        pool.next().map(|key| key.reveal().to_owned()).unwrap_or_default()
    }

    fn take(pool: &KeyPool, count: usize) -> String {
        (0..count).map(|_| next(pool)).collect::<Vec<_>>().join(" ")
    }

    #[actix_rt::test]
    async fn keys_take_turns_and_rest() {
        tokio::time::pause();
        let pool = KeyPool::new(["a", "b", "a", "", "c\n"]);
        assert_eq!(take(&pool, 6), "a b c a b c");
        pool.report(&Secret::new("b"), KeyAnswer::RateLimited(Some(Duration::from_secs(5))));
        pool.report(&Secret::new("c"), KeyAnswer::RateLimited(None));
        assert_eq!(take(&pool, 2), "a a");
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(take(&pool, 4), "b a b a");
        tokio::time::advance(Duration::from_secs(15)).await;
        assert_eq!(take(&pool, 3), "c b a");
        // If all rest, the first to be ready is used.
        pool.report(&Secret::new("a"), KeyAnswer::Refused);
        pool.report(&Secret::new("b"), KeyAnswer::RateLimited(Some(Duration::MAX)));
        pool.report(&Secret::new("c"), KeyAnswer::RateLimited(Some(Duration::from_secs(9))));
        assert_eq!(take(&pool, 2), "c c");
        pool.report(&Secret::new("a"), KeyAnswer::Accepted);
        assert_eq!(take(&pool, 2), "a a");
    }

    #[actix_rt::test]
    async fn an_empty_pool_is_an_error() {
        let pool = KeyPool::new([""]);
        let error = pool.key(KeyRequest { attempt: 1, refused: None }).await.unwrap_err();
        assert_eq!(error.to_string(), "the pool holds no keys");
    }
}
