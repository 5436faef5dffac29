//! Bytes → typed chat events: actorstream and its peers. Each gives the bytes of text in the deltas.

use std::hint::black_box;
use std::time::Instant;

use actorstream_proto::chat::ChatCompletionChunk;
use actorstream_proto::event::Event;
use actorstream_proto::head::Head;
use actorstream_proto::list::List;
use actorstream_proto::session::{Session, Settings};
use actorstream_proto::sse::SseDecoder;
use actorstream_proto::template::Template;
use bytes::Bytes;
#[cfg(feature = "peers")]
pub use peers::{async_openai, value};

use crate::decode::{self, Decoder, MAX_EVENT};

/// All the ways to typed events, ours first.
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
    let mut decoder = SseDecoder::new(MAX_EVENT);
    let mut template = Template::default();
    let mut seen = 0;
    for read in reads {
        decoder.feed(read.clone());
        while let Ok(Some(frame)) = decoder.next_frame() {
            let Ok(decoded) = ChatCompletionChunk::decode(frame, &mut template) else { return seen };
            seen += black_box(&decoded.event).content().map_or(0, str::len);
        }
    }
    seen
}

/// The whole protocol core, the response kept.
pub fn session(reads: &[Bytes]) -> usize {
    run_session(reads, true)
}

/// The whole protocol core, the response not kept.
pub fn session_off(reads: &[Bytes]) -> usize {
    run_session(reads, false)
}

fn run_session(reads: &[Bytes], keep_response: bool) -> usize {
    let now = Instant::now();
    let settings = Settings { keep_response, ..Settings::default() };
    let mut session = Session::<ChatCompletionChunk>::new(settings, now, 1);
    session.on_sent(now);
    session.on_head(Head::read(200, |_| None), now);
    let mut seen = 0;
    for read in reads {
        let mut events = List::default();
        if session.on_bytes(read.clone(), now, &mut events).is_some() {
            break;
        }
        seen += events.iter().map(|event| event.content().map_or(0, str::len)).sum::<usize>();
    }
    seen
}

#[cfg(feature = "peers")]
mod peers {
    //! What others do.

    use std::hint::black_box;

    use async_openai::types::chat::CreateChatCompletionStreamResponse;
    use bytes::Bytes;
    use eventsource_stream::Eventsource;
    use futures_util::{FutureExt, StreamExt};
    use serde_json::Value;

    use crate::decode::peers::body;

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

    /// What a hand-written client does.
    pub fn value(reads: &[Bytes]) -> usize {
        let mut events = body(reads).eventsource();
        let mut seen = 0;
        while let Some(Some(Ok(event))) = events.next().now_or_never() {
            let Ok(event) = serde_json::from_str::<Value>(&event.data) else { break };
            seen += black_box(&event)["choices"][0]["delta"]["content"].as_str().map_or(0, str::len);
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
        let expected = actorstream(&corpus::reads(Cut::Events));
        assert!(expected > 0);
        for cut in [Cut::Events, Cut::Bytes(16 << 10)] {
            for (name, typed) in TYPED.iter().filter(|(name, _)| *name != "memchr") {
                assert_eq!(typed(&corpus::reads(cut)), expected, "{name}");
            }
        }
    }
}
