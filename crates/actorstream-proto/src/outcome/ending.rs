//! `Ending`: the meaning of a finish reason, across the vocabularies of servers.

use std::borrow::Cow;

use serde_json::Value;

/// The meaning of a finish reason, in the vocabularies of OpenAI, Anthropic, Google, Mistral, Amazon Bedrock,
/// Cohere, and gateways to them.
///
/// ```
/// use actorstream_proto::outcome::ending::Ending;
///
/// assert_eq!(Ending::of("MAX_TOKENS"), Ending::Length);
/// assert_eq!(Ending::of("content_filter: SAFETY"), Ending::ContentFilter);
/// assert!(Ending::of("pause_turn").is_incomplete());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// No reason, although the field is present.
    None,
    /// The model finished, or reached a stop sequence.
    Stop,
    /// The model calls tools.
    ToolCalls,
    /// The token limit was reached, or the context is full.
    Length,
    /// A filter removed content, or the model refused to continue.
    ContentFilter,
    /// The response was cut short for another reason.
    CutShort,
    /// The server failed.
    Failed,
    /// An unknown reason; the response counts as complete.
    Other,
}

const NONE: [&str; 4] = ["null", "none", "not_finished", "unfinished"];
const STOP: [&str; 19] = [
    "stop",
    "stopped",
    "stop_sequence",
    "stop_token",
    "stop_word",
    "stop_string",
    "eos",
    "eos_token",
    "eot",
    "end",
    "end_turn",
    "end_of_turn",
    "end_of_text",
    "end_of_sequence",
    "complete",
    "completed",
    "finished",
    "done",
    "normal",
];
const TOOL_CALLS: [&str; 6] =
    ["tool_calls", "tool_call", "tool_use", "tools", "function_call", "function_calls"];
const LENGTH: [&str; 20] = [
    "length",
    "max_tokens",
    "max_output_tokens",
    "max_completion_tokens",
    "max_new_tokens",
    "max_length",
    "max_len",
    "max_context",
    "max_context_length",
    "model_length",
    "token_limit",
    "token_limit_reached",
    "max_tokens_reached",
    "limit",
    "length_limit",
    "budget_exceeded",
    "context_length",
    "context_length_exceeded",
    "context_window_exceeded",
    "model_context_window_exceeded",
];
const CONTENT_FILTER: [&str; 18] = [
    "safety",
    "image_safety",
    "recitation",
    "image_recitation",
    "language",
    "blocklist",
    "blocked",
    "prohibited_content",
    "image_prohibited_content",
    "spii",
    "model_armor",
    "sensitive",
    "moderation",
    "refusal",
    "refused",
    "risk",
    "policy_violation",
    "safety_filter",
];
/// The first words of reasons that report a filter: `content_filtered`, `guardrail_intervened`.
const FILTERS: [&str; 3] = ["content_filter", "content_policy", "guardrail"];
const CUT_SHORT: [&str; 19] = [
    "time_limit",
    "incomplete",
    "interrupted",
    "pause",
    "pause_turn",
    "compaction",
    "max_messages",
    "max_turns",
    "steered",
    "repetition",
    "function_call_filter",
    "malformed_function_call",
    "malformed_tool_use",
    "malformed_model_output",
    "malformed_response",
    "unexpected_tool_call",
    "too_many_tool_calls",
    "missing_thought_signature",
    "no_image",
];
/// Reasons that report a failure, besides those that contain `error` or `exception`.
const FAILED: [&str; 17] = [
    "abort",
    "aborted",
    "cancelled",
    "canceled",
    "user_cancel",
    "disconnect",
    "failed",
    "failure",
    "insufficient_system_resource",
    "insufficient_quota",
    "quota_exceeded",
    "rate_limit",
    "rate_limited",
    "rate_limit_exceeded",
    "overloaded",
    "timeout",
    "unavailable",
];

impl Ending {
    /// Returns what a finish reason means. Case and separators are ignored, as is everything after a colon
    /// (`content_filter: SAFETY`) or before a dot (`FinishReason.STOP`). If a reason is JSON (`{"type": "length"}`),
    /// the reason in it counts.
    pub fn of(reason: &str) -> Self {
        match reason {
            "stop" => return Self::Stop,
            "tool_calls" => return Self::ToolCalls,
            "length" => return Self::Length,
            _ => {}
        }
        let reason = spelled_out(reason);
        let word = reason.split(':').next().unwrap_or_default();
        let word = word.rsplit('.').next().unwrap_or_default();
        let is = |known: &&str| letters(known).eq(letters(word));
        let begins = |known: &&str| {
            letters(known).all({
                let mut word = letters(word);
                move |letter| word.next() == Some(letter)
            })
        };
        let lower = reason.to_ascii_lowercase();
        if letters(word).next().is_none() || NONE.iter().any(is) {
            Self::None
        } else if STOP.iter().any(is) {
            Self::Stop
        } else if TOOL_CALLS.iter().any(is) {
            Self::ToolCalls
        } else if LENGTH.iter().any(is) {
            Self::Length
        } else if CONTENT_FILTER.iter().any(is) || FILTERS.iter().any(begins) {
            Self::ContentFilter
        } else if CUT_SHORT.iter().any(is) {
            Self::CutShort
        } else if FAILED.iter().any(is) || lower.contains("error") || lower.contains("exception") {
            Self::Failed
        } else {
            Self::Other
        }
    }

    /// Returns whether the response was cut short: it is incomplete, although the server did not fail.
    pub fn is_incomplete(self) -> bool {
        matches!(self, Self::Length | Self::ContentFilter | Self::CutShort)
    }

    /// Returns whether a reason of this meaning replaces the previous one. Some servers write `stop` after another
    /// reason, or into every chunk.
    pub(crate) fn supersedes(self, before: Self) -> bool {
        match self {
            Self::None | Self::Stop => before == Self::None,
            Self::Other => matches!(before, Self::None | Self::Stop | Self::Other),
            _ => true,
        }
    }
}

/// Returns the letters and digits of a word, in lower case.
fn letters(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Returns the reason in a JSON object, which SGLang sends: `{"type": "length", "length": 16}`.
pub(crate) fn spelled_out(reason: &str) -> Cow<'_, str> {
    if !reason.trim_start().starts_with('{') {
        return Cow::Borrowed(reason);
    }
    let json: Option<Value> = serde_json::from_str(reason).ok();
    let inner = json.as_ref().and_then(reason_in).map(str::to_owned);
    inner.map_or(Cow::Borrowed(reason), Cow::Owned)
}

/// Returns the reason that a value is or contains.
pub(crate) fn reason_in(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| ["type", "reason"].iter().find_map(|name| value.get(*name)?.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_in_the_words_of_many_servers() {
        for (ending, reasons) in [
            (Ending::None, &["", " ", "null", "None", "NULL", "not_finished", "-"][..]),
            (
                Ending::Stop,
                &["stop", "STOP", "eos", "COMPLETE", "endTurn", "stop-sequence", "FinishReason.STOP"],
            ),
            (Ending::ToolCalls, &["tool_calls", "TOOL_CALL", "tool-use", "function_call"]),
            (Ending::Length, &["length", "MAX_TOKENS", "Max Tokens", "maxOutputTokens", "model_length"]),
            (
                Ending::Length,
                &[" length ", "model_context_window_exceeded", "{\"type\":\"length\",\"length\":16}"],
            ),
            (
                Ending::ContentFilter,
                &["content_filter", "content-filter", "content_filtered", "ContentFilter"],
            ),
            (
                Ending::ContentFilter,
                &["content_filter: PROHIBITED_CONTENT", "SAFETY", "guardrail_intervened"],
            ),
            (
                Ending::ContentFilter,
                &["sensitive", "refusal", "refused", "RECITATION", "content_policy_violation", "risk"],
            ),
            (Ending::CutShort, &["function_call_filter: MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL"]),
            (Ending::CutShort, &["pause_turn", "malformed_model_output", "max_messages", "max_turns"]),
            (Ending::Failed, &["network_error", "ERROR", "abort", "insufficient_system_resource", "Timeout"]),
            (
                Ending::Failed,
                &[
                    "error: reset",
                    "rate_limit_exceeded",
                    "insufficient_quota",
                    "{\"type\":\"abort\",\"message\":\"m\"}",
                    "throttlingException",
                ],
            ),
            (Ending::Other, &["new_reason", "OTHER", "{\"a\":1}", "停止"]),
        ] {
            for reason in reasons {
                assert_eq!(Ending::of(reason), ending, "{reason:?}");
            }
        }
    }

    #[test]
    fn a_reason_that_says_less_supersedes_none() {
        for (before, later, supersedes) in [
            ("tool_calls", "STOP", false),
            ("length", "eos", false),
            ("length", "new_reason", false),
            ("stop", "new_reason", true),
            ("stop", "length", true),
            ("tool_calls", "length", true),
            ("stop", "tool_calls", true),
        ] {
            assert_eq!(Ending::of(later).supersedes(Ending::of(before)), supersedes, "{before} {later}");
        }
    }
}
