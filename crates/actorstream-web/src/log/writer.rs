//! `Writer`: the task that appends to the store, one append at a time, and renews the lease.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::Closed;
use super::shared::{Batch, Shared};
use crate::event::{End, Event, Failure};
use crate::owners::GenerationPermit;
use crate::store::{
    Append, ChatKey, Generation, Progress, Renewed, Store, StoreError, StoreFuture, StoreLimit, Turn,
    UpstreamPosition,
};

/// How long one store operation may take before it is repeated.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an operation may take while a client waits for it.
const PROMPTLY: Duration = Duration::from_millis(800);
/// The longest delay before an operation is repeated.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The settings of a writer.
#[derive(Debug, Clone)]
pub(crate) struct WriterOptions {
    /// The lease.
    pub(crate) lease: Duration,
    /// If set, the generation is stopped when it has no viewers. This is the time for which
    /// [`attend`](crate::store::Store::attend) records them.
    pub(crate) needs_viewers: Option<Duration>,
}

/// Appends to one log.
#[derive(Debug)]
pub(crate) struct Writer {
    store: Arc<dyn Store>,
    shared: Arc<Shared>,
    options: WriterOptions,
    permit: GenerationPermit,
    owner: String,
    epoch: u64,
    tail: u64,
    /// Upstream's id of the response, once the response can be retrieved by it.
    bound: Option<String>,
    progress: watch::Receiver<Progress>,
    /// Whether the store still sends notifications.
    is_told: bool,
    too_old: Instant,
    renew_at: Instant,
    done: bool,
}

impl Writer {
    /// Creates a writer for a generation that was created or claimed.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        shared: Arc<Shared>,
        generation: &Generation,
        options: WriterOptions,
        permit: GenerationPermit,
    ) -> Self {
        let now = Instant::now();
        Self {
            progress: store.watch(&generation.id),
            too_old: now + store.limits().max_age.saturating_sub(generation.age),
            // Renew at once: a stop may have been requested before the watch.
            renew_at: now,
            is_told: true,
            store,
            shared,
            options,
            permit,
            owner: generation.owner.clone(),
            epoch: generation.epoch,
            tail: generation.tail,
            bound: generation.upstream.as_ref().map(|upstream| upstream.id.clone()),
            done: false,
        }
    }

    /// Appends written entries until the log accepts nothing more.
    pub(crate) async fn run(mut self) {
        let closed = match self.write().await {
            Ok(closed) => closed,
            Err(error) => self.give_up(error).await,
        };
        self.done = true;
        tracing::debug!(generation = %self.shared.id, ?closed, entries = self.tail, "log closed");
        self.shared.close(closed);
    }

    async fn write(&mut self) -> Result<Closed, StoreError> {
        loop {
            let batch = self.shared.take();
            if !batch.is_empty() {
                let ends = batch.end.is_some();
                let stop = self.append(batch).await?;
                if ends {
                    return Ok(Closed::Ended);
                }
                if let Some(reason) = stop {
                    return self.end(End::Abort { reason }).await;
                }
                continue;
            }
            if self.shared.is_handed_over() {
                let Self { store, shared, epoch, .. } = &*self;
                again(|| store.release(&shared.id, *epoch)).await?;
                return Ok(Closed::HandedOver);
            }
            tokio::select! {
                () = self.shared.work() => continue,
                () = told(&mut self.progress, &mut self.is_told) => {}
                () = sleep_until(self.renew_at) => {}
                () = sleep_until(self.too_old) => return Err(StoreError::Full(StoreLimit::Age)),
            }
            let Renewed { stop, attended } = self.renew().await?;
            if let Some(reason) = stop {
                return self.end(End::Abort { reason }).await;
            }
            if !attended && self.options.needs_viewers.is_some() {
                return self.end(End::Abort { reason: "there were no viewers left".to_owned() }).await;
            }
        }
    }

    /// Appends written entries, and an end.
    async fn end(&mut self, end: End) -> Result<Closed, StoreError> {
        let mut batch = self.shared.take();
        batch.end = Some(end);
        self.append(batch).await?;
        Ok(Closed::Ended)
    }

    /// Appends entries. Returns the reason if the producer is asked to stop.
    async fn append(&mut self, batch: Batch) -> Result<Option<String>, StoreError> {
        let Batch { mut events, upstream, end } = batch;
        if let Some(upstream) = &upstream {
            self.bind(upstream).await?;
        }
        if !events.is_empty() && !self.permit.grow(events.iter().map(Event::size).sum()) {
            return Err(StoreError::Full(StoreLimit::Memory));
        }
        events.extend(end.map(Event::End));
        let first = self.tail + 1;
        let append = Append { epoch: self.epoch, first, events, upstream, lease: self.options.lease };
        let Self { store, shared, .. } = &*self;
        let stop = again(|| store.append(&shared.id, &append)).await?.stop;
        self.shared.reply.is_logged();
        self.tail += append.events.len() as u64;
        if self.options.needs_viewers.is_none() {
            self.renewed();
        }
        // Otherwise a renewal is still due: an append does not report whether there are viewers.
        Ok(stop)
    }

    /// Makes the response retrievable by upstream's id, before any client receives that id.
    async fn bind(&mut self, upstream: &UpstreamPosition) -> Result<(), StoreError> {
        if self.bound.as_ref() == Some(&upstream.id) {
            return Ok(());
        }
        let key = ChatKey::response(&self.owner, &upstream.id);
        let turn = Turn { key: self.shared.id.to_string(), again: true };
        let Self { store, shared, .. } = &*self;
        again(|| store.bind(&key, &turn, &shared.id)).await?;
        self.bound = Some(upstream.id.clone());
        Ok(())
    }

    async fn renew(&mut self) -> Result<Renewed, StoreError> {
        let Self { store, shared, epoch, options, .. } = &*self;
        let renewed = again(|| store.renew(&shared.id, *epoch, options.lease)).await?;
        self.renewed();
        Ok(renewed)
    }

    /// Records that the lease was renewed.
    fn renewed(&mut self) {
        let lease = self.options.lease / 3;
        let attention = self.options.needs_viewers.map_or(lease, |hold| hold / 4);
        self.renew_at = Instant::now() + lease.min(attention).max(Duration::from_millis(10));
    }

    /// Ends the log, if possible, after the store has failed.
    async fn give_up(&mut self, error: StoreError) -> Closed {
        let closed = match &error {
            StoreError::Fenced => return Closed::TakenOver,
            StoreError::Closed => return Closed::Ended,
            StoreError::NotFound | StoreError::Unavailable(_) => {
                tracing::warn!(generation = %self.shared.id, "the log is lost: {error}");
                return Closed::Lost(error);
            }
            StoreError::Full(_) | StoreError::Invalid(_) | StoreError::Exists => Closed::Ended,
            StoreError::Gap { tail } => {
                self.tail = *tail;
                Closed::Ended
            }
        };
        tracing::warn!(generation = %self.shared.id, "the generation ends: {error}");
        let end = End::Error(Failure::from(error));
        match self.append(Batch { events: Vec::new(), upstream: None, end: Some(end) }).await {
            Ok(_) => closed,
            Err(StoreError::Fenced) => Closed::TakenOver,
            Err(error) => Closed::Lost(error),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.done {
            // The thread ends while the generation runs. If the store can be called now, another producer can take
            // over at once.
            let _ = self.store.release(&self.shared.id, self.epoch).now_or_never();
            self.shared
                .close(Closed::Lost(StoreError::unavailable("the thread that wrote the log has ended")));
        }
    }
}

/// Waits for a notification that concerns the producer: a stop, or that the log is gone.
async fn told(progress: &mut watch::Receiver<Progress>, is_told: &mut bool) {
    while *is_told {
        *is_told = progress.changed().await.is_ok();
        let Progress { stop, ended, .. } = *progress.borrow_and_update();
        if stop || ended || !*is_told {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Calls a store for a waiting client, which should learn within a second that the store is unavailable.
pub(crate) async fn promptly<'a, T>(mut ask: impl FnMut() -> StoreFuture<'a, T>) -> Result<T, StoreError> {
    let until = Instant::now() + PROMPTLY;
    let mut last = None;
    loop {
        match timeout_at(until, ask()).await {
            Ok(Err(StoreError::Unavailable(detail))) => {
                tracing::debug!("asking the store again: {detail}");
                last = Some(detail);
            }
            Ok(answer) => return answer,
            Err(_) => {
                let detail = last.unwrap_or_else(|| format!("no answer within {PROMPTLY:?}").into());
                return Err(StoreError::Unavailable(detail));
            }
        }
        if timeout_at(until, sleep(Duration::from_millis(50))).await.is_err() {
            return Err(StoreError::Unavailable(last.unwrap_or_default()));
        }
    }
}

/// Retries a store operation for as long as the lease of a generation allows.
pub(crate) async fn again<'a, T>(mut ask: impl FnMut() -> StoreFuture<'a, T>) -> Result<T, StoreError> {
    let until = Instant::now() + 3 * PATIENCE;
    let mut wait = Duration::from_millis(50);
    loop {
        let answer = timeout(PATIENCE, ask()).await;
        let answer =
            answer.unwrap_or_else(|_| Err(StoreError::unavailable(format!("no answer within {PATIENCE:?}"))));
        match answer {
            Err(StoreError::Unavailable(detail)) if Instant::now() + wait < until => {
                tracing::debug!("asking the store again: {detail}");
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            answer => return answer,
        }
    }
}
