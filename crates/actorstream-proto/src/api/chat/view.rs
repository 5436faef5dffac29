//! `ChatView`: the changes that the chunks of a chat completion make to the response.

use std::collections::BTreeSet;

use serde_json::Value;

use super::chunk::{ChatCompletionChunk, ChunkChoice, ToolCallDelta};
use super::completion::ToolCall;
use super::tool_calls::{Listed, ToolCalls};
use crate::answer::output::{Call, CallKind, Change, Growing, Position, View, Viewable};
use crate::answer::places::Places;
use crate::answer::usage::Usage;
use crate::json::partial_json::{PartialJson, PartialJsonError};

impl Viewable for ChatCompletionChunk {
    type View = ChatView;
}

/// The view of a chat completion. The calls and texts of a choice are done when the stream is complete: servers
/// interleave several calls until then, and some send a finish reason with every chunk.
#[derive(Debug, Default)]
pub struct ChatView {
    choices: Vec<Choice>,
    /// The URLs that were reported.
    sources: BTreeSet<String>,
    /// Whether texts are not kept.
    lean: bool,
    places: Places,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    text: Growing,
    refusal: Growing,
    reasoning: Growing,
    calls: ToolCalls,
    /// For each call, its parsed arguments.
    arguments: Vec<Arguments>,
    done: bool,
}

#[derive(Debug, Default)]
struct Arguments {
    json: PartialJson,
    started: bool,
}

impl View<ChatCompletionChunk> for ChatView {
    fn lean() -> Self {
        Self { lean: true, ..Self::default() }
    }

    fn push(&mut self, chunk: &ChatCompletionChunk, tell: &mut dyn FnMut(Change<'_>)) {
        for delta in &chunk.choices {
            let (at, new) = self.places.of(delta.index);
            if new {
                self.choices.push(Choice { index: delta.index, ..Choice::default() });
            }
            self.choices[at].push(delta, !self.lean, tell);
            self.cite(delta, tell);
        }
        if let Some(usage) = &chunk.usage
            && Usage::update(&mut self.usage, usage)
            && let Some(usage) = &self.usage
        {
            tell(Change::Usage(usage.tokens()));
        }
    }

    fn finish(&mut self, tell: &mut dyn FnMut(Change<'_>)) {
        for choice in &mut self.choices {
            choice.end(tell);
        }
    }
}

impl ChatView {
    /// Reports the sources that a delta cites.
    fn cite(&mut self, choice: &ChunkChoice, tell: &mut dyn FnMut(Change<'_>)) {
        let citations = choice.delta.extra.get("annotations").and_then(Value::as_array);
        for citation in
            citations.into_iter().flatten().filter_map(|annotation| annotation.get("url_citation"))
        {
            let field =
                |name: &str| citation.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let Some(url) = field("url") else { continue };
            if self.sources.insert(url.to_owned()) {
                let at = Position { output: choice.index.into(), part: 0 };
                tell(Change::Source { at, url, title: field("title") });
            }
        }
    }
}

impl Choice {
    fn push(&mut self, choice: &ChunkChoice, keep: bool, tell: &mut dyn FnMut(Change<'_>)) {
        let at = Position { output: self.index.into(), part: 0 };
        let news = &choice.delta;
        if let Some(delta) = news.reasoning_text()
            && let Some(snapshot) = self.reasoning.push(delta, keep)
        {
            tell(Change::ReasoningDelta { at, delta, snapshot });
        }
        if let Some(delta) = &news.content
            && let Some(snapshot) = self.text.push(delta, keep)
        {
            tell(Change::TextDelta { at, delta, snapshot });
        }
        if let Some(delta) = &news.refusal
            && let Some(snapshot) = self.refusal.push(delta, keep)
        {
            tell(Change::RefusalDelta { at, delta, snapshot });
        }
        let of = news.tool_calls.as_ref().map_or(0, Vec::len);
        for (place, call) in news.tool_calls.iter().flatten().enumerate() {
            self.push_call(call, Listed { place, of }, tell);
        }
        if let Some(logprobs) = &choice.logprobs
            && let Ok(tokens) = serde_json::to_value(logprobs.content.as_ref().or(logprobs.refusal.as_ref()))
            && tokens.is_array()
        {
            tell(Change::Logprobs { at, tokens: &tokens });
        }
    }

    fn push_call(&mut self, delta: &ToolCallDelta, listed: Listed, tell: &mut dyn FnMut(Change<'_>)) {
        let pushed = self.calls.push(&mut delta.clone(), listed, true);
        let index = pushed.at;
        if index == self.arguments.len() {
            self.arguments.push(Arguments::default());
        }
        let state = &mut self.arguments[index];
        if pushed.again {
            state.json = PartialJson::default();
        }
        let call = call(self.index, index, self.calls.get(index));
        // A name may arrive in parts, and is complete when the arguments begin.
        if !state.started && (!call.name.is_empty() || pushed.grown > 0) {
            state.started = true;
            tell(Change::ToolCallStarted { call });
        }
        if pushed.grown > 0 {
            let news = &call.arguments[call.arguments.len() - pushed.grown..];
            // Invalid JSON is reported when the arguments are complete.
            let _ = state.json.push(news);
            tell(Change::ArgumentsDelta { call, delta: news, parsed: state.json.value() });
        }
    }

    fn end(&mut self, tell: &mut dyn FnMut(Change<'_>)) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        let at = Position { output: self.index.into(), part: 0 };
        if let Some(reasoning) = self.reasoning.end() {
            tell(Change::ReasoningDone { at, reasoning });
        }
        if let Some(text) = self.text.end() {
            tell(Change::TextDone { at, text });
        }
        if let Some(refusal) = self.refusal.end() {
            tell(Change::RefusalDone { at, refusal });
        }
        for (index, state) in self.arguments.iter_mut().enumerate() {
            let call = call(self.index, index, self.calls.get(index));
            tell_done(call, std::mem::take(&mut state.json), tell);
        }
    }
}

fn call(choice: u32, index: usize, call: &ToolCall) -> Call<'_> {
    let (kind, name, arguments) = match (&call.function, &call.custom) {
        (Some(function), _) => (CallKind::Function, function.name.as_str(), function.arguments.as_str()),
        (None, Some(custom)) => (CallKind::Custom, custom.name.as_str(), custom.input.as_str()),
        (None, None) => (CallKind::Function, "", ""),
    };
    Call { kind, output: choice.into(), index, id: &call.id, name, arguments }
}

/// Reports that a call is complete. A call without arguments has an empty object.
pub(crate) fn tell_done(call: Call<'_>, json: PartialJson, tell: &mut dyn FnMut(Change<'_>)) {
    let parsed: Result<Value, PartialJsonError> = if call.arguments.trim().is_empty() {
        Ok(Value::Object(serde_json::Map::new()))
    } else {
        json.finish()
    };
    tell(Change::ToolCallDone { call, parsed: parsed.as_ref() });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns descriptions of the changes that the chunks make.
    fn changes(chunks: &[Value]) -> Vec<String> {
        let mut view = ChatView::default();
        let mut said = Vec::new();
        let mut tell = |change: Change<'_>| {
            said.push(match change {
                Change::TextDelta { delta, snapshot, .. } => format!("text {delta} of {snapshot}"),
                Change::TextDone { text, .. } => format!("text done {text}"),
                Change::RefusalDelta { delta, .. } => format!("refusal {delta}"),
                Change::RefusalDone { refusal, .. } => format!("refusal done {refusal}"),
                Change::ReasoningDelta { delta, .. } => format!("reasoning {delta}"),
                Change::ReasoningDone { reasoning, .. } => format!("reasoning done {reasoning}"),
                Change::ToolCallStarted { call } => format!("call {} {}", call.id, call.name),
                Change::ArgumentsDelta { call, delta, parsed } => format!("{} + {delta} = {parsed}", call.id),
                Change::ToolCallDone { call, parsed } => match parsed {
                    Ok(value) => format!("call done {} {value}", call.id),
                    Err(_) => format!("call done {} not JSON: {}", call.id, call.arguments),
                },
                Change::ToolOutput { .. } | Change::Image { .. } => unreachable!("chat has none"),
                Change::Source { url, title, .. } => format!("source {url} {}", title.unwrap_or("-")),
                Change::Logprobs { tokens, .. } => format!("logprobs {}", tokens.as_array().unwrap().len()),
                Change::Usage(tokens) => format!("usage {}", tokens.total),
            });
        };
        for chunk in chunks {
            view.push(&serde_json::from_value(chunk.clone()).unwrap(), &mut tell);
        }
        view.finish(&mut tell);
        said
    }

    fn delta(delta: Value) -> Value {
        json!({"choices": [{"index": 0, "delta": delta}]})
    }

    #[test]
    fn texts_reasoning_refusals_logprobs_and_usage() {
        let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop",
            "logprobs": {"content": [{"token": "x", "logprob": 0.0, "bytes": null, "top_logprobs": []}], "refusal": null}}]});
        assert_eq!(
            changes(&[
                delta(json!({"role": "assistant", "content": ""})),
                delta(json!({"reasoning_content": "hm"})),
                delta(json!({"content": "a"})),
                delta(json!({"content": "b", "refusal": "no"})),
                stop.clone(),
                stop,
                json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}),
            ]),
            [
                "reasoning hm",
                "text a of a",
                "text b of ab",
                "refusal no",
                "logprobs 1",
                "logprobs 1",
                "usage 3",
                "reasoning done hm",
                "text done ab",
                "refusal done no",
            ]
        );
    }

    #[test]
    fn pages_that_are_cited_are_told_once() {
        let cite = |url: &str, title: &str| {
            delta(
                json!({"annotations": [{"type": "url_citation", "url_citation": {"url": url, "title": title}}]}),
            )
        };
        assert_eq!(
            changes(&[
                cite("https://a.example", "A"),
                cite("https://a.example", "A"),
                cite("https://b.example", "")
            ]),
            ["source https://a.example A", "source https://b.example -"]
        );
    }

    #[test]
    fn a_lean_view_tells_the_same_without_the_texts() {
        let mut view = ChatView::lean();
        let mut said = Vec::new();
        let mut tell = |change: Change<'_>| match change {
            Change::TextDelta { delta, snapshot, .. } => said.push(format!("{delta} of {snapshot:?}")),
            Change::TextDone { text, .. } => said.push(format!("done {text:?}")),
            Change::ToolCallDone { call, .. } => said.push(call.arguments.to_owned()),
            _ => {}
        };
        for chunk in [
            delta(json!({"content": "a"})),
            delta(json!({"content": "b"})),
            delta(
                json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]}),
            ),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        ] {
            view.push(&serde_json::from_value(chunk).unwrap(), &mut tell);
        }
        view.finish(&mut tell);
        assert_eq!(said, ["a of \"\"", "b of \"\"", "done \"\"", "{}"]);
    }

    #[test]
    fn calls_that_are_mixed_are_done_once_each() {
        let call = |index: u32, id: &str, name: &str, arguments: &str| {
            delta(
                json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]}),
            )
        };
        assert_eq!(
            changes(&[
                call(0, "a", "f", "{\"x\":"),
                call(1, "b", "g", ""),
                call(0, "a", "f", "1"),
                call(1, "", "", "[true"),
                call(0, "a", "f", "}"),
                call(1, "", "", "]"),
                call(2, "c", "h", "oops"),
                call(3, "d", "now", ""),
            ]),
            [
                "call a f",
                "a + {\"x\": = {}",
                "call b g",
                "a + 1 = {}",
                "b + [true = [true]",
                "a + } = {\"x\":1}",
                "b + ] = [true]",
                "call c h",
                "c + oops = null",
                "call d now",
                "call done a {\"x\":1}",
                "call done b [true]",
                "call done c not JSON: oops",
                "call done d {}",
            ]
        );
    }
}
