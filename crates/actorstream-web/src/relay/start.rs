//! Beginning a generation: its log, its producer, upstream's stream.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use actorstream::OpenAi;
use actorstream::proto::body::Body;
use bytes::Bytes;

use super::{Inner, Relay, UpstreamRequest};
use crate::event::{Api, End, Event, Failure};
use crate::id::GenerationId;
use crate::log::{Log, Shared, Writer, WriterOptions, again};
use crate::settings::{OnLastViewer, Settings};
use crate::store::{Bound, ChatKey, Generation, NewGeneration, StoreError, Turn, UpstreamPosition};
use crate::viewers::Doors;

/// How a producer begins.
#[derive(Debug)]
pub(crate) enum Begin {
    /// It asks upstream.
    Ask,
    /// What is in the log is void; it asks upstream again.
    Restart,
    /// It goes on with upstream's response.
    Resume(UpstreamPosition),
    /// It ends the log.
    End(End),
}

impl Inner {
    pub(super) fn running(&self) -> MutexGuard<'_, std::collections::HashMap<GenerationId, Arc<Shared>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Relay {
    /// Begins a generation for an owner. It runs on the thread of the caller, which is an arbiter, such as a worker of
    /// actix-web.
    ///
    /// # Errors
    /// When the store does not take it, `prepare` refuses it, or the relay is shutting down.
    pub async fn begin(&self, owner: &str, request: UpstreamRequest) -> Result<GenerationId, Failure> {
        let new = self.create(owner, request).await?;
        let id = new.id.clone();
        self.produce(&created(new), Begin::Ask);
        Ok(id)
    }

    /// Begins a generation that answers a turn of a chat, unless the turn is answered already. A chat has one generation
    /// that runs: the one before is stopped.
    ///
    /// # Errors
    /// Those of [`begin`](Self::begin).
    pub async fn begin_in_chat(
        &self,
        owner: &str,
        chat: &str,
        turn: Turn,
        request: UpstreamRequest,
    ) -> Result<GenerationId, Failure> {
        let new = self.create(owner, request).await?;
        let key = ChatKey::chat(owner, chat);
        match self.bind(&key, turn, &new.id).await {
            Ok(Bound::New { previous }) => {
                let id = new.id.clone();
                self.produce(&created(new), Begin::Ask);
                if let Some(previous) = previous {
                    match self.0.store.request_stop(&previous, "another answer has begun in the chat").await {
                        Ok(()) | Err(StoreError::NotFound) => {}
                        Err(error) => tracing::warn!(generation = %previous, "it was not stopped: {error}"),
                    }
                }
                Ok(id)
            }
            Ok(Bound::Same(existing)) => {
                self.discard(&new.id).await;
                Ok(existing)
            }
            Err(error) => {
                self.discard(&new.id).await;
                Err(error.into())
            }
        }
    }

    async fn bind(&self, key: &ChatKey, turn: Turn, id: &GenerationId) -> Result<Bound, StoreError> {
        let store = &self.0.store;
        let bound = again(|| store.bind(key, &turn, id)).await?;
        if let Bound::Same(existing) = &bound
            && let Err(StoreError::NotFound) = again(|| store.generation(existing)).await
        {
            // It has expired, and answers nothing any more.
            let turn = Turn { again: true, ..turn };
            return again(|| store.bind(key, &turn, id)).await;
        }
        Ok(bound)
    }

    /// Deletes a generation that was not begun. Its lease ends in any case.
    async fn discard(&self, id: &GenerationId) {
        let _ = self.0.store.remove(id).await;
    }

    async fn create(&self, owner: &str, mut request: UpstreamRequest) -> Result<NewGeneration, Failure> {
        if self.0.viewers.doors() != Doors::Open {
            return Err(Failure::shutdown());
        }
        let Settings { prepare, lease, on_last_viewer, .. } = &self.0.settings;
        prepare(owner, request.api, &mut request.body)?;
        let new = NewGeneration {
            id: GenerationId::random(),
            owner: owner.to_owned(),
            api: request.api,
            request: request.body.to_bytes(),
            lease: *lease,
            attended: match on_last_viewer {
                OnLastViewer::Continue => Duration::ZERO,
                OnLastViewer::CancelAfter(hold) => *hold,
            },
        };
        let store = &self.0.store;
        again(|| store.create(&new)).await?;
        Ok(new)
    }

    /// Starts a producer on this thread.
    pub(super) fn produce(&self, generation: &Generation, begin: Begin) {
        let settings = &self.0.settings;
        let (id, api) = (generation.id.clone(), generation.api);
        let position = if matches!(begin, Begin::Resume(_)) { generation.upstream.clone() } else { None };
        let shared = Shared::new(id.clone(), api, position);
        let options = WriterOptions {
            lease: settings.lease,
            needs_viewers: match settings.on_last_viewer {
                OnLastViewer::Continue => None,
                OnLastViewer::CancelAfter(hold) => Some(hold),
            },
        };
        let writer = Writer::new(Arc::clone(&self.0.store), Arc::clone(&shared), generation, options);
        self.0.running().insert(id.clone(), Arc::clone(&shared));
        let running = Running { relay: self.clone(), id };
        actix_rt::spawn(async move {
            let _running = running;
            writer.run().await;
        });
        if self.0.viewers.doors() != Doors::Open {
            // It began while the doors were being closed.
            self.close(&shared);
        }
        let log = Log::new(shared, settings.tells_upstreams_words);
        match begin {
            Begin::Ask => self.ask(log, &generation.request),
            Begin::Restart => {
                log.write(Event::Reset);
                self.ask(log, &generation.request);
            }
            Begin::Resume(UpstreamPosition { id, seq }) => {
                let call = self.0.openai.responses().resume(id, seq).keep_response(false);
                let handle = call.stream((), (settings.responses)(log.clone()));
                log.attach(handle.stream());
            }
            Begin::End(end) => log.end(end),
        }
    }

    /// Asks upstream.
    fn ask(&self, log: Log, request: &Bytes) {
        let Settings { chat, completions, responses, .. } = &self.0.settings;
        let openai: &OpenAi = &self.0.openai;
        let Ok(body) = serde_json::from_slice::<Body>(request) else {
            // It was written by a relay: whoever shares the store shares what it means.
            let message = "the request that the store keeps cannot be read";
            return log.end(End::Error(Failure::new(500, "server_error", message)));
        };
        // The log has the texts.
        let stream = match log.api() {
            Api::Chat => {
                let target = chat(log.clone());
                openai.chat().keep_response(false).stream(body, target).stream().clone()
            }
            Api::Completions => {
                let target = completions(log.clone());
                openai.completions().keep_response(false).stream(body, target).stream().clone()
            }
            Api::Responses => {
                let target = responses(log.clone());
                openai.responses().keep_response(false).stream(body, target).stream().clone()
            }
        };
        log.attach(&stream);
    }
}

/// What is known of a generation that was just created.
fn created(new: NewGeneration) -> Generation {
    Generation {
        id: new.id,
        owner: new.owner,
        api: new.api,
        request: new.request,
        upstream: None,
        epoch: 1,
        tail: 0,
        ended: false,
        stop: None,
        leased: true,
        takeovers: 0,
        age: Duration::ZERO,
    }
}

/// Counts a producer among those that run here.
struct Running {
    relay: Relay,
    id: GenerationId,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.relay.0.running().remove(&self.id);
    }
}
