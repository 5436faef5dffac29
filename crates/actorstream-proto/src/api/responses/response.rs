//! Accessors of [`Response`] for its output.

use std::borrow::Cow;

use serde_json::Value;

use super::generated::{FunctionToolCall, OutputItem, OutputMessageContent, Response, ResponseUsage};
use crate::answer::output::Tokens;

impl Response {
    /// Returns the text of the response: all texts of the output's messages, concatenated. `None` if there is none,
    /// as in a response that only calls tools.
    ///
    /// ```
    /// use actorstream_proto::api::responses::Response;
    ///
    /// let response: Response = serde_json::from_str(
    ///     r#"{"output": [{"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}]}"#,
    /// )?;
    /// assert_eq!(response.text().as_deref(), Some("Hello"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn text(&self) -> Option<Cow<'_, str>> {
        let mut texts = self.output.iter().flat_map(|item| match item {
            OutputItem::Message(message) => message.content.as_slice(),
            _ => &[],
        });
        let mut texts = texts.by_ref().filter_map(|part| match part {
            OutputMessageContent::OutputText(part) => Some(part.text.as_str()),
            _ => None,
        });
        let first = Cow::Borrowed(texts.next()?);
        Some(texts.fold(first, |mut all, text| {
            all.to_mut().push_str(text);
            all
        }))
    }

    /// Returns the function calls in the output, in order.
    pub fn function_calls(&self) -> impl Iterator<Item = &FunctionToolCall> {
        self.output.iter().filter_map(|item| match item {
            OutputItem::FunctionCall(call) => Some(&**call),
            _ => None,
        })
    }
}

impl ResponseUsage {
    /// Returns the token counts in the format shared by all endpoints.
    pub(crate) fn tokens(&self) -> Tokens {
        Tokens {
            input: self.input_tokens,
            cached: self.input_tokens_details.cached_tokens,
            output: self.output_tokens,
            reasoning: self.output_tokens_details.reasoning_tokens,
            total: self.total_tokens,
        }
    }
}

impl FunctionToolCall {
    /// Parses the arguments.
    ///
    /// # Errors
    /// If the model wrote invalid JSON.
    pub fn arguments(&self) -> serde_json::Result<Value> {
        serde_json::from_str(&self.arguments)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn response(output: Value) -> Response {
        from_value(json!({ "output": output })).unwrap()
    }

    #[test]
    fn the_text_is_that_of_all_messages() {
        let text = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
        let message = |content: Value| json!({"type": "message", "role": "assistant", "content": content});
        for (output, said) in [
            (json!([]), None),
            (json!([message(json!([]))]), None),
            (json!([message(json!([{"type": "refusal", "refusal": "No"}]))]), None),
            (json!([{"type": "reasoning", "summary": []}, message(json!([text("A")]))]), Some("A")),
            (
                json!([message(json!([text("A"), text("b")])), {"type": "x"}, message(json!([text("C")]))]),
                Some("AbC"),
            ),
        ] {
            assert_eq!(response(output.clone()).text().as_deref(), said, "{output}");
        }
    }

    #[test]
    fn calls_of_functions_and_their_arguments() {
        let response = response(json!([
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{\"a\": 1}"},
            {"type": "custom_tool_call", "call_id": "2", "name": "g", "input": "x"},
            {"type": "function_call", "call_id": "3", "name": "h", "arguments": "{"},
        ]));
        let calls: Vec<_> = response.function_calls().collect();
        assert_eq!(calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>(), ["f", "h"]);
        assert_eq!(calls[0].arguments().unwrap(), json!({"a": 1}));
        assert!(calls[1].arguments().is_err());
    }
}
