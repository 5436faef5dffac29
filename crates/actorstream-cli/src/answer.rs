//! `Answer`: the displayed parts of a complete response.

use actorstream::proto::api::responses::{OutputMessageContent, ReasoningItem};
use actorstream::{ChatCompletion, Completion, OutputItem, Response};
use serde::Serialize;

/// One answer: a choice, or a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The model's reasoning.
    pub(crate) reasoning: String,
    /// The text, a refusal included.
    pub(crate) text: String,
    /// The tool calls and requests to the caller, one per line: `name(arguments)`, or an item as JSON.
    pub(crate) calls: Vec<String>,
}

/// The choices of a chat.
pub(crate) fn of_chat(completion: &ChatCompletion) -> Vec<Answer> {
    let choices = completion.choices.iter().map(|choice| {
        let message = &choice.message;
        let reasoning = message.reasoning_content.as_deref().or(message.reasoning.as_deref());
        let texts = [&message.content, &message.refusal];
        let text: String = texts.into_iter().flatten().map(String::as_str).collect();
        let mut calls: Vec<String> = Vec::new();
        if let Some(function) = &message.function_call {
            calls.push(call(&function.name, &function.arguments));
        }
        for tool in message.tool_calls.iter().flatten() {
            calls.push(match (&tool.function, &tool.custom) {
                (Some(function), _) => call(&function.name, &function.arguments),
                (None, Some(custom)) => call(&custom.name, &custom.input),
                (None, None) => json(tool),
            });
        }
        Answer { reasoning: reasoning.unwrap_or_default().to_owned(), text, calls }
    });
    choices.collect()
}

/// The choices of a text completion.
pub(crate) fn of_completion(completion: &Completion) -> Vec<Answer> {
    completion
        .choices
        .iter()
        .map(|choice| Answer { text: choice.text.clone(), ..Answer::default() })
        .collect()
}

/// A response: the concatenated texts of its messages, and the calls for its caller.
pub(crate) fn of_response(response: &Response) -> Answer {
    let mut answer = Answer::default();
    for item in &response.output {
        match item {
            OutputItem::Message(message) => {
                for part in &message.content {
                    match part {
                        OutputMessageContent::OutputText(part) => answer.text.push_str(&part.text),
                        OutputMessageContent::Refusal(part) => answer.text.push_str(&part.refusal),
                        OutputMessageContent::Unknown(_) => {}
                    }
                }
            }
            OutputItem::Reasoning(item) => answer.reasoning.push_str(&reasoning(item)),
            OutputItem::FunctionCall(item) => answer.calls.push(call(&item.name, &item.arguments)),
            OutputItem::CustomToolCall(item) => answer.calls.push(call(&item.name, &item.input)),
            OutputItem::ComputerCall(_)
            | OutputItem::LocalShellCall(_)
            | OutputItem::ShellCall(_)
            | OutputItem::ApplyPatchCall(_)
            | OutputItem::McpApprovalRequest(_) => answer.calls.push(json(item)),
            _ => {}
        }
    }
    answer
}

/// The reasoning itself, or else its summary.
fn reasoning(item: &ReasoningItem) -> String {
    let whole: String = item.content.iter().flatten().map(|part| part.text.as_str()).collect();
    if whole.is_empty() { item.summary.iter().map(|part| part.text.as_str()).collect() } else { whole }
}

fn call(name: &str, arguments: &str) -> String {
    format!("{name}({arguments})")
}

fn json(item: &impl Serialize) -> String {
    serde_json::to_string(item).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn every_choice_of_a_chat_with_its_calls() {
        let completion: ChatCompletion = from_value(json!({"choices": [
            {"index": 0, "message": {"content": "a", "refusal": null, "reasoning": "hm", "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}},
                {"id": "2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
            ]}},
            {"index": 1, "message": {"refusal": "no", "function_call": {"name": "g", "arguments": "{}"}}},
        ]}))
        .unwrap();
        assert_eq!(
            of_chat(&completion),
            [
                Answer {
                    reasoning: "hm".into(),
                    text: "a".into(),
                    calls: vec!["f({\"x\": 1})".into(), "sql(select 1)".into()],
                },
                Answer { text: "no".into(), calls: vec!["g({})".into()], ..Answer::default() },
            ]
        );
    }

    #[test]
    fn a_response_and_what_it_asks_its_caller_to_do() {
        let shell = json!({"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}});
        let response: Response = from_value(json!({"output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "A"}, {"type": "refusal", "refusal": "B"}]},
            {"type": "web_search_call", "id": "w"},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "2", "name": "sql", "input": "select 1"},
            shell,
        ]}))
        .unwrap();
        let Answer { reasoning, text, calls } = of_response(&response);
        assert_eq!((reasoning.as_str(), text.as_str(), calls.len()), ("hm", "AB", 3));
        assert_eq!(calls[..2], ["f({})", "sql(select 1)"]);
        assert!(calls[2].contains("shell_call") && calls[2].contains("\"ls\""), "{}", calls[2]);
    }
}
