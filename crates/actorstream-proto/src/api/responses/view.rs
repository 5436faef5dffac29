//! `ResponseView`: the changes that the events of a stream make to the response.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::event::ResponseEvent;
use super::generated::{
    Annotation, OutputItem, OutputMessageContent, Response, ResponseStreamEvent, WebSearchAction,
};
use super::items::{self, Items, Key};
use crate::answer::came::Came;
use crate::answer::output::{Call, CallKind, Change, Growing, Position, Tokens, View, Viewable};
use crate::api::chat::tell_done;
use crate::api::images::ImageFormat;
use crate::json::hollow::is_hollow;
use crate::json::partial_json::PartialJson;

impl Viewable for ResponseEvent {
    type View = ResponseView;
}

/// Returns the kind of text that a part of an item holds.
fn kind_of(part: &Value) -> Kind {
    match part.get("type").and_then(Value::as_str) {
        Some("refusal") => Kind::Refusal,
        Some("reasoning_text") => Kind::Reasoning,
        Some("summary_text") => Kind::Summary,
        _ => Kind::Text,
    }
}

/// The view of a response. Reasoning and its summaries are both reported as reasoning.
///
/// Content that was not in a delta is reported as a delta when an event contains it as a whole: the text, the part,
/// the item, or the response.
#[derive(Debug, Default)]
pub struct ResponseView {
    items: Items,
    texts: BTreeMap<Position, Growing>,
    refusals: BTreeMap<Position, Growing>,
    /// The reasoning texts, by whether they are summaries, and by position.
    reasoning: BTreeMap<(bool, Position), Growing>,
    /// The parts that were begun by an event.
    begun: BTreeSet<Position>,
    /// The complete items.
    ended: BTreeSet<u64>,
    calls: Vec<Calling>,
    /// The URLs that were reported.
    sources: BTreeSet<String>,
    /// The items whose images and results were reported.
    shown: BTreeSet<u64>,
    /// Pages that a search used; those that no text cites are reported when the response is complete.
    found: Vec<(Position, String)>,
    usage: Option<Tokens>,
    /// Whether texts are not kept.
    lean: bool,
    /// The call of each output item.
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

/// The kind of a growing text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Reasoning,
    Summary,
}

impl Kind {
    fn delta<'a>(self, at: Position, delta: &'a str, snapshot: &'a str) -> Change<'a> {
        match self {
            Self::Text => Change::TextDelta { at, delta, snapshot },
            Self::Refusal => Change::RefusalDelta { at, delta, snapshot },
            Self::Reasoning | Self::Summary => Change::ReasoningDelta { at, delta, snapshot },
        }
    }

    fn done(self, at: Position, whole: &str) -> Change<'_> {
        match self {
            Self::Text => Change::TextDone { at, text: whole },
            Self::Refusal => Change::RefusalDone { at, refusal: whole },
            Self::Reasoning | Self::Summary => Change::ReasoningDone { at, reasoning: whole },
        }
    }
}

impl View<ResponseEvent> for ResponseView {
    fn lean() -> Self {
        Self { lean: true, ..Self::default() }
    }

    fn push(&mut self, event: &ResponseEvent, tell: &mut dyn FnMut(Change<'_>)) {
        use ResponseStreamEvent as E;
        match &event.event {
            E::OutputTextDelta(event) => {
                let at = self.place(Kind::Text, &event.item_id, event.output_index, event.content_index);
                self.grow(Kind::Text, at, &event.delta, tell);
                if !event.logprobs.is_empty() {
                    let tokens = serde_json::to_value(&event.logprobs).unwrap_or_default();
                    tell(Change::Logprobs { at, tokens: &tokens });
                }
            }
            E::OutputTextDone(event) => {
                let at = self.place(Kind::Text, &event.item_id, event.output_index, event.content_index);
                self.whole(Kind::Text, at, &event.text, None, tell);
            }
            E::RefusalDelta(event) => {
                let at = self.place(Kind::Refusal, &event.item_id, event.output_index, event.content_index);
                self.grow(Kind::Refusal, at, &event.delta, tell);
            }
            E::RefusalDone(event) => {
                let at = self.place(Kind::Refusal, &event.item_id, event.output_index, event.content_index);
                self.whole(Kind::Refusal, at, &event.refusal, None, tell);
            }
            E::ReasoningTextDelta(event) => {
                let at = self.place(Kind::Reasoning, &event.item_id, event.output_index, event.content_index);
                self.grow(Kind::Reasoning, at, &event.delta, tell);
            }
            E::ReasoningSummaryTextDelta(event) => {
                let at = self.place(Kind::Summary, &event.item_id, event.output_index, event.summary_index);
                self.grow(Kind::Summary, at, &event.delta, tell);
            }
            E::ReasoningTextDone(event) => {
                let at = self.place(Kind::Reasoning, &event.item_id, event.output_index, event.content_index);
                self.whole(Kind::Reasoning, at, &event.text, None, tell);
            }
            E::ReasoningSummaryTextDone(event) => {
                let at = self.place(Kind::Summary, &event.item_id, event.output_index, event.summary_index);
                self.whole(Kind::Summary, at, &event.text, None, tell);
            }
            E::ContentPartAdded(event) => {
                let part = serde_json::to_value(&event.part).unwrap_or_default();
                let at = self.place(kind_of(&part), &event.item_id, event.output_index, event.content_index);
                self.begun.insert(at);
            }
            E::ContentPartDone(event) => {
                let part = serde_json::to_value(&event.part).unwrap_or_default();
                let at = self.place(kind_of(&part), &event.item_id, event.output_index, event.content_index);
                self.part_done(at, &part, None, tell);
            }
            E::OutputTextAnnotationAdded(event) => {
                let at = self.place(Kind::Text, &event.item_id, event.output_index, event.content_index);
                if let Some(annotation) = &event.annotation {
                    self.cite(at, annotation, tell);
                }
            }
            E::OutputItemAdded(event) => self.item(event.output_index, &event.item, false, tell),
            E::OutputItemDone(event) => self.item(event.output_index, &event.item, true, tell),
            E::FunctionCallArgumentsDelta(event) => {
                self.argue(&event.item_id, event.output_index, &event.delta, tell);
            }
            E::CustomToolCallInputDelta(event) => {
                self.argue(&event.item_id, event.output_index, &event.delta, tell);
            }
            E::McpCallArgumentsDelta(event) => {
                self.argue(&event.item_id, event.output_index, &event.delta, tell);
            }
            E::FunctionCallArgumentsDone(event) => {
                self.argued(&event.item_id, event.output_index, &event.arguments, tell);
            }
            E::CustomToolCallInputDone(event) => {
                self.argued(&event.item_id, event.output_index, &event.input, tell);
            }
            E::McpCallArgumentsDone(event) => {
                self.argued(&event.item_id, event.output_index, &event.arguments, tell);
            }
            E::Completed(event) => self.response(&event.response, tell),
            E::Incomplete(event) => self.response(&event.response, tell),
            _ => {}
        }
    }

    fn finish(&mut self, tell: &mut dyn FnMut(Change<'_>)) {
        for ((_, at), reasoning) in &mut self.reasoning {
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
    /// Returns the position of a part. Servers that send no `output_item.added` begin an item with its text.
    fn place(&mut self, kind: Kind, id: &str, index: u64, part: u64) -> Position {
        let r#type = match kind {
            Kind::Text | Kind::Refusal => "message",
            Kind::Reasoning | Kind::Summary => "reasoning",
        };
        let known = self.items.find(id, index, &[r#type]);
        let item = known.unwrap_or_else(|| self.items.begin(id, r#type, index));
        Position { output: self.items.number(item), part }
    }

    fn call_of(&self, id: &str, index: u64) -> Option<usize> {
        let item = self.items.find(id, index, &["function_call", "mcp_call", "custom_tool_call"])?;
        self.by_output.get(&self.items.number(item)).copied()
    }

    /// Returns the text of this kind at this position. Some servers number each delta of a reasoning text as a new
    /// part. It is one part unless an event has begun another.
    fn text(&mut self, kind: Kind, mut at: Position) -> (Position, &mut Growing) {
        if kind == Kind::Reasoning && !self.begun.contains(&at) {
            let of_item = (false, Position { output: at.output, part: 0 })..=(false, at);
            if let Some(((_, last), _)) = self.reasoning.range(of_item).next_back() {
                at = *last;
            }
        }
        let text = match kind {
            Kind::Text => self.texts.entry(at),
            Kind::Refusal => self.refusals.entry(at),
            Kind::Reasoning => return (at, self.reasoning.entry((false, at)).or_default()),
            Kind::Summary => return (at, self.reasoning.entry((true, at)).or_default()),
        };
        (at, text.or_default())
    }

    /// Appends to a text, which the first non-empty delta begins.
    fn grow(&mut self, kind: Kind, at: Position, delta: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let keep = !self.lean;
        if delta.is_empty() {
            return;
        }
        let (at, text) = self.text(kind, at);
        if let Some(snapshot) = text.push(delta, keep) {
            tell(kind.delta(at, delta, snapshot));
        }
    }

    /// Handles a complete text: reports the part that was not in a delta, and then its completion, if that was not
    /// reported. A text shorter than the one received so far is not the complete one. `listed` is the number of
    /// parts, if the event contains all of them.
    fn whole(
        &mut self,
        kind: Kind,
        at: Position,
        whole: &str,
        listed: Option<usize>,
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        let keep = !self.lean;
        if let Some((last, rest)) = self.in_parts(kind, at, whole, listed) {
            self.grow(kind, last, rest, tell);
            return;
        }
        let (at, text) = self.text(kind, at);
        if text.is_more_than(whole) {
            return;
        }
        if let Some(rest) = text.rest_of(whole)
            && let Some(snapshot) = text.push(rest, keep)
        {
            tell(kind.delta(at, rest, snapshot));
        }
        if let Some(whole) = text.end_as(whole, keep) {
            tell(kind.done(at, whole));
        }
    }

    /// If a complete text starts with all parts of its item combined, returns the last part and the rest of the
    /// text. Some servers split a text into parts while they stream it, without events that begin or end the parts.
    fn in_parts<'a>(
        &self,
        kind: Kind,
        at: Position,
        whole: &'a str,
        listed: Option<usize>,
    ) -> Option<(Position, &'a str)> {
        let [first, last] = [0, u64::MAX].map(|part| Position { output: at.output, part });
        let parts: Vec<(Position, &Growing)> = match kind {
            Kind::Text => self.texts.range(first..=last).map(|(at, text)| (*at, text)).collect(),
            Kind::Refusal => return None,
            Kind::Reasoning | Kind::Summary => {
                let summary = kind == Kind::Summary;
                let parts = self.reasoning.range((summary, first)..=(summary, last));
                parts.map(|((_, at), text)| (*at, text)).collect()
            }
        };
        let (last, _) = parts.last()?;
        if self.begun.contains(&at) || parts.iter().any(|(at, _)| self.begun.contains(at)) {
            return None;
        }
        let rest =
            parts.iter().fold(Came::default(), |all, (_, text)| all.then(&text.came())).rest_of(whole)?;
        let open = parts.iter().all(|(_, text)| !text.is_done());
        let is = match listed {
            // If the item has as many parts as were streamed, they are separate parts.
            _ if parts.iter().any(|(place, _)| *place == at) => open && parts.len() > listed.unwrap_or(1),
            Some(parts) => parts == 1,
            // An event about a part after the others repeats them, unless the item may have more parts.
            None => rest.is_empty() && *last < at && (open || self.ended.contains(&at.output)),
        };
        is.then_some((*last, rest))
    }

    /// Handles a complete part of an item.
    fn part_done(
        &mut self,
        at: Position,
        part: &Value,
        listed: Option<usize>,
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        let field = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, whole) = match field("type") {
            "output_text" | "text" => (Kind::Text, field("text")),
            "refusal" => (Kind::Refusal, field("refusal")),
            "reasoning_text" => (Kind::Reasoning, field("text")),
            "summary_text" => (Kind::Summary, field("text")),
            _ => return,
        };
        if !whole.is_empty() {
            self.whole(kind, at, whole, listed, tell);
        }
    }

    /// Handles the complete response: reports everything that no earlier event reported.
    fn response(&mut self, response: &Response, tell: &mut dyn FnMut(Change<'_>)) {
        let output: Vec<Value> =
            response.output.iter().map(|item| serde_json::to_value(item).unwrap_or_default()).collect();
        let known: Vec<Key<'_>> = (0..self.items.len()).map(|at| self.items.key(at)).collect();
        let places = items::places(&known, &output.iter().map(Key::of).collect::<Vec<_>>());
        for (index, (item, place)) in (0..).zip(response.output.iter().zip(places)) {
            let json = &output[usize::try_from(index).unwrap_or(usize::MAX)];
            if json.is_object() {
                let known = place.unwrap_or_else(|| self.items.add(Key::of(json), index));
                self.known_item(known, item, json, true, tell);
            }
        }
        for (at, url) in std::mem::take(&mut self.found) {
            if self.is_new(&url) {
                tell(Change::Source { at, url: &url, title: None });
            }
        }
        if let Some(usage) = response.usage.as_ref().filter(|usage| !usage.is_hollow()) {
            let tokens = Tokens {
                input: usage.input_tokens,
                cached: usage.input_tokens_details.cached_tokens,
                output: usage.output_tokens,
                reasoning: usage.output_tokens_details.reasoning_tokens,
                total: usage.total_tokens,
            };
            if self.usage.replace(tokens) != Some(tokens) {
                tell(Change::Usage(tokens));
            }
        }
    }

    /// Handles an item that begins or is complete.
    fn item(&mut self, index: u64, item: &OutputItem, done: bool, tell: &mut dyn FnMut(Change<'_>)) {
        let json = serde_json::to_value(item).unwrap_or_default();
        if !json.is_object() {
            return;
        }
        let key = Key::of(&json);
        let known = self.items.find_whole(key, index, !done);
        let known = known.unwrap_or_else(|| self.items.add(key, index));
        self.known_item(known, item, &json, done, tell);
    }

    /// Handles an item that has been identified.
    fn known_item(
        &mut self,
        known: usize,
        item: &OutputItem,
        json: &Value,
        done: bool,
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        let key = Key::of(json);
        self.items.know(known, key);
        let output = self.items.number(known);
        match key.r#type {
            "function_call" => self.call(CallKind::Function, output, json, done, tell),
            "custom_tool_call" => self.call(CallKind::Custom, output, json, done, tell),
            "mcp_call" => self.call(CallKind::Hosted, output, json, done, tell),
            _ if done => self.texts_of(output, json, tell),
            _ => {}
        }
        if done {
            self.items.end(known);
            self.ended.insert(output);
            self.rests_on(output, item, tell);
        }
    }

    /// Reports the texts of a complete item.
    fn texts_of(&mut self, output: u64, item: &Value, tell: &mut dyn FnMut(Change<'_>)) {
        for list in ["summary", "content"] {
            let parts = item.get(list).and_then(Value::as_array);
            for (part, content) in (0..).zip(parts.into_iter().flatten()) {
                self.part_done(Position { output, part }, content, parts.map(Vec::len), tell);
            }
        }
    }

    /// Handles a call that begins or is complete.
    fn call(
        &mut self,
        kind: CallKind,
        output: u64,
        item: &Value,
        done: bool,
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        let field = |name: &str| item.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let known = self.by_output.get(&output).copied();
        let index = known.unwrap_or_else(|| {
            let id = field("call_id").or(field("id")).unwrap_or_default().to_owned();
            let name = field("name").unwrap_or_default().to_owned();
            self.calls.push(Calling { kind, output, id, name, ..Calling::default() });
            let index = self.calls.len() - 1;
            self.by_output.insert(output, index);
            tell(Change::ToolCallStarted { call: self.calls[index].call(index) });
            index
        });
        let arguments = field("arguments").or(field("input"));
        if let Some(arguments) = arguments.filter(|_| done) {
            self.catch_up(index, arguments, tell);
        }
        if !done {
            return;
        }
        // The arguments of a call may arrive only in the last event.
        if arguments.is_some() || !self.calls[index].arguments.is_empty() {
            self.end_call(index, tell);
        }
        let error = item.get("error").filter(|error| !is_hollow(error)).map(in_words);
        let result = error.as_deref().map(Err).or(field("output").map(Ok));
        if let Some(result) = result.filter(|_| kind == CallKind::Hosted && self.shown.insert(output)) {
            tell(Change::ToolOutput { call: self.calls[index].call(index), output: result });
        }
    }

    /// Handles a complete item: reports the pages that it cites or found, and its image.
    fn rests_on(&mut self, output: u64, item: &OutputItem, tell: &mut dyn FnMut(Change<'_>)) {
        match item {
            OutputItem::Message(message) => {
                for (part, content) in (0..).zip(&message.content) {
                    let OutputMessageContent::OutputText(text) = content else { continue };
                    for annotation in &text.annotations {
                        self.cite(Position { output, part }, annotation, tell);
                    }
                }
            }
            OutputItem::WebSearchCall(call) => {
                let WebSearchAction::Search(search) = &call.action else { return };
                for source in search.sources.iter().flatten().filter(|source| !source.url.is_empty()) {
                    self.found.push((Position { output, part: 0 }, source.url.clone()));
                }
            }
            OutputItem::ImageGenerationCall(call) => {
                let data = call.result.as_deref().filter(|data| !data.is_empty());
                let Some(data) = data.filter(|_| self.shown.insert(output)) else { return };
                let format = call.output_format.as_ref().map_or("png", ImageFormat::as_str);
                tell(Change::Image { at: Position { output, part: 0 }, data, format });
            }
            _ => {}
        }
    }

    fn cite(&mut self, at: Position, annotation: &Annotation, tell: &mut dyn FnMut(Change<'_>)) {
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

    /// Returns whether a URL was not reported before.
    fn is_new(&mut self, url: &str) -> bool {
        !url.is_empty() && self.sources.insert(url.to_owned())
    }

    fn argue(&mut self, id: &str, index: u64, delta: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let Some(index) = self.call_of(id, index) else { return };
        self.add(index, delta, tell);
    }

    fn add(&mut self, index: usize, delta: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let calling = &mut self.calls[index];
        if delta.is_empty() || calling.done {
            return;
        }
        calling.arguments.push_str(delta);
        // Invalid JSON is reported when the arguments are complete.
        let _ = calling.json.push(delta);
        tell(Change::ArgumentsDelta { call: calling.call(index), delta, parsed: calling.json.value() });
    }

    fn argued(&mut self, id: &str, index: u64, whole: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let Some(index) = self.call_of(id, index) else { return };
        self.catch_up(index, whole, tell);
        if !whole.trim().is_empty() {
            self.end_call(index, tell);
        }
    }

    /// Adds the part of the complete arguments that was not in a delta. Different arguments replace those so far.
    fn catch_up(&mut self, index: usize, whole: &str, tell: &mut dyn FnMut(Change<'_>)) {
        let calling = &mut self.calls[index];
        let so_far = calling.arguments.as_str();
        if let Some(rest) = whole.strip_prefix(so_far) {
            self.add(index, rest, tell);
        } else if !calling.done && !so_far.starts_with(whole) {
            calling.arguments.clear();
            calling.json = PartialJson::default();
            self.add(index, whole, tell);
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

/// Formats an error of a tool.
fn in_words(error: &Value) -> String {
    let message = error.get("message").or_else(|| error.get("content")).unwrap_or(error);
    message.as_str().map_or_else(|| message.to_string(), str::to_owned)
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
