//! `ResponseAccumulator`: events → the response received so far.
//!
//! The output is kept as JSON while it grows: an event changes a field of an item or of one of its parts, whatever
//! the type of the item, and the typed response is created on request. Events of an unknown item have no effect, and
//! an event that contains less than earlier ones removes nothing.

use serde_json::{Value, json};

use super::deltas::{Delta, Field, Growing, Parts, ResponseDeltas, delta_of};
use super::event::ResponseEvent;
use super::generated::{OutputItem, Response, ResponseLogProb, ResponseStatus, ResponseStreamEvent};
use super::items::{Items, Key};
use super::json::{at, field_of, list_of, push_to, set_at};
use super::merge::{merge, merge_objects, merge_output};
use crate::endpoint::event::Accumulator;
use crate::json::deferred::{Deferred, Pieces};
use crate::json::from_json;
use crate::json::text::Text;

/// The size in bytes that an item or a part counts for besides its text.
const ITEM: usize = 1 << 10;
/// The size in bytes that an unpaired surrogate counts for.
const CARRY: usize = 64;
/// The size in bytes that a piece of text without an item counts for besides its length.
const PLACE: usize = 256;
/// The position of the field `annotation_index` among those of an event that adds an annotation.
const ANNOTATION_INDEX: u32 = 2;

/// Accumulates a response.
#[derive(Debug, Default)]
pub struct ResponseAccumulator {
    /// The response without its output, as the server last sent it.
    response: Option<Box<Response>>,
    output: Vec<Value>,
    /// Maps events to items of the output.
    items: Items,
    /// The texts that grew last, kept outside the output until an event that is no delta arrives: they nearly always
    /// grow again.
    growing: Vec<Grown>,
    /// The response of the last event.
    last: Option<Box<Response>>,
    deltas: ResponseDeltas,
    size: usize,
}

/// How many texts that grow in turn are kept.
const MOST_GROWING: usize = 4;

/// A growing text.
#[derive(Debug)]
struct Grown {
    text: Growing,
    /// The id that the events use for its item.
    id: String,
    /// The item's position in the output.
    item: usize,
    so_far: String,
    /// The log probabilities that came with it.
    logprobs: Pieces,
}

impl Accumulator<ResponseEvent> for ResponseAccumulator {
    fn push(&mut self, event: &mut ResponseEvent, keep: bool) {
        use ResponseStreamEvent as E;
        let carried = self.deltas.carries.len();
        self.deltas.join(event);
        self.size += CARRY * self.deltas.carries.len().saturating_sub(carried);
        let len = event.raw.as_bytes().len();
        if self.grow_on(&mut event.event, len, keep) {
            return;
        }
        if let Some(Delta { text, item, delta }) = delta_of(&mut event.event) {
            self.grow(text, item, delta, keep);
            if !has_logprobs(&event.event) || self.push_logprobs(text, &event.event, len) {
                return;
            }
        }
        self.put_back();
        match &event.event {
            E::Created(event) => self.told(&event.response, len),
            E::InProgress(event) => self.told(&event.response, len),
            E::Queued(event) => self.told(&event.response, len),
            E::Completed(event) => self.last = Some(ended(&event.response, ResponseStatus::Completed)),
            E::Incomplete(event) => self.last = Some(ended(&event.response, ResponseStatus::Incomplete)),
            E::OutputItemAdded(event) => self.set_item(event.output_index, &event.item, true, len),
            E::OutputItemDone(event) => self.set_item(event.output_index, &event.item, false, len),
            E::ContentPartAdded(event) => {
                let place = (Parts::Content, event.content_index);
                self.set_part(&event.item_id, event.output_index, place, &event.part, len);
            }
            E::ContentPartDone(event) => {
                let place = (Parts::Content, event.content_index);
                self.set_part(&event.item_id, event.output_index, place, &event.part, len);
            }
            E::ReasoningSummaryPartAdded(event) => {
                let place = (Parts::Summary, event.summary_index);
                self.set_part(&event.item_id, event.output_index, place, &event.part, len);
            }
            E::ReasoningSummaryPartDone(event) => {
                let place = (Parts::Summary, event.summary_index);
                self.set_part(&event.item_id, event.output_index, place, &event.part, len);
            }
            E::OutputTextDelta(event) if keep && !event.logprobs.is_empty() => {
                let text =
                    Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Text);
                self.add_logprobs(&event.item_id, text, json_of(&event.logprobs), len);
            }
            E::OutputTextDone(event) => {
                let text =
                    Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Text);
                self.set(&event.item_id, text, &event.text, keep);
            }
            E::RefusalDone(event) => {
                let text =
                    Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Refusal);
                self.set(&event.item_id, text, &event.refusal, keep);
            }
            E::ReasoningTextDone(event) => {
                let text =
                    Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Thought);
                self.set_reasoning(&event.item_id, text, &event.text, keep);
            }
            E::ReasoningSummaryTextDone(event) => {
                let text =
                    Growing::in_part(event.output_index, Parts::Summary, event.summary_index, Field::Text);
                self.set_reasoning(&event.item_id, text, &event.text, keep);
            }
            E::FunctionCallArgumentsDone(event) => {
                let text = Growing::of(event.output_index, Field::Arguments);
                self.set(&event.item_id, text, &event.arguments, keep);
            }
            E::McpCallArgumentsDone(event) => {
                let text = Growing::of(event.output_index, Field::Arguments);
                self.set(&event.item_id, text, &event.arguments, keep);
            }
            E::CustomToolCallInputDone(event) => {
                self.set(&event.item_id, Growing::of(event.output_index, Field::Input), &event.input, keep);
            }
            E::CodeInterpreterCallCodeDone(event) => {
                self.set(&event.item_id, Growing::of(event.output_index, Field::Code), &event.code, keep);
            }
            E::ShellCallCommandAdded(event) => {
                self.set("", command(event.output_index, event.command_index), &event.command, keep);
            }
            E::ShellCallCommandDone(event) => {
                self.set("", command(event.output_index, event.command_index), &event.command, keep);
            }
            E::ShellCallOutputContentDelta(event) if keep => {
                let texts = [("stdout", &event.delta.stdout), ("stderr", &event.delta.stderr)];
                self.add_output(&event.item_id, event.output_index, event.command_index, texts);
            }
            E::ShellCallOutputContentDone(event) if keep => {
                let contents = serde_json::to_value(&event.output).unwrap_or_default();
                self.set_output(&event.item_id, event.output_index, event.command_index, contents, len);
            }
            E::OutputTextAnnotationAdded(event) => {
                let annotation = serde_json::to_value(&event.annotation).unwrap_or_default();
                let place = event.extra.has(ANNOTATION_INDEX).then_some(event.annotation_index);
                let part = (Parts::Content, event.content_index);
                self.annotate(&event.item_id, event.output_index, part, place, annotation, len);
            }
            E::Unknown(event) => self.ended(event),
            event => self.set_status(event),
        }
    }

    fn size(&self) -> usize {
        self.size
    }

    fn is_complete(&self, _: usize) -> bool {
        self.last.is_some()
    }

    fn resumable(&self) -> Option<&str> {
        let response = self.response.as_deref()?;
        (response.background == Some(true) && !response.id.is_empty()).then_some(response.id.as_str())
    }

    fn ends_with_done(&self) -> bool {
        false
    }

    fn missing(&self, _: usize) -> String {
        "the last event of the response (`response.completed`) did not come".to_owned()
    }

    fn fail(&mut self, event: &mut ResponseEvent) {
        use ResponseStreamEvent as E;
        self.put_back();
        match &event.event {
            E::Failed(event) => self.last = Some(event.response.clone()),
            E::Completed(event) => self.last = Some(event.response.clone()),
            E::Incomplete(event) => self.last = Some(event.response.clone()),
            _ => {}
        }
    }

    fn holds(&self) -> bool {
        self.response.is_some() || self.last.is_some()
    }

    fn take(&mut self) -> Response {
        self.put_back();
        let mut streamed = self.take_output();
        let before = self.response.take().map(|response| *response).unwrap_or_default();
        let Some(mut last) = self.last.take() else {
            let output = streamed.into_iter().map(OutputItem::from).collect();
            return Response { output, ..before };
        };
        let told = std::mem::take(&mut last.output);
        let mut response = over(before, *last);
        response.output = if streamed.is_empty() {
            told.into_iter().filter(|item| !matches!(item, OutputItem::Unknown(Value::Null))).collect()
        } else {
            let told = told.iter().map(|item| serde_json::to_value(item).unwrap_or_default()).collect();
            merge_output(&mut streamed, told);
            streamed.into_iter().map(OutputItem::from).collect()
        };
        response
    }
}

/// Returns the response of a last event. If it has no final status, it gets that of the event.
fn ended(response: &Response, status: ResponseStatus) -> Box<Response> {
    let mut response = response.clone();
    if matches!(response.status, None | Some(ResponseStatus::InProgress | ResponseStatus::Queued)) {
        let incomplete = response.incomplete_details.as_ref().is_some_and(|details| details.reason.is_some());
        response.status = Some(if incomplete { ResponseStatus::Incomplete } else { status });
    }
    Box::new(response)
}

fn json_of(tokens: &[ResponseLogProb]) -> Vec<Value> {
    tokens.iter().filter_map(|token| serde_json::to_value(token).ok()).collect()
}

fn has_logprobs(event: &ResponseStreamEvent) -> bool {
    matches!(event, ResponseStreamEvent::OutputTextDelta(event) if !event.logprobs.is_none())
}

/// Returns the key of a shell call's command, which is a text.
fn command(item: u64, command: u64) -> Growing {
    Growing::in_part(item, Parts::Commands, command, Field::Text)
}

/// Merges the response of an event with the fields that it omits.
fn over(before: Response, mut last: Response) -> Response {
    if last.usage.as_ref().is_some_and(crate::api::responses::ResponseUsage::is_hollow) {
        last.usage = None;
    }
    let whole = !last.id.is_empty() && !last.model.is_empty() && last.created_at.is_some();
    if whole || before == Response::default() {
        last.usage = last.usage.or(before.usage);
        return last;
    }
    match (serde_json::to_value(&before), serde_json::to_value(&last)) {
        (Ok(Value::Object(mut all)), Ok(Value::Object(later))) => {
            merge_objects(&mut all, later);
            from_json::reread(&Value::Object(all)).unwrap_or(last)
        }
        _ => last,
    }
}

impl ResponseAccumulator {
    /// Takes the items in the order of their index.
    fn take_output(&mut self) -> Vec<Value> {
        let items = std::mem::take(&mut self.items);
        let mut output: Vec<_> = std::mem::take(&mut self.output).into_iter().enumerate().collect();
        output.sort_by_key(|(at, _)| items.index(*at));
        output.into_iter().map(|(_, item)| item).collect()
    }

    /// Handles a response that the server sent; the output so far is kept.
    fn told(&mut self, response: &Response, len: usize) {
        let mut response = response.clone();
        let output = std::mem::take(&mut response.output);
        if self.output.is_empty() && !output.is_empty() {
            for (index, item) in (0..).zip(&output) {
                self.set_item(index, item, true, 0);
            }
            self.size += len;
        }
        let before = self.response.take().map(|response| *response).unwrap_or_default();
        self.response = Some(Box::new(over(before, response)));
    }

    /// Handles an event of which only the type could be read: if it is the last one, the response is the one
    /// received so far.
    fn ended(&mut self, event: &Value) {
        let status = match event.get("type").and_then(Value::as_str) {
            Some("response.completed") => ResponseStatus::Completed,
            Some("response.incomplete") => ResponseStatus::Incomplete,
            _ => return,
        };
        let mut response = self.response.take().unwrap_or_default();
        response.status = Some(status);
        self.last = Some(response);
    }

    /// Handles an item that begins or is complete.
    fn set_item(&mut self, index: u64, item: &OutputItem, begins: bool, len: usize) {
        let Ok(item @ Value::Object(_)) = serde_json::to_value(item) else { return };
        self.size += ITEM + len;
        let key = Key::of(&item);
        let at = match self.items.find_whole(key, index, begins) {
            Some(at) => {
                self.items.know(at, key);
                merge(&mut self.output[at], item);
                at
            }
            None => {
                let at = self.items.add(key, index);
                self.output.push(item);
                at
            }
        };
        if !begins {
            self.items.end(at);
        }
    }

    fn set_part<T: serde::Serialize>(
        &mut self,
        id: &str,
        index: u64,
        (list, place): (Parts, u64),
        part: &T,
        len: usize,
    ) {
        let Ok(part) = serde_json::to_value(part) else { return };
        let field = match part.get("type").and_then(Value::as_str) {
            Some("reasoning_text") => Field::Thought,
            _ => Field::Text,
        };
        let Some(item) = self.item_of(id, Growing::in_part(index, list, place, field)) else { return };
        self.size += ITEM + len;
        let Some(parts) = list_of(&mut self.output[item], list.name()) else { return };
        match at(parts, place) {
            Some(known) => merge(known, part),
            None => set_at(parts, place, part),
        }
    }

    /// Appends a delta to the text that grew last, if it belongs to it.
    #[inline]
    fn grow_on(&mut self, event: &mut ResponseStreamEvent, len: usize, keep: bool) -> bool {
        if !keep || self.growing.is_empty() {
            return false;
        }
        let Some(Delta { text, item, delta }) = delta_of(event) else { return false };
        let Some(grown) = self.growing.iter_mut().find(|grown| text == grown.text && item == grown.id) else {
            return false;
        };
        grown.so_far.push_str(delta);
        self.size += delta.len();
        !has_logprobs(event) || self.push_logprobs(text, event, len)
    }

    /// Keeps the log probabilities of a text that is kept.
    fn push_logprobs(&mut self, text: Growing, event: &ResponseStreamEvent, len: usize) -> bool {
        let ResponseStreamEvent::OutputTextDelta(event) = event else { return false };
        let is = |grown: &&mut Grown| text == grown.text && event.item_id == *grown.id;
        let Some(grown) = self.growing.iter_mut().find(is) else { return false };
        grown.logprobs.push(&event.logprobs.json());
        self.size += len;
        true
    }

    /// Puts the texts that grew back into the output.
    fn put_back(&mut self) {
        if self.growing.is_empty() {
            return;
        }
        for mut grown in std::mem::take(&mut self.growing) {
            if let Some(field) = self.field(grown.item, grown.text) {
                *field = Value::String(grown.so_far);
            }
            if let Some(part) = self.part(grown.item, grown.text) {
                let tokens = grown.logprobs.take().map(|tokens: Deferred<Vec<_>>| json_of(&tokens));
                tokens.into_iter().flatten().for_each(|token| push_to(part, "logprobs", token));
            }
        }
    }

    /// Returns the item that a text belongs to. Servers that send no `output_item.added` begin with the text.
    fn item_of(&mut self, id: &str, text: Growing) -> Option<usize> {
        if let Some(at) = self.items.find(id, text.item, text.types()) {
            return Some(at);
        }
        /// How far after the last item an unannounced one may be.
        const NEAR: u64 = 64;
        let reasons = matches!(text.part, Some((Parts::Summary, _))) || text.field == Field::Thought;
        let begins = matches!(text.part, Some((Parts::Content | Parts::Summary, 0)));
        if !begins || text.item >= self.items.len() as u64 + NEAR {
            return None;
        }
        self.size += ITEM + id.len();
        let mut item = if reasons {
            json!({"type": "reasoning", "summary": []})
        } else {
            json!({"type": "message", "content": []})
        };
        if !id.is_empty() {
            item["id"] = id.into();
        }
        self.output.push(item);
        let r#type = if reasons { "reasoning" } else { "message" };
        Some(self.items.begin(id, r#type, text.item))
    }

    /// Returns the part that a text belongs to. Servers that send no event for the part begin with the text. Some
    /// number each delta of a reasoning text as a new part, although it is one part.
    fn part_of(&mut self, item: usize, text: Growing) -> Growing {
        let Some((list, mut index)) = text.part else { return text };
        let holder = &mut self.output[item];
        if list == Parts::Commands {
            let action = holder.as_object_mut().map(|item| field_of(item, "action", || json!({})));
            if let Some(commands) = action.and_then(|action| list_of(action, list.name()))
                && index == commands.len() as u64
            {
                self.size += ITEM;
                commands.push("".into());
            }
            return text;
        }
        let reasoning = holder.get("type").is_some_and(|r#type| r#type == "reasoning");
        let Some(parts) = list_of(holder, list.name()) else { return text };
        let next = parts.len() as u64;
        if list == Parts::Content && reasoning && next > 0 && index >= next {
            index = next - 1;
        } else if index == next {
            self.size += ITEM;
            parts.push(match (list, text.field) {
                (Parts::Summary, _) => json!({"type": "summary_text", "text": ""}),
                (_, Field::Refusal) => json!({"type": "refusal", "refusal": ""}),
                _ if reasoning => json!({"type": "reasoning_text", "text": ""}),
                _ => json!({"type": "output_text", "text": "", "annotations": []}),
            });
        }
        Growing { part: Some((list, index)), ..text }
    }

    fn field(&mut self, item: usize, text: Growing) -> Option<&mut Value> {
        let item = self.output.get_mut(item)?;
        let holder = match text.part {
            Some((list @ Parts::Commands, part)) => {
                return at(list_of(item.get_mut("action")?, list.name())?, part);
            }
            Some((list, part)) => at(list_of(item, list.name())?, part)?,
            None => item,
        };
        Some(field_of(holder.as_object_mut()?, text.field.name(), || Value::Null))
    }

    /// Appends a delta.
    fn grow(&mut self, text: Growing, id: &str, delta: &Text, keep: bool) {
        if !keep {
            return;
        }
        self.size += delta.len();
        let item = self.item_of(id, text);
        let place = item.map(|item| self.part_of(item, text));
        // The text may be one of those that are kept, under another id or another index.
        // Some kinds of text stand in the same field.
        let field = |text: Growing| (text.part, text.field.name());
        let kept = |grown: &Grown| {
            item == Some(grown.item) && (place.map(field) == Some(field(grown.text)) || text == grown.text)
        };
        if place != Some(text) || self.growing.len() == MOST_GROWING || self.growing.iter().any(kept) {
            self.put_back();
        }
        let so_far = match item.zip(place).and_then(|(item, place)| self.field(item, place)) {
            Some(Value::String(so_far)) => std::mem::take(so_far),
            Some(Value::Null) => String::new(),
            // The text has no position in the output, but the view keeps it, so it counts.
            Some(_) | None => {
                self.size += PLACE;
                return;
            }
        };
        let (Some(item), Some(place)) = (item, place) else { return };
        let so_far = so_far + delta;
        if place == text {
            self.growing.reserve_exact(1);
            let logprobs = Pieces::default();
            self.growing.push(Grown { text, id: id.to_owned(), item, so_far, logprobs });
        } else if let Some(field) = self.field(item, place) {
            *field = Value::String(so_far);
        }
    }

    /// Sets a complete text, unless it is shorter than the text received so far.
    fn set(&mut self, id: &str, text: Growing, whole: &Text, keep: bool) {
        self.deltas.carries.remove(&text);
        if !keep {
            return;
        }
        let item = self.item_of(id, text);
        let place = item.map(|item| self.part_of(item, text));
        let grown = match item.zip(place).and_then(|(item, place)| self.field(item, place)) {
            Some(field) => {
                let before = field.as_str().map_or(0, str::len);
                merge(field, Value::String(whole.to_string()));
                whole.len().saturating_sub(before)
            }
            None => PLACE + whole.len(),
        };
        self.size += grown;
    }

    /// Sets a complete reasoning text, which the server may have split into parts while it streamed.
    fn set_reasoning(&mut self, id: &str, text: Growing, whole: &Text, keep: bool) {
        if let (Some(item), Some((list, index))) = (self.items.find(id, text.item, text.types()), text.part)
            && let Some(parts) = list_of(&mut self.output[item], list.name())
            && index >= parts.len() as u64
        {
            let said: String = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            if !said.is_empty() && said == whole.as_str() {
                return;
            }
        }
        self.set(id, text, whole, keep);
    }

    /// Adds log probabilities to a text that is not kept.
    fn add_logprobs(&mut self, id: &str, text: Growing, tokens: Vec<Value>, len: usize) {
        let Some(item) = self.items.find(id, text.item, text.types()) else { return };
        if let Some(part) = self.part(item, text) {
            tokens.into_iter().for_each(|token| push_to(part, "logprobs", token));
            self.size += len;
        }
    }

    /// Returns the part of an item that a text is in.
    fn part(&mut self, item: usize, text: Growing) -> Option<&mut Value> {
        let (list, part) = text.part?;
        at(list_of(&mut self.output[item], list.name())?, part)
    }

    /// Adds an annotation, at its position if the server sends one.
    fn annotate(
        &mut self,
        id: &str,
        index: u64,
        (list, part): (Parts, u64),
        place: Option<u64>,
        annotation: Value,
        len: usize,
    ) {
        let Some(item) = self.items.find(id, index, &["message", "reasoning"]) else { return };
        let Some(part) = list_of(&mut self.output[item], list.name()).and_then(|parts| at(parts, part))
        else {
            return;
        };
        let Some(annotations) = list_of(part, "annotations").filter(|_| annotation.is_object()) else {
            return;
        };
        if annotations.contains(&annotation) {
            return;
        }
        match place.and_then(|place| at(annotations, place)) {
            Some(known) => *known = annotation,
            None => annotations.push(annotation),
        }
        self.size += len;
    }

    /// Returns the output of a command, by its position.
    fn output_of(&mut self, id: &str, index: u64, command: u64) -> Option<&mut Value> {
        let item = self.items.find(id, index, &["shell_call_output"])?;
        let outputs = list_of(&mut self.output[item], "output")?;
        if command == outputs.len() as u64 {
            self.size += ITEM;
            outputs.push(json!({}));
        }
        at(outputs, command)
    }

    fn add_output(&mut self, id: &str, index: u64, command: u64, texts: [(&str, &Option<Text>); 2]) {
        let Some(Value::Object(output)) = self.output_of(id, index, command) else { return };
        let mut grown = 0;
        for (name, text) in texts {
            let Some(text) = text else { continue };
            grown += text.len();
            match field_of(output, name, || Value::Null) {
                Value::String(so_far) => so_far.push_str(text),
                field => *field = Value::String(text.to_string()),
            }
        }
        self.size += grown;
    }

    fn set_output(&mut self, id: &str, index: u64, command: u64, contents: Value, len: usize) {
        let Value::Array(contents) = contents else { return };
        self.size += len;
        for (command, content) in (command..).zip(contents) {
            if let Some(output) = self.output_of(id, index, command) {
                merge(output, content);
            }
        }
    }

    /// Handles an event with the status of a hosted tool's call.
    fn set_status(&mut self, event: &ResponseStreamEvent) {
        let (Some(index), Some((_, status))) = (event.output_index(), event.r#type().rsplit_once('.')) else {
            return;
        };
        let known = ["in_progress", "searching", "interpreting", "generating", "completed", "failed"];
        if known.contains(&status)
            && let Some(item) =
                self.items.find("", index, &[]).and_then(|item| self.output[item].as_object_mut())
        {
            item.insert("status".into(), status.into());
        }
    }
}

#[cfg(test)]
#[path = "accumulator_tests.rs"]
mod tests;
