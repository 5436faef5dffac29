//! `Shown`: what of an event is shown as text.

use std::borrow::Cow;

use actorstream::{ChatCompletionChunk, CompletionChunk, Event, RawEvent};
use serde::Serialize;

/// An event of a type that the command prints.
pub(crate) trait Shown: Event<Response: Serialize> + Serialize {
    /// More of the model's reasoning.
    fn more_reasoning(&self) -> Option<&str> {
        None
    }

    /// More of the text.
    fn more_text(&self) -> Option<Cow<'_, str>>;
}

/// The first choice is shown; the others would be mixed up with it.
impl Shown for ChatCompletionChunk {
    fn more_reasoning(&self) -> Option<&str> {
        let choice = self.choices.iter().find(|choice| choice.index == 0)?;
        choice.delta.reasoning_text().map(|text| &**text).filter(|text| !text.is_empty())
    }

    fn more_text(&self) -> Option<Cow<'_, str>> {
        let choice = self.choices.iter().find(|choice| choice.index == 0)?;
        let texts = [&choice.delta.content, &choice.delta.refusal];
        let text = texts.into_iter().flatten().find(|text| !text.is_empty())?;
        Some(Cow::Borrowed(text))
    }
}

impl Shown for CompletionChunk {
    fn more_text(&self) -> Option<Cow<'_, str>> {
        let choice = self.choices.iter().find(|choice| choice.index == 0)?;
        choice.text.as_deref().filter(|text| !text.is_empty()).map(Cow::Borrowed)
    }
}

impl Shown for RawEvent {
    /// The payload as one line: a line feed in JSON is white space, since in a string it is escaped.
    fn more_text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.payload.text().replace('\n', " ") + "\n"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn chunk(delta: &Value) -> ChatCompletionChunk {
        from_value(
            json!({"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": delta}]}),
        )
        .unwrap()
    }

    #[test]
    fn of_a_chat_the_first_choice_is_shown() {
        assert_eq!(chunk(&json!({"content": "a"})).more_text().as_deref(), Some("a"));
        assert_eq!(chunk(&json!({"content": "", "refusal": "no"})).more_text().as_deref(), Some("no"));
        assert_eq!(chunk(&json!({"content": null, "reasoning": "hm"})).more_reasoning(), Some("hm"));
        assert_eq!(chunk(&json!({"reasoning_content": ""})).more_reasoning(), None);
        let usage: ChatCompletionChunk = from_value(json!({"choices": []})).unwrap();
        assert_eq!((usage.more_text(), usage.more_reasoning()), (None, None));
    }

    #[test]
    fn of_a_completion_the_first_choice_is_shown() {
        let chunk: CompletionChunk =
            from_value(json!({"choices": [{"index": 1, "text": "b"}, {"index": 0, "text": "a"}]})).unwrap();
        assert_eq!(chunk.more_text().as_deref(), Some("a"));
    }
}
