//! The meaning of an event of a chat or text completion for its stream.

use serde::Serialize;
use serde_json::Value;

use crate::answer::finish_reason::FinishReason;
use crate::endpoint::event::Verdict;
use crate::endpoint::typed_event::is_keep_alive;
use crate::json::bounded;
use crate::json::extra::Extra;
use crate::json::hollow::is_hollow;
use crate::json::payload::Payload;
use crate::outcome::ending::Ending;
use crate::outcome::error::ApiError;
use crate::outcome::error_signs::is_telling;

/// What an event of a completion says about failures.
pub(crate) struct Signs<'a> {
    /// Its field `object`.
    pub(crate) object: Option<&'a str>,
    /// The fields that a completion does not have.
    pub(crate) extra: &'a Extra,
    /// Whether a choice ended with a failure.
    pub(crate) failed: bool,
    /// Whether there are no choices.
    pub(crate) bare: bool,
}

/// Returns the meaning of a completion's event for its stream; `payload` is the event as it arrived.
pub(crate) fn verdict(signs: &Signs<'_>, event: &impl Serialize, payload: &Payload) -> Verdict {
    let Signs { object, extra, failed, bare } = *signs;
    let foreign = || bare || extra.get("type").is_some() || extra.names().any(is_telling);
    let suspicious = failed || object == Some("error") || (!extra.is_empty() && foreign());
    if !suspicious {
        return Verdict::Data;
    }
    let r#type = extra.get("type").and_then(Value::as_str);
    if r#type.is_some_and(is_keep_alive) {
        return Verdict::KeepAlive;
    }
    // What a choice says elsewhere is found in the event that was made of it.
    let made = || serde_json::to_value(event).ok().filter(|_| failed);
    let error = error_in(payload).or_else(|| made().as_ref().and_then(ApiError::from_event));
    error.map_or(Verdict::Data, Verdict::Fail)
}

/// Returns whether the texts beside these fields may decide that they report an error.
pub(crate) fn may_report_error(extra: &Extra, bare: bool) -> bool {
    let says = |name| extra.get(name).is_some_and(|value| bare || !is_hollow(value));
    extra.names().any(|name| is_telling(name) && says(name))
}

/// Returns the error that an event of a completion reports.
pub(crate) fn error_in(payload: &Payload) -> Option<ApiError> {
    bounded::json(payload.as_bytes()).ok().as_ref().and_then(ApiError::from_event)
}

/// Returns whether a choice ended with a failure.
pub(crate) fn is_failed(reason: Option<&FinishReason>, extra: &Extra) -> bool {
    let states = |error: Option<&Value>| error.is_some_and(|error| !is_hollow(error));
    let inside = |name: &str| states(extra.get(name).and_then(|message| message.get("error")));
    matches!(reason, Some(FinishReason::Other(reason)) if Ending::of(reason) == Ending::Failed)
        || (!extra.is_empty() && (states(extra.get("error")) || inside("delta") || inside("message")))
}
