//! Chunks that other servers structure differently from OpenAI: they are converted as JSON, and then deserialized.

use serde_json::{Map, Value, json};

use super::chunk::{ChatCompletionChunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
use super::dialect::{REASONING, reasoning_in};
use crate::answer::shape::{has_reason, is_choiceless, is_open, list_choices, listed, says, words};
use crate::json::extra::Extra;
use crate::json::text::Text;

/// The fields of a message that some servers put into the choice.
const OF_MESSAGE: [&str; 6] =
    ["role", "tool_calls", "function_call", "refusal", "reasoning_content", "reasoning"];
/// Other names for the fields with calls.
const CAMEL: [(&str, &str); 4] = [
    ("toolCalls", "tool_calls"),
    ("tool_call", "tool_calls"),
    ("toolCall", "tool_calls"),
    ("functionCall", "function_call"),
];
/// Fields that count where a message has no text, or no reasoning.
const OF_SILENT: [&str; 4] = ["text", "content", "reasoning_details", "thinking_blocks"];
/// Other names for the arguments of a call.
const ARGUMENTS: [&str; 4] = ["parameters", "input", "args", "params"];
/// The fields of an object that represents a text. An object with other fields, unless it is a part, is a value that
/// the model wrote.
const OF_TEXT: [&str; 8] =
    ["type", "text", "parts", "role", "annotations", "citations", "thinking", "thought"];

/// Returns whether a deserialized chunk has content in other fields than OpenAI's, so that it must be
/// [translated](translate).
pub(super) fn is_misplaced(chunk: &ChatCompletionChunk) -> bool {
    match &*chunk.choices {
        [] => !chunk.extra.is_empty() && is_choiceless(&chunk.extra),
        [choice] if has_reason(&chunk.extra) && is_open(choice.finish_reason.as_ref()) => true,
        choices => choices.iter().any(has_misplaced),
    }
}

fn has_misplaced(choice: &ChunkChoice) -> bool {
    let open = || is_open(choice.finish_reason.as_ref());
    let said =
        |content: &Option<Text>| content.as_ref().is_some_and(|text| !text.is_empty() || text.has_half());
    let message = choice.message.as_deref();
    let silent = !said(&choice.delta.content) && !message.is_some_and(|message| said(&message.content));
    let any = |extra: &Extra, names: &[&str]| names.iter().any(|name| extra.get(name).is_some_and(says));
    let in_choice = || {
        (silent && any(&choice.extra, &["text", "content"]))
            || any(&choice.extra, &OF_MESSAGE)
            || any(&choice.extra, &REASONING)
            || CAMEL.iter().any(|(name, _)| any(&choice.extra, &[name]))
            || (has_reason(&choice.extra) && open())
    };
    let in_message = |message: &Delta| {
        !message.extra.is_empty()
            && ((!said(&message.content) && any(&message.extra, &["text"]))
                || CAMEL.iter().any(|(name, _)| any(&message.extra, &[name]))
                || (has_reason(&message.extra) && open()))
    };
    let messages = [Some(&choice.delta), message].into_iter().flatten();
    (!choice.extra.is_empty() && in_choice())
        || in_message(&choice.delta)
        || message.is_some_and(in_message)
        || messages.into_iter().any(has_flat_calls)
}

/// Returns whether it depends on the texts of a choice that nothing of it is misplaced, or what it says.
pub(super) fn may_be_misplaced(choice: &ChunkChoice) -> bool {
    let camel = CAMEL.iter().map(|(name, _)| name);
    let names = || OF_MESSAGE.iter().chain(&REASONING).chain(camel.clone()).chain(&OF_SILENT);
    // A string is taken out of the extra fields even if it is empty.
    let reasons = |extra: &Extra| REASONING.iter().any(|name| extra.get(name).is_some_and(Value::is_string));
    let says_so = |extra: &Extra| {
        !extra.is_empty()
            && (has_reason(extra) || reasons(extra) || names().any(|name| extra.get(name).is_some_and(says)))
    };
    says_so(&choice.extra) || says_so(&choice.delta.extra)
}

fn has_flat_calls(message: &Delta) -> bool {
    let function = || message.function_call.as_deref().is_some_and(has_other_arguments);
    message.tool_calls.iter().flatten().any(is_flat) || (message.has_rare() && function())
}

/// Returns whether a function has its arguments under another name.
fn has_other_arguments(function: &FunctionDelta) -> bool {
    function.arguments.is_none()
        && !function.extra.is_empty()
        && ARGUMENTS.iter().any(|name| function.extra.get(name).is_some())
}

/// Returns whether a call has its name or its arguments in other fields.
fn is_flat(call: &ToolCallDelta) -> bool {
    match &call.function {
        Some(function) => has_other_arguments(function),
        None => call.custom.is_none() && !call.extra.is_empty() && call.extra.get("name").is_some(),
    }
}

/// Converts a chunk of another structure: a message or a choice in another field, calls without their list, and
/// content as a list of parts, which Mistral and gateways to Anthropic send. Text parts become text, thinking parts
/// become reasoning, and others are kept in `content_parts`.
pub(super) fn translate(chunk: &mut Value) {
    let Value::Object(chunk) = chunk else { return };
    list_choices(chunk);
    let choices = chunk.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        translate_choice(choice);
    }
}

fn translate_choice(choice: &mut Map<String, Value>) {
    for name in ["delta", "message"] {
        if let Some(value) = choice.get_mut(name) {
            translate_message(value);
        }
    }
    let beside: Vec<(&str, Value)> = take_beside(choice);
    if beside.is_empty() {
        return;
    }
    // If a choice has a finish reason and a delta without text, a text next to the delta is the whole text.
    let ended = choice.get("finish_reason").is_some_and(says) && choice.contains_key("delta");
    let into = if ended && beside.iter().all(|(name, _)| *name == "content") { "message" } else { "delta" };
    let field = choice.entry(into).or_insert(Value::Null);
    if field.is_null() {
        *field = json!({});
    }
    if let Value::Object(message) = field {
        for (name, value) in beside {
            if !message.get(name).is_some_and(says) {
                message.insert(name.into(), value);
            }
        }
    }
    translate_message(field);
}

/// Takes the fields of a message out of a choice.
fn take_beside(choice: &mut Map<String, Value>) -> Vec<(&'static str, Value)> {
    let mut beside = Vec::new();
    let said = |choice: &Map<String, Value>| {
        let content = |name: &str| choice.get(name).and_then(|message| message.get("content"));
        ["delta", "message"].iter().any(|name| content(name).is_some_and(says))
    };
    for name in ["content", "text"] {
        if !said(choice)
            && choice.get(name).is_some_and(says)
            && beside.is_empty()
            && let Some(value) = choice.shift_remove(name)
        {
            beside.push(("content", value));
        }
    }
    for (name, own) in CAMEL.into_iter().chain(OF_MESSAGE.map(|name| (name, name))) {
        if choice.get(name).is_some_and(says)
            && let Some(value) = choice.shift_remove(name)
        {
            beside.push((own, value));
        }
    }
    if let Some(name) = REASONING.into_iter().find(|name| choice.get(*name).is_some_and(Value::is_string))
        && let Some(value) = choice.shift_remove(name)
    {
        beside.push(("reasoning", value));
    }
    beside
}

/// Converts a delta or a message: a plain text, or a list of parts, is its content.
fn translate_message(value: &mut Value) {
    match value {
        Value::String(_) => *value = json!({ "content": value.take() }),
        Value::Array(list) => {
            let is_parts = list.iter().any(|part| part.get("type").is_some() || part.is_string());
            *value = match &mut list[..] {
                [only] if !is_parts => only.take(),
                _ => json!({ "content": value.take() }),
            };
        }
        _ => {}
    }
    let Value::Object(message) = value else { return };
    if !message.get("content").is_some_and(says)
        && message.get("text").is_some_and(says)
        && let Some(text) = message.shift_remove("text")
    {
        message.insert("content".into(), text);
    }
    translate_content(message);
    translate_reasoning(message);
    for (name, own) in CAMEL {
        if !message.contains_key(own)
            && let Some(value) = message.shift_remove(name)
        {
            message.insert(own.into(), value);
        }
    }
    if let Some(calls @ Value::Object(_)) = message.get_mut("tool_calls") {
        *calls = Value::Array(listed(calls.take()));
    }
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    calls.into_iter().flatten().filter_map(Value::as_object_mut).for_each(translate_call);
    if let Some(Value::Object(function)) = message.get_mut("function_call") {
        name_arguments(function);
    }
}

/// Converts a call: moves its name and arguments into the function.
fn translate_call(call: &mut Map<String, Value>) {
    if let Some(Value::String(json)) = call.get("function")
        && let Ok(function @ Value::Object(_)) = serde_json::from_str(json)
    {
        call.insert("function".into(), function);
    }
    if !call.contains_key("function") && !call.contains_key("custom") && call.contains_key("name") {
        name_arguments(call);
        let fields = ["name", "arguments"]
            .into_iter()
            .filter_map(|name| Some((name.into(), call.shift_remove(name)?)));
        let function: Map<String, Value> = fields.collect();
        call.insert("function".into(), Value::Object(function));
    }
    if let Some(Value::Object(function)) = call.get_mut("function") {
        name_arguments(function);
    }
}

fn name_arguments(function: &mut Map<String, Value>) {
    if function.contains_key("arguments") {
        return;
    }
    let other = ARGUMENTS.into_iter().find(|name| function.contains_key(*name));
    if let Some(arguments) = other.and_then(|name| function.shift_remove(name)) {
        function.insert("arguments".into(), arguments);
    }
}

/// Returns whether an object has only fields of a text.
fn is_text(object: &Map<String, Value>) -> bool {
    object.keys().all(|name| OF_TEXT.contains(&name.as_str()))
}

/// Returns whether an object is a part by its type, whatever else a server adds to it.
fn is_part(object: &Map<String, Value>) -> bool {
    let field = match object.get("type").and_then(Value::as_str) {
        Some("text" | "output_text" | "text_delta") => "text",
        Some(own @ ("thinking" | "reasoning" | "refusal")) => own,
        _ => return false,
    };
    object.get(field).and_then(words).is_some()
}

fn translate_content(message: &mut Map<String, Value>) {
    let parts = match message.get_mut("content") {
        Some(Value::Array(parts)) => std::mem::take(parts),
        Some(Value::Object(object)) if is_part(object) || is_text(object) => match object.get_mut("parts") {
            Some(Value::Array(parts)) => std::mem::take(parts),
            _ => vec![Value::Object(std::mem::take(object))],
        },
        _ => return,
    };
    let mut said = Said::default();
    parts.into_iter().for_each(|part| said.part(part));
    let Said { text, reasoning, refusal, mut others } = said;
    // A complete call as a content part, as in Anthropic's format.
    let is_call = |part: &Value| {
        part.get("type").is_some_and(|r#type| r#type == "tool_use") && part.get("input").is_some_and(says)
    };
    if others.iter().any(is_call) && !message.get("tool_calls").is_some_and(says) {
        let (calls, rest) = others.into_iter().partition(is_call);
        let mut calls: Vec<Value> = calls;
        for call in calls.iter_mut().filter_map(Value::as_object_mut) {
            call.insert("type".into(), "function".into());
        }
        message.insert("tool_calls".into(), Value::Array(calls));
        others = rest;
    }
    message.insert("content".into(), text.map_or(Value::Null, Value::String));
    for (name, text) in [("reasoning", reasoning), ("refusal", refusal)] {
        let silent = |value: &Value| value.as_str().is_none_or(str::is_empty);
        if let Some(text) = text
            && message.get(name).is_none_or(silent)
        {
            message.insert(name.into(), Value::String(text));
        }
    }
    if !others.is_empty() {
        message.insert("content_parts".into(), Value::Array(others));
    }
}

/// Moves reasoning from other fields to `reasoning`, where unpaired surrogates are joined with those of the next
/// delta.
fn translate_reasoning(message: &mut Map<String, Value>) {
    for name in ["reasoning_content", "reasoning"] {
        if let Some(value @ (Value::Object(_) | Value::Array(_))) = message.get_mut(name)
            && let Some(text) = words(value)
        {
            *value = Value::String(text);
        }
    }
    let says = |name: &str| message.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if !says("reasoning_content")
        && !says("reasoning")
        && let Some(text) = reasoning_in(message)
    {
        message.insert("reasoning".into(), Value::String(text));
    }
}

/// The content of a list of parts.
#[derive(Default)]
struct Said {
    text: Option<String>,
    reasoning: Option<String>,
    refusal: Option<String>,
    others: Vec<Value>,
}

impl Said {
    fn part(&mut self, part: Value) {
        let r#type = part.get("type").and_then(Value::as_str).unwrap_or_default();
        let is_thought = part.get("thought").is_some_and(|thought| *thought == true);
        let (into, said) = match &part {
            Value::String(_) => (&mut self.text, Some(&part)),
            _ => match r#type {
                "text" | "Text" | "output_text" | "input_text" | "text_delta" | "" => {
                    let into = if is_thought { &mut self.reasoning } else { &mut self.text };
                    (into, part.get("text").or_else(|| part.get("content").filter(|text| text.is_string())))
                }
                "refusal" => (&mut self.refusal, part.get("refusal")),
                _ if r#type.contains("thinking") || r#type.contains("reasoning") => {
                    let names = ["thinking", "reasoning", "text", "summary", "content"];
                    (&mut self.reasoning, names.iter().find_map(|name| part.get(*name)))
                }
                _ => (&mut self.text, None),
            },
        };
        match said.and_then(words) {
            Some(words) => into.get_or_insert_default().push_str(&words),
            None => self.others.push(part),
        }
    }
}
