//! Tests of the dialects of servers other than OpenAI's: one file for each kind of deviation, with its variants.

mod answers;
mod ends;
mod envelopes;
mod errors;
mod places;
mod response_shapes;
mod responses;

use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::answer::output::{Change, View, Viewable};
use crate::endpoint::event::Event;
use crate::outcome::finish::Status;
use crate::session::head::Head;
use crate::session::{BodyEnd, End, Session, Settings};

/// The events and the end of a stream.
struct Played<E: Event> {
    events: Vec<E>,
    end: End<E>,
}

/// Plays a body that ends cleanly.
fn play<E: Event>(body: &str) -> Played<E> {
    play_as(body, "text/event-stream", Settings::default())
}

fn play_as<E: Event>(body: &str, content_type: &str, settings: Settings) -> Played<E> {
    let now = Instant::now();
    let mut session = Session::<E>::new(settings, now, 1);
    session.on_sent(now);
    session.on_head(Head::read(200, |name| (name == "content-type").then_some(content_type)), now);
    let mut events = Vec::new();
    let end = session
        .on_bytes(Bytes::copy_from_slice(body.as_bytes()), now, &mut events)
        .or_else(|| session.on_body_end(&BodyEnd::Clean, now, &mut events))
        .expect("an end");
    Played { events, end }
}

/// Returns the body of a stream of these events, ended by `[DONE]`.
fn stream(events: &[Value]) -> String {
    cut(events) + "data: [DONE]\n\n"
}

/// Returns the same body without `[DONE]`.
fn cut(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

/// Returns a chat chunk with one choice.
fn delta(delta: Value) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
           "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

/// Returns the chunk with the finish reason.
fn finish(reason: Value) -> Value {
    json!({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

impl<E: Event> Played<E>
where
    E::Response: serde::Serialize,
{
    /// Returns the kind of the end: `finish`, `incomplete`, or the name of the error.
    fn kind(&self) -> &'static str {
        match &self.end {
            Ok(finish) if finish.status == Status::Incomplete => "incomplete",
            Ok(_) => "finish",
            Err(error) => error.kind.name(),
        }
    }

    /// Returns the response; after an error, the partial one.
    fn response(&self) -> Value {
        match &self.end {
            Ok(finish) => serde_json::to_value(&*finish.response).unwrap(),
            Err(error) => {
                serde_json::to_value(error.partial::<E::Response>().expect("a partial response")).unwrap()
            }
        }
    }

    fn message(&self) -> String {
        self.end.as_ref().err().map(ToString::to_string).unwrap_or_default()
    }
}

/// The content of a view: texts, reasoning and refusals, as the sums of their deltas and as whole texts, and the
/// calls.
#[derive(Debug, Default, PartialEq)]
struct Viewed {
    text: String,
    reasoning: String,
    refusal: String,
    done: Vec<String>,
    calls: Vec<(String, String, String)>,
}

fn view<E: Viewable>(played: &Played<E>) -> Viewed {
    let whole = view_with(E::View::default(), played);
    let lean = view_with(E::View::lean(), played);
    assert_eq!((&lean.text, &lean.reasoning, &lean.calls), (&whole.text, &whole.reasoning, &whole.calls));
    whole
}

fn view_with<E: Viewable>(mut view: E::View, played: &Played<E>) -> Viewed {
    let mut viewed = Viewed::default();
    let mut tell = |change: Change<'_>| match change {
        Change::TextDelta { delta, .. } => viewed.text.push_str(delta),
        Change::ReasoningDelta { delta, .. } => viewed.reasoning.push_str(delta),
        Change::RefusalDelta { delta, .. } => viewed.refusal.push_str(delta),
        Change::TextDone { text, .. } => viewed.done.push(text.to_owned()),
        Change::ToolCallDone { call, .. } => {
            viewed.calls.push((call.id.to_owned(), call.name.to_owned(), call.arguments.to_owned()));
        }
        _ => {}
    };
    played.events.iter().for_each(|event| view.push(event, &mut tell));
    view.finish(&mut tell);
    viewed
}
