//! Plays a stream to a session, and compares what it said with what it means.

use std::collections::BTreeMap;
use std::mem::take;
use std::time::Instant;

use actorstream_proto::answer::output::{Call, Change, Position, View as _, Viewable};
use actorstream_proto::api::chat::{ChatCompletion, ChatCompletionChunk};
use actorstream_proto::api::completions::{Completion, CompletionChunk};
use actorstream_proto::api::responses::{OutputItem, OutputMessageContent, Response, ResponseEvent};
use actorstream_proto::endpoint::Framing;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::endpoint::raw::RawEvent;
use actorstream_proto::session::head::Head;
use actorstream_proto::session::{BodyEnd, End, Session, Settings};
use bytes::Bytes;
use fastrand::Rng;

use super::meaning::{Meaning, Said};
use super::plain::Endpoint;
use super::stream::Stream;

/// How a body is played.
struct Play<'a> {
    body: &'a str,
    content_type: &'a str,
    choices: usize,
    /// Where the reads are cut.
    cuts: Vec<usize>,
}

/// What came of it.
struct Played<E: Event> {
    events: Vec<E>,
    end: End<E>,
}

/// Whether a stream says what it means, however its bytes are cut.
///
/// # Errors
/// What it said instead.
pub(super) fn check(stream: &Stream, body: &str, random: &mut Rng) -> Result<(), String> {
    let most = if random.bool() { 0 } else { random.usize(..8) };
    let mut cuts: Vec<usize> = (0..most).map(|_| random.usize(..=body.len())).collect();
    cuts.sort_unstable();
    let choices = stream.answer.choices.len().max(1);
    let play = Play { body, content_type: stream.content_type, choices, cuts };
    match stream.answer.endpoint {
        Endpoint::Chat => typed::<ChatCompletionChunk>(&play, stream)?,
        Endpoint::Completions => typed::<CompletionChunk>(&play, stream)?,
        Endpoint::Responses => typed::<ResponseEvent>(&play, stream)?,
    }
    if stream.is_claimed("words alone") {
        return Ok(());
    }
    let raw = play.run::<RawEvent>(Settings::default());
    let end = |end: &str| if end == "incomplete" { "completed".to_owned() } else { end.to_owned() };
    same("the end of raw events", &end(&kind(&raw.end)), &end(&stream.meaning.end))
}

fn typed<E>(play: &Play<'_>, stream: &Stream) -> Result<(), String>
where
    E: Speaks + Viewable + Clone + PartialEq,
{
    let kept = play.run::<E>(Settings::default());
    let (mut got, mut meant) = (meaning::<E>(&kept.end), stream.meaning.clone());
    if stream.is_claimed("any order") {
        [&mut got, &mut meant]
            .into_iter()
            .for_each(|meaning| meaning.choices = sorted(take(&mut meaning.choices)));
    }
    same("the answer", &got, &meant)?;
    let told: Vec<_> = sorted(stream.meaning.choices.clone());
    same("the view", &viewed::<E>(E::View::default(), &kept), &told)?;
    let dropped = play.run::<E>(Settings { keep_response: false, ..Settings::default() });
    same("the events, where nothing is kept", &dropped.events, &kept.events)?;
    same("the end, where nothing is kept", &kind(&dropped.end), &stream.meaning.end)?;
    same("the lean view", &viewed::<E>(E::View::lean(), &dropped), &told)?;
    whole::<E>(play, stream)
}

/// An answer that came whole is the same where a whole one was asked for.
fn whole<E: Speaks>(play: &Play<'_>, stream: &Stream) -> Result<(), String> {
    if stream.body.is_none() {
        return Ok(());
    }
    let settings = Settings { framing: Framing::Whole, ..Settings::default() };
    same("the whole answer", &meaning::<E>(&play.run::<E>(settings).end), &stream.meaning)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, meant: &T) -> Result<(), String> {
    if got == meant { Ok(()) } else { Err(format!("{what}\n got: {got:?}\nmeant: {meant:?}")) }
}

impl Play<'_> {
    fn run<E: Event>(&self, settings: Settings) -> Played<E> {
        let now = Instant::now();
        let settings = Settings { choices: self.choices, ..settings };
        let mut session = Session::<E>::new(settings, now, 1);
        session.on_sent(now);
        session.on_head(Head::read(200, |name| (name == "content-type").then_some(self.content_type)), now);
        let mut events = Vec::new();
        let mut from = 0;
        for to in self.cuts.iter().copied().chain([self.body.len()]) {
            let read = Bytes::copy_from_slice(&self.body.as_bytes()[from..to]);
            from = to;
            if let Some(end) = session.on_bytes(read, now, &mut events) {
                return Played { events, end };
            }
        }
        let end = session.on_body_end(&BodyEnd::Clean, now, &mut events).expect("a body that ends is an end");
        Played { events, end }
    }
}

/// A type of event whose response is an answer.
trait Speaks: Event {
    /// What each choice says.
    fn said(response: &Self::Response) -> Vec<(u64, Said)>;
}

fn kind<R>(end: &actorstream_proto::outcome::finish::Outcome<R>) -> String {
    match end {
        Ok(finish) => finish.status.as_str().to_owned(),
        Err(error) => error.kind.name().to_owned(),
    }
}

fn meaning<E: Speaks>(end: &End<E>) -> Meaning {
    let (response, reasons) = match end {
        Ok(finish) => {
            (Some(&*finish.response), finish.finish_reasons.iter().map(ToString::to_string).collect())
        }
        Err(error) => (error.partial::<E::Response>(), Vec::new()),
    };
    let usage = response
        .and_then(E::tokens)
        .map(|tokens| [tokens.input, tokens.cached, tokens.output, tokens.reasoning, tokens.total]);
    let mut choices = response.map(E::said).unwrap_or_default();
    choices.retain(|(_, said)| *said != Said::default());
    Meaning { end: kind(end), reasons, choices, usage }
}

impl Speaks for ChatCompletionChunk {
    fn said(response: &ChatCompletion) -> Vec<(u64, Said)> {
        let choices = response.choices.iter().map(|choice| {
            let (mut said, message) = (Said::default(), &choice.message);
            let thoughts = message.reasoning_content.as_ref().filter(|text| !text.is_empty());
            for (list, text) in [
                (&mut said.texts, &message.content),
                (&mut said.refusals, &message.refusal),
                (&mut said.reasoning, &thoughts.or(message.reasoning.as_ref()).cloned()),
            ] {
                Said::add(list, text.as_deref().unwrap_or_default());
            }
            for call in message.tool_calls.iter().flatten() {
                let arguments = match (&call.function, &call.custom) {
                    (Some(function), _) => function.arguments.clone(),
                    (None, custom) => custom.as_ref().map_or("", |custom| &custom.input).to_owned(),
                };
                said.calls.push([call.id.clone(), call.name().to_owned(), arguments]);
            }
            (choice.index.into(), said)
        });
        choices.collect()
    }
}

impl Speaks for CompletionChunk {
    fn said(response: &Completion) -> Vec<(u64, Said)> {
        let choices = response.choices.iter().map(|choice| {
            let mut said = Said::default();
            Said::add(&mut said.texts, &choice.text);
            (choice.index.into(), said)
        });
        choices.collect()
    }
}

impl Speaks for ResponseEvent {
    fn said(response: &Response) -> Vec<(u64, Said)> {
        let mut said = Said::default();
        for item in &response.output {
            match item {
                OutputItem::Message(message) => {
                    for part in &message.content {
                        match part {
                            OutputMessageContent::OutputText(part) => Said::add(&mut said.texts, &part.text),
                            OutputMessageContent::Refusal(part) => {
                                Said::add(&mut said.refusals, &part.refusal);
                            }
                            OutputMessageContent::Unknown(_) => {}
                        }
                    }
                }
                OutputItem::Reasoning(item) => {
                    let summary = item.summary.iter().map(|part| part.text.as_str());
                    let content = item.content.iter().flatten().map(|part| part.text.as_str());
                    Said::add(&mut said.reasoning, &summary.chain(content).collect::<String>());
                }
                OutputItem::FunctionCall(call) => {
                    said.calls.push([call.call_id.clone(), call.name.clone(), call.arguments.clone()]);
                }
                OutputItem::CustomToolCall(call) => {
                    said.calls.push([call.call_id.clone(), call.name.clone(), call.input.clone()]);
                }
                _ => {}
            }
        }
        vec![(0, said)]
    }
}

fn sorted(choices: Vec<(u64, Said)>) -> Vec<(u64, Said)> {
    choices.into_iter().map(|(index, said)| (index, said.sorted())).collect()
}

/// Adds to a text that a view tells, which is what the view says that it is; a lean one does not say.
fn grow(texts: &mut BTreeMap<(u8, Position), String>, at: (u8, Position), delta: &str, whole: &str) {
    if delta.is_empty() && whole.is_empty() {
        return;
    }
    let text = texts.entry(at).or_default();
    text.push_str(delta);
    assert!(whole.is_empty() || whole == text, "a text that is {text:?} and said to be {whole:?}");
}

/// What a view tells of each choice. A response is one.
fn viewed<E: Viewable>(mut view: E::View, played: &Played<E>) -> Vec<(u64, Said)> {
    let mut texts: BTreeMap<(u8, Position), String> = BTreeMap::new();
    let mut calls: BTreeMap<(u64, usize), [String; 3]> = BTreeMap::new();
    let mut ended: BTreeMap<(u8, Position), usize> = BTreeMap::new();
    let mut counted: BTreeMap<(u64, usize), [u8; 2]> = BTreeMap::new();
    let words = |call: &Call<'_>| [call.id, call.name, call.arguments].map(str::to_owned);
    let mut tell = |change: Change<'_>| match change {
        Change::TextDelta { at, delta, snapshot } => grow(&mut texts, (0, at), delta, snapshot),
        Change::RefusalDelta { at, delta, snapshot } => grow(&mut texts, (1, at), delta, snapshot),
        Change::ReasoningDelta { at, delta, snapshot } => grow(&mut texts, (2, at), delta, snapshot),
        Change::TextDone { at, text } => {
            grow(&mut texts, (0, at), "", text);
            *ended.entry((0, at)).or_default() += 1;
        }
        Change::RefusalDone { at, refusal } => {
            grow(&mut texts, (1, at), "", refusal);
            *ended.entry((1, at)).or_default() += 1;
        }
        Change::ToolCallStarted { call } => {
            counted.entry((call.output, call.index)).or_default()[0] += 1;
            calls.insert((call.output, call.index), words(&call));
        }
        Change::ArgumentsDelta { call, .. } => drop(calls.insert((call.output, call.index), words(&call))),
        Change::ToolCallDone { call, .. } => {
            counted.entry((call.output, call.index)).or_default()[1] += 1;
            calls.insert((call.output, call.index), words(&call));
        }
        _ => {}
    };
    played.events.iter().for_each(|event| view.push(event, &mut tell));
    if played.end.is_ok() {
        view.finish(&mut tell);
        let twice = ended.iter().find(|(at, times)| **times != 1 && texts.contains_key(*at));
        assert!(twice.is_none(), "a text that ends twice: {twice:?}");
        let never = texts.keys().find(|at| at.0 < 2 && !ended.contains_key(*at));
        assert!(never.is_none(), "a text that does not end: {never:?}");
        let odd = counted.iter().find(|(_, times)| **times != [1, 1]);
        assert!(odd.is_none(), "a call that does not begin and end once: {odd:?}");
    }
    let response = std::any::type_name::<E>().ends_with("ResponseEvent");
    let choice = |output: u64| if response { 0 } else { output };
    let mut choices: BTreeMap<u64, Said> = BTreeMap::new();
    // The parts of a reasoning are one text.
    let mut thoughts: BTreeMap<u64, String> = BTreeMap::new();
    for ((kind, at), text) in texts {
        let said = choices.entry(choice(at.output)).or_default();
        match kind {
            0 => said.texts.push(text),
            1 => said.refusals.push(text),
            _ => thoughts.entry(at.output).or_default().push_str(&text),
        }
    }
    for (output, text) in thoughts {
        choices.entry(choice(output)).or_default().reasoning.push(text);
    }
    for ((output, _), call) in calls {
        choices.entry(choice(output)).or_default().calls.push(call);
    }
    sorted(choices.into_iter().collect())
}
