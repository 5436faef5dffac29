//! Requests for completions of a prompt.
//!
//! ```
//! use actorstream_proto::completions::CompletionRequest;
//!
//! let request = CompletionRequest::new("gpt-3.5-turbo-instruct", "Tell me a story")
//!     .max_tokens(200)
//!     .include_usage();
//! ```

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::request::body::{FieldWriter, Fields, null_as_default, serialize_fields, setters};
use crate::chat::request::{Stop, StreamOptions};

/// A request for a completion of a prompt.
///
/// A field that is `None`, or an empty map, is not sent and the server uses its
/// default. Whether the text is streamed is not a field: whoever sends the
/// request decides it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct CompletionRequest {
    /// The model that writes.
    pub model: String,
    /// What to complete. Without it, sent as `null`, the model writes as at
    /// the start of a document.
    #[serde(default)]
    pub prompt: Option<Prompt>,
    /// How many completions are generated for the best [`n`](Self::n) to be
    /// returned, from 0 to 20. Default 1; more cannot be streamed.
    #[serde(default)]
    pub best_of: Option<u32>,
    /// Whether the text begins with the prompt. Default `false`.
    #[serde(default)]
    pub echo: Option<bool>,
    /// Weighs against a token the more often it has come up, from -2 to 2.
    /// Default 0.
    #[serde(default)]
    pub frequency_penalty: Option<f64>,
    /// Makes tokens, by their number, likelier or less likely, from -100
    /// (never) to 100 (always).
    #[serde(default, deserialize_with = "null_as_default")]
    pub logit_bias: BTreeMap<String, i32>,
    /// How many alternatives are reported with the log probability of each
    /// token, from 0 to 5. Default no log probabilities.
    #[serde(default)]
    pub logprobs: Option<u32>,
    /// The most tokens to generate. Default 16.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// How many completions to return for each prompt, from 1 to 128.
    /// Default 1.
    #[serde(default)]
    pub n: Option<u32>,
    /// Weighs against tokens that have come up at all, from -2 to 2.
    /// Default 0.
    #[serde(default)]
    pub presence_penalty: Option<f64>,
    /// Makes sampling repeatable as far as the server can.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Where the text stops; at most four sequences.
    #[serde(default)]
    pub stop: Option<Stop>,
    /// Options of a streamed response, sent only when streaming.
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// What follows the text to be written, for inserting.
    #[serde(default)]
    pub suffix: Option<String>,
    /// How freely tokens are chosen, from 0 to 2. Default 1.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Samples only from the likeliest tokens that together have this
    /// probability, from 0 to 1. Default 1.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// A stable name for the end user, to trace misuse.
    #[serde(default)]
    pub user: Option<String>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl CompletionRequest {
    /// A request to `model` to complete `prompt`.
    pub fn new(model: impl Into<String>, prompt: impl Into<Prompt>) -> Self {
        Self { model: model.into(), prompt: Some(prompt.into()), ..Self::default() }
    }

    /// Makes the token of this number likelier or less likely, from -100
    /// (never) to 100 (always).
    #[must_use]
    pub fn logit_bias(mut self, token: u32, bias: i32) -> Self {
        self.logit_bias.insert(token.to_string(), bias);
        self
    }

    /// Asks for the token counts at the end of a streamed text.
    #[must_use]
    pub fn include_usage(mut self) -> Self {
        self.stream_options.get_or_insert_with(Default::default).include_usage = Some(true);
        self
    }

    /// Sets whether chunks of a streamed text carry random padding.
    #[must_use]
    pub fn include_obfuscation(mut self, include: bool) -> Self {
        self.stream_options.get_or_insert_with(Default::default).include_obfuscation = Some(include);
        self
    }

    /// Sets a field this type does not have, or sends `value` in place of the
    /// field it has.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {
            /// Sets how many completions the best are chosen from, up to 20.
            best_of: u32,
            /// Sets whether the text begins with the prompt.
            echo: bool,
            /// Sets how many alternatives are reported for each token, up to 5.
            logprobs: u32,
            /// Sets the most tokens to generate.
            max_tokens: u32,
            /// Sets how many completions to return, from 1 to 128.
            n: u32,
            /// Sets the seed that makes sampling repeatable.
            seed: i64,
            /// Sets the options of a streamed response.
            stream_options: StreamOptions,
        }
        into {
            /// Sets what to complete.
            prompt: Prompt,
            /// Sets the weight against frequent tokens, from -2 to 2.
            frequency_penalty: f64,
            /// Sets the weight against tokens that have come up, from -2 to 2.
            presence_penalty: f64,
            /// Sets where the text stops; at most four sequences.
            stop: Stop,
            /// Sets what follows the text to be written.
            suffix: String,
            /// Sets how freely tokens are chosen, from 0 to 2.
            temperature: f64,
            /// Sets the probability the sampled tokens have together, from 0
            /// to 1.
            top_p: f64,
            /// Sets the stable name of the end user.
            user: String,
        }
    }
}

impl Fields for CompletionRequest {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("model", &self.model)?;
        out.required("prompt", &self.prompt)?;
        out.optional("best_of", &self.best_of)?;
        out.optional("echo", &self.echo)?;
        out.optional("frequency_penalty", &self.frequency_penalty)?;
        out.non_empty("logit_bias", &self.logit_bias)?;
        out.optional("logprobs", &self.logprobs)?;
        out.optional("max_tokens", &self.max_tokens)?;
        out.optional("n", &self.n)?;
        out.optional("presence_penalty", &self.presence_penalty)?;
        out.optional("seed", &self.seed)?;
        out.optional("stop", &self.stop)?;
        out.optional("stream_options", &self.stream_options)?;
        out.optional("suffix", &self.suffix)?;
        out.optional("temperature", &self.temperature)?;
        out.optional("top_p", &self.top_p)?;
        out.optional("user", &self.user)
    }
}

serialize_fields!(CompletionRequest);

/// What to complete: text or tokens, once or several times.
///
/// Strings, token numbers and lists of either convert into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prompt {
    /// One text.
    Text(String),
    /// Several texts, each completed on its own.
    Texts(Vec<String>),
    /// One text as token numbers.
    Tokens(Vec<u32>),
    /// Several texts as token numbers, each completed on its own.
    TokenLists(Vec<Vec<u32>>),
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Prompt {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Vec<String>> for Prompt {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<Vec<&str>> for Prompt {
    fn from(texts: Vec<&str>) -> Self {
        Self::Texts(texts.into_iter().map(str::to_owned).collect())
    }
}

impl<const N: usize> From<[&str; N]> for Prompt {
    fn from(texts: [&str; N]) -> Self {
        Self::Texts(texts.into_iter().map(str::to_owned).collect())
    }
}

impl From<Vec<u32>> for Prompt {
    fn from(tokens: Vec<u32>) -> Self {
        Self::Tokens(tokens)
    }
}

impl<const N: usize> From<[u32; N]> for Prompt {
    fn from(tokens: [u32; N]) -> Self {
        Self::Tokens(tokens.into())
    }
}

impl From<Vec<Vec<u32>>> for Prompt {
    fn from(lists: Vec<Vec<u32>>) -> Self {
        Self::TokenLists(lists)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{from_value, json, to_string, to_value};

    use super::*;

    /// Every field the API documents except `stream`, each with a value.
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
        let same = request.clone().prompt("Once").stream_options(options);
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
            (vec![vec![1], vec![2]].into(), json!([[1], [2]])),
        ];
        for (prompt, wire) in kinds {
            assert_eq!(to_value(&prompt).unwrap(), wire);
            assert_eq!(from_value::<Prompt>(wire).unwrap(), prompt);
        }
    }
}
