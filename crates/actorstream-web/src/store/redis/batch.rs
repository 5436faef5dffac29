//! `Batch`: the appends of many generations go to Redis together, in one write, and their answers come back in one read.
//!
//! What is asked for at once saves most of what a command costs: the system calls of both sides, and the wake-ups of their
//! threads. An append that comes alone is sent at once; one that comes soon after another waits for the rest of two
//! milliseconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::link::Link;
use super::scripts::Call;
use crate::store::StoreError;

/// How long after one batch the next one is sent.
const PAUSE: Duration = Duration::from_millis(2);
/// How many commands a batch has at most, so that its answers come within the time that one has.
const MOST: usize = 256;

/// Commands that wait to be sent.
#[derive(Default)]
pub(super) struct Batch {
    waiting: Mutex<Vec<Waiting>>,
    work: Notify,
}

struct Waiting {
    call: Arc<Call>,
    /// Is dropped where there is no answer: whoever waits asks by itself then.
    answer: oneshot::Sender<Value>,
}

impl Batch {
    /// Calls a script together with what others call. It is called again by itself, as [`Link::call`] does, where there is no
    /// answer, or one that the script did not give.
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

    /// Sends what waits, again and again. It does not end.
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
                // The next batch does not wait for the answers.
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
        // An error of Redis, such as that it does not know the script, is looked at by who asks alone.
        if !matches!(value, Value::ServerError(_)) {
            let _ = answer.send(value);
        }
    }
}
