//! Reads the events of upstream out of a log, and tells what they change.

use actorstream::output::{Change, View, Viewable};
use actorstream::proto::chat::ChatAccumulator;
use actorstream::proto::completions::CompletionAccumulator;
use actorstream::proto::event::Accumulator;
use actorstream::proto::responses::ResponseDeltas;
use actorstream::proto::sse::Frame;
use actorstream::{ChatCompletionChunk, CompletionChunk, Event, ResponseEvent, ResponseStreamEvent};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::event::Api;

/// What an event of upstream tells.
#[derive(Debug)]
pub(super) enum News<'a> {
    /// The answer before was whole, and another one begins: the service ran tools and asked again.
    NextAnswer,
    /// The answer changes.
    Change(Change<'a>),
    /// Why the answer ended, in the words of upstream.
    Reason(String),
}

/// Reads the events of one log.
#[derive(Debug)]
pub(super) enum Reader {
    Chat(Box<Of<ChatCompletionChunk>>),
    Completions(Box<Of<CompletionChunk>>),
    Responses(Box<Of<ResponseEvent>>),
}

impl Reader {
    pub(super) fn new(api: Api) -> Self {
        match api {
            Api::Chat => Self::Chat(Box::default()),
            Api::Completions => Self::Completions(Box::default()),
            Api::Responses => Self::Responses(Box::default()),
        }
    }

    /// Reads an event.
    pub(super) fn push(&mut self, event: &RawValue, tell: &mut dyn FnMut(News<'_>)) {
        match self {
            Self::Chat(of) => of.push(event, tell),
            Self::Completions(of) => of.push(event, tell),
            Self::Responses(of) => of.push(event, tell),
        }
    }

    /// The answer is whole.
    pub(super) fn finish(&mut self, tell: &mut dyn FnMut(News<'_>)) {
        match self {
            Self::Chat(of) => of.finish(tell),
            Self::Completions(of) => of.finish(tell),
            Self::Responses(of) => of.finish(tell),
        }
    }

    /// The answer begins again.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Chat(of) => **of = Of::default(),
            Self::Completions(of) => **of = Of::default(),
            Self::Responses(of) => **of = Of::default(),
        }
    }
}

/// Reads events of one type.
pub(super) struct Of<E: Answer> {
    memory: E::Memory,
    joiner: E::Joiner,
    view: E::View,
    ended: bool,
}

impl<E: Answer> Default for Of<E> {
    fn default() -> Self {
        Self {
            memory: E::Memory::default(),
            joiner: E::Joiner::default(),
            view: E::View::lean(),
            ended: false,
        }
    }
}

impl<E: Answer> std::fmt::Debug for Of<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { joiner, view, ended, .. } = self;
        f.debug_struct("Reader")
            .field("joiner", joiner)
            .field("view", view)
            .field("ended", ended)
            .finish_non_exhaustive()
    }
}

impl<E: Answer> Of<E> {
    fn push(&mut self, event: &RawValue, tell: &mut dyn FnMut(News<'_>)) {
        let Some(mut event) = decode::<E>(event, &mut self.memory) else { return };
        if self.ended && event.goes_on() {
            self.finish(tell);
            *self = Self::default();
            tell(News::NextAnswer);
        }
        event.join(&mut self.joiner);
        self.view.push(&event, &mut |change| tell(News::Change(change)));
        if let Some(reason) = event.end() {
            self.ended = true;
            if !reason.is_empty() {
                tell(News::Reason(reason));
            }
        }
    }

    fn finish(&mut self, tell: &mut dyn FnMut(News<'_>)) {
        self.view.finish(&mut |change| tell(News::Change(change)));
    }
}

/// Reads an event of a log. All of them are JSON, and so are events, if unknown ones.
pub(super) fn decode<E: Event>(event: &RawValue, memory: &mut E::Memory) -> Option<E> {
    let data = Bytes::copy_from_slice(event.get().as_bytes());
    E::decode(Frame { event: None, data }, memory).ok().map(|decoded| decoded.event)
}

/// How the events of an endpoint say where an answer ends.
pub(super) trait Answer: Viewable<View: std::fmt::Debug> {
    /// Joins the halves of characters that are split over two events.
    type Joiner: Default + std::fmt::Debug + Send;

    /// Puts the texts of the event right.
    fn join(&mut self, joiner: &mut Self::Joiner);

    /// Why the first choice ends with this event, if it does; empty if upstream does not say.
    fn end(&self) -> Option<String>;

    /// Whether the event, which comes after the end of an answer, belongs to another answer.
    fn goes_on(&self) -> bool;
}

impl Answer for ChatCompletionChunk {
    type Joiner = ChatAccumulator;

    fn join(&mut self, joiner: &mut ChatAccumulator) {
        joiner.push(self, false);
    }

    fn end(&self) -> Option<String> {
        self.finish_reason().map(|reason| reason.as_str().to_owned())
    }

    fn goes_on(&self) -> bool {
        let filled = |text: Option<&actorstream::Text>| text.is_some_and(|text| !text.is_empty());
        self.choice(0).is_some_and(|choice| {
            let delta = &choice.delta;
            filled(delta.content.as_ref())
                || filled(delta.refusal.as_ref())
                || filled(delta.reasoning_text())
                || delta.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
        })
    }
}

impl Answer for CompletionChunk {
    type Joiner = CompletionAccumulator;

    fn join(&mut self, joiner: &mut CompletionAccumulator) {
        joiner.push(self, false);
    }

    fn end(&self) -> Option<String> {
        let reason = self.choice(0)?.finish_reason.as_ref()?;
        Some(reason.as_str().to_owned())
    }

    fn goes_on(&self) -> bool {
        self.text().is_some_and(|text| !text.is_empty())
    }
}

impl Answer for ResponseEvent {
    type Joiner = ResponseDeltas;

    fn join(&mut self, joiner: &mut ResponseDeltas) {
        joiner.join(self);
    }

    fn end(&self) -> Option<String> {
        match &self.event {
            ResponseStreamEvent::Completed(_) => Some(String::new()),
            ResponseStreamEvent::Incomplete(event) => {
                let details = event.response.incomplete_details.as_ref();
                let reason = details.and_then(|details| details.reason.as_ref());
                Some(reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default())
            }
            _ => None,
        }
    }

    fn goes_on(&self) -> bool {
        !matches!(
            self.event,
            ResponseStreamEvent::Completed(_)
                | ResponseStreamEvent::Incomplete(_)
                | ResponseStreamEvent::KeepAlive(_)
                | ResponseStreamEvent::Unknown(_)
        )
    }
}
