//! `Shown`: the parts of an event, and of the complete response, that are shown as text.

use std::borrow::Cow;

use actorstream::{
    AudioChunk, ChatCompletionChunk, CompletionChunk, ErrorKind, Event, ImageEditEvent, ImageGenerationEvent,
    ImagesResponse, RawEvent, ResponseEvent, ResponseStreamEvent, SpeechEvent, SpeechResponse, StreamError,
    TranscriptionEvent,
};
use bytes::Bytes;
use serde::Serialize;

use crate::answer::{self, Answer};

/// An event of a type that the command prints.
pub(crate) trait Shown: Event<Response: Serialize> + Serialize {
    /// Whether the payload is not text, and is written in base64.
    const BINARY: bool = false;

    /// Whether events are identified by the name in their `event:` line.
    const NAMED: bool = false;

    /// More of the model's reasoning.
    fn more_reasoning(&self) -> Option<&str> {
        None
    }

    /// More of the text.
    fn more_text(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// The name in the `event:` line.
    fn name(&self) -> Option<&str> {
        None
    }

    /// The answers in a response, one for each choice.
    fn answers(response: &Self::Response) -> Vec<Answer> {
        let _ = response;
        Vec::new()
    }

    /// Returns the part of the response for the output file.
    fn file(response: &Self::Response) -> Result<Bytes, StreamError> {
        let _ = response;
        Err(StreamError::config("the answer of this endpoint does not go to a file"))
    }
}

/// The first choice is shown as it arrives; the others would be mixed with it.
impl Shown for ChatCompletionChunk {
    fn more_reasoning(&self) -> Option<&str> {
        let choice = self.choices.iter().find(|choice| choice.index == 0)?;
        choice.delta.reasoning_text().map(|text| &**text).filter(|text| !text.is_empty())
    }

    fn more_text(&self) -> Option<Cow<'_, str>> {
        let choice = self.choices.iter().find(|choice| choice.index == 0)?;
        let mut texts = [&choice.delta.content, &choice.delta.refusal].into_iter().flatten();
        let text = texts.find(|text| !text.is_empty())?;
        Some(Cow::Borrowed(text))
    }

    fn answers(response: &Self::Response) -> Vec<Answer> {
        answer::of_chat(response)
    }
}

impl Shown for CompletionChunk {
    fn more_text(&self) -> Option<Cow<'_, str>> {
        let choice = self.choices.iter().find(|choice| choice.index == 0)?;
        choice.text.as_deref().filter(|text| !text.is_empty()).map(Cow::Borrowed)
    }

    fn answers(response: &Self::Response) -> Vec<Answer> {
        answer::of_completion(response)
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

    fn answers(response: &Self::Response) -> Vec<Answer> {
        vec![answer::of_response(response)]
    }
}

impl Shown for TranscriptionEvent {
    fn more_text(&self) -> Option<Cow<'_, str>> {
        self.text().filter(|text| !text.is_empty()).map(Cow::Borrowed)
    }

    fn answers(response: &Self::Response) -> Vec<Answer> {
        vec![Answer { text: response.text.clone(), ..Answer::default() }]
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
        sound(response)
    }
}

impl Shown for AudioChunk {
    const BINARY: bool = true;

    fn file(response: &SpeechResponse) -> Result<Bytes, StreamError> {
        sound(response)
    }
}

fn image(response: &ImagesResponse) -> Result<Bytes, StreamError> {
    let Some(image) = response.images().first() else { return Err(unusable("the answer holds no image")) };
    match image.image() {
        Some(Ok(bytes)) if !bytes.is_empty() => Ok(bytes),
        Some(Err(error)) => Err(unusable(error)),
        // Models that respond with a URL by default.
        _ => Err(unusable(match &image.url {
            Some(url) => format!(
                "the answer holds no image but its address, {url}; --body '{{\"response_format\": \"b64_json\"}}' asks for \
                 the image"
            ),
            None => "the answer holds no image".to_owned(),
        })),
    }
}

fn sound(response: &SpeechResponse) -> Result<Bytes, StreamError> {
    match response.audio() {
        Ok(sound) if sound.is_empty() => Err(unusable("the answer holds no sound")),
        Ok(sound) => Ok(sound),
        Err(error) => Err(unusable(error)),
    }
}

/// An error for a complete response without usable content.
fn unusable(why: impl ToString) -> StreamError {
    StreamError::new(ErrorKind::Malformed { payload: "".into(), detail: why.to_string().into() })
}

impl Shown for RawEvent {
    const NAMED: bool = true;

    /// The payload as one line: a line feed in JSON is white space, since in a string it is escaped.
    fn more_text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.payload.text().replace('\n', " ") + "\n"))
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
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
    fn of_a_chat_the_first_choice_is_shown_as_it_comes() {
        assert_eq!(chunk(&json!({"content": "a"})).more_text().as_deref(), Some("a"));
        assert_eq!(chunk(&json!({"content": "", "refusal": "no"})).more_text().as_deref(), Some("no"));
        assert_eq!(chunk(&json!({"content": null, "reasoning": "hm"})).more_reasoning(), Some("hm"));
        assert_eq!(chunk(&json!({"reasoning_content": ""})).more_reasoning(), None);
        let usage: ChatCompletionChunk = from_value(json!({"choices": []})).unwrap();
        assert_eq!((usage.more_text(), usage.more_reasoning()), (None, None));
    }

    #[test]
    fn of_a_completion_the_first_choice_is_shown_as_it_comes() {
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

    #[test]
    fn an_image_that_is_only_an_address_is_none() {
        let response: ImagesResponse =
            from_value(json!({"created": 1, "data": [{"url": "https://a.example/x.png"}]})).unwrap();
        let error = image(&response).unwrap_err().to_string();
        assert!(error.contains("https://a.example/x.png") && error.contains("b64_json"), "{error}");
    }
}
