//! `ResponseView`: what the events of a streamed response change in the answer.

use serde_json::Value;

use super::event::ResponseEvent;
use super::generated::{OutputItem, ResponseStreamEvent};
use crate::chat::tell_done;
use crate::output::{Call, Change, Growing, Place, Tokens, View, Viewable};
use crate::partial_json::PartialJson;

impl Viewable for ResponseEvent {
    type View = ResponseView;
}

/// The view of a response. Reasoning and the summaries of reasoning are both told as reasoning.
#[derive(Debug, Default)]
pub struct ResponseView {
    texts: Vec<(Place, Growing)>,
    refusals: Vec<(Place, Growing)>,
    reasoning: Vec<(Place, Growing)>,
    calls: Vec<Calling>,
}

#[derive(Debug, Default)]
struct Calling {
    output: u64,
    id: String,
    name: String,
    arguments: String,
    json: PartialJson,
    done: bool,
}

impl Calling {
    fn call(&self, index: usize) -> Call<'_> {
        Call { output: self.output, index, id: &self.id, name: &self.name, arguments: &self.arguments }
    }
}

/// The text in this place, which begins if there is none.
fn text(texts: &mut Vec<(Place, Growing)>, at: Place) -> &mut Growing {
    let known = texts.iter().position(|(place, _)| *place == at).unwrap_or_else(|| {
        texts.push((at, Growing::default()));
        texts.len() - 1
    });
    &mut texts[known].1
}

impl View<ResponseEvent> for ResponseView {
    fn push(&mut self, event: &ResponseEvent, tell: &mut dyn FnMut(Change<'_>)) {
        use ResponseStreamEvent as E;
        match &event.event {
            E::OutputTextDelta(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(snapshot) = text(&mut self.texts, at).push(&event.delta) {
                    tell(Change::TextDelta { at, delta: &event.delta, snapshot });
                }
                if !event.logprobs.is_empty() {
                    let tokens = serde_json::to_value(&event.logprobs).unwrap_or_default();
                    tell(Change::Logprobs { at, tokens: &tokens });
                }
            }
            E::OutputTextDone(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(text) = text(&mut self.texts, at).end_as(&event.text) {
                    tell(Change::TextDone { at, text });
                }
            }
            E::RefusalDelta(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(snapshot) = text(&mut self.refusals, at).push(&event.delta) {
                    tell(Change::RefusalDelta { at, delta: &event.delta, snapshot });
                }
            }
            E::RefusalDone(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(refusal) = text(&mut self.refusals, at).end_as(&event.refusal) {
                    tell(Change::RefusalDone { at, refusal });
                }
            }
            E::ReasoningTextDelta(event) => {
                self.reason(event.output_index, event.content_index, &event.delta, tell);
            }
            E::ReasoningSummaryTextDelta(event) => {
                self.reason(event.output_index, event.summary_index, &event.delta, tell);
            }
            E::ReasoningTextDone(event) => {
                self.reasoned(event.output_index, event.content_index, &event.text, tell);
            }
            E::ReasoningSummaryTextDone(event) => {
                self.reasoned(event.output_index, event.summary_index, &event.text, tell);
            }
            E::OutputItemAdded(event) => self.item(event.output_index, &event.item, false, tell),
            E::OutputItemDone(event) => self.item(event.output_index, &event.item, true, tell),
            E::FunctionCallArgumentsDelta(event) => self.argue(event.output_index, &event.delta, tell),
            E::CustomToolCallInputDelta(event) => self.argue(event.output_index, &event.delta, tell),
            E::McpCallArgumentsDelta(event) => self.argue(event.output_index, &event.delta, tell),
            E::FunctionCallArgumentsDone(event) => self.argued(event.output_index, &event.arguments, tell),
            E::CustomToolCallInputDone(event) => self.argued(event.output_index, &event.input, tell),
            E::McpCallArgumentsDone(event) => self.argued(event.output_index, &event.arguments, tell),
            E::Completed(event) => usage(&event.response, tell),
            E::Incomplete(event) => usage(&event.response, tell),
            _ => {}
        }
    }

    fn finish(&mut self, tell: &mut dyn FnMut(Change<'_>)) {
        for (at, reasoning) in &mut self.reasoning {
            if let Some(reasoning) = reasoning.end() {
                tell(Change::ReasoningDone { at: *at, reasoning });
            }
        }
        for (at, text) in &mut self.texts {
            if let Some(text) = text.end() {
                tell(Change::TextDone { at: *at, text });
            }
        }
        for (at, refusal) in &mut self.refusals {
            if let Some(refusal) = refusal.end() {
                tell(Change::RefusalDone { at: *at, refusal });
            }
        }
        for index in 0..self.calls.len() {
            self.end_call(index, tell);
        }
    }
}

impl ResponseView {
    fn reason(&mut self, output: u64, part: u64, delta: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let at = Place { output, part };
        if let Some(snapshot) = text(&mut self.reasoning, at).push(delta) {
            tell(Change::ReasoningDelta { at, delta, snapshot });
        }
    }

    fn reasoned(&mut self, output: u64, part: u64, whole: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let at = Place { output, part };
        if let Some(reasoning) = text(&mut self.reasoning, at).end_as(whole) {
            tell(Change::ReasoningDone { at, reasoning });
        }
    }

    /// An item has begun, or is whole: if it is a call, the call is.
    fn item(&mut self, output: u64, item: &OutputItem, done: bool, tell: &mut dyn FnMut(Change<'_>)) {
        let json = serde_json::to_value(item).unwrap_or_default();
        let field = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if !matches!(field("type").as_str(), "function_call" | "custom_tool_call" | "mcp_call") {
            return;
        }
        let known = self.calls.iter().position(|call| call.output == output);
        let index = known.unwrap_or_else(|| {
            let id =
                [field("call_id"), field("id")].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
            self.calls.push(Calling { output, id, name: field("name"), ..Calling::default() });
            let index = self.calls.len() - 1;
            tell(Change::ToolCallStarted { call: self.calls[index].call(index) });
            index
        });
        if done {
            let arguments = [field("arguments"), field("input")].into_iter().find(|text| !text.is_empty());
            if let Some(arguments) = arguments {
                self.catch_up(index, &arguments, tell);
            }
            self.end_call(index, tell);
        }
    }

    fn argue(&mut self, output: u64, delta: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let Some(index) = self.calls.iter().position(|call| call.output == output) else { return };
        self.add(index, delta, tell);
    }

    fn add(&mut self, index: usize, delta: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let calling = &mut self.calls[index];
        if delta.is_empty() || calling.done {
            return;
        }
        calling.arguments.push_str(delta);
        // Arguments that are no JSON are told when they are whole.
        let _ = calling.json.push(delta);
        tell(Change::ArgumentsDelta { call: calling.call(index), delta, parsed: calling.json.value() });
    }

    fn argued(&mut self, output: u64, whole: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let Some(index) = self.calls.iter().position(|call| call.output == output) else { return };
        self.catch_up(index, whole, tell);
        self.end_call(index, tell);
    }

    /// Adds what of the whole arguments no delta brought.
    fn catch_up(&mut self, index: usize, whole: &str, tell: &mut dyn FnMut(Change<'_>)) {
        if let Some(rest) = whole.strip_prefix(self.calls[index].arguments.as_str()) {
            let rest = rest.to_owned();
            self.add(index, &rest, tell);
        }
    }

    fn end_call(&mut self, index: usize, tell: &mut dyn FnMut(Change<'_>)) {
        let calling = &mut self.calls[index];
        if !std::mem::replace(&mut calling.done, true) {
            let json = std::mem::take(&mut calling.json);
            tell_done(calling.call(index), json, tell);
        }
    }
}

fn usage(response: &super::Response, tell: &mut dyn FnMut(Change<'_>)) {
    if let Some(usage) = &response.usage {
        tell(Change::Usage(Tokens {
            input: usage.input_tokens,
            cached: usage.input_tokens_details.cached_tokens,
            output: usage.output_tokens,
            reasoning: usage.output_tokens_details.reasoning_tokens,
            total: usage.total_tokens,
        }));
    }
}
