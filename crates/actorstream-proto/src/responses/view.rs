//! `ResponseView`: what the events of a streamed response change in the answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::event::ResponseEvent;
use super::generated::{Annotation, OutputItem, OutputMessageContent, ResponseStreamEvent, WebSearchAction};
use crate::chat::tell_done;
use crate::output::{Call, CallKind, Change, Growing, Place, Tokens, View, Viewable};
use crate::partial_json::PartialJson;

impl Viewable for ResponseEvent {
    type View = ResponseView;
}

/// The view of a response. Reasoning and the summaries of reasoning are both told as reasoning.
#[derive(Debug, Default)]
pub struct ResponseView {
    texts: BTreeMap<Place, Growing>,
    refusals: BTreeMap<Place, Growing>,
    reasoning: BTreeMap<Place, Growing>,
    calls: Vec<Calling>,
    /// The addresses that were told.
    sources: BTreeSet<String>,
    /// Pages that a search used; those that no text cites are told when the response is complete.
    found: Vec<(Place, String)>,
    /// No text is kept.
    lean: bool,
    /// Which call is that of an output item.
    by_output: BTreeMap<u64, usize>,
}

#[derive(Debug, Default)]
struct Calling {
    kind: CallKind,
    output: u64,
    id: String,
    name: String,
    arguments: String,
    json: PartialJson,
    done: bool,
}

impl Calling {
    fn call(&self, index: usize) -> Call<'_> {
        Call {
            kind: self.kind,
            output: self.output,
            index,
            id: &self.id,
            name: &self.name,
            arguments: &self.arguments,
        }
    }
}

/// More of the text in this place, which begins if there is none; the text so far. Nothing begins with nothing.
fn grow<'a>(texts: &'a mut BTreeMap<Place, Growing>, at: Place, delta: &str, keep: bool) -> Option<&'a str> {
    if delta.is_empty() { None } else { texts.entry(at).or_default().push(delta, keep) }
}

/// The text in this place is whole; the text, if this is the first time that it is.
fn end<'a>(
    texts: &'a mut BTreeMap<Place, Growing>,
    at: Place,
    whole: &'a str,
    keep: bool,
) -> Option<&'a str> {
    if whole.is_empty() {
        texts.get_mut(&at)?.end()
    } else {
        texts.entry(at).or_default().end_as(whole, keep)
    }
}

impl View<ResponseEvent> for ResponseView {
    fn lean() -> Self {
        Self { lean: true, ..Self::default() }
    }

    fn push(&mut self, event: &ResponseEvent, tell: &mut dyn FnMut(Change<'_>)) {
        use ResponseStreamEvent as E;
        let keep = !self.lean;
        match &event.event {
            E::OutputTextDelta(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(snapshot) = grow(&mut self.texts, at, &event.delta, keep) {
                    tell(Change::TextDelta { at, delta: &event.delta, snapshot });
                }
                if !event.logprobs.is_empty() {
                    let tokens = serde_json::to_value(&event.logprobs).unwrap_or_default();
                    tell(Change::Logprobs { at, tokens: &tokens });
                }
            }
            E::OutputTextDone(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(text) = end(&mut self.texts, at, &event.text, keep) {
                    tell(Change::TextDone { at, text });
                }
            }
            E::RefusalDelta(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(snapshot) = grow(&mut self.refusals, at, &event.delta, keep) {
                    tell(Change::RefusalDelta { at, delta: &event.delta, snapshot });
                }
            }
            E::RefusalDone(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(refusal) = end(&mut self.refusals, at, &event.refusal, keep) {
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
            E::OutputTextAnnotationAdded(event) => {
                let at = Place { output: event.output_index, part: event.content_index };
                if let Some(annotation) = &event.annotation {
                    self.cite(at, annotation, tell);
                }
            }
            E::OutputItemAdded(event) => self.item(event.output_index, &event.item, false, tell),
            E::OutputItemDone(event) => {
                self.item(event.output_index, &event.item, true, tell);
                self.rests_on(event.output_index, &event.item, tell);
            }
            E::FunctionCallArgumentsDelta(event) => self.argue(event.output_index, &event.delta, tell),
            E::CustomToolCallInputDelta(event) => self.argue(event.output_index, &event.delta, tell),
            E::McpCallArgumentsDelta(event) => self.argue(event.output_index, &event.delta, tell),
            E::FunctionCallArgumentsDone(event) => self.argued(event.output_index, &event.arguments, tell),
            E::CustomToolCallInputDone(event) => self.argued(event.output_index, &event.input, tell),
            E::McpCallArgumentsDone(event) => self.argued(event.output_index, &event.arguments, tell),
            E::Completed(event) => {
                self.tell_found(tell);
                usage(&event.response, tell);
            }
            E::Incomplete(event) => {
                self.tell_found(tell);
                usage(&event.response, tell);
            }
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
        if let Some(snapshot) = grow(&mut self.reasoning, at, delta, !self.lean) {
            tell(Change::ReasoningDelta { at, delta, snapshot });
        }
    }

    fn reasoned(&mut self, output: u64, part: u64, whole: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let at = Place { output, part };
        if let Some(reasoning) = end(&mut self.reasoning, at, whole, !self.lean) {
            tell(Change::ReasoningDone { at, reasoning });
        }
    }

    /// An item has begun, or is whole: if it is a call, the call is.
    fn item(&mut self, output: u64, item: &OutputItem, done: bool, tell: &mut dyn FnMut(Change<'_>)) {
        let json = serde_json::to_value(item).unwrap_or_default();
        let field = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = match field("type").as_str() {
            "function_call" => CallKind::Function,
            "custom_tool_call" => CallKind::Custom,
            "mcp_call" => CallKind::Hosted,
            _ => return,
        };
        let known = self.by_output.get(&output).copied();
        let index = known.unwrap_or_else(|| {
            let id =
                [field("call_id"), field("id")].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
            self.calls.push(Calling { kind, output, id, name: field("name"), ..Calling::default() });
            let index = self.calls.len() - 1;
            self.by_output.insert(output, index);
            tell(Change::ToolCallStarted { call: self.calls[index].call(index) });
            index
        });
        if done {
            let arguments = [field("arguments"), field("input")].into_iter().find(|text| !text.is_empty());
            if let Some(arguments) = arguments {
                self.catch_up(index, &arguments, tell);
            }
            self.end_call(index, tell);
            if let OutputItem::McpCall(item) = item {
                let error = item
                    .error
                    .as_ref()
                    .map(|error| in_words(&serde_json::to_value(error).unwrap_or_default()));
                if let Some(output) = error.as_deref().map(Err).or(item.output.as_deref().map(Ok)) {
                    tell(Change::ToolOutput { call: self.calls[index].call(index), output });
                }
            }
        }
    }

    /// An item is whole: the pages that it cites or found, the picture that it is.
    fn rests_on(&mut self, output: u64, item: &OutputItem, tell: &mut dyn FnMut(Change<'_>)) {
        match item {
            OutputItem::Message(message) => {
                for (part, content) in (0..).zip(&message.content) {
                    let OutputMessageContent::OutputText(text) = content else { continue };
                    for annotation in &text.annotations {
                        self.cite(Place { output, part }, annotation, tell);
                    }
                }
            }
            OutputItem::WebSearchCall(call) => {
                let WebSearchAction::Search(search) = &call.action else { return };
                for source in search.sources.iter().flatten().filter(|source| !source.url.is_empty()) {
                    self.found.push((Place { output, part: 0 }, source.url.clone()));
                }
            }
            OutputItem::ImageGenerationCall(call) => {
                let Some(data) = call.result.as_deref().filter(|data| !data.is_empty()) else { return };
                let format = call.extra.get("output_format").and_then(Value::as_str).unwrap_or("png");
                tell(Change::Image { at: Place { output, part: 0 }, data, format });
            }
            _ => {}
        }
    }

    fn cite(&mut self, at: Place, annotation: &Annotation, tell: &mut dyn FnMut(Change<'_>)) {
        if let Annotation::UrlCitation(page) = annotation
            && self.is_new(&page.url)
        {
            tell(Change::Source {
                at,
                url: &page.url,
                title: Some(&*page.title).filter(|title| !title.is_empty()),
            });
        }
    }

    fn tell_found(&mut self, tell: &mut dyn FnMut(Change<'_>)) {
        for (at, url) in std::mem::take(&mut self.found) {
            if self.is_new(&url) {
                tell(Change::Source { at, url: &url, title: None });
            }
        }
    }

    /// Whether an address was not told before.
    fn is_new(&mut self, url: &str) -> bool {
        !url.is_empty() && self.sources.insert(url.to_owned())
    }

    fn argue(&mut self, output: u64, delta: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let Some(&index) = self.by_output.get(&output) else { return };
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
        let Some(&index) = self.by_output.get(&output) else { return };
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

/// An error of a tool, for people.
fn in_words(error: &Value) -> String {
    let message = error.get("message").or_else(|| error.get("content")).unwrap_or(error);
    message.as_str().map_or_else(|| message.to_string(), str::to_owned)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_pictures_and_what_hosted_tools_give() {
        let mut view = ResponseView::default();
        let mut said = Vec::new();
        let mut tell = |change: Change<'_>| match change {
            Change::Source { url, title, .. } => said.push(format!("source {url} {}", title.unwrap_or("-"))),
            Change::Image { data, format, .. } => said.push(format!("image {format} {data}")),
            Change::ToolOutput { call, output } => {
                said.push(format!("{:?} {} {output:?}", call.kind, call.name));
            }
            Change::ToolCallDone { call, .. } => said.push(format!("{:?} {}", call.kind, call.arguments)),
            _ => {}
        };
        let done =
            |item: Value| json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        let citation = json!({"type": "url_citation", "url": "https://a.example", "title": "A"});
        for event in [
            done(json!({"type": "web_search_call", "id": "ws", "action": {"type": "search", "sources": [
                {"type": "url", "url": "https://b.example"}, {"type": "url", "url": "https://a.example"}]}})),
            json!({"type": "response.output_text.annotation.added", "output_index": 1, "content_index": 0,
                   "annotation_index": 0, "annotation": citation}),
            done(json!({"type": "message", "content": [
                {"type": "output_text", "text": "x", "annotations": [citation]}]})),
            done(
                json!({"type": "image_generation_call", "id": "ig", "result": "QUJD", "output_format": "webp"}),
            ),
            json!({"type": "response.output_item.done", "output_index": 3, "item": {"type": "mcp_call", "id": "m",
                   "name": "ask", "arguments": "{}", "output": "42"}}),
            json!({"type": "response.output_item.done", "output_index": 4, "item": {"type": "mcp_call", "id": "n",
                   "name": "ask", "arguments": "{}", "error": {"type": "mcp", "message": "down"}}}),
            json!({"type": "response.output_item.done", "output_index": 5, "item": {"type": "custom_tool_call",
                   "id": "c", "call_id": "call", "name": "sql", "input": "SELECT 1"}}),
            json!({"type": "response.completed", "response": {}}),
        ] {
            let event = ResponseEvent { event: event.into(), ..ResponseEvent::default() };
            view.push(&event, &mut tell);
        }
        assert_eq!(
            said,
            [
                "source https://a.example A",
                "image webp QUJD",
                "Hosted {}",
                "Hosted ask Ok(\"42\")",
                "Hosted {}",
                "Hosted ask Err(\"down\")",
                "Custom SELECT 1",
                "source https://b.example -",
            ]
        );
    }
}
