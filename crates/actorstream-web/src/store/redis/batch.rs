//! `Batch`: sends the appends of many generations to Redis in one write, and receives their replies in one read.
//!
//! Batching saves most of the cost of a command: the system calls of both sides, and the wake-ups of their threads.
//! A single append is sent at once; one that follows another within two milliseconds waits for the rest of that
//! time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::link::Link;
use super::scripts::Call;
use crate::store::StoreError;

/// The minimum time between two batches.
const PAUSE: Duration = Duration::from_millis(2);
/// The maximum number of commands in a batch, so that all replies arrive within the timeout of one.
const MOST: usize = 256;

/// Commands that wait to be sent.
#[derive(Default)]
pub(super) struct Batch {
    waiting: Mutex<Vec<Waiting>>,
    work: Notify,
}

struct Waiting {
    call: Arc<Call>,
    /// Dropped if there is no reply; the caller then sends the command by itself.
    answer: oneshot::Sender<Value>,
}

impl Batch {
    /// Calls a script as part of the next batch. If there is no reply, or an error of Redis, calls it again alone
    /// with [`Link::call`].
    pub(super) async fn call(&self, link: &Link, call: Call) -> Result<Value, StoreError> {
        let (answer, answered) = oneshot::channel();
        let call = Arc::new(call);
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(Waiting { call: Arc::clone(&call), answer });
            waiting.len() == 1
        };
        if is_first {
            self.work.notify_one();
        }
        match answered.await {
            Ok(value) => Ok(value),
            Err(_) => link.call(&call).await,
        }
    }

    /// Sends waiting commands forever.
    pub(super) async fn send(&self, link: &Link) {
        let mut next = Instant::now();
        loop {
            self.work.notified().await;
            sleep_until(next).await;
            let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            next = Instant::now() + PAUSE;
            let mut waiting = waiting.into_iter().peekable();
            while waiting.peek().is_some() {
                let batch: Vec<Waiting> = waiting.by_ref().take(MOST).collect();
                let link = link.clone();
                // The next batch does not wait for these replies.
                tokio::spawn(async move { send(&link, batch).await });
            }
        }
    }
}

async fn send(link: &Link, batch: Vec<Waiting>) {
    let mut pipeline = Pipeline::with_capacity(batch.len());
    for Waiting { call, .. } in &batch {
        pipeline.add_command(call.command.clone());
    }
    let Some(values) = link.pipeline(&pipeline).await else { return };
    for (Waiting { answer, .. }, value) in batch.into_iter().zip(values) {
        // The caller handles an error of Redis, such as an unknown script, by calling the script alone.
        if !matches!(value, Value::ServerError(_)) {
            let _ = answer.send(value);
        }
    }
}
