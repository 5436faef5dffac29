//! `POST /completions`: the request, the chunks of a stream, and the response that they add up to.

mod accumulator;
mod chunk;
mod completion;
mod decode;
mod dialect;
mod generated;
mod pattern;
pub mod request;
mod view;

use std::borrow::Cow;

use serde_json::Value;

pub use accumulator::CompletionAccumulator;
pub use chunk::{CompletionChunk, CompletionChunkChoice};
pub use completion::{Completion, CompletionChoice, CompletionLogprobs};
pub use request::CompletionRequest;
pub use view::CompletionView;

use crate::endpoint::Endpoint;
use crate::request::multipart::RequestBody;

/// The endpoint `POST /completions`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Completions;

impl Endpoint for Completions {
    type Event = CompletionChunk;

    fn operation(&self) -> &'static str {
        "text_completion"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/completions")
    }

    fn choices(&self, body: &RequestBody) -> usize {
        let prompts = match body.get::<Value>("prompt") {
            // A list of strings or of token lists is several prompts; a list of tokens is one.
            Some(Value::Array(list)) if list.first().is_some_and(|first| !first.is_number()) => list.len(),
            _ => 1,
        };
        prompts * body.count("n")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::body::Body;

    #[test]
    fn choices_are_prompts_times_n() {
        let choices = |body: Value| Completions.choices(&Body::new(&body).unwrap().into());
        assert_eq!(choices(json!({"prompt": "a"})), 1);
        assert_eq!(choices(json!({"prompt": ["a", "b"], "n": 3})), 6);
        assert_eq!(choices(json!({"prompt": [1, 2, 3]})), 1);
        assert_eq!(choices(json!({"prompt": [[1], [2]]})), 2);
    }
}
