//! A session gives the same events and the same single end however its bytes are split, and holds no more than its limits
//! allow.

use std::time::Instant;

use actorstream_proto::api::chat::ChatCompletionChunk;
use actorstream_proto::api::completions::CompletionChunk;
use actorstream_proto::api::responses::ResponseEvent;
use actorstream_proto::endpoint::Framing;
use actorstream_proto::endpoint::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use actorstream_proto::endpoint::raw::RawEvent;
use actorstream_proto::json::payload::Payload;
use actorstream_proto::json::text::Text;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::head::Head;
use actorstream_proto::session::limits::Limits;
use actorstream_proto::session::{BodyEnd, End, OnMalformed, Session, Settings};
use actorstream_proto::sse::Frame;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::input::{Input, reads, shown};

/// A key that the server may repeat.
pub const SECRET: &str = "sk-SECRET";

/// How a body is played.
#[derive(Debug, Clone)]
struct Play {
    settings: Settings,
    head: Head,
    end: BodyEnd,
    /// How often the body comes in a row.
    times: usize,
}

/// See the module. The first bytes of the input are an endpoint and how it is played, the rest is the body.
pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let endpoint = input.byte() % 4;
    let play = play(&mut input);
    match endpoint {
        _ if play.settings.framing == Framing::Bytes => run::<Piece>(&play, &mut input),
        0 => run::<ChatCompletionChunk>(&play, &mut input),
        1 => run::<CompletionChunk>(&play, &mut input),
        2 => run::<ResponseEvent>(&play, &mut input),
        _ => run::<RawEvent>(&play, &mut input),
    }
}

fn play(input: &mut Input<'_>) -> Play {
    let framing =
        input.pick(&[Framing::Events, Framing::Events, Framing::Events, Framing::Bytes, Framing::Whole]);
    let status = input.pick(&[200, 200, 200, 201, 429, 302, 500]);
    let content_type =
        input.pick(&["text/event-stream", "application/json", "text/html; charset=utf-8", "", "audio/mpeg"]);
    let encoding = input.pick(&["", "", "", "", "identity", "gzip"]);
    let limits = input.pick(&[
        None,
        Some(Limits { event: 1 << 10, head: 100, error_body: 64, response: 32 << 10, body: 1 << 10 }),
        Some(Limits { event: 64, head: 100, error_body: 0, response: 0, body: 0 }),
    ]);
    let flags = input.byte();
    let settings = Settings {
        limits: limits.unwrap_or_default(),
        on_malformed: if flags & 1 == 0 { OnMalformed::Fail } else { OnMalformed::Skip },
        keep_response: flags & 2 == 0,
        ends_on_close: flags & 4 != 0,
        resume: flags & 8 != 0,
        choices: 1 + usize::from(flags & 16 != 0),
        framing,
        secrets: [Secret::new(SECRET)].into(),
        ..Settings::default()
    };
    let headers = [("content-type", content_type), ("content-encoding", encoding), ("x-request-id", "req-1")];
    let head = Head::read(status, |name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value));
    let end = if flags & 32 == 0 { BodyEnd::Clean } else { BodyEnd::Cut("cut".into()) };
    Play { settings, head, end, times: if flags & 192 == 192 { 64 } else { 1 } }
}

/// What came out of a session.
#[derive(Debug, PartialEq)]
struct Out {
    events: Vec<String>,
    /// What is shown of the end, without its times.
    end: String,
}

fn run<E>(play: &Play, input: &mut Input<'_>)
where
    E: Event + Serialize,
    E::Response: Serialize,
{
    let body = input.rest().repeat(play.times);
    let whole = drive::<E>(play, &body, reads(body.len(), []));
    for way in input.cuts(body.len()) {
        let mut split = drive::<E>(play, &body, way.clone());
        if play.settings.framing == Framing::Bytes {
            // Each read is an event; together they are the body.
            split.events = vec![split.events.concat()];
            split.events.retain(|body| !body.is_empty());
        }
        assert_eq!(split, whole, "cut at {}", shown(&way));
    }
}

fn drive<E>(play: &Play, body: &[u8], reads: Vec<std::ops::Range<usize>>) -> Out
where
    E: Event + Serialize,
    E::Response: Serialize,
{
    let now = Instant::now();
    let mut session = Session::<E>::new(play.settings.clone(), now, 1);
    session.on_sent(now);
    session.on_head(play.head.clone(), now);
    let mut events = Vec::new();
    let mut end = None;
    let mut rest = reads.into_iter();
    for read in rest.by_ref() {
        end = session.on_bytes(Bytes::copy_from_slice(&body[read]), now, &mut events);
        if end.is_some() || session.broken().is_some() {
            break;
        }
    }
    if end.is_none() && session.broken().is_none() {
        end = session.on_body_end(&play.end, now, &mut events);
    }
    let delivered = events.len();
    // Whatever comes behind the end: nothing more goes out.
    for read in rest {
        assert!(session.on_bytes(Bytes::copy_from_slice(&body[read]), now, &mut events).is_none());
    }
    assert!(session.on_body_end(&BodyEnd::Clean, now, &mut events).is_none(), "a second end");
    assert_eq!(events.len(), delivered, "an event behind the end");
    let taken: usize = events.iter().map(|event| event.payload().as_bytes().len()).sum();
    assert!(taken <= body.len(), "more events than came");
    if play.settings.framing == Framing::Bytes && end.as_ref().is_some_and(Result::is_ok) {
        assert_eq!(taken, body.len(), "bytes are missing");
    }
    let end = match end {
        Some(end) => {
            assert!(session.has_ended() && session.deadline().is_none());
            bounded::<E>(&end, play);
            described::<E>(&end)
        }
        None => {
            let kind = session.broken().expect("neither an end nor broken");
            assert!(play.settings.resume && session.resume_point().is_some());
            format!("broken: {kind:?}")
        }
    };
    assert!(!end.contains(SECRET) || end.starts_with("finished"), "{end}");
    Out { events: events.iter().map(json).collect(), end }
}

/// An event as JSON; a piece of bytes without its quotes, so that pieces can be put together.
fn json<E: Serialize>(event: &E) -> String {
    let json = serde_json::to_string(event).unwrap();
    match json.strip_prefix('"').and_then(|json| json.strip_suffix('"')) {
        Some(text) => text.to_owned(),
        None => json,
    }
}

fn described<E>(end: &End<E>) -> String
where
    E: Event,
    E::Response: Serialize,
{
    match end {
        Ok(finish) => format!(
            "finished {} {} {:?} {}",
            finish.status.as_str(),
            finish.sentinel,
            finish.finish_reasons,
            serde_json::to_string(&*finish.response).unwrap()
        ),
        Err(error) => {
            let partial =
                error.partial::<E::Response>().map(|partial| serde_json::to_string(partial).unwrap());
            // What the server said is in the partial response, a key that it repeats too: it is an answer, no error.
            let partial = partial.map(|json| json.replace(SECRET, "***"));
            format!("{} {error} {:?} {partial:?}", error.kind.name(), error.kind)
        }
    }
}

/// The response that came with the end is within the limits: all its texts together are not longer than the limit on the
/// response and the event that broke it.
fn bounded<E>(end: &End<E>, play: &Play)
where
    E: Event,
    E::Response: Serialize,
{
    if play.settings.framing == Framing::Whole {
        return;
    }
    let response = match end {
        Ok(finish) => serde_json::to_value(&*finish.response),
        Err(error) => match error.partial::<E::Response>() {
            Some(partial) => serde_json::to_value(partial),
            None => return,
        },
    };
    let limits = &play.settings.limits;
    // Some fields are kept as they last came, whatever they hold: two events' worth of them.
    let most = limits.response.saturating_add(limits.event.saturating_mul(4)).saturating_add(1 << 10);
    let texts = texts(&response.unwrap());
    assert!(texts <= most, "a response of {texts} bytes, though {most} are the most");
}

/// The bytes of all texts in a value, and one for each other thing.
pub(crate) fn texts(json: &Value) -> usize {
    match json {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(|item| 1 + texts(item)).sum(),
        Value::Object(object) => object.iter().map(|(name, item)| name.len().min(1) + texts(item)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// A piece of a body that is no event stream.
#[derive(Debug)]
struct Piece(Payload);

impl Serialize for Piece {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let letters: String = self.0.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        serializer.serialize_str(&letters)
    }
}

impl Event for Piece {
    type Response = ();
    type Accumulator = Nothing;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        Ok(Decoded { event: Self(frame.data.into()), verdict: Verdict::Data })
    }

    fn decode_whole(_: &[u8]) -> Result<(), DecodeError> {
        Ok(())
    }

    fn finish_reasons((): &()) -> Vec<Text> {
        Vec::new()
    }

    fn payload(&self) -> &Payload {
        &self.0
    }
}

/// Pieces add up to nothing.
#[derive(Debug, Default)]
struct Nothing;

impl Accumulator<Piece> for Nothing {
    fn push(&mut self, _: &mut Piece, _: bool) {}

    fn size(&self) -> usize {
        0
    }

    fn is_complete(&self, _: usize) -> bool {
        false
    }

    fn take(&mut self) {}
}
