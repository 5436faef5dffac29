//! `ResponseAccumulator`: events → the response, as far as it has come at every moment.
//!
//! The output is kept as JSON while it grows: an event changes a field of an item or of a part of one, whatever the
//! item is, and the typed response is made when it is asked for. What belongs to an unknown item changes nothing here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::event::ResponseEvent;
use super::generated::{OutputItem, Response, ResponseStatus, ResponseStreamEvent};
use crate::event::Accumulator;
use crate::text::Text;

/// What an item or a part counts for beside its text.
const ITEM: usize = 1 << 10;
/// What half a character counts for that waits for the other half.
const CARRY: usize = 64;
/// What a piece of a text counts for that belongs to no item, beside its length.
const PLACE: usize = 256;

/// Puts a response together.
#[derive(Debug, Default)]
pub struct ResponseAccumulator {
    /// The response without its output, as the server last told it.
    response: Option<Box<Response>>,
    output: Vec<Value>,
    /// The text that grew last, which is taken out of the output until another event comes: nearly always it grows again.
    growing: Option<(Growing, String)>,
    /// The response of the last event.
    last: Option<Box<Response>>,
    deltas: ResponseDeltas,
    size: usize,
}

/// Puts right what was split inside a character, over the deltas of one text, and keeps nothing else: what is left of a
/// [`ResponseAccumulator`] where no response is wanted.
#[derive(Debug, Default)]
pub struct ResponseDeltas {
    /// Halves of characters that ended texts so far, by what the text is of.
    carries: BTreeMap<Growing, u16>,
}

impl ResponseDeltas {
    /// Joins the start of the event's delta, if it has one, with what ended the delta before it.
    pub fn join(&mut self, event: &mut ResponseEvent) {
        let Some((text, delta)) = delta_of(&mut event.event) else { return };
        let mut carry = self.carries.remove(&text).unwrap_or(0);
        delta.join(&mut carry);
        if carry != 0 {
            self.carries.insert(text, carry);
        }
    }
}

/// The delta of an event, and what text it belongs to.
fn delta_of(event: &mut ResponseStreamEvent) -> Option<(Growing, &mut Text)> {
    use ResponseStreamEvent as E;
    Some(match event {
        E::OutputTextDelta(event) => (
            Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Text),
            &mut event.delta,
        ),
        E::RefusalDelta(event) => (
            Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Refusal),
            &mut event.delta,
        ),
        E::ReasoningTextDelta(event) => (
            Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Text),
            &mut event.delta,
        ),
        E::ReasoningSummaryTextDelta(event) => (
            Growing::in_part(event.output_index, Parts::Summary, event.summary_index, Field::Text),
            &mut event.delta,
        ),
        E::FunctionCallArgumentsDelta(event) => {
            (Growing::of(event.output_index, Field::Arguments), &mut event.delta)
        }
        E::McpCallArgumentsDelta(event) => {
            (Growing::of(event.output_index, Field::Arguments), &mut event.delta)
        }
        E::CustomToolCallInputDelta(event) => {
            (Growing::of(event.output_index, Field::Input), &mut event.delta)
        }
        E::CodeInterpreterCallCodeDelta(event) => {
            (Growing::of(event.output_index, Field::Code), &mut event.delta)
        }
        _ => return None,
    })
}

/// A text that grows: a field of an item, or of a part in a list of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Growing {
    item: u64,
    /// The list of parts, and which of them.
    part: Option<(Parts, u64)>,
    field: Field,
}

/// The parts of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Parts {
    Content,
    Summary,
}

/// The field that a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    Text,
    Refusal,
    Arguments,
    Input,
    Code,
}

impl Parts {
    fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Summary => "summary",
        }
    }
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Refusal => "refusal",
            Self::Arguments => "arguments",
            Self::Input => "input",
            Self::Code => "code",
        }
    }
}

impl Growing {
    fn of(item: u64, field: Field) -> Self {
        Self { item, part: None, field }
    }

    fn in_part(item: u64, list: Parts, part: u64, field: Field) -> Self {
        Self { item, part: Some((list, part)), field }
    }
}

impl Accumulator<ResponseEvent> for ResponseAccumulator {
    fn push(&mut self, event: &mut ResponseEvent, keep: bool) {
        use ResponseStreamEvent as E;
        let carried = self.deltas.carries.len();
        self.deltas.join(event);
        self.size += CARRY * self.deltas.carries.len().saturating_sub(carried);
        if self.grow_on(&mut event.event, keep) {
            return;
        }
        self.put_back();
        let len = event.raw.as_bytes().len();
        if let E::OutputTextDelta(event) = &event.event {
            self.begin_text(event.output_index, &event.item_id, event.content_index);
        }
        if let Some((text, delta)) = delta_of(&mut event.event) {
            self.grow(text, delta, keep);
        }
        match &event.event {
            E::Created(event) => self.told(&event.response, len),
            E::InProgress(event) => self.told(&event.response, len),
            E::Queued(event) => self.told(&event.response, len),
            E::Completed(event) => self.last = Some(event.response.clone()),
            E::Incomplete(event) => self.last = Some(event.response.clone()),
            E::OutputItemAdded(event) => self.set_item(event.output_index, &event.item, len),
            E::OutputItemDone(event) => self.set_item(event.output_index, &event.item, len),
            E::ContentPartAdded(event) => {
                self.set_part(event.output_index, Parts::Content, event.content_index, &event.part, len);
            }
            E::ContentPartDone(event) => {
                self.set_part(event.output_index, Parts::Content, event.content_index, &event.part, len);
            }
            E::ReasoningSummaryPartAdded(event) => {
                self.set_part(event.output_index, Parts::Summary, event.summary_index, &event.part, len);
            }
            E::ReasoningSummaryPartDone(event) => {
                self.set_part(event.output_index, Parts::Summary, event.summary_index, &event.part, len);
            }
            E::OutputTextDelta(event) if keep && !event.logprobs.is_empty() => {
                let text =
                    Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Text);
                self.add_logprobs(text, &serde_json::to_value(&event.logprobs).unwrap_or_default(), len);
            }
            E::OutputTextDone(event) => {
                let text =
                    Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Text);
                self.set(text, &event.text, keep);
            }
            E::RefusalDone(event) => {
                let text =
                    Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Refusal);
                self.set(text, &event.refusal, keep);
            }
            E::ReasoningTextDone(event) => {
                let text =
                    Growing::in_part(event.output_index, Parts::Content, event.content_index, Field::Text);
                self.set(text, &event.text, keep);
            }
            E::ReasoningSummaryTextDone(event) => {
                let text =
                    Growing::in_part(event.output_index, Parts::Summary, event.summary_index, Field::Text);
                self.set(text, &event.text, keep);
            }
            E::FunctionCallArgumentsDone(event) => {
                self.set(Growing::of(event.output_index, Field::Arguments), &event.arguments, keep);
            }
            E::McpCallArgumentsDone(event) => {
                self.set(Growing::of(event.output_index, Field::Arguments), &event.arguments, keep);
            }
            E::CustomToolCallInputDone(event) => {
                self.set(Growing::of(event.output_index, Field::Input), &event.input, keep);
            }
            E::CodeInterpreterCallCodeDone(event) => {
                self.set(Growing::of(event.output_index, Field::Code), &event.code, keep);
            }
            E::OutputTextAnnotationAdded(event) => {
                let annotation = serde_json::to_value(&event.annotation).unwrap_or_default();
                if let Some(part) = self.part(event.output_index, Parts::Content, event.content_index) {
                    push_to(part, "annotations", annotation);
                    self.size += len;
                }
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

    fn take(&mut self) -> Response {
        self.put_back();
        let output: Vec<OutputItem> = std::mem::take(&mut self.output)
            .into_iter()
            .map(|item| serde_json::from_value(item).unwrap_or_default())
            .collect();
        match self.last.take() {
            // Some servers leave the output out of the last event.
            Some(mut last) if last.output.is_empty() => {
                last.output = output;
                *last
            }
            Some(last) => *last,
            None => Response { output, ..self.response.take().map(|response| *response).unwrap_or_default() },
        }
    }
}

impl ResponseAccumulator {
    /// The server told the response as it is; what has come of the output stays.
    fn told(&mut self, response: &Response, len: usize) {
        let mut response = response.clone();
        let output = std::mem::take(&mut response.output);
        if self.output.is_empty() && !output.is_empty() {
            self.size += ITEM * output.len() + len;
            self.output = output.iter().map(|item| serde_json::to_value(item).unwrap_or_default()).collect();
        }
        self.response = Some(Box::new(response));
    }

    /// An event of which nothing could be read but its type: if it is the last one, the response is what came before.
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

    fn set_item(&mut self, index: u64, item: &OutputItem, len: usize) {
        let Ok(item) = serde_json::to_value(item) else { return };
        self.size += ITEM + len;
        set_at(&mut self.output, index, item);
    }

    fn set_part<T: serde::Serialize>(&mut self, item: u64, list: Parts, index: u64, part: &T, len: usize) {
        let Ok(part) = serde_json::to_value(part) else { return };
        let Some(item) = at(&mut self.output, item) else { return };
        self.size += ITEM + len;
        if let Some(parts) = list_of(item, list.name()) {
            set_at(parts, index, part);
        }
    }

    /// Appends a delta to the text that grew last, if it is that which grows.
    #[inline]
    fn grow_on(&mut self, event: &mut ResponseStreamEvent, keep: bool) -> bool {
        let Some((growing, so_far)) = self.growing.as_mut().filter(|_| keep) else { return false };
        if matches!(event, ResponseStreamEvent::OutputTextDelta(event) if !event.logprobs.is_empty()) {
            return false;
        }
        match delta_of(event) {
            Some((text, delta)) if text == *growing => {
                so_far.push_str(delta);
                self.size += delta.len();
                true
            }
            _ => false,
        }
    }

    /// Puts the text that grew last back in its place.
    fn put_back(&mut self) {
        if let Some((text, so_far)) = self.growing.take()
            && let Some(field) = self.field(text)
        {
            *field = Value::String(so_far);
        }
    }

    /// Servers that send no `output_item.added` or `content_part.added` begin with a text.
    fn begin_text(&mut self, index: u64, id: &str, part: u64) {
        if usize::try_from(index).is_ok_and(|index| index == self.output.len()) {
            self.size += ITEM + id.len();
            self.output
                .push(json!({"type": "message", "id": id, "status": "in_progress", "role": "assistant",
                                    "content": []}));
        }
        let Some(parts) = at(&mut self.output, index).and_then(|item| list_of(item, "content")) else {
            return;
        };
        if usize::try_from(part).is_ok_and(|part| part == parts.len()) {
            self.size += ITEM;
            parts.push(json!({"type": "output_text", "text": "", "annotations": []}));
        }
    }

    fn part(&mut self, item: u64, list: Parts, part: u64) -> Option<&mut Value> {
        at(list_of(at(&mut self.output, item)?, list.name())?, part)
    }

    fn field(&mut self, text: Growing) -> Option<&mut Value> {
        let holder = match text.part {
            Some((list, part)) => self.part(text.item, list, part)?,
            None => at(&mut self.output, text.item)?,
        };
        Some(field_of(holder.as_object_mut()?, text.field.name(), || Value::Null))
    }

    /// Appends a delta.
    fn grow(&mut self, text: Growing, delta: &Text, keep: bool) {
        if !keep {
            return;
        }
        let so_far = match self.field(text) {
            Some(Value::String(so_far)) => Some(std::mem::take(so_far)),
            Some(Value::Null) => Some(String::new()),
            // It has no place here, but who views the output keeps it.
            Some(_) | None => None,
        };
        if so_far.is_none() {
            self.size += PLACE;
        }
        self.size += delta.len();
        self.growing = so_far.map(|so_far| (text, so_far + delta));
    }

    /// Sets a text that is whole.
    fn set(&mut self, text: Growing, whole: &Text, keep: bool) {
        self.deltas.carries.remove(&text);
        if !keep {
            return;
        }
        let grown = match self.field(text) {
            Some(field) => {
                let before = field.as_str().map_or(0, str::len);
                *field = Value::String(whole.to_string());
                whole.len().saturating_sub(before)
            }
            None => PLACE + whole.len(),
        };
        self.size += grown;
    }

    fn add_logprobs(&mut self, text: Growing, logprobs: &Value, len: usize) {
        let (Some((list, part)), Value::Array(tokens)) = (text.part, logprobs) else { return };
        if let Some(part) = self.part(text.item, list, part) {
            for token in tokens {
                push_to(part, "logprobs", token.clone());
            }
            self.size += len;
        }
    }

    /// An event that tells the status of a call of a hosted tool.
    fn set_status(&mut self, event: &ResponseStreamEvent) {
        let (Some(index), Some((_, status))) = (event.output_index(), event.r#type().rsplit_once('.')) else {
            return;
        };
        let known = ["in_progress", "searching", "interpreting", "generating", "completed", "failed"];
        if known.contains(&status)
            && let Some(item) = at(&mut self.output, index).and_then(Value::as_object_mut)
        {
            item.insert("status".into(), status.into());
        }
    }
}

fn at(list: &mut [Value], index: u64) -> Option<&mut Value> {
    list.get_mut(usize::try_from(index).ok()?)
}

/// Sets an item that is there, or is the next one.
fn set_at(list: &mut Vec<Value>, index: u64, value: Value) {
    match usize::try_from(index) {
        Ok(index) if index < list.len() => list[index] = value,
        Ok(index) if index == list.len() => list.push(value),
        Ok(_) | Err(_) => {}
    }
}

/// A field of an object, which is made if it is not there. (The map's own `entry` makes a name of its own each time.)
fn field_of<'a>(object: &'a mut Map<String, Value>, name: &str, new: fn() -> Value) -> &'a mut Value {
    if !object.contains_key(name) {
        object.insert(name.to_owned(), new());
    }
    &mut object[name]
}

fn list_of<'a>(item: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    let list = field_of(item.as_object_mut()?, name, || Value::Array(Vec::new()));
    if list.is_null() {
        *list = Value::Array(Vec::new());
    }
    list.as_array_mut()
}

fn push_to(part: &mut Value, name: &str, value: Value) {
    if let Some(list) = list_of(part, name) {
        list.push(value);
    }
}

#[cfg(test)]
#[path = "accumulator_tests.rs"]
mod tests;
