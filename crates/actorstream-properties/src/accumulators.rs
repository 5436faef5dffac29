//! A response is what its events, as they were delivered, add up to; and the views tell the same.

use std::collections::BTreeMap;

use actorstream_proto::answer::output::{Change, View as _, Viewable};
use actorstream_proto::api::chat::{ChatAccumulator, ChatCompletionChunk};
use actorstream_proto::api::completions::{CompletionAccumulator, CompletionChunk};
use actorstream_proto::api::responses::{ResponseAccumulator, ResponseEvent};
use actorstream_proto::endpoint::event::{Accumulator, Event};
use actorstream_proto::sse::Frame;
use bytes::Bytes;

use crate::input::Input;
use crate::session::texts;
use crate::template::lines;

/// See the module. The input is the payloads of one stream, a line each.
pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let endpoint = input.byte() % 3;
    let payloads = lines(input.rest());
    match endpoint {
        0 => chat(&payloads),
        1 => completions(&payloads),
        _ => responses(&payloads),
    }
}

fn events<E: Event>(payloads: &[Bytes]) -> impl Iterator<Item = E> {
    let mut memory = E::Memory::default();
    payloads.iter().filter_map(move |payload| {
        let frame = Frame { event: None, data: payload.clone() };
        E::decode(frame, &mut memory).ok().map(|decoded| decoded.event)
    })
}

/// A text that came in pieces is the pieces, or these and the half of a character that waits for its partner.
fn assert_text(whole: &str, pieces: &str) {
    let rest = whole.strip_prefix(pieces);
    assert!(matches!(rest, Some("" | "\u{fffd}")), "{pieces:?} came, {whole:?} was kept");
}

fn chat(payloads: &[Bytes]) {
    let mut kept = ChatAccumulator::default();
    let mut dropped = ChatAccumulator::default();
    let mut view = <ChatCompletionChunk as Viewable>::View::default();
    let mut pieces: BTreeMap<u32, String> = BTreeMap::new();
    let mut told: BTreeMap<u64, String> = BTreeMap::new();
    let mut ended: BTreeMap<u64, usize> = BTreeMap::new();
    let mut tell = |change: Change<'_>| match change {
        Change::TextDelta { at, delta, snapshot } => {
            let text = told.entry(at.output).or_default();
            text.push_str(delta);
            assert_eq!(text, snapshot);
        }
        Change::TextDone { at, text } => {
            assert_eq!(told.get(&at.output).map(String::as_str), Some(text));
            *ended.entry(at.output).or_default() += 1;
        }
        _ => {}
    };
    for mut event in events::<ChatCompletionChunk>(payloads) {
        let (before, mut same) = (kept.size(), event.clone());
        kept.push(&mut event, true);
        assert!(kept.size() >= before, "what is held never shrinks");
        dropped.push(&mut same, false);
        assert_eq!(event, same, "what is delivered does not depend on what is kept");
        for choice in &event.choices {
            let piece = choice.delta.content.as_deref().unwrap_or_default();
            pieces.entry(choice.index).or_default().push_str(piece);
        }
        view.push(&event, &mut tell);
    }
    view.finish(&mut tell);
    assert!(ended.values().all(|times| *times == 1), "a text that ends twice: {ended:?}");
    let size = kept.size();
    let response = kept.take();
    for choice in &response.choices {
        assert_text(choice.message.content.as_deref().unwrap_or_default(), &pieces[&choice.index]);
    }
    assert!(response.choices.is_sorted_by(|a, b| a.index < b.index), "an index comes once, in order");
    assert_eq!(response.choices.len(), pieces.len());
    assert_size(&serde_json::to_value(&response).unwrap(), size, payloads);
    let dropped = dropped.take();
    assert!(
        dropped.choices.iter().all(|choice| choice.message.content.as_deref().unwrap_or_default().len() <= 3)
    );
}

fn completions(payloads: &[Bytes]) {
    let mut kept = CompletionAccumulator::default();
    let mut pieces: BTreeMap<u32, String> = BTreeMap::new();
    for mut event in events::<CompletionChunk>(payloads) {
        kept.push(&mut event, true);
        for choice in &event.choices {
            pieces.entry(choice.index).or_default().push_str(choice.text.as_deref().unwrap_or_default());
        }
    }
    let size = kept.size();
    let response = kept.take();
    for choice in &response.choices {
        assert_text(&choice.text, &pieces[&choice.index]);
    }
    assert_eq!(response.choices.len(), pieces.len());
    assert_size(&serde_json::to_value(&response).unwrap(), size, payloads);
}

fn responses(payloads: &[Bytes]) {
    let mut kept = ResponseAccumulator::default();
    let mut view = <ResponseEvent as Viewable>::View::default();
    let mut done: BTreeMap<usize, usize> = BTreeMap::new();
    let mut tell = |change: Change<'_>| {
        if let Change::ToolCallDone { call, .. } = change {
            *done.entry(call.index).or_default() += 1;
        }
    };
    for mut event in events::<ResponseEvent>(payloads) {
        let before = kept.size();
        kept.push(&mut event, true);
        assert!(kept.size() >= before, "what is held never shrinks");
        view.push(&event, &mut tell);
    }
    view.finish(&mut tell);
    assert!(done.values().all(|times| *times == 1), "a call that is done twice: {done:?}");
    let size = kept.size();
    assert_size(&serde_json::to_value(kept.take()).unwrap(), size, payloads);
}

/// What is held is told: all texts of the response count, but for fields that are kept as they last came.
fn assert_size(response: &serde_json::Value, size: usize, payloads: &[Bytes]) {
    let longest = payloads.iter().map(Bytes::len).max().unwrap_or_default();
    let texts = texts(response);
    assert!(texts <= size + 4 * longest + (1 << 10), "a response of {texts} bytes counts for {size}");
}
