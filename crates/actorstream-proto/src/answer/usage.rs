//! `Usage`: the token usage of a chat or text completion.

use serde_json::Value;

use crate::json::extra::Extra;
use crate::json::hollow::is_hollow;
use crate::json::lenient::coerce;

crate::object! {
    /// The token usage of a completion.
    pub struct Usage {
        /// Tokens of the prompt.
        pub prompt_tokens: u64,
        /// Tokens of the response, including reasoning.
        pub completion_tokens: u64,
        /// The total.
        pub total_tokens: u64,
        /// Details of the prompt's tokens.
        pub prompt_tokens_details: Option<PromptTokensDetails>,
        /// Details of the response's tokens.
        pub completion_tokens_details: Option<CompletionTokensDetails>,
    }

    /// Details of a prompt's tokens.
    pub struct PromptTokensDetails {
        /// Cached tokens.
        pub cached_tokens: Option<u64>,
        /// Tokens written to the cache.
        pub cache_write_tokens: Option<u64>,
        /// Audio tokens.
        pub audio_tokens: Option<u64>,
        /// Text tokens.
        pub text_tokens: Option<u64>,
        /// Image tokens.
        pub image_tokens: Option<u64>,
    }

    /// Details of a response's tokens.
    pub struct CompletionTokensDetails {
        /// Reasoning tokens, which the response does not show.
        pub reasoning_tokens: Option<u64>,
        /// Audio tokens.
        pub audio_tokens: Option<u64>,
        /// Text tokens.
        pub text_tokens: Option<u64>,
        /// Tokens of the prediction that were accepted.
        pub accepted_prediction_tokens: Option<u64>,
        /// Tokens of the prediction that were rejected.
        pub rejected_prediction_tokens: Option<u64>,
    }
}

/// Other names of the counts, in their order.
const NAMES: [&[&str]; 3] = [
    &["promptTokens", "input_tokens", "inputTokens", "promptTokenCount", "prompt_eval_count"],
    &["completionTokens", "output_tokens", "outputTokens", "candidatesTokenCount", "eval_count"],
    &["totalTokens", "totalTokenCount"],
];
/// The names of the object that counts.
const OBJECTS: [&str; 7] =
    ["usage", "usageMetadata", "usage_metadata", "usage_info", "token_usage", "tokenUsage", "Usage"];

fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

impl Usage {
    /// Reads counts under other names: of Anthropic, Google and SDKs in JavaScript.
    pub(crate) fn settle(&mut self) {
        if self.extra.is_empty() {
            return;
        }
        for (at, names) in NAMES.iter().enumerate() {
            let at = at as u32;
            let count = names.iter().find_map(|name| count(self.extra.get(name)?));
            if let Some(count) = count.filter(|_| !self.extra.has(at)) {
                match at {
                    0 => self.prompt_tokens = count,
                    1 => self.completion_tokens = count,
                    _ => self.total_tokens = count,
                }
                self.extra.absent &= !(1 << at);
                self.extra.nulls &= !(1 << at);
            }
        }
    }

    /// Returns whether it is empty: some servers send `{}`, or only `null` values.
    pub(crate) fn is_hollow(&self) -> bool {
        !(0..3).any(|count| self.extra.has(count))
            && self.prompt_tokens_details.is_none()
            && self.completion_tokens_details.is_none()
            && self.extra.iter().all(|(_, value)| is_hollow(value))
    }

    /// Returns whether it counts nothing, or zero tokens only, so that another usage takes precedence.
    pub(crate) fn says_nothing(&self) -> bool {
        self.is_zero() || self.is_hollow()
    }

    fn is_zero(&self) -> bool {
        (self.prompt_tokens, self.completion_tokens, self.total_tokens) == (0, 0, 0)
    }

    /// Merges a later usage. Missing values replace nothing. Returns whether anything is new.
    pub(crate) fn update(into: &mut Option<Self>, later: &Self) -> bool {
        if later.is_hollow() || (into.is_some() && later.is_zero()) {
            return false;
        }
        let is_new = into.as_ref() != Some(later);
        let mut usage = later.clone();
        if let Some(before) = into.take() {
            for (number, count, before) in [
                (0, &mut usage.prompt_tokens, before.prompt_tokens),
                (1, &mut usage.completion_tokens, before.completion_tokens),
                (2, &mut usage.total_tokens, before.total_tokens),
            ] {
                if !later.extra.has(number) {
                    *count = before;
                }
            }
            usage.prompt_tokens_details = usage.prompt_tokens_details.or(before.prompt_tokens_details);
            usage.completion_tokens_details =
                usage.completion_tokens_details.or(before.completion_tokens_details);
        }
        *into = Some(usage);
        is_new
    }

    /// Returns a usage from another place than OpenAI's: an object of a gateway (`x_groq`), or a choice.
    pub(crate) fn elsewhere(extra: &Extra) -> Option<Self> {
        if !Self::may_be_in(extra) {
            return None;
        }
        let own = OBJECTS.iter().filter_map(|name| extra.get(name));
        let inner = extra.iter().filter_map(|(_, value)| value.get("usage"));
        own.chain(inner).find_map(|usage| {
            let mut usage: Self = coerce(usage.as_object()?.clone().into())?;
            usage.settle();
            (!usage.is_hollow()).then_some(usage)
        })
    }

    /// Returns whether a usage may stand in one of these fields, whatever they say.
    pub(crate) fn may_be_in(extra: &Extra) -> bool {
        extra.names().any(|name| OBJECTS.contains(&name)) || extra.may_hold("usage")
    }

    /// Returns whether a field of this name is a count that [decides](Self::says_nothing) about the usage.
    pub(crate) fn is_count(name: &[u8]) -> bool {
        let names = ["prompt_tokens", "completion_tokens", "total_tokens"];
        names.iter().chain(NAMES.into_iter().flatten()).any(|known| known.as_bytes() == name)
    }

    /// Converts to the type of the output view.
    pub(crate) fn tokens(&self) -> crate::answer::output::Tokens {
        let prompt = self.prompt_tokens_details.as_ref();
        let answer = self.completion_tokens_details.as_ref();
        crate::answer::output::Tokens {
            input: self.prompt_tokens,
            cached: prompt.and_then(|details| details.cached_tokens).unwrap_or(0),
            output: self.completion_tokens,
            reasoning: answer.and_then(|details| details.reasoning_tokens).unwrap_or(0),
            total: self.total_tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn add_up(usages: &[Value]) -> Option<[u64; 3]> {
        let mut into = None;
        for usage in usages {
            Usage::update(&mut into, &serde_json::from_value(usage.clone()).unwrap());
        }
        into.map(|usage| [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens])
    }

    #[test]
    fn an_empty_count_is_none_and_undoes_none() {
        let whole = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
        let nulls = json!({"prompt_tokens": null, "completion_tokens": null, "total_tokens": null});
        let zeros = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
        for hollow in [json!({}), nulls, json!({"cost": 0, "note": ""})] {
            assert_eq!(add_up(std::slice::from_ref(&hollow)), None, "{hollow}");
            assert_eq!(add_up(&[whole.clone(), hollow.clone()]), Some([3, 2, 5]), "{hollow}");
        }
        assert_eq!(add_up(&[whole.clone(), zeros.clone()]), Some([3, 2, 5]));
        assert_eq!(add_up(&[zeros.clone(), whole.clone()]), Some([3, 2, 5]));
        assert_eq!(add_up(&[zeros]), Some([0, 0, 0]), "what the server says it says");
        assert_eq!(add_up(&[whole, json!({"completion_tokens": 4})]), Some([3, 4, 5]));
    }

    #[test]
    fn it_is_found_where_gateways_put_it() {
        let count = json!({"prompt_tokens": 3, "completion_tokens": "2", "total_tokens": 5.0});
        for fields in [
            json!({"usage": count}),
            json!({"x_groq": {"id": "r", "usage": count}}),
            json!({"a": 1, "meta": {"usage": count}}),
        ] {
            let mut extra = Extra::default();
            fields.as_object().unwrap().iter().for_each(|(name, value)| extra.insert(name, value.clone()));
            let usage = Usage::elsewhere(&extra).unwrap();
            assert_eq!(
                (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
                (3, 2, 5),
                "{fields}"
            );
        }
    }
}
