//! The AI SDK's UI message stream, which `useChat` reads.
//!
//! The client is strict: a delta without its start, an end of a part that is not open, or an output of an unknown
//! tool call fails the message. The encoder therefore tracks open parts, and ends everything it has started before it
//! ends the message.

use std::mem;

use actorstream::Ending;
use actorstream::output::{Call, CallKind, Change, Position, Tokens};
use bytes::{Bytes, BytesMut};
use serde_json::Value;

use super::Encoder;
use super::reader::{Reader, Report};
use super::sse::{self, Frames};
use super::ui_chunk::{Chunk, Data, Metadata, Runs};
use crate::event::{Api, End, Event, Failure, Logged, Part};

/// Writes the UI message stream.
#[derive(Debug)]
pub(super) struct UiMessageEncoder {
    generation: String,
    /// The id of the client's message that the response continues; `None` for a new message with the generation's
    /// id.
    continued: Option<String>,
    reader: Reader,
    message: Message,
}

impl UiMessageEncoder {
    pub(super) fn new(api: Api, generation: &str, continued: Option<String>) -> Self {
        Self {
            generation: generation.to_owned(),
            continued,
            reader: Reader::new(api),
            message: Message { first_choice_only: api != Api::Responses, ..Message::default() },
        }
    }
}

impl Encoder for UiMessageEncoder {
    fn content_type(&self) -> &'static str {
        sse::CONTENT_TYPE
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("x-vercel-ai-ui-message-stream", "v1")]
    }

    fn encode_after(&mut self, entry: &Logged, frames: u64, out: &mut BytesMut) {
        let (reader, message) = (&mut self.reader, &mut self.message);
        if message.ended {
            return;
        }
        message.start(self.continued.as_deref().unwrap_or(&self.generation));
        match &entry.event {
            Event::Upstream(event) => reader.push(event, &mut |report| message.report(report)),
            Event::Part(part) => {
                reader.part(part, &mut |report| message.report(report));
                message.part(part);
            }
            Event::Reset => {
                reader.reset();
                message.reset();
            }
            Event::End(end) => {
                if let End::Finish { .. } = end {
                    reader.finish(&mut |report| message.report(report));
                }
                message.end(end);
            }
        }
        message.frames.write(&self.generation, Some(entry.seq), frames, out);
    }

    fn ping(&self) -> Option<Bytes> {
        Some(sse::ping())
    }

    fn fail(&mut self, failure: &Failure, out: &mut BytesMut) {
        if !self.message.ended {
            self.message.start(self.continued.as_deref().unwrap_or(&self.generation));
            self.message.end(&End::Error(failure.clone()));
            self.message.frames.write(&self.generation, None, 0, out);
        }
    }
}

/// The part of the message that the client has.
#[derive(Debug, Default)]
struct Message {
    frames: Frames,
    first_choice_only: bool,
    started: bool,
    ended: bool,
    in_step: bool,
    /// The number of steps that have begun.
    steps: u32,
    /// The number of upstream responses that began before this one.
    answer: u32,
    /// The number of ids given to parts.
    numbered: u64,
    /// Texts and reasoning that have begun but not ended.
    open: Vec<Open>,
    /// The positions that were sent in deltas; their complete texts are not sent again.
    told: Vec<(Kind, Position)>,
    calls: Vec<Called>,
    /// The tokens of this response and of the earlier ones.
    usage: Option<Tokens>,
    usage_before: Option<Tokens>,
    reason: Option<String>,
    refused: bool,
}

#[derive(Debug)]
struct Open {
    kind: Kind,
    at: Position,
    id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// A refusal, shown as text.
    Refusal,
    Reasoning,
}

impl Kind {
    fn start(self, id: &str) -> Chunk<'_> {
        match self {
            Self::Text | Self::Refusal => Chunk::TextStart { id },
            Self::Reasoning => Chunk::ReasoningStart { id },
        }
    }

    fn delta<'a>(self, id: &'a str, delta: &'a str) -> Chunk<'a> {
        match self {
            Self::Text | Self::Refusal => Chunk::TextDelta { id, delta },
            Self::Reasoning => Chunk::ReasoningDelta { id, delta },
        }
    }

    fn end(self, id: &str) -> Chunk<'_> {
        match self {
            Self::Text | Self::Refusal => Chunk::TextEnd { id },
            Self::Reasoning => Chunk::ReasoningEnd { id },
        }
    }
}

/// A tool call known to the client.
#[derive(Debug)]
struct Called {
    step: u32,
    answer: u32,
    index: usize,
    id: String,
    name: String,
    runs: Runs,
    state: CallState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallState {
    /// The input is arriving.
    Streaming,
    /// The input is complete.
    Whole,
    /// The output was sent, or the client knows that there will be none.
    Answered,
}

impl Message {
    fn say(&mut self, chunk: &Chunk<'_>) {
        self.frames.json(None, chunk);
    }

    fn start(&mut self, id: &str) {
        if !mem::replace(&mut self.started, true) {
            self.say(&Chunk::Start { message_id: id });
        }
    }

    fn begin_step(&mut self) {
        if !mem::replace(&mut self.in_step, true) {
            self.steps += 1;
            self.say(&Chunk::StartStep);
        }
    }

    fn end_step(&mut self) {
        self.close(|_| true);
        if mem::take(&mut self.in_step) {
            self.say(&Chunk::FinishStep);
        }
    }

    /// Returns an id that is unique in the message.
    fn number(&mut self, what: &str) -> String {
        self.numbered += 1;
        format!("{what}-{}", self.numbered)
    }

    fn report(&mut self, report: Report<'_>) {
        match report {
            Report::Change(change) => self.change(change),
            Report::Reason(reason) => self.reason = Some(reason),
            Report::NextAnswer => {
                self.cut_calls("the model did not finish the call");
                self.end_step();
                self.answer += 1;
                self.told.clear();
                self.reason = None;
                self.refused = false;
                self.usage_before = self.all_usage();
                self.usage = None;
            }
        }
    }

    fn change(&mut self, change: Change<'_>) {
        match change {
            Change::TextDelta { at, delta, .. } => self.delta(Kind::Text, at, delta),
            Change::TextDone { at, text } => self.done(Kind::Text, at, text),
            Change::RefusalDelta { at, delta, .. } => self.delta(Kind::Refusal, at, delta),
            Change::RefusalDone { at, refusal } => self.done(Kind::Refusal, at, refusal),
            Change::ReasoningDelta { at, delta, .. } => self.delta(Kind::Reasoning, at, delta),
            Change::ReasoningDone { at, reasoning } => self.done(Kind::Reasoning, at, reasoning),
            Change::ToolCallStarted { call } => drop(self.call(call)),
            Change::ArgumentsDelta { call, delta, .. } => {
                if let Some(at) = self.call(call)
                    && self.calls[at].state == CallState::Streaming
                {
                    let id = mem::take(&mut self.calls[at].id);
                    self.say(&Chunk::ToolInputDelta { tool_call_id: &id, input_text_delta: delta });
                    self.calls[at].id = id;
                }
            }
            Change::ToolCallDone { call, parsed } => {
                if let Some(at) = self.call(call) {
                    self.call_done(at, call, parsed.ok());
                }
            }
            Change::ToolOutput { call, output } => {
                if let Some(at) = self.call(call) {
                    let id = self.calls[at].id.clone();
                    let text = output.map(|output| Value::String(output.to_owned()));
                    self.tool_output(&id, text.as_ref().map_err(|error| *error));
                }
            }
            Change::Source { at, url, title } if self.shows(at.output) => {
                self.begin_step();
                let id = self.number("source");
                self.say(&Chunk::SourceUrl { source_id: &id, url, title });
            }
            Change::Image { at, data, format } if self.shows(at.output) => {
                self.begin_step();
                let media_type = format!("image/{format}");
                let url = format!("data:{media_type};base64,{data}");
                self.say(&Chunk::File { url: &url, media_type: &media_type });
            }
            Change::Usage(tokens) => self.usage = Some(tokens),
            // A message has no place for log probabilities.
            _ => {}
        }
    }

    fn shows(&self, output: u64) -> bool {
        !self.first_choice_only || output == 0
    }

    fn delta(&mut self, kind: Kind, at: Position, delta: &str) {
        if !self.shows(at.output) || delta.is_empty() {
            return;
        }
        self.begin_step();
        self.refused |= kind == Kind::Refusal;
        let known = self.open.iter().position(|open| open.kind == kind && open.at == at);
        let known = known.unwrap_or_else(|| {
            // The parts of one choice or item follow one another.
            self.close(|open| open.at.output == at.output);
            let id = self.number(if kind == Kind::Reasoning { "reasoning" } else { "text" });
            self.say(&kind.start(&id));
            self.open.push(Open { kind, at, id });
            if !self.told.contains(&(kind, at)) {
                self.told.push((kind, at));
            }
            self.open.len() - 1
        });
        let id = mem::take(&mut self.open[known].id);
        self.say(&kind.delta(&id, delta));
        self.open[known].id = id;
    }

    /// Handles a complete text, which some servers send without deltas.
    fn done(&mut self, kind: Kind, at: Position, whole: &str) {
        if !self.told.contains(&(kind, at)) {
            self.delta(kind, at, whole);
        }
        self.close(|open| open.kind == kind && open.at == at);
    }

    /// Ends the open parts that `which` selects.
    fn close(&mut self, which: impl Fn(&Open) -> bool) {
        for open in self.open.extract_if(.., |open| which(open)) {
            self.frames.json(None, &open.kind.end(&open.id));
        }
    }

    /// Returns the position of a call, which is added if it is new; `None` if it is not shown.
    fn call(&mut self, call: Call<'_>) -> Option<usize> {
        if !self.shows(call.output) {
            return None;
        }
        let (answer, index) = (self.answer, call.index);
        let known = self.calls.iter().position(|known| known.answer == answer && known.index == index);
        if known.is_some() {
            return known;
        }
        self.begin_step();
        self.close(|open| open.at.output == call.output);
        let id = match call.id {
            "" => self.number("call"),
            // Some servers number the calls of each response from the start.
            id if self.calls.iter().any(|known| known.id == id) => format!("{id}-{}", self.number("call")),
            id => id.to_owned(),
        };
        let runs = if call.kind == CallKind::Hosted { Runs::Provider } else { Runs::Application };
        self.say(&Chunk::ToolInputStart {
            tool_call_id: &id,
            tool_name: call.name,
            input_encoding: (call.kind == CallKind::Custom).then_some("text"),
            runs,
        });
        let (step, name) = (self.steps, call.name.to_owned());
        self.calls.push(Called { step, answer, index, id, name, runs, state: CallState::Streaming });
        Some(self.calls.len() - 1)
    }

    fn call_done(&mut self, at: usize, call: Call<'_>, parsed: Option<&Value>) {
        let called = &mut self.calls[at];
        if called.state != CallState::Streaming {
            return;
        }
        let text = || Value::String(call.arguments.to_owned());
        let (input, whole) = match (call.kind, parsed) {
            (CallKind::Custom, _) => (text(), true),
            (_, Some(input)) => (input.clone(), true),
            (_, None) => (text(), false),
        };
        called.state = if whole { CallState::Whole } else { CallState::Answered };
        let (tool_call_id, tool_name, input, runs) = (&called.id, call.name, &input, called.runs);
        let chunk = if whole {
            Chunk::ToolInputAvailable { tool_call_id, tool_name, input, runs }
        } else {
            let error_text = "the arguments that the model wrote are not JSON";
            Chunk::ToolInputError { tool_call_id, tool_name, input, runs, error_text }
        };
        self.frames.json(None, &chunk);
    }

    /// Ends the calls whose input remains incomplete.
    fn cut_calls(&mut self, error_text: &str) {
        for call in self.calls.iter_mut().filter(|call| call.state == CallState::Streaming) {
            call.state = CallState::Answered;
            let (tool_call_id, tool_name, runs) = (&call.id, &call.name, call.runs);
            let input = &Value::Null;
            self.frames
                .json(None, &Chunk::ToolInputError { tool_call_id, tool_name, input, runs, error_text });
        }
    }

    fn tool_output(&mut self, id: &str, output: Result<&Value, &str>) {
        let at = self.calls.iter().position(|call| call.id == id).unwrap_or_else(|| {
            // The client would fail on the output of an unknown call.
            self.begin_step();
            let (tool_name, runs, input) = ("unknown", Runs::Unknown, &Value::Null);
            self.say(&Chunk::ToolInputAvailable { tool_call_id: id, tool_name, input, runs });
            let (step, answer, index) = (self.steps, self.answer, usize::MAX);
            let (id, name, state) = (id.to_owned(), tool_name.to_owned(), CallState::Whole);
            self.calls.push(Called { step, answer, index, id, name, runs, state });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        call.state = CallState::Answered;
        let runs = call.runs;
        self.say(&match output {
            Ok(output) => Chunk::ToolOutputAvailable { tool_call_id: id, output, runs },
            Err(error_text) => Chunk::ToolOutputError { tool_call_id: id, error_text, runs },
        });
    }

    fn part(&mut self, part: &Part) {
        self.begin_step();
        match part {
            Part::ToolOutput { tool_call_id, output } => self.tool_output(tool_call_id, Ok(output)),
            Part::ToolError { tool_call_id, error } => self.tool_output(tool_call_id, Err(error)),
            Part::Source { id, url, title } => {
                self.say(&Chunk::SourceUrl { source_id: id, url, title: title.as_deref() });
            }
            Part::File { url, media_type } => self.say(&Chunk::File { url, media_type }),
            Part::Data { name, id, data, transient } => {
                let (r#type, id, transient) = (format!("data-{name}"), id.as_deref(), *transient);
                self.frames.json(None, &Data { r#type, id, data, transient });
            }
        }
    }

    /// Handles a reset: everything shown is void. The client can discard the parts of its current step, but not
    /// those of earlier steps.
    fn reset(&mut self) {
        if self.steps > 0 {
            self.say(&Chunk::ResetStep);
        }
        let step = self.steps;
        self.calls.retain(|call| call.step < step);
        self.open.clear();
        self.told.clear();
        self.usage = None;
        self.reason = None;
        self.refused = false;
    }

    fn all_usage(&self) -> Option<Tokens> {
        let (Some(before), Some(now)) = (self.usage_before, self.usage) else {
            return self.usage.or(self.usage_before);
        };
        let mut all = before;
        all.input += now.input;
        all.cached += now.cached;
        all.output += now.output;
        all.reasoning += now.reasoning;
        all.total += now.total;
        Some(all)
    }

    fn end(&mut self, end: &End) {
        self.ended = true;
        let metadata = self.all_usage().map(Metadata::from);
        self.close(|_| true);
        self.cut_calls("the answer was cut off");
        self.end_step();
        match end {
            End::Finish { reason } => {
                let finish_reason = self.finish_reason(reason.as_deref());
                self.say(&Chunk::Finish { finish_reason, message_metadata: metadata });
            }
            End::Error(failure) => {
                if let Some(message_metadata) = metadata {
                    self.say(&Chunk::MessageMetadata { message_metadata });
                }
                self.say(&Chunk::Error { error_text: &failure.message });
                self.say(&Chunk::Finish { finish_reason: "error", message_metadata: None });
            }
            End::Abort { reason } => {
                if let Some(message_metadata) = metadata {
                    self.say(&Chunk::MessageMetadata { message_metadata });
                }
                self.say(&Chunk::Abort { reason });
            }
        }
        self.frames.raw(None, "[DONE]");
    }

    /// Returns the finish reason in the AI SDK's vocabulary.
    fn finish_reason(&self, said: Option<&str>) -> &'static str {
        let word = match said {
            None | Some("incomplete") => self.reason.as_deref().unwrap_or_default(),
            Some(word) => word,
        };
        match Ending::of(word) {
            Ending::Stop if self.refused => "content-filter",
            Ending::Stop if word == "completed" && self.awaits_tools() => "tool-calls",
            Ending::Stop => "stop",
            Ending::Length => "length",
            Ending::ContentFilter => "content-filter",
            Ending::ToolCalls => "tool-calls",
            Ending::Failed => "error",
            _ => "other",
        }
    }

    /// Returns whether the last response calls the application's tools.
    fn awaits_tools(&self) -> bool {
        self.calls.iter().any(|call| call.answer == self.answer && call.runs == Runs::Application)
    }
}
