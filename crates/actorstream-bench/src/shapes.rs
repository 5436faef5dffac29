//! Events of every shape, each in one stream: the whole protocol core and its peer. Each gives how many events it saw.

use std::hint::black_box;
use std::time::Instant;

use actorstream_proto::api::chat::ChatCompletionChunk;
use actorstream_proto::api::completions::CompletionChunk;
use actorstream_proto::api::responses::ResponseEvent;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::session::head::Head;
use actorstream_proto::session::{Session, Settings};
use bytes::Bytes;

use crate::shape::{Api, Shape};

/// How many events there are before they repeat.
const DIFFERENT: usize = 400;

/// So many events of a shape, a read each.
pub fn reads(shape: &Shape, events: usize) -> Vec<Bytes> {
    let event = |number| {
        let payload = (shape.payload)(number);
        let name = match shape.api {
            Api::Chat | Api::Completions => "",
            Api::Responses => "event: response.event\n",
        };
        Bytes::from(format!("{name}data: {payload}\n\n"))
    };
    let different: Vec<Bytes> = (0..DIFFERENT).map(event).collect();
    different.iter().cycle().take(events).cloned().collect()
}

/// The whole protocol core, the response kept.
pub fn actorstream(shape: &Shape, reads: &[Bytes]) -> usize {
    match shape.api {
        Api::Chat => session::<ChatCompletionChunk>(reads),
        Api::Completions => session::<CompletionChunk>(reads),
        Api::Responses => session::<ResponseEvent>(reads),
    }
}

fn session<E: Event>(reads: &[Bytes]) -> usize {
    let now = Instant::now();
    let mut session = Session::<E>::new(Settings::default(), now, 1);
    session.on_sent(now);
    session.on_head(Head::read(200, |_| None), now);
    let mut seen = 0;
    let mut events = Vec::new();
    for read in reads {
        if session.on_bytes(read.clone(), now, &mut events).is_some() {
            break;
        }
        seen += black_box(&events).len();
        events.clear();
    }
    seen
}

/// What async-openai does with each event.
#[cfg(feature = "types")]
pub fn async_openai(shape: &Shape, reads: &[Bytes]) -> usize {
    use async_openai::types::chat::CreateChatCompletionStreamResponse;
    use async_openai::types::completions::CreateCompletionResponse;
    use async_openai::types::responses::ResponseStreamEvent;

    match shape.api {
        Api::Chat => peer::<CreateChatCompletionStreamResponse>(reads),
        Api::Completions => peer::<CreateCompletionResponse>(reads),
        Api::Responses => peer::<ResponseStreamEvent>(reads),
    }
}

#[cfg(feature = "types")]
fn peer<T: serde::de::DeserializeOwned>(reads: &[Bytes]) -> usize {
    use eventsource_stream::Eventsource;
    use futures_util::{FutureExt, StreamExt};

    let mut events = crate::decode::body(reads).eventsource();
    let mut seen = 0;
    while let Some(Some(Ok(event))) = events.next().now_or_never() {
        let Ok(event) = serde_json::from_str::<T>(&event.data) else { break };
        black_box(&event);
        seen += 1;
    }
    seen
}

#[cfg(all(test, feature = "types"))]
mod tests {
    use crate::shape::ALL;

    use super::*;

    #[test]
    fn everybody_sees_every_event() {
        for shape in ALL {
            let reads = reads(shape, 2 * DIFFERENT);
            assert_eq!(actorstream(shape, &reads), reads.len(), "{}", shape.name);
            assert_eq!(async_openai(shape, &reads), reads.len(), "{}", shape.name);
        }
    }
}
