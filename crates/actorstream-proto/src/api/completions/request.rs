//! Requests for completions of a prompt.
//!
//! ```
//! use actorstream_proto::api::completions::CompletionRequest;
//!
//! let request = CompletionRequest::new("gpt-3.5-turbo-instruct", "Tell me a story")
//!     .max_tokens(200)
//!     .include_usage();
//! ```

pub use super::generated::{CompletionRequest, Prompt, PromptItem};

impl CompletionRequest {
    /// Creates a request to `model` to complete `prompt`.
    pub fn new(model: impl Into<String>, prompt: impl Into<Prompt>) -> Self {
        Self { model: model.into(), prompt: prompt.into(), ..Self::default() }
    }

    /// Requests the usage at the end of a streamed response.
    #[must_use]
    pub fn include_usage(mut self) -> Self {
        self.stream_options.get_or_insert_default().include_usage = Some(true);
        self
    }

    /// Sets whether the chunks of a streamed response contain random text that hides their length.
    #[must_use]
    pub fn include_obfuscation(mut self, include: bool) -> Self {
        self.stream_options.get_or_insert_default().include_obfuscation = Some(include);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, Value, from_value, json, to_string, to_value};

    use super::*;
    use crate::api::chat::request::StreamOptions;

    /// Returns every field that the API documents except `stream`, each with a value.
    fn all_fields() -> Value {
        json!({
            "model": "gpt-3.5-turbo-instruct",
            "prompt": "Once",
            "best_of": 3,
            "echo": true,
            "frequency_penalty": 0.5,
            "logit_bias": {"50256": -100},
            "logprobs": 5,
            "max_tokens": 200,
            "n": 2,
            "presence_penalty": -0.5,
            "seed": -7,
            "stop": ["\n", "END"],
            "stream_options": {"include_usage": true, "include_obfuscation": false},
            "suffix": "The end.",
            "temperature": 0.2,
            "top_p": 0.9,
            "user": "u-1"
        })
    }

    fn names(value: &Value) -> BTreeSet<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_table_lists_the_documented_fields() {
        let documented = "model prompt best_of echo frequency_penalty logit_bias logprobs \
                          max_tokens n presence_penalty seed stop stream_options suffix \
                          temperature top_p user";
        assert_eq!(names(&all_fields()), documented.split(' ').collect());
    }

    #[test]
    fn every_field_is_typed_and_written() {
        let request: CompletionRequest = from_value(all_fields()).unwrap();
        assert_eq!(request.extra, Map::new());
        assert_eq!(to_value(&request).unwrap(), all_fields());
    }

    #[test]
    fn every_field_has_a_setter() {
        let request = CompletionRequest::new("gpt-3.5-turbo-instruct", "Once")
            .best_of(3)
            .echo(true)
            .frequency_penalty(0.5)
            .logit_bias(50256, -100)
            .logprobs(5)
            .max_tokens(200)
            .n(2)
            .presence_penalty(-0.5)
            .seed(-7)
            .stop(["\n", "END"])
            .include_usage()
            .include_obfuscation(false)
            .suffix("The end.")
            .temperature(0.2)
            .top_p(0.9)
            .user("u-1");
        assert_eq!(to_value(&request).unwrap(), all_fields());
        assert_eq!(from_value::<CompletionRequest>(all_fields()).unwrap(), request);
        let options = StreamOptions::new().include_usage(true).include_obfuscation(false);
        let same = CompletionRequest { prompt: "Once".into(), ..request.clone() }.stream_options(options);
        assert_eq!(same, request);
    }

    #[test]
    fn a_small_request_is_small() {
        let request = CompletionRequest::new("m", "Hi");
        assert_eq!(to_string(&request).unwrap(), r#"{"model":"m","prompt":"Hi"}"#);
        let request = CompletionRequest { model: "m".into(), ..Default::default() };
        assert_eq!(to_string(&request).unwrap(), r#"{"model":"m","prompt":null}"#);
        let read: CompletionRequest = from_value(json!({"model": "m", "logit_bias": null})).unwrap();
        assert_eq!(read, request);
    }

    #[test]
    fn prompts_of_every_kind() {
        let kinds: [(Prompt, Value); 9] = [
            ("a".into(), json!("a")),
            (String::from("a").into(), json!("a")),
            ((&String::from("a")).into(), json!("a")),
            (["a", "b"].into(), json!(["a", "b"])),
            (vec!["a"].into(), json!(["a"])),
            (vec![String::from("a")].into(), json!(["a"])),
            ([1, 2].into(), json!([1, 2])),
            (vec![1, 2].into(), json!([1, 2])),
            (vec![vec![1_u64], vec![2]].into(), json!([[1], [2]])),
        ];
        for (prompt, wire) in kinds {
            assert_eq!(to_value(&prompt).unwrap(), wire);
            assert_eq!(from_value::<Prompt>(wire).unwrap(), prompt);
        }
    }
}
