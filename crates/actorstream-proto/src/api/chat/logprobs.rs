//! How much of the memory log probabilities take.

use memchr::memchr_iter;

use super::completion::{Logprobs, TokenLogprob, TopLogprob};
use crate::json::deferred::Deferred;

/// The names of the documented fields, in quotes.
const NAMES: [&[u8]; 6] =
    [b"\"token\"", b"\"logprob\"", b"\"bytes\"", b"\"top_logprobs\"", b"\"content\"", b"\"refusal\""];

/// About how many bytes log probabilities hold once somebody has looked at them. `json` is their JSON, which they hold too.
pub(super) fn weight(logprobs: &Deferred<Logprobs>, json: &[u8]) -> usize {
    let is_documented = |colon: usize| NAMES.iter().any(|name| json[..colon].ends_with(name));
    if memchr_iter(b':', json).all(is_documented) {
        // The objects are the tokens, and the one that they are in. Their strings and numbers take no more than the JSON.
        let objects = memchr_iter(b'{', json).count();
        return json.len() + size_of::<TokenLogprob>() * objects.saturating_sub(1);
    }
    // Other fields may take far more than their JSON.
    let lists = [&logprobs.content, &logprobs.refusal];
    json.len() + logprobs.extra.weight() + lists.into_iter().flatten().flatten().map(of_token).sum::<usize>()
}

fn of_token(token: &TokenLogprob) -> usize {
    let numbers = |bytes: &Option<Vec<u32>>| bytes.as_ref().map_or(0, |bytes| size_of_val(&**bytes));
    let tops = token
        .top_logprobs
        .iter()
        .flatten()
        .map(|top| size_of::<TopLogprob>() + top.token.len() + numbers(&top.bytes) + top.extra.weight());
    size_of::<TokenLogprob>()
        + token.token.len()
        + numbers(&token.bytes)
        + token.extra.weight()
        + tops.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::chat::ChatCompletionChunk;
    use crate::session::head::Head;
    use crate::session::{OnMalformed, Session, Settings};

    #[test]
    fn what_nobody_documented_counts_as_what_it_becomes() {
        let weigh =
            |json: &str| weight(&Deferred::new(Bytes::copy_from_slice(json.as_bytes())), json.as_bytes());
        let plain =
            r#"{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}],"refusal":null}"#;
        assert_eq!(weigh(plain), plain.len() + size_of::<TokenLogprob>());
        for (json, least) in [
            (
                format!(r#"{{"content":[{{"token":"a","x":[{}0]}}]}}"#, "0,".repeat(1000)),
                1000 * size_of::<Value>(),
            ),
            (
                format!(r#"{{"content":[{{"token":":","bytes":[{}0]}}]}}"#, "0,".repeat(999)),
                1000 * size_of::<u32>(),
            ),
            (format!(r#"{{"content":[],"x":[{}0]}}"#, "0,".repeat(1000)), 1000 * size_of::<Value>()),
            (format!(r#"{{"content":[{}{{}}]}}"#, "{},".repeat(1000)), 1000 * size_of::<TokenLogprob>()),
        ] {
            assert!(weigh(&json) > least, "{json}");
        }
    }

    /// The last event is no longer read as one where a line end stands in it, however the others were read.
    #[test]
    fn log_probabilities_end_with_their_line() {
        let chunk = |text: &str, between: &str| {
            format!(
                "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"logprobs\":\
                 {{\"content\":[{{\"token\":\"{text}\",\"logprob\":-0.5}}],{between}\"refusal\":null}}}}]}}\n\n"
            )
        };
        for between in ["", " ", "\n", "\n\n", "\r", "\r\n\r\n"] {
            let wire: String =
                ["a", "b", "c", "d"].map(|text| chunk(text, "")).concat() + &chunk("e", between);
            let now = Instant::now();
            let mut texts = Vec::new();
            for len in [wire.len(), 1] {
                let settings = Settings { on_malformed: OnMalformed::Skip, ..Settings::default() };
                let mut session = Session::<ChatCompletionChunk>::new(settings, now, 1);
                session.on_sent(now);
                session.on_head(Head::read(200, |_| None), now);
                let mut events = Vec::new();
                for read in wire.as_bytes().chunks(len) {
                    session.on_bytes(Bytes::copy_from_slice(read), now, &mut events);
                }
                let text = |event: &ChatCompletionChunk| event.content().map(str::to_owned);
                texts.push(events.iter().filter_map(text).collect::<String>());
            }
            let expected = if between.trim_matches(' ').is_empty() { "abcde" } else { "abcd" };
            assert_eq!(texts, [expected, expected], "{between:?}");
        }
    }

    #[test]
    fn vast_unknown_fields_take_nothing_of_the_rest() {
        let vast = format!(r#"{{"content":[{{"token":"a","x":[{}0]}}]}}"#, "0,".repeat(100_000));
        let logprobs = Deferred::<Logprobs>::new(vast.into());
        assert_eq!(serde_json::to_value(&logprobs).unwrap(), json!({"content": [{"token": "a", "x": null}]}));
    }
}
