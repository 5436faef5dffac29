//! The targets, which record what they receive and act as their scenario says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Finish, StreamError, StreamEvent, StreamRef, StreamingClient,
    streaming_client,
};
use actorstream_test::Gate;
use tokio::time::Instant;

use crate::scenario::{Manner, Scenario};
use crate::trace::Seen;

/// The message of every panic that is part of a scenario.
pub(crate) const ON_PURPOSE: &str = "on purpose";

/// The record of a target; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    seen: Arc<Mutex<Vec<Seen>>>,
    gone: Arc<Mutex<Option<Instant>>>,
    /// Opened when the target is dropped.
    pub(crate) released: Gate,
}

impl Notes {
    pub(crate) fn note(&self, event: StreamEvent<ChatCompletionChunk>) -> usize {
        let mut seen = self.seen.lock().unwrap();
        seen.push(match &event {
            StreamEvent::Start(_) => return seen.len(),
            StreamEvent::Data(chunk) => Seen::Data(chunk.content().unwrap_or_default().to_owned()),
            StreamEvent::Finish(finish) => Seen::End(finish.into()),
            StreamEvent::Error(error) => Seen::End(error.into()),
        });
        seen.len()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns when the target stopped or panicked.
    pub(crate) fn gone(&self) -> Option<Instant> {
        *self.gone.lock().unwrap()
    }

    fn go(&self) {
        *self.gone.lock().unwrap() = Some(Instant::now());
    }
}

/// Opens the gate on drop.
struct Held(Gate);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// An actor as the target.
pub(crate) struct Acting {
    scenario: Scenario,
    notes: Notes,
    wait: Duration,
    _held: Held,
}

impl Acting {
    pub(crate) fn new(scenario: &Scenario, notes: &Notes, wait: Duration) -> Self {
        Self { scenario: *scenario, notes: notes.clone(), wait, _held: Held(notes.released.clone()) }
    }
}

impl Actor for Acting {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Acting {
    fn handle_data(&mut self, data: ChatCompletionChunk, stream: &StreamRef, ctx: &mut Self::Context) {
        let n = self.notes.note(StreamEvent::Data(data));
        match self.scenario.manner {
            Manner::Waits => ctx.wait(tokio::time::sleep(self.wait).into_actor(self)),
            _ if n != self.scenario.acts_at => {}
            Manner::Stops | Manner::StopsInBatch => {
                self.notes.go();
                ctx.stop();
            }
            Manner::Panics => {
                self.notes.go();
                panic!("{ON_PURPOSE}");
            }
            Manner::Cancels => {
                self.notes.go();
                stream.cancel();
            }
            Manner::Fast | Manner::Slow | Manner::CallbackPanics => {}
        }
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
        self.notes.note(StreamEvent::Error(error));
    }

    fn handle_finish(&mut self, finish: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {
        self.notes.note(StreamEvent::Finish(finish));
    }
}

/// Returns a closure as the target.
pub(crate) fn closure(
    scenario: &Scenario,
    notes: &Notes,
) -> impl FnMut(StreamEvent<ChatCompletionChunk>) + Send + 'static {
    let (notes, held) = (notes.clone(), Held(notes.released.clone()));
    let panics_at = (scenario.manner == Manner::CallbackPanics).then_some(scenario.acts_at);
    move |event| {
        let _held = &held;
        let ends = event.is_end();
        if Some(notes.note(event)) == panics_at && !ends {
            notes.go();
            panic!("{ON_PURPOSE}");
        }
    }
}

/// Returns a channel as the target: a future that reads it, with a pause before each event.
pub(crate) fn channel(
    notes: &Notes,
    pause: Duration,
) -> (tokio::sync::mpsc::Sender<StreamEvent<ChatCompletionChunk>>, impl Future<Output = ()> + Send + 'static)
{
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let notes = notes.clone();
    let reading = async move {
        let _held = Held(notes.released.clone());
        while let Some(event) = receiver.recv().await {
            notes.note(event);
            tokio::time::sleep(pause).await;
        }
    };
    (sender, reading)
}
