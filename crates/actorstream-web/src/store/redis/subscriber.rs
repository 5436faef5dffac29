//! Hears of what happens to the generations that are watched: one subscription for the whole process, and a look about
//! once a second at those of which nothing was heard, since messages of Redis can be lost.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{Client, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::fault::describe;
use super::keys::Keys;
use super::link::{self, Link, Patience};
use super::reply::Reply;
use super::scripts::{Call, LOOK};
use super::watches::Watches;
use crate::id::GenerationId;
use crate::store::StoreError;

/// How often those are looked at of which nothing is heard.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many looks are under way at once.
const LOOKS: usize = 64;
/// How many channels one command subscribes to.
const CHANNELS: usize = 500;
/// The pause before another attempt to subscribe.
const PAUSE: Duration = Duration::from_millis(50);

/// What the subscription needs.
pub(super) struct Subscriber {
    pub(super) client: Client,
    pub(super) patience: Patience,
    pub(super) commands: Link,
    pub(super) keys: Keys,
    pub(super) watches: Arc<Watches>,
}

impl Subscriber {
    /// Looks at what is silent. It does not end.
    pub(super) async fn look(&self) {
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.look_at(&self.watches.silent()).await;
        }
    }

    /// Keeps the subscription. It does not end.
    pub(super) async fn listen(&self) {
        let mut told = false;
        loop {
            match self.listen_once().await {
                Ok(()) => told = false,
                Err(error) if !told => {
                    let error = describe(&error);
                    tracing::warn!(%error, "no subscription at Redis: watches are up to a second late");
                    told = true;
                }
                Err(error) => tracing::debug!(error = %describe(&error), "no subscription at Redis"),
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
                Ok::<_, redis::aio::SendError>(())
            }
        };
        let config = link::config(self.patience).set_push_sender(receive);
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        self.subscribe(&mut connection, self.watches.all()).await?;
        let mut silence = std::pin::pin!(link::silence(connection.clone()));
        loop {
            tokio::select! {
                () = lost.notified() => return Ok(()),
                error = &mut silence => return Err(error),
                () = self.watches.changed.notified() => {
                    let changes = self.watches.changes();
                    for over in changes.over.chunks(CHANNELS) {
                        connection.unsubscribe(self.channels(over)).await?;
                    }
                    self.subscribe(&mut connection, changes.new).await?;
                }
            }
        }
    }

    /// Subscribes, and looks then: what happened before was not heard.
    async fn subscribe(
        &self,
        connection: &mut MultiplexedConnection,
        ids: Vec<GenerationId>,
    ) -> RedisResult<()> {
        for new in ids.chunks(CHANNELS) {
            connection.subscribe(self.channels(new)).await?;
        }
        self.look_at(&ids).await;
        Ok(())
    }

    fn channels(&self, ids: &[GenerationId]) -> Vec<String> {
        ids.iter().map(|id| self.keys.channel(id)).collect()
    }

    async fn look_at(&self, ids: &[GenerationId]) {
        for ids in ids.chunks(LOOKS) {
            join_all(ids.iter().map(|id| self.look_at_one(id))).await;
        }
    }

    async fn look_at_one(&self, id: &GenerationId) {
        let call = Call::new(&LOOK, &[&self.keys.meta(id), &self.keys.lease(id)]);
        let looked = match self.commands.call(&call).await {
            Ok(value) => Reply::new(value).and_then(|(_, reply)| reply.look()),
            Err(error) => Err(error),
        };
        match looked {
            Ok((news, _)) => self.watches.looked(id, news),
            Err(StoreError::NotFound) => self.watches.gone(id),
            Err(error) => tracing::debug!(%id, %error, "the generation could not be looked at"),
        }
    }
}

/// Takes what Redis sends by itself. It runs where the connection is read, so that nothing piles up.
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
