//! Bytes → typed chat events: actorstream and its peers. Each gives the bytes of text in the deltas.

use std::hint::black_box;
use std::time::Instant;

use actorstream_proto::api::chat::ChatCompletionChunk;
use actorstream_proto::api::responses::ResponseEvent;
use actorstream_proto::endpoint::event::{Event, Memory as _};
use actorstream_proto::session::head::Head;
use actorstream_proto::session::{Session, Settings};
use actorstream_proto::sse::SseDecoder;
use bytes::Bytes;
#[cfg(feature = "peers")]
pub use peers::{async_openai, async_openai_responses, value, value_responses};

use crate::decode::{self, Decoder, MAX_EVENT};

/// All the ways to the typed events of a response, ours first.
pub const RESPONSES: &[(&str, Decoder)] = &[
    ("actorstream", responses),
    ("actorstream-session", responses_session),
    #[cfg(feature = "peers")]
    ("async-openai", async_openai_responses),
    #[cfg(feature = "peers")]
    ("serde-json-value", value_responses),
    ("memchr", decode::memchr),
];

/// All the ways to typed chat events, ours first.
pub const TYPED: &[(&str, Decoder)] = &[
    ("actorstream", actorstream),
    ("actorstream-session", session),
    ("actorstream-session-off", session_off),
    #[cfg(feature = "peers")]
    ("async-openai", async_openai),
    #[cfg(feature = "peers")]
    ("serde-json-value", value),
    ("memchr", decode::memchr),
];

/// Decoder and event, without the state machine around them.
pub fn actorstream(reads: &[Bytes]) -> usize {
    decode::<ChatCompletionChunk>(reads, |chunk| chunk.content().map_or(0, str::len))
}

/// The same for the events of a response.
pub fn responses(reads: &[Bytes]) -> usize {
    decode::<ResponseEvent>(reads, |event| event.text().map_or(0, str::len))
}

fn decode<E: Event>(reads: &[Bytes], len: fn(&E) -> usize) -> usize {
    let mut decoder = SseDecoder::new(MAX_EVENT);
    let mut memory = E::Memory::default();
    let mut seen = 0;
    // As the connector does: one list, which is filled again.
    let mut events = Vec::new();
    for read in reads {
        decoder.feed(read.clone());
        while !decoder.is_done() {
            if !memory.recall_next(&mut decoder, &mut events) {
                let Ok(Some(frame)) = decoder.next_frame() else { break };
                if let Err(frame) = memory.recall(frame, &mut events) {
                    let Ok(decoded) = E::decode(frame, &mut memory) else { return seen };
                    events.push(decoded.event);
                }
            }
            seen += black_box(&events).iter().map(len).sum::<usize>();
            events.clear();
        }
    }
    seen
}

/// The whole protocol core, the response kept.
pub fn session(reads: &[Bytes]) -> usize {
    run_session::<ChatCompletionChunk>(reads, true, |chunk| chunk.content().map_or(0, str::len))
}

/// The whole protocol core, the response not kept.
pub fn session_off(reads: &[Bytes]) -> usize {
    run_session::<ChatCompletionChunk>(reads, false, |chunk| chunk.content().map_or(0, str::len))
}

/// The whole protocol core with the events of a response.
pub fn responses_session(reads: &[Bytes]) -> usize {
    run_session::<ResponseEvent>(reads, true, |event| event.text().map_or(0, str::len))
}

fn run_session<E: Event>(reads: &[Bytes], keep_response: bool, len: fn(&E) -> usize) -> usize {
    let now = Instant::now();
    let settings = Settings { keep_response, ..Settings::default() };
    let mut session = Session::<E>::new(settings, now, 1);
    session.on_sent(now);
    session.on_head(Head::read(200, |_| None), now);
    let mut seen = 0;
    let mut events = Vec::new();
    for read in reads {
        if session.on_bytes(read.clone(), now, &mut events).is_some() {
            break;
        }
        seen += events.drain(..).map(|event| len(&event)).sum::<usize>();
    }
    seen
}

#[cfg(feature = "peers")]
mod peers {
    //! What others do.

    use std::hint::black_box;

    use async_openai::types::chat::CreateChatCompletionStreamResponse;
    use async_openai::types::responses::ResponseStreamEvent;
    use bytes::Bytes;
    use eventsource_stream::Eventsource;
    use futures_util::{FutureExt, StreamExt};
    use serde_json::Value;

    use crate::decode::body;

    /// What async-openai does with each event.
    pub fn async_openai(reads: &[Bytes]) -> usize {
        let mut events = body(reads).eventsource();
        let mut seen = 0;
        while let Some(Some(Ok(event))) = events.next().now_or_never() {
            let Ok(event) = serde_json::from_str::<CreateChatCompletionStreamResponse>(&event.data) else {
                break;
            };
            let choice = black_box(&event).choices.first();
            seen += choice.and_then(|choice| choice.delta.content.as_ref()).map_or(0, String::len);
        }
        seen
    }

    /// The same with the events of a response.
    pub fn async_openai_responses(reads: &[Bytes]) -> usize {
        let mut events = body(reads).eventsource();
        let mut seen = 0;
        while let Some(Some(Ok(event))) = events.next().now_or_never() {
            let Ok(event) = serde_json::from_str::<ResponseStreamEvent>(&event.data) else { break };
            if let ResponseStreamEvent::ResponseOutputTextDelta(event) = black_box(&event) {
                seen += event.delta.len();
            }
        }
        seen
    }

    /// What a hand-written client does.
    pub fn value(reads: &[Bytes]) -> usize {
        values(reads, |event| event["choices"][0]["delta"]["content"].as_str().map_or(0, str::len))
    }

    /// The same with the events of a response.
    pub fn value_responses(reads: &[Bytes]) -> usize {
        values(reads, |event| event["delta"].as_str().map_or(0, str::len))
    }

    fn values(reads: &[Bytes], len: fn(&Value) -> usize) -> usize {
        let mut events = body(reads).eventsource();
        let mut seen = 0;
        while let Some(Some(Ok(event))) = events.next().now_or_never() {
            let Ok(event) = serde_json::from_str::<Value>(&event.data) else { break };
            seen += len(black_box(&event));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{self, Cut};

    #[test]
    fn all_see_the_same() {
        for (all, event) in
            [(TYPED, corpus::event as fn(usize) -> String), (RESPONSES, corpus::response_event)]
        {
            let expected = all[0].1(&corpus::reads_of(event, Cut::Events));
            assert!(expected > 0);
            for cut in [Cut::Events, Cut::Bytes(16 << 10)] {
                for (name, typed) in all.iter().filter(|(name, _)| *name != "memchr") {
                    assert_eq!(typed(&corpus::reads_of(event, cut)), expected, "{name}");
                }
            }
        }
    }
}
