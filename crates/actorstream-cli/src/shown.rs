//! `Shown`: what of an event is shown as text.

use std::borrow::Cow;

use actorstream::{
    AudioChunk, ChatCompletionChunk, CompletionChunk, ErrorKind, Event, ImageEditEvent, ImageGenerationEvent,
    ImagesResponse, RawEvent, ResponseEvent, ResponseStreamEvent, SpeechEvent, SpeechResponse, StreamError,
    TranscriptionEvent,
};
use bytes::Bytes;
use serde::Serialize;

/// An event of a type that the command prints.
pub(crate) trait Shown: Event<Response: Serialize> + Serialize {
    /// More of the model's reasoning.
    fn more_reasoning(&self) -> Option<&str> {
        None
    }

    /// More of the text.
    fn more_text(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Whether the payload is no text, and goes out in base64.
    const BINARY: bool = false;

    /// What of the response goes to a file, if that is where it is to go.
    fn file(response: &Self::Response) -> Result<Bytes, StreamError> {
        let _ = response;
        Err(StreamError::config("the answer of this endpoint does not go to a file"))
    }
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

impl Shown for ResponseEvent {
    fn more_reasoning(&self) -> Option<&str> {
        self.reasoning().filter(|text| !text.is_empty())
    }

    fn more_text(&self) -> Option<Cow<'_, str>> {
        let text = match &self.event {
            ResponseStreamEvent::RefusalDelta(refusal) => Some(&*refusal.delta),
            _ => self.text(),
        };
        text.filter(|text| !text.is_empty()).map(Cow::Borrowed)
    }
}

impl Shown for TranscriptionEvent {
    fn more_text(&self) -> Option<Cow<'_, str>> {
        self.text().filter(|text| !text.is_empty()).map(Cow::Borrowed)
    }
}

impl Shown for ImageGenerationEvent {
    fn file(response: &ImagesResponse) -> Result<Bytes, StreamError> {
        image(response)
    }
}

impl Shown for ImageEditEvent {
    fn file(response: &ImagesResponse) -> Result<Bytes, StreamError> {
        image(response)
    }
}

impl Shown for SpeechEvent {
    fn file(response: &SpeechResponse) -> Result<Bytes, StreamError> {
        response.audio().map_err(unusable)
    }
}

impl Shown for AudioChunk {
    const BINARY: bool = true;

    fn file(response: &SpeechResponse) -> Result<Bytes, StreamError> {
        response.audio().map_err(unusable)
    }
}

fn image(response: &ImagesResponse) -> Result<Bytes, StreamError> {
    let image = response.images().first().and_then(actorstream::proto::images::GeneratedImage::image);
    image.unwrap_or_else(|| Ok(Bytes::new())).map_err(unusable).and_then(|image| match image.is_empty() {
        true => Err(unusable("the answer holds no image")),
        false => Ok(image),
    })
}

/// A complete answer that is of no use.
fn unusable(why: impl ToString) -> StreamError {
    StreamError::new(ErrorKind::Malformed { payload: "".into(), detail: why.to_string().into() })
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

    #[test]
    fn of_a_response_the_deltas_are_shown() {
        let shown = |kind: &str, delta: &str| {
            let event = from_value(json!({"type": format!("response.{kind}"), "delta": delta})).unwrap();
            let event = ResponseEvent { event, ..ResponseEvent::default() };
            let text = event.more_text().map(Cow::into_owned);
            (text, event.more_reasoning().map(str::to_owned))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(shown("output_text.delta", "a"), (some("a"), None));
        assert_eq!(shown("refusal.delta", "no"), (some("no"), None));
        assert_eq!(shown("reasoning_text.delta", "hm"), (None, some("hm")));
        assert_eq!(shown("reasoning_summary_text.delta", "hm"), (None, some("hm")));
        assert_eq!(shown("output_text.delta", ""), (None, None));
        assert_eq!(shown("function_call_arguments.delta", "{"), (None, None));
    }
}
