//! Listens for changes of the watched generations, with one subscription for the whole process. Messages of Redis
//! can be lost, so generations without messages are polled about once a second.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use redis::{PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::keys::Keys;
use super::link::{self, Link, RedisTimeouts};
use super::message::GenerationState;
use super::reply::Reply;
use super::scripts::{Call, READ_STATE};
use super::source::{Connection, Source};
use super::watches::Watches;
use crate::id::GenerationId;
use crate::store::StoreError;

/// How often silent generations are polled.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of concurrent polls.
const CONCURRENT_POLLS: usize = 64;
/// The maximum number of channels in one command.
const CHANNELS: usize = 500;
/// The pause before another attempt to subscribe.
const PAUSE: Duration = Duration::from_millis(50);

/// Handles the result of a poll.
type OnPolled = fn(&Watches, &GenerationId, GenerationState);

/// The state of the subscription.
pub(super) struct Subscriber {
    pub(super) source: Source,
    pub(super) timeouts: RedisTimeouts,
    pub(super) commands: Link,
    pub(super) keys: Keys,
    pub(super) watches: Arc<Watches>,
}

impl Subscriber {
    /// Polls the silent generations forever.
    pub(super) async fn look(&self) {
        let mut tick = interval(POLL_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.look_at(&self.watches.silent(), Watches::looked).await;
        }
    }

    /// Keeps the subscription alive forever.
    pub(super) async fn listen(&self) {
        // The initial connect reports an unreachable server.
        while self.commands.connected().await.is_err() {
            sleep(PAUSE).await;
        }
        let mut told = false;
        loop {
            match self.listen_once().await {
                Ok(()) => told = false,
                Err(error) if !told => {
                    let error = self.commands.words().describe(&error);
                    tracing::warn!(%error, "no subscription at Redis: watches are up to a second late");
                    told = true;
                }
                Err(error) => {
                    let error = self.commands.words().describe(&error);
                    tracing::debug!(%error, "no subscription at Redis");
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Subscribes, and stays until the connection is lost.
    async fn listen_once(&self) -> RedisResult<()> {
        let lost = Arc::new(Notify::new());
        let receive = {
            let (lost, keys, watches) = (Arc::clone(&lost), self.keys.clone(), Arc::clone(&self.watches));
            move |push: PushInfo| {
                receive(&keys, &watches, &lost, push);
            }
        };
        let mut connection = self.source.connect_with(self.timeouts, Some(receive)).await?;
        self.subscribe(&mut connection, self.watches.all()).await?;
        let mut silence = std::pin::pin!(link::silence(connection.clone()));
        let mut moved = std::pin::pin!(link::moved(&self.source, self.timeouts));
        loop {
            tokio::select! {
                () = lost.notified() => return Ok(()),
                error = &mut silence => return Err(error),
                () = &mut moved => return Ok(()),
                () = self.watches.changed.notified() => {
                    let changes = self.watches.changes();
                    for over in changes.over.chunks(CHANNELS) {
                        connection.unsubscribe(self.channels(over)).await?;
                    }
                    self.subscribe(&mut connection, changes.new).await?;
                    for own in changes.written_here.chunks(CHANNELS) {
                        connection.unsubscribe(self.entries(own)).await?;
                    }
                    for other in changes.written_elsewhere.chunks(CHANNELS) {
                        connection.subscribe(self.entries(other)).await?;
                    }
                    self.look_at(&changes.written_elsewhere, Watches::caught_up).await;
                }
            }
        }
    }

    /// Subscribes and then polls, because earlier changes were not received.
    async fn subscribe(&self, connection: &mut Connection, ids: Vec<GenerationId>) -> RedisResult<()> {
        for new in ids.chunks(CHANNELS) {
            connection.subscribe(self.channels(new)).await?;
        }
        self.look_at(&ids, Watches::caught_up).await;
        Ok(())
    }

    fn channels(&self, ids: &[GenerationId]) -> Vec<String> {
        ids.iter().flat_map(|id| [self.keys.channel(id), self.keys.entries(id)]).collect()
    }

    fn entries(&self, ids: &[GenerationId]) -> Vec<String> {
        ids.iter().map(|id| self.keys.entries(id)).collect()
    }

    async fn look_at(&self, ids: &[GenerationId], looked: OnPolled) {
        for ids in ids.chunks(CONCURRENT_POLLS) {
            join_all(ids.iter().map(|id| self.look_at_one(id, looked))).await;
        }
    }

    async fn look_at_one(&self, id: &GenerationId, looked: OnPolled) {
        let call = Call::new(&READ_STATE, &[&self.keys.meta(id), &self.keys.lease(id)]);
        let look = match self.commands.call(&call).await {
            Ok(value) => Reply::new(value).and_then(|(_, reply)| reply.look()),
            Err(error) => Err(error),
        };
        match look {
            Ok((state, _)) => looked(&self.watches, id, state),
            Err(StoreError::NotFound) => self.watches.gone(id),
            Err(error) => tracing::debug!(%id, %error, "the generation could not be looked at"),
        }
    }
}

/// Handles the push messages of Redis. It runs where the connection is read, so that no backlog builds up.
fn receive(keys: &Keys, watches: &Watches, lost: &Notify, push: PushInfo) {
    match push.kind {
        PushKind::Message => {
            let mut data = push.data.into_iter();
            if let (Some(Value::BulkString(channel)), Some(Value::BulkString(payload))) =
                (data.next(), data.next())
                && let Some(id) = keys.generation(&channel)
            {
                watches.message(&id, &Bytes::from(payload));
            }
        }
        PushKind::Disconnection => lost.notify_one(),
        _ => {}
    }
}
