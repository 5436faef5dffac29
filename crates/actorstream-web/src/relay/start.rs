//! Starting a generation: its log, its producer, its upstream stream.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use actorstream::OpenAi;
use actorstream::proto::request::body::Body;
use bytes::Bytes;

use super::kept_request::{CHAT, CONTINUES, strip};
use super::request::PassedOn;
use super::{Inner, Relay, UpstreamRequest};
use crate::event::{Api, End, Event, Failure};
use crate::id::GenerationId;
use crate::log::{Log, Reply, Shared, Writer, WriterOptions, promptly};
use crate::owners::GenerationPermit;
use crate::settings::{OnLastViewer, Settings};
use crate::store::{Bound, ChatKey, Generation, NewGeneration, StoreError, Turn, UpstreamPosition};
use crate::viewers::{Admission, ViewerPermit};

/// How a producer starts.
#[derive(Debug)]
pub(crate) enum Begin {
    /// It sends the request upstream.
    Ask,
    /// The content of the log is void; it sends the request again.
    Restart,
    /// It resumes upstream's response.
    Resume(UpstreamPosition),
    /// It ends the log.
    End(End),
    /// It does nothing: the generation is not bound to its chat.
    Nothing,
}

impl Inner {
    pub(super) fn running(&self) -> MutexGuard<'_, std::collections::HashMap<GenerationId, Arc<Shared>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a generation has its producer in this process.
    pub(super) fn is_running(&self, id: &GenerationId) -> bool {
        self.running().contains_key(id)
    }
}

/// A new or existing generation, and the permit of its first viewer.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) generation: Generation,
    pub(crate) permit: ViewerPermit,
    /// Upstream's reply, if this process sends the request.
    pub(crate) reply: Option<Arc<Reply>>,
}

impl Relay {
    /// Starts a generation for an owner. It runs on the caller's thread, which must be an arbiter, such as an
    /// actix-web worker.
    ///
    /// # Errors
    /// If the store does not accept it, `prepare` refuses it, the owner has too many generations, or the relay is
    /// shutting down.
    pub async fn begin(&self, owner: &str, request: UpstreamRequest) -> Result<GenerationId, Failure> {
        let id = GenerationId::random();
        self.begin_as(&id, owner, request).await?;
        Ok(id)
    }

    /// Starts a generation for a turn of a chat, unless the turn already has one. A chat has one running generation:
    /// the previous one is stopped. A generation that ended with an error does not count: the turn is answered
    /// again.
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
        let id = GenerationId::random();
        let (generation, _) = self.begin_in_chat_as(&id, owner, chat, turn, request).await?;
        Ok(generation.id)
    }

    /// Starts a generation with a viewer: the permit is acquired before the upstream request.
    pub(crate) async fn begin_watched(
        &self,
        owner: &str,
        chat: Option<(String, Turn)>,
        request: UpstreamRequest,
    ) -> Result<Begun, Failure> {
        let id = GenerationId::random();
        let mut permit = self.0.viewers.permit_of(owner, &id).await?;
        let (generation, reply) = match chat {
            Some((chat, turn)) => self.begin_in_chat_as(&id, owner, &chat, turn, request).await?,
            None => self.begin_as(&id, owner, request).await.map(|(new, reply)| (new, Some(reply)))?,
        };
        if generation.id != id {
            drop(permit);
            permit = self.0.viewers.permit_of(owner, &generation.id).await?;
        }
        self.mind(generation.id.clone());
        Ok(Begun { generation, permit, reply })
    }

    async fn begin_as(
        &self,
        id: &GenerationId,
        owner: &str,
        mut request: UpstreamRequest,
    ) -> Result<(Generation, Arc<Reply>), Failure> {
        let permit = self.0.owners.run(owner).await?;
        let new = created(self.create(id, owner, None, &mut request).await?);
        let reply = self.produce(&new, Begin::Ask, permit, Some(request));
        Ok((new, reply))
    }

    async fn begin_in_chat_as(
        &self,
        id: &GenerationId,
        owner: &str,
        chat: &str,
        turn: Turn,
        mut request: UpstreamRequest,
    ) -> Result<(Generation, Option<Arc<Reply>>), Failure> {
        let permit = self.0.owners.run(owner).await?;
        let new = self.create(id, owner, Some(chat), &mut request).await?;
        let key = ChatKey::chat(owner, chat);
        // From here on, the generation is in the store. It is not requested before it is bound to its chat.
        match self.bind(&key, turn, id).await {
            Ok(Bound::New { previous }) => {
                let new = created(new);
                let reply = self.produce(&new, Begin::Ask, permit, Some(request));
                if let Some(previous) = previous {
                    self.supersede(&previous).await;
                }
                Ok((new, Some(reply)))
            }
            Ok(Bound::Same(existing)) => {
                self.discard_later(id);
                Ok((self.generation(owner, &existing).await?, None))
            }
            Err(error) => {
                self.discard_later(id);
                Err(error.into())
            }
        }
    }

    /// Stops the previous generation of the chat.
    async fn supersede(&self, previous: &GenerationId) {
        let store = &self.0.store;
        match promptly(|| store.request_stop(previous, "another answer has begun in the chat")).await {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => tracing::warn!(generation = %previous, "it was not stopped: {error}"),
        }
    }

    /// Binds a generation to a turn, unless the turn already has one that has not failed.
    async fn bind(&self, key: &ChatKey, turn: Turn, id: &GenerationId) -> Result<Bound, StoreError> {
        let store = &self.0.store;
        let bound = promptly(|| store.bind(key, &turn, id)).await?;
        let Bound::Same(existing) = &bound else { return Ok(bound) };
        if self.has_failed(existing).await? {
            // The existing generation is no answer. Of concurrent requests that detect this, one answers the turn,
            // and the others use its generation.
            promptly(|| store.remove(existing)).await?;
            return promptly(|| store.bind(key, &turn, id)).await;
        }
        Ok(bound)
    }

    /// Returns whether a generation has ended with an error, or is gone.
    async fn has_failed(&self, id: &GenerationId) -> Result<bool, StoreError> {
        match self.end_of(id).await {
            // A concurrent request may remove it at any time.
            Err(StoreError::NotFound) => Ok(true),
            end => end.map(|end| matches!(end, Some(End::Error(_)))),
        }
    }

    /// Returns the end of a generation, if it has ended.
    async fn end_of(&self, id: &GenerationId) -> Result<Option<End>, StoreError> {
        let store = &self.0.store;
        let generation = promptly(|| store.generation(id)).await?;
        if !generation.ended {
            return Ok(None);
        }
        let last = promptly(|| store.read(id, generation.tail.saturating_sub(1), 1)).await?;
        Ok(last.entries.into_iter().find_map(|entry| match entry.event {
            Event::End(end) => Some(end),
            _ => None,
        }))
    }

    /// Deletes a generation that was not started. If this fails, its lease expires.
    pub(super) async fn discard(&self, id: &GenerationId) {
        let store = &self.0.store;
        let _ = promptly(|| store.remove(id)).await;
    }

    /// Deletes it in the background: an unavailable store would delay the client's response again.
    fn discard_later(&self, id: &GenerationId) {
        let (relay, id) = (self.clone(), id.clone());
        actix_rt::spawn(async move { relay.discard(&id).await });
    }

    async fn create(
        &self,
        id: &GenerationId,
        owner: &str,
        chat: Option<&str>,
        request: &mut UpstreamRequest,
    ) -> Result<NewGeneration, Failure> {
        self.prepare(owner, request)?;
        let Settings { lease, on_last_viewer, .. } = &self.0.settings;
        if let Some(chat) = chat {
            request.body.set(CHAT, chat);
        }
        if let Some(message) = &request.continues {
            request.body.set(CONTINUES, message);
        }
        let new = NewGeneration {
            id: id.clone(),
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
        if let Err(error) = promptly(|| store.create(&new)).await {
            // It may exist nevertheless.
            self.discard_later(id);
            return Err(error.into());
        }
        Ok(new)
    }

    /// Runs the `prepare` hook on a request.
    pub(crate) fn prepare(&self, owner: &str, request: &mut UpstreamRequest) -> Result<(), Failure> {
        if self.0.viewers.admission() != Admission::Open {
            return Err(Failure::shutdown());
        }
        strip(&mut request.body);
        (self.0.settings.prepare)(owner, request.api, &mut request.body)
    }

    /// Starts a producer on this thread, with the request if it has just been parsed; otherwise the stored request is
    /// parsed.
    pub(super) fn produce(
        &self,
        generation: &Generation,
        begin: Begin,
        permit: GenerationPermit,
        request: Option<UpstreamRequest>,
    ) -> Arc<Reply> {
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
        let reply = Arc::clone(&shared.reply);
        let writer = Writer::new(Arc::clone(&self.0.store), Arc::clone(&shared), generation, options, permit);
        self.0.running().insert(id.clone(), Arc::clone(&shared));
        let running = Running { relay: self.clone(), id };
        actix_rt::spawn(async move {
            let _running = running;
            writer.run().await;
        });
        if self.0.viewers.admission() != Admission::Open {
            // The generation started while the relay was shutting down.
            self.close(&shared);
        }
        let log = Log::new(shared, settings.tells_upstreams_words);
        match begin {
            Begin::Ask => self.ask(log, &generation.request, request),
            Begin::Restart => {
                log.write(Event::Reset);
                self.ask(log, &generation.request, request);
            }
            Begin::Resume(UpstreamPosition { id, seq }) => {
                let call = self.0.openai.responses().resume(id, seq).keep_response(false);
                let handle = call.stream((), (settings.responses)(log.clone()));
                log.attach(handle.stream());
            }
            Begin::End(end) => log.end(end),
            Begin::Nothing => log.end(End::Error(Failure::aborted())),
        }
        reply
    }

    /// Sends the request upstream.
    fn ask(&self, log: Log, kept: &Bytes, request: Option<UpstreamRequest>) {
        let Settings { chat, completions, responses, .. } = &self.0.settings;
        let openai: &OpenAi = &self.0.openai;
        let (mut body, passed_on) = match request {
            Some(UpstreamRequest { body, passed_on, .. }) => (body, passed_on),
            None => match serde_json::from_slice::<Body>(kept) {
                Ok(body) => (body, PassedOn::default()),
                Err(_) => {
                    // A relay wrote it, and all users of a store share the format.
                    let message = "the request that the store keeps cannot be read";
                    return log.end(End::Error(Failure::new(500, "server_error", message)));
                }
            },
        };
        let in_chat = body.get::<String>(CHAT).is_some();
        strip(&mut body);
        let reply = log.reply();
        // The response is not kept, because the log has the texts. Outside a chat, there are no retries: clients of
        // the API retry themselves.
        macro_rules! ask {
            ($endpoint:ident, $target:ident) => {{
                let target = $target(log.clone());
                let reply = Arc::clone(&reply);
                let call = openai.$endpoint().keep_response(false).on_head(move |head| reply.read(head));
                let call = if in_chat { call } else { call.max_retries(0) };
                passed_on.apply(call).stream(body, target).stream().clone()
            }};
        }
        let stream = match log.api() {
            Api::Chat => ask!(chat, chat),
            Api::Completions => ask!(completions, completions),
            Api::Responses => ask!(responses, responses),
        };
        log.attach(&stream);
    }
}

/// Returns the state of a generation that was just created.
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

/// Counts a producer that runs here.
struct Running {
    relay: Relay,
    id: GenerationId,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.relay.0.running().remove(&self.id);
    }
}
