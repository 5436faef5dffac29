//! Events read with the help of the event before are the same as those that are parsed.

use std::fmt::Debug;

use actorstream_proto::api::chat::ChatCompletionChunk;
use actorstream_proto::api::completions::CompletionChunk;
use actorstream_proto::api::responses::ResponseEvent;
use actorstream_proto::endpoint::event::{Accumulator, DecodeError, Decoded, Event, Memory as _, Verdict};
use actorstream_proto::sse::{Frame, SseDecoder};
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

/// Reads each payload with the memory of those before, as a session does, and on its own. Both must be the same: the event,
/// down to how it is shown and written; what it says about its stream; and, for what neither shows, such as halves of
/// characters, what the events add up to and what of them is delivered.
fn compare<E>(payloads: &[Bytes])
where
    E: Event + Serialize + PartialEq,
    E::Response: Serialize,
{
    let wire: Vec<u8> =
        payloads.iter().flat_map(|payload| [b"data: ", &payload[..], b"\n\n"].concat()).collect();
    let wire = Bytes::from(wire);
    // All in one read, where the end of an event is found by what is remembered; and one read for each.
    compare_reads::<E>(std::slice::from_ref(&wire));
    let mut rest = wire;
    let each = payloads.iter().map(|payload| rest.split_to(payload.len() + b"data: \n\n".len()));
    compare_reads::<E>(&each.collect::<Vec<_>>());
    compare_reads::<E>(&payloads.iter().flat_map(cut_line).collect::<Vec<_>>());
}

/// An event whose line is cut, so that its end has to be searched for.
fn cut_line(payload: &Bytes) -> [Bytes; 2] {
    let line = [b"data: ", &payload[..], b"\n\n"].concat();
    let (start, end) = line.split_at(line.len() / 2);
    [Bytes::copy_from_slice(start), Bytes::copy_from_slice(end)]
}

fn compare_reads<E>(reads: &[Bytes])
where
    E: Event + Serialize + PartialEq,
    E::Response: Serialize,
{
    let mut memory = E::Memory::default();
    let (mut with_memory, mut without) = (E::Accumulator::default(), E::Accumulator::default());
    let (mut sse, mut plain) = (SseDecoder::new(1 << 30), SseDecoder::new(1 << 30));
    for read in reads {
        sse.feed(read.clone());
        plain.feed(read.clone());
        while let Some(frame) = plain.next_frame().unwrap() {
            let text = String::from_utf8_lossy(&frame.data).into_owned();
            let payload = frame.data.clone();
            let remembered = remembered::<E>(&mut sse, &frame, &mut memory);
            let parsed = E::decode(frame, &mut E::Memory::default());
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
        assert_eq!(sse.next_frame(), Ok(None), "something is left of a read");
    }
    let json = |response: &E::Response| serde_json::to_string(response).unwrap();
    assert_eq!(json(&with_memory.take()), json(&without.take()), "what the events add up to");
}

/// The next event by every way there is, the shortest first; `expected` is its frame.
fn remembered<E: Event>(
    sse: &mut SseDecoder,
    expected: &Frame,
    memory: &mut E::Memory,
) -> Result<Decoded<E>, DecodeError> {
    let mut out = Vec::new();
    let data = |mut out: Vec<E>| Ok(Decoded { event: out.pop().expect("an event"), verdict: Verdict::Data });
    if memory.recall_next(sse, &mut out) {
        return data(out);
    }
    let frame = sse.next_frame().unwrap().expect("the event that the other decoder gives");
    assert_eq!(frame, *expected);
    match memory.recall(frame, &mut out) {
        Ok(()) => data(out),
        Err(frame) => E::decode(frame, memory),
    }
}

fn same<E: Serialize + PartialEq + Debug>(a: &E, b: &E, text: &str) {
    assert_eq!(a, b, "{text}");
    assert_eq!(format!("{a:?}"), format!("{b:?}"), "{text}");
    let json = |event: &E| serde_json::to_string(event).unwrap();
    assert_eq!(json(a), json(b), "{text}");
}
