//! Reads the upstream events of a log and reports the changes.

use actorstream::output::{Change, View, Viewable};
use actorstream::proto::api::chat::ChatAccumulator;
use actorstream::proto::api::completions::CompletionAccumulator;
use actorstream::proto::api::responses::{Response, ResponseDeltas};
use actorstream::proto::endpoint::event::Accumulator;
use actorstream::proto::sse::Frame;
use actorstream::{ChatCompletionChunk, CompletionChunk, Event, ResponseEvent, ResponseStreamEvent};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::event::{Api, Part};

/// A report about an upstream event.
#[derive(Debug)]
pub(super) enum Report<'a> {
    /// The previous response is complete and another one begins: the service ran tools and sent the results.
    NextAnswer,
    /// The response changes.
    Change(Change<'a>),
    /// The finish reason, as upstream sent it.
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
    pub(super) fn push(&mut self, event: &RawValue, tell: &mut dyn FnMut(Report<'_>)) {
        match self {
            Self::Chat(of) => of.push(event, tell),
            Self::Completions(of) => of.push(event, tell),
            Self::Responses(of) => of.push(event, tell),
        }
    }

    /// Handles a part that the service adds between two events.
    pub(super) fn part(&mut self, part: &Part, tell: &mut dyn FnMut(Report<'_>)) {
        match self {
            Self::Chat(of) => of.part(part, tell),
            Self::Completions(of) => of.part(part, tell),
            Self::Responses(of) => of.part(part, tell),
        }
    }

    /// Handles the end of a complete response.
    pub(super) fn finish(&mut self, tell: &mut dyn FnMut(Report<'_>)) {
        match self {
            Self::Chat(of) => of.finish(tell),
            Self::Completions(of) => of.finish(tell),
            Self::Responses(of) => of.finish(tell),
        }
    }

    /// Handles a restart of the response.
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
    answer: Answered,
}

impl<E: Answer> Default for Of<E> {
    fn default() -> Self {
        Self {
            memory: E::Memory::default(),
            joiner: E::Joiner::default(),
            view: E::View::lean(),
            answer: Answered::default(),
        }
    }
}

impl<E: Answer> std::fmt::Debug for Of<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { joiner, view, answer, .. } = self;
        f.debug_struct("Reader")
            .field("joiner", joiner)
            .field("view", view)
            .field("answer", answer)
            .finish_non_exhaustive()
    }
}

impl<E: Answer> Of<E> {
    fn push(&mut self, event: &RawValue, tell: &mut dyn FnMut(Report<'_>)) {
        let Some(mut event) = decode::<E>(event, &mut self.memory) else { return };
        if self.answer.is_followed_by(&event) {
            self.finish(tell);
            *self = Self::default();
            tell(Report::NextAnswer);
        }
        event.join(&mut self.joiner);
        self.view.push(&event, &mut |change| tell(Report::Change(change)));
        if let Some(reason) = self.answer.push(&event) {
            tell(Report::Reason(reason));
        }
    }

    fn part(&mut self, part: &Part, tell: &mut dyn FnMut(Report<'_>)) {
        if self.answer.part(part) {
            self.finish(tell);
        }
    }

    fn finish(&mut self, tell: &mut dyn FnMut(Report<'_>)) {
        self.view.finish(&mut |change| tell(Report::Change(change)));
    }
}

/// Decodes an event of a log. All entries are JSON, so this succeeds, possibly with an unknown event.
pub(super) fn decode<E: Event>(event: &RawValue, memory: &mut E::Memory) -> Option<E> {
    let data = Bytes::copy_from_slice(event.get().as_bytes());
    E::decode(Frame { event: None, data }, memory).ok().map(|decoded| decoded.event)
}

/// The progress of a response, according to its events.
#[derive(Debug, Default)]
pub(super) struct Answered {
    ended: bool,
    calls: bool,
    /// Whether, after its end, its usage was reported or its tools have run.
    over: bool,
    reason: Option<String>,
    id: Option<String>,
}

impl Answered {
    /// Returns whether an event belongs to another response, which follows this one. A finish reason alone does not
    /// mark the end, since some servers send one with every chunk. Another response has another id, or follows the
    /// tools of this one.
    pub(super) fn is_followed_by<E: Answer>(&self, event: &E) -> bool {
        if !self.ended || !event.goes_on() {
            return false;
        }
        let ids = self.id.as_deref().zip(event.id().filter(|id| !id.is_empty()));
        let other = ids.is_some_and(|(before, id)| before != id);
        E::ENDS_FOR_GOOD || (self.calls && (self.over || other)) || (other && event.begins())
    }

    /// Processes an event. Returns the finish reason, if it is new and not empty.
    pub(super) fn push<E: Answer>(&mut self, event: &E) -> Option<String> {
        self.calls |= event.calls();
        if let Some(id) = event.id().filter(|id| !id.is_empty())
            && self.id.as_deref() != Some(id)
        {
            self.id = Some(id.to_owned());
        }
        let reason = event.end();
        self.ended |= reason.is_some();
        self.over |= self.ended && event.counts();
        // A later `stop` does not replace another reason.
        let is_new = |reason: &String| !reason.is_empty() && (self.reason.is_none() || reason != "stop");
        reason.filter(is_new).map(|reason| self.reason.insert(reason).clone())
    }

    /// Handles a part that the service adds. Returns whether it is the outcome of a call of this response, which is
    /// then over.
    pub(super) fn part(&mut self, part: &Part) -> bool {
        let ran = self.ended && matches!(part, Part::ToolOutput { .. } | Part::ToolError { .. });
        self.over |= ran;
        ran
    }
}

/// Finds the end of a response among the events of an endpoint.
pub(super) trait Answer: Viewable<View: std::fmt::Debug> {
    /// Whether the event with the finish reason is the last one of the response.
    const ENDS_FOR_GOOD: bool = false;

    /// Returns the id of the response, if the event contains it.
    fn id(&self) -> Option<&str> {
        None
    }

    /// Returns whether the event is the first one of a response.
    fn begins(&self) -> bool {
        false
    }

    /// Returns whether the event calls a tool.
    fn calls(&self) -> bool {
        false
    }

    /// Returns whether the event reports the usage.
    fn counts(&self) -> bool {
        false
    }

    /// Joins surrogate pairs that are split across two events.
    type Joiner: Default + std::fmt::Debug + Send;

    /// Repairs the texts of the event.
    fn join(&mut self, joiner: &mut Self::Joiner);

    /// Returns the reason if the first choice ends with this event; empty if upstream sends none.
    fn end(&self) -> Option<String>;

    /// Returns whether the event, which follows the end of a response, belongs to another response.
    fn goes_on(&self) -> bool;
}

impl Answer for ChatCompletionChunk {
    type Joiner = ChatAccumulator;

    fn join(&mut self, joiner: &mut ChatAccumulator) {
        joiner.push(self, false);
    }

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn begins(&self) -> bool {
        self.choice(0).is_some_and(|choice| choice.delta.role.is_some())
    }

    fn calls(&self) -> bool {
        let called = |calls: &Vec<_>| !calls.is_empty();
        self.choice(0).is_some_and(|choice| choice.delta.tool_calls.as_ref().is_some_and(called))
    }

    fn counts(&self) -> bool {
        self.usage.is_some()
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

    const ENDS_FOR_GOOD: bool = true;

    fn join(&mut self, joiner: &mut ResponseDeltas) {
        joiner.join(self);
    }

    fn end(&self) -> Option<String> {
        match &self.event {
            ResponseStreamEvent::Completed(event) => Some(why_incomplete(&event.response)),
            ResponseStreamEvent::Incomplete(event) => Some(why_incomplete(&event.response)),
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

/// Returns the reason why a response is incomplete; empty if there is none.
fn why_incomplete(response: &Response) -> String {
    let details = response.incomplete_details.as_ref();
    let reason = details.and_then(|details| details.reason.as_ref());
    reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default()
}
