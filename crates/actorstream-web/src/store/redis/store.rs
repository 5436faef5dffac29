//! `RedisStore`: the operations of a store, each one a script.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::batch::Batch;
use super::fault::Words;
use super::keys::Keys;
use super::link::{self, Link, RedisTimeouts, millis, span};
use super::options::{RedisConnectError, RedisOptions};
use super::reply::{Reply, api_name, texts};
use super::scripts::{
    APPEND, APPEND_END, ATTEND, BIND, CLAIM, CREATE, CURRENT, Call, GENERATION, READ, RELEASE, REMOVE, RENEW,
    STOP, TALLY,
};
use super::source::Source;
use super::subscriber::Subscriber;
use super::sweep;
use super::watches::Watches;
use crate::event::Event;
use crate::id::GenerationId;
use crate::store::{
    Append, Appended, Bound, ChatKey, Claim, Generation, NewGeneration, Page, Progress, Renewed, Store,
    StoreError, StoreFuture, StoreLimits, Tally, Turn,
};

/// The largest append whose entries are published, in bytes. Watchers read the entries of a larger one.
const PUBLISHED: usize = 64 << 10;
/// The largest number that a script can distinguish from the next one.
const LARGEST: u64 = 1 << 53;

/// Keeps logs in Redis (7 or newer, or Valkey), for all instances of a service, which can take over each other's
/// generations.
///
/// This is a handle: clones share two connections, which run on a separate thread and are re-established when they
/// are lost. Operations wait meanwhile, for at most [`RedisOptions::operation_timeout`]. `docs/scale-out.md`
/// describes how to set up Redis.
#[derive(Clone)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

struct Shared {
    limits: StoreLimits,
    address: String,
    keys: Keys,
    link: Link,
    watches: Arc<Watches>,
    /// The batched appends; `None` for a cluster, where each command goes to the node of its generation.
    batch: Option<Arc<Batch>>,
    /// Dropping it ends the thread.
    _thread: oneshot::Sender<()>,
}

impl RedisStore {
    /// Connects to the Redis server at this URL, with the default limits. See [`RedisOptions`] for the URL.
    ///
    /// # Errors
    /// If the URL is invalid, nothing answers, or the server cannot be used.
    pub async fn connect(url: &str) -> Result<Self, RedisConnectError> {
        RedisOptions::new(url).connect().await
    }

    /// The address of Redis: its host and port, or its socket, without user and password.
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    pub(super) async fn open(
        source: Source,
        prefix: &str,
        limits: StoreLimits,
        timeouts: RedisTimeouts,
    ) -> Result<Self, RedisConnectError> {
        let address = source.address().clone();
        let words = Words::of(source.info());
        let (link, reconnector) = link::link(source.clone(), timeouts);
        let (keys, watches) = (Keys::new(prefix), Arc::new(Watches::default()));
        let batch = (!source.is_cluster()).then(Arc::<Batch>::default);
        let (sent, commands) = (batch.clone(), link.clone());
        let subscriber = Subscriber {
            source,
            timeouts,
            commands: link.clone(),
            keys: keys.clone(),
            watches: Arc::clone(&watches),
        };
        let (thread, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let started = runtime.and_then(|runtime| {
            std::thread::Builder::new().name("actorstream-redis".to_owned()).spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = link::keep(reconnector) => {}
                        () = subscriber.listen() => {}
                        () = subscriber.look() => {}
                        () = async {
                            match &sent {
                                Some(batch) => batch.send(&commands).await,
                                None => std::future::pending().await,
                            }
                        } => {}
                    }
                });
            })
        });
        started.map_err(|error| RedisConnectError::Refused(format!("no thread for Redis: {error}")))?;
        link.connected().await.map_err(|error| RedisConnectError::new(&address, &error, &words))?;
        let address = address.to_string();
        let store = Self {
            shared: Arc::new(Shared { limits, address, keys, link, watches, batch, _thread: thread }),
        };
        store.check().await?;
        Ok(store)
    }

    /// Checks that this Redis can run the scripts and does not evict keys.
    async fn check(&self) -> Result<(), RedisConnectError> {
        let Shared { link, keys, address, .. } = &*self.shared;
        let refused = |error: StoreError| {
            let text = error.to_string();
            // The reply of an older Redis to a script's first line.
            let advice =
                if text.contains("compiling script") { " (it must be Redis 7 or newer)" } else { "" };
            RedisConnectError::Refused(format!("Redis at {address}: {text}{advice}"))
        };
        sweep::orphans(link, keys, 1).await.map_err(refused)?;
        if let Ok(info) = link.command(redis::cmd("INFO").arg("memory")).await {
            let info = redis::from_redis_value::<String>(info).unwrap_or_default();
            let policy = info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
            if let Some(policy) = policy.filter(|policy| *policy != "noeviction") {
                tracing::warn!(%address, policy, "Redis may drop logs that are in use: its maxmemory-policy should be noeviction");
            }
        }
        Ok(())
    }

    async fn script(&self, call: &Call) -> Result<(String, Reply), StoreError> {
        Reply::new(self.shared.link.call(call).await?)
    }

    fn call(&self, script: &'static redis::Script, id: &GenerationId) -> Call {
        let keys = &self.shared.keys;
        Call::new(script, &[&keys.meta(id), &keys.log(id), &keys.lease(id)])
    }

    fn channel(&self, id: &GenerationId) -> String {
        self.shared.keys.channel(id)
    }

    async fn create_now(&self, new: &NewGeneration) -> Result<(), StoreError> {
        let Shared { link, keys, limits, .. } = &*self.shared;
        sweep::admit(link, keys, new, limits).await?;
        let call = self
            .call(&CREATE, &new.id)
            .arg(new.owner.as_str())
            .arg(api_name(new.api))
            .arg(&new.request[..])
            .arg(millis(new.lease))
            .arg(span(new.attended))
            .arg(millis(self.kept()));
        let created = self.script(&call).await;
        if let Err(StoreError::Full(_)) = created {
            sweep::over(link, keys, new.id.as_str()).await?;
        }
        created.map(drop)
    }

    /// How long a log without an end is kept.
    fn kept(&self) -> Duration {
        self.shared.limits.max_age.saturating_add(self.shared.limits.ttl)
    }

    async fn append_now(&self, id: &GenerationId, append: &Append) -> Result<Appended, StoreError> {
        let Some((last, before)) = append.events.split_last() else {
            return Err(StoreError::Invalid("an append has at least one entry"));
        };
        if before.iter().any(Event::is_end) {
            return Err(StoreError::Invalid("an end can only be the last entry"));
        }
        let (script, ending) = match (last.is_end(), before.is_empty()) {
            (false, _) => (&APPEND, 0),
            (true, false) => (&APPEND, 1),
            (true, true) => (&APPEND_END, 2),
        };
        let Shared { link, keys, limits, watches, batch, .. } = &*self.shared;
        let (upstream, seq) = append.upstream.as_ref().map_or(("", None), |at| (at.id.as_str(), at.seq));
        let mut call = self
            .call(script, id)
            .arg(keys.entries(id))
            .arg(append.epoch)
            .arg(append.first.min(LARGEST))
            .arg(append.events.iter().map(Event::size).sum::<u64>())
            .arg(ending)
            .arg(millis(append.lease))
            .arg(upstream)
            .arg(seq.map_or_else(String::new, |seq| seq.to_string()))
            .arg(limits.max_events)
            .arg(limits.max_bytes)
            .arg(millis(limits.max_age))
            .arg(millis(limits.ttl))
            .arg(PUBLISHED);
        for text in texts(append)? {
            call = call.arg(text);
        }
        let answer = match batch {
            Some(batch) => batch.call(link, call).await?,
            None => link.call(&call).await?,
        };
        let appended = Reply::new(answer).and_then(|(_, reply)| reply.appended());
        let appended = appended.inspect_err(|_| watches.is_written_elsewhere(id))?;
        watches.appended(id, append, &appended);
        if ending != 0
            && let Err(error) = sweep::over(link, keys, id.as_str()).await
        {
            tracing::debug!(%id, %error, "the generation counts as running until the next check");
        }
        Ok(appended)
    }

    async fn read_now(&self, id: &GenerationId, after: u64, max_bytes: usize) -> Result<Page, StoreError> {
        if let Some(page) = self.shared.watches.read(id, after, max_bytes)? {
            return Ok(page);
        }
        let call = self.call(&READ, id).arg(after.min(LARGEST)).arg(max_bytes);
        self.script(&call).await?.1.page(after)
    }

    async fn claim_now(&self, id: &GenerationId, lease: Duration) -> Result<Claim, StoreError> {
        let Shared { keys, watches, .. } = &*self.shared;
        // Unique, like the id of any generation.
        let token = GenerationId::random();
        let call = Call::new(&CLAIM, &[&keys.meta(id), &keys.lease(id)])
            .arg(self.channel(id))
            .arg(millis(lease))
            .arg(token.as_str());
        let (word, reply) = self.script(&call).await?;
        match word.as_str() {
            "held" => Ok(Claim::Held),
            "ended" => Ok(Claim::Ended),
            _ => {
                let generation = reply.generation(id)?;
                watches.has_shown(id, generation.tail);
                Ok(Claim::Taken(Box::new(generation)))
            }
        }
    }

    async fn bind_now(&self, chat: &ChatKey, turn: &Turn, id: &GenerationId) -> Result<Bound, StoreError> {
        let key = self.shared.keys.chat(chat);
        let mut gone = String::new();
        loop {
            let call = Call::new(&BIND, &[&key])
                .arg(turn.key.as_str())
                .arg(u8::from(turn.again))
                .arg(id.as_str())
                .arg(millis(self.kept()))
                .arg(gone.as_str());
            let (word, mut reply) = self.script(&call).await?;
            let other = reply.optional()?;
            match (word.as_str(), other) {
                ("same", Some(same)) => {
                    let same_id = same.parse().map_err(|_| super::reply::unreadable())?;
                    match self.generation_now(&same_id).await {
                        // The log has expired, or was never started.
                        Err(StoreError::NotFound) => gone = same,
                        known => return known.map(|_| Bound::Same(same_id)),
                    }
                }
                (_, previous) => {
                    let previous = previous.and_then(|id| id.parse().ok());
                    return Ok(Bound::New { previous });
                }
            }
        }
    }

    async fn generation_now(&self, id: &GenerationId) -> Result<Generation, StoreError> {
        let Shared { keys, watches, .. } = &*self.shared;
        let call = Call::new(&GENERATION, &[&keys.meta(id), &keys.lease(id)]);
        let generation = self.script(&call).await?.1.generation(id)?;
        watches.has_shown(id, generation.tail);
        Ok(generation)
    }
}

impl Store for RedisStore {
    fn limits(&self) -> &StoreLimits {
        &self.shared.limits
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn create<'a>(&'a self, new: &'a NewGeneration) -> StoreFuture<'a, ()> {
        Box::pin(self.create_now(new))
    }

    fn append<'a>(&'a self, id: &'a GenerationId, append: &'a Append) -> StoreFuture<'a, Appended> {
        Box::pin(self.append_now(id, append))
    }

    fn read<'a>(&'a self, id: &'a GenerationId, after: u64, max_bytes: usize) -> StoreFuture<'a, Page> {
        Box::pin(self.read_now(id, after, max_bytes))
    }

    fn watch(&self, id: &GenerationId) -> watch::Receiver<Progress> {
        self.shared.watches.watch(id)
    }

    fn generation<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, Generation> {
        Box::pin(self.generation_now(id))
    }

    fn renew<'a>(&'a self, id: &'a GenerationId, epoch: u64, lease: Duration) -> StoreFuture<'a, Renewed> {
        Box::pin(async move {
            let keys = &self.shared.keys;
            let call = Call::new(&RENEW, &[&keys.meta(id), &keys.lease(id)]).arg(epoch).arg(millis(lease));
            self.script(&call).await?.1.renewed()
        })
    }

    fn claim<'a>(&'a self, id: &'a GenerationId, lease: Duration) -> StoreFuture<'a, Claim> {
        Box::pin(self.claim_now(id, lease))
    }

    fn release<'a>(&'a self, id: &'a GenerationId, epoch: u64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let Shared { keys, link, .. } = &*self.shared;
            let call = Call::new(&RELEASE, &[&keys.meta(id), &keys.lease(id)]);
            self.script(&call.arg(self.channel(id)).arg(epoch)).await?;
            sweep::released(link, keys, id).await
        })
    }

    fn request_stop<'a>(&'a self, id: &'a GenerationId, reason: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let keys = &self.shared.keys;
            let call = Call::new(&STOP, &[&keys.meta(id), &keys.lease(id)]);
            self.script(&call.arg(self.channel(id)).arg(reason)).await.map(drop)
        })
    }

    fn attend<'a>(&'a self, id: &'a GenerationId, hold: Duration) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let call = Call::new(&ATTEND, &[&self.shared.keys.meta(id)]).arg(span(hold));
            self.script(&call).await.map(drop)
        })
    }

    fn bind<'a>(&'a self, chat: &'a ChatKey, turn: &'a Turn, id: &'a GenerationId) -> StoreFuture<'a, Bound> {
        Box::pin(self.bind_now(chat, turn, id))
    }

    fn current<'a>(&'a self, chat: &'a ChatKey) -> StoreFuture<'a, Option<GenerationId>> {
        Box::pin(async move {
            let call = Call::new(&CURRENT, &[&self.shared.keys.chat(chat)]);
            let id = self.script(&call).await?.1.optional()?;
            Ok(id.and_then(|id| id.parse().ok()))
        })
    }

    fn remove<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let Shared { keys, link, .. } = &*self.shared;
            self.script(&self.call(&REMOVE, id).arg(self.channel(id))).await?;
            sweep::over(link, keys, id.as_str()).await
        })
    }

    fn tally<'a>(
        &'a self,
        owner: &'a str,
        process: &'a str,
        here: Tally,
        hold: Duration,
    ) -> StoreFuture<'a, Tally> {
        Box::pin(async move {
            let call = Call::new(&TALLY, &[&self.shared.keys.owner(owner)])
                .arg(process)
                .arg(here.generations)
                .arg(here.viewers)
                .arg(here.bytes)
                .arg(millis(hold));
            self.script(&call).await?.1.tally()
        })
    }

    fn orphans(&self, most: usize) -> StoreFuture<'_, Vec<GenerationId>> {
        Box::pin(async move { sweep::orphans(&self.shared.link, &self.shared.keys, most).await })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { limits, address, keys, link, .. } = &*self.shared;
        f.debug_struct("RedisStore")
            .field("address", address)
            .field("keys", keys)
            .field("link", link)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}
