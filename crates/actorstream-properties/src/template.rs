//! Events read with the help of the event before are the same as those that are parsed.

use std::fmt::Debug;

use actorstream_proto::chat::ChatCompletionChunk;
use actorstream_proto::completions::CompletionChunk;
use actorstream_proto::event::{Accumulator, Event};
use actorstream_proto::responses::ResponseEvent;
use actorstream_proto::sse::Frame;
use bytes::Bytes;
use serde::Serialize;

use crate::input::Input;

/// See the module. The input is the payloads of one stream, a line each.
pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let endpoint = input.byte() % 3;
    let payloads: Vec<Bytes> = lines(input.rest());
    match endpoint {
        0 => compare::<ChatCompletionChunk>(&payloads),
        1 => compare::<CompletionChunk>(&payloads),
        _ => compare::<ResponseEvent>(&payloads),
    }
}

/// The payloads of an input: its lines that are not empty.
pub(crate) fn lines(input: &[u8]) -> Vec<Bytes> {
    let lines = input.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    // In one buffer, as the events of one read are.
    let read = Bytes::copy_from_slice(input);
    lines.map(|line| read.slice_ref(&read[offset(input, line)])).collect()
}

fn offset(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

/// Reads each payload with the memory of those before, and on its own. Both must be the same: the event, down to how it is
/// shown and written; what it says about its stream; and, for what neither shows, such as halves of characters, what the
/// events add up to and what of them is delivered.
fn compare<E>(payloads: &[Bytes])
where
    E: Event + Serialize + PartialEq,
    E::Response: Serialize,
{
    let mut memory = E::Memory::default();
    let (mut with_memory, mut without) = (E::Accumulator::default(), E::Accumulator::default());
    for payload in payloads {
        let frame = || Frame { event: None, data: payload.clone() };
        let remembered = E::decode(frame(), &mut memory);
        let parsed = E::decode(frame(), &mut E::Memory::default());
        let text = String::from_utf8_lossy(payload);
        match (remembered, parsed) {
            (Ok(mut remembered), Ok(mut parsed)) => {
                assert_eq!(remembered.verdict, parsed.verdict, "{text}");
                same(&remembered.event, &parsed.event, &text);
                assert_eq!(remembered.event.sequence_number(), parsed.event.sequence_number(), "{text}");
                assert_eq!(remembered.event.payload().as_bytes(), &payload[..]);
                with_memory.push(&mut remembered.event, true);
                without.push(&mut parsed.event, true);
                same(&remembered.event, &parsed.event, &text);
                assert_eq!(with_memory.size(), without.size(), "{text}");
            }
            (Err(remembered), Err(parsed)) => assert_eq!(remembered, parsed, "{text}"),
            (remembered, parsed) => panic!("{text}: {remembered:?} but {parsed:?}"),
        }
    }
    let json = |response: &E::Response| serde_json::to_string(response).unwrap();
    assert_eq!(json(&with_memory.take()), json(&without.take()), "what the events add up to");
}

fn same<E: Serialize + PartialEq + Debug>(a: &E, b: &E, text: &str) {
    assert_eq!(a, b, "{text}");
    assert_eq!(format!("{a:?}"), format!("{b:?}"), "{text}");
    let json = |event: &E| serde_json::to_string(event).unwrap();
    assert_eq!(json(a), json(b), "{text}");
}
