//! `Observation`: what one stream showed, and when.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use actorstream::{
    Call, Chat, ChatCompletion, ChatCompletionChunk, Finish, ResponseHead, StreamError, StreamEvent,
};
use futures_util::StreamExt as _;
use serde_json::Value;

/// How many times of events are kept; later events are only counted.
const MAX_TIMES: usize = 10_000;

/// What to do after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Read,
    /// Read nothing for this long.
    Pause(Duration),
    Cancel,
}

/// What one stream showed.
#[derive(Debug)]
pub(super) struct Observation {
    /// When each event arrived, from the call on; of the first 10,000.
    pub(super) arrivals: Vec<Duration>,
    /// How many events arrived.
    pub(super) count: usize,
    /// When the last event arrived.
    pub(super) last: Option<Duration>,
    /// How many characters of text arrived.
    pub(super) characters: usize,
    /// When the stream ended.
    pub(super) took: Duration,
    /// How long it took from a cancellation to the end.
    pub(super) cancelling: Option<Duration>,
    pub(super) outcome: Result<Finish<ChatCompletion>, StreamError>,
    pub(super) habits: BTreeSet<Habit>,
    /// A word of the server's configuration.
    pub(super) fingerprint: Option<String>,
}

/// A habit in which servers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Habit {
    RoleInEachChunk,
    UsageWithoutChoices,
    UsageBesideChoices,
    Reasoning,
    ReasoningContent,
    CallWithoutIndex,
    CallInOnePiece,
    NoId,
    ChangingId,
    Provider,
    EmptyChoices,
    ContentBesideFinishReason,
}

impl Observation {
    /// Makes a call and notes what arrives. `next` gets the number of events so far.
    pub(super) async fn of(call: &Call<Chat>, body: &Value, next: impl Fn(usize) -> Next) -> Self {
        let began = Instant::now();
        let mut events = call.events(body);
        let mut notes = Notes::default();
        let (mut arrivals, mut cancelled) = (Vec::new(), None);
        let (mut count, mut last) = (0, None);
        let outcome = loop {
            match events.next().await {
                Some(StreamEvent::Data(chunk)) => {
                    count += 1;
                    let at = began.elapsed();
                    last = Some(at);
                    if arrivals.len() < MAX_TIMES {
                        arrivals.push(at);
                    }
                    notes.note(&chunk);
                    match next(count) {
                        Next::Read => {}
                        Next::Pause(time) => tokio::time::sleep(time).await,
                        Next::Cancel => {
                            cancelled.get_or_insert_with(Instant::now);
                            events.stream().cancel();
                        }
                    }
                }
                Some(StreamEvent::Finish(finish)) => break Ok(finish),
                Some(StreamEvent::Error(error)) => break Err(error),
                Some(StreamEvent::Start(_)) => {}
                // An event stream ends with one of these.
                None => break Err(StreamError::config("the stream ended without an end")),
            }
        };
        Self {
            arrivals,
            count,
            last,
            characters: notes.characters,
            took: began.elapsed(),
            cancelling: cancelled.map(|at| at.elapsed()),
            outcome,
            habits: notes.habits,
            fingerprint: notes.fingerprint,
        }
    }

    /// The times between two events.
    pub(super) fn gaps(&self) -> impl Iterator<Item = Duration> {
        self.arrivals.windows(2).map(|pair| pair[1].saturating_sub(pair[0]))
    }

    pub(super) fn first_event(&self) -> Option<Duration> {
        self.arrivals.first().copied()
    }

    /// The head of the response, if there was one.
    pub(super) fn head(&self) -> Option<&ResponseHead> {
        match &self.outcome {
            Ok(finish) => finish.head.as_ref(),
            Err(error) => error.head.as_ref(),
        }
    }

    /// The media type of a response that is no event stream.
    pub(super) fn unstreamed(&self) -> Option<String> {
        let kind = self.head()?.header("content-type")?;
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind.ends_with("json").then_some(kind)
    }

    pub(super) fn finish(&self) -> Option<&Finish<ChatCompletion>> {
        self.outcome.as_ref().ok()
    }
}

/// What is noted of the chunks of a stream.
#[derive(Debug, Default)]
struct Notes {
    habits: BTreeSet<Habit>,
    characters: usize,
    roles: usize,
    id: Option<String>,
    fingerprint: Option<String>,
}

impl Notes {
    fn note(&mut self, chunk: &ChatCompletionChunk) {
        let habits = &mut self.habits;
        match (&chunk.id, &self.id) {
            (None, _) => drop(habits.insert(Habit::NoId)),
            (Some(id), Some(before)) if **id != **before => drop(habits.insert(Habit::ChangingId)),
            (Some(id), _) => self.id = Some(id.to_string()),
        }
        if let Some(fingerprint) = &chunk.system_fingerprint {
            self.fingerprint.get_or_insert_with(|| fingerprint.to_string());
        }
        match (chunk.usage.is_some(), chunk.choices.is_empty()) {
            (true, true) => drop(habits.insert(Habit::UsageWithoutChoices)),
            (true, false) => drop(habits.insert(Habit::UsageBesideChoices)),
            (false, true) => drop(habits.insert(Habit::EmptyChoices)),
            (false, false) => {}
        }
        if chunk.raw.json().is_ok_and(|json| json.get("provider").is_some()) {
            habits.insert(Habit::Provider);
        }
        for choice in &chunk.choices {
            let delta = &choice.delta;
            let content = delta.content.as_deref().unwrap_or_default();
            self.characters += content.chars().count();
            if delta.role.is_some() && choice.index == 0 {
                self.roles += 1;
                if self.roles > 2 {
                    habits.insert(Habit::RoleInEachChunk);
                }
            }
            if choice.finish_reason.is_some() && !content.is_empty() {
                habits.insert(Habit::ContentBesideFinishReason);
            }
            if delta.reasoning.is_some() {
                habits.insert(Habit::Reasoning);
            }
            if delta.reasoning_content.is_some() {
                habits.insert(Habit::ReasoningContent);
            }
            for call in delta.tool_calls.iter().flatten() {
                if call.index.is_none() {
                    habits.insert(Habit::CallWithoutIndex);
                }
                let arguments = call.function.as_ref().and_then(|function| function.arguments.as_deref());
                let is_whole = arguments.is_some_and(|text| text.starts_with('{') && text.ends_with('}'));
                if is_whole && call.id.is_some() {
                    habits.insert(Habit::CallInOnePiece);
                }
            }
        }
    }
}
