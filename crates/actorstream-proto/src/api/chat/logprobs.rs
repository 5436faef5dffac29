//! How much of the memory log probabilities take.

use super::completion::{Logprobs, TokenLogprob, TopLogprob};
use crate::json::deferred::Deferred;

/// About how many bytes log probabilities hold once somebody has looked at them; `json` is how long their JSON is, which they
/// hold too.
pub(super) fn weight(logprobs: &Deferred<Logprobs>, json: usize) -> usize {
    let Some(counts) = logprobs.counts() else { return json };
    if !counts.has_unknown {
        // The objects are the tokens, and the one that they are in. Their strings take no more than the JSON.
        let tokens = size_of::<TokenLogprob>() * (counts.objects as usize).saturating_sub(1);
        return json + tokens + size_of::<u32>() * counts.numbers as usize;
    }
    // Unknown fields may take far more than their JSON.
    let lists = [&logprobs.content, &logprobs.refusal];
    json + logprobs.extra.weight() + lists.into_iter().flatten().flatten().map(of_token).sum::<usize>()
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
        let weigh = |json: &str| {
            let payload = Bytes::copy_from_slice(json.as_bytes());
            let (logprobs, end) = Deferred::in_line(&payload, 0).unwrap();
            weight(&logprobs, end)
        };
        let plain =
            r#"{"content":[{"token":":","logprob":-0.5,"bytes":[97],"top_logprobs":[]}],"refusal":null}"#;
        assert_eq!(weigh(plain), plain.len() + size_of::<TokenLogprob>() + size_of::<u32>());
        let vast = format!("[{}0]", "0,".repeat(999));
        for (fields, each) in [
            (r#""content":[{"x":0}]"#, size_of::<Value>()),
            (r#""content":[{"content":0}]"#, size_of::<Value>()),
            (r#""content":[{"refusal":0}]"#, size_of::<Value>()),
            (r#""content":[{"\"bytes":0}]"#, size_of::<Value>()),
            (r#""content":[{"top_logprobs":[{"content":0}]}]"#, size_of::<Value>()),
            (r#""content":[{"top_logprobs":[{"top_logprobs":0}]}]"#, size_of::<Value>()),
            (r#""content":[],"token":0"#, size_of::<Value>()),
            (r#""content":[{"bytes":0}]"#, size_of::<u32>()),
            (r#""content":[{"top_logprobs":[{"bytes":0}]}]"#, size_of::<u32>()),
        ] {
            let json = format!("{{{}}}", fields.replace('0', &vast));
            assert!(weigh(&json) >= 1000 * each, "{fields}");
        }
        let tokens = format!(r#"{{"content":[{}{{}}]}}"#, "{},".repeat(999));
        assert!(weigh(&tokens) >= 1000 * size_of::<TokenLogprob>());
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
        let (logprobs, _) = Deferred::<Logprobs>::in_line(&vast.into(), 0).unwrap();
        assert_eq!(serde_json::to_value(&logprobs).unwrap(), json!({"content": [{"token": "a", "x": null}]}));
    }
}
