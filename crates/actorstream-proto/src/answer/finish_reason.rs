//! `FinishReason`: why a choice ended.

use crate::json::string_enum::string_enum;
use crate::outcome::ending::{Ending, spelled_out};
use crate::outcome::finish::Status;

string_enum! {
    /// Why a choice ended.
    pub enum FinishReason {
        /// The model finished, or reached a stop sequence.
        Stop = "stop",
        /// The token limit was reached.
        Length = "length",
        /// The model calls tools.
        ToolCalls = "tool_calls",
        /// A content filter removed content.
        ContentFilter = "content_filter",
        /// The model calls a function; deprecated.
        FunctionCall = "function_call",
    }
}

/// Removes a value that is not a finish reason, and replaces an object by the reason that it contains.
#[inline]
pub(crate) fn settle_reason(reason: &mut Option<FinishReason>) {
    if let Some(FinishReason::Other(other)) = reason {
        *reason = match Ending::of(other) {
            Ending::None => None,
            _ => Some(FinishReason::from(&*spelled_out(other))),
        };
    }
}

/// Sets the finish reason of a choice. A reason that says less, such as `stop`, does not replace another reason.
pub(crate) fn settle(into: &mut Option<FinishReason>, reason: &FinishReason) {
    let before = into.as_ref().map_or(Ending::None, |before| Ending::of(before.as_str()));
    if Ending::of(reason.as_str()).supersedes(before) {
        *into = Some(reason.clone());
    }
}

/// Returns the status of a response whose choices ended for these reasons.
pub(crate) fn status<'a>(reasons: impl Iterator<Item = &'a FinishReason>) -> Status {
    let mut reasons = reasons;
    if reasons.any(|reason| Ending::of(reason.as_str()).is_incomplete()) {
        Status::Incomplete
    } else {
        Status::Completed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_stop_undoes_no_reason() {
        for (reasons, settled) in [
            (["tool_calls", "stop"], "tool_calls"),
            (["length", "stop"], "length"),
            (["stop", "tool_calls"], "tool_calls"),
            (["stop", "stop"], "stop"),
            (["tool_calls", "length"], "length"),
            (["tool_calls", "STOP"], "tool_calls"),
            (["length", "eos"], "length"),
            (["length", "new_reason"], "length"),
            (["stop", "new_reason"], "new_reason"),
        ] {
            let mut into = None;
            reasons.iter().for_each(|reason| settle(&mut into, &FinishReason::from(*reason)));
            assert_eq!(into.unwrap(), settled, "{reasons:?}");
        }
    }
}
