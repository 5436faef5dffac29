//! The signs of an error in an object without the field `error`: the envelopes of gateways, clouds and frameworks.
//!
//! Names are compared without case and separators, since servers write `error_code`, `errorCode` and `ErrorCode`.

use serde_json::{Map, Value};

use crate::json::hollow::is_hollow;

/// The names of an error message, the most specific first.
pub(super) const MESSAGES: [&str; 21] = [
    "message",
    "errormessage",
    "errormsg",
    "errmsg",
    "errordescription",
    "detail",
    "error",
    "errors",
    "htmlmessage",
    "msg",
    "statusmsg",
    "statusmessage",
    "description",
    "title",
    "exception",
    "reason",
    "details",
    "errordetail",
    "errordetails",
    "err",
    "faultstring",
];
/// The names of a code.
pub(super) const CODES: [&str; 5] = ["code", "statuscode", "errorcode", "errcode", "errno"];
/// The names of a class of error.
pub(super) const TYPES: [&str; 2] = ["type", "errortype"];

/// Names of messages that occur only in errors.
const NAMED_MESSAGES: [&str; 7] =
    ["errormessage", "errormsg", "errmsg", "err", "errordescription", "errordetail", "errordetails"];
const NAMED_CODES: [&str; 3] = ["errorcode", "errcode", "errno"];
/// Names of a number that may be an HTTP status.
const STATUSES: [&str; 5] = ["status", "code", "statuscode", "httpstatus", "httpcode"];
/// Names of a code that may stand for success.
const RESULTS: [&str; 5] = ["code", "statuscode", "resultcode", "retcode", "ret"];
/// Flags that are `false` for a failure.
const FLAGS: [&str; 5] = ["success", "ok", "succeeded", "successful", "issuccess"];
/// Flags that are `true` for a failure.
const FAILURES: [&str; 2] = ["iserror", "haserror"];
/// Objects that may contain the error instead of the response.
const HOLDERS: [&str; 6] = ["data", "result", "body", "payload", "response", "responsemetadata"];
/// Objects with the status of the request: those of iFlytek and Google.
const ENVELOPES: [&str; 2] = ["header", "status"];
/// Words for success or progress.
const FINE: [&str; 24] = [
    "ok",
    "okay",
    "success",
    "succeeded",
    "successful",
    "successfully",
    "true",
    "none",
    "null",
    "normal",
    "complete",
    "completed",
    "done",
    "finished",
    "inprogress",
    "incomplete",
    "queued",
    "pending",
    "processing",
    "running",
    "started",
    "working",
    "active",
    "ready",
];
/// Words for failure.
const FAILED: [&str; 8] =
    ["error", "errored", "fail", "failed", "failure", "exception", "rejected", "unsuccessful"];
/// Fields that hold content.
const CONTENT: [&str; 20] = [
    "choices",
    "usage",
    "delta",
    "output",
    "outputs",
    "data",
    "response",
    "item",
    "part",
    "content",
    "text",
    "candidates",
    "completion",
    "generatedtext",
    "token",
    "result",
    "results",
    "toolcalls",
    "payload",
    "body",
];

/// An error that an object reports without the field `error`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign<'a> {
    /// Whether it is an error in any stream, and not only in one where an event without content can mean nothing
    /// else.
    pub(super) is_certain: bool,
    /// The object that describes it.
    pub(super) error: &'a Value,
    /// The name of the exception, if it is the name of the field.
    pub(super) r#type: Option<&'a str>,
}

/// Returns the sign of an error in an object; `json` is that object.
pub(super) fn sign_of<'a>(json: &'a Value, object: &'a Map<String, Value>) -> Option<Sign<'a>> {
    let certain = |error| Some(Sign { is_certain: true, error, r#type: None });
    let likely = |error| Some(Sign { is_certain: false, error, r#type: None });
    let r#type = object.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_event = !r#type.is_empty() && !names_error(r#type) && !is_problem(r#type);
    let says = message_of(object).is_some();
    let has_status = any(object, &STATUSES, is_error_status);
    if is_event {
        return None;
    }
    let named_message = any(object, &NAMED_MESSAGES, says_something);
    let named_code = any(object, &NAMED_CODES, is_failure);
    if named_message && named_code {
        return certain(json);
    }
    if let Some(envelope) = envelope_of(object) {
        return certain(envelope);
    }
    if has_content(object) {
        return None;
    }
    if let Some((name, error)) = exception_of(object) {
        return Some(Sign { is_certain: true, error, r#type: Some(name) });
    }
    let is_flagged = any(object, &FLAGS, |value| *value == false || value == "false")
        || any(object, &FAILURES, |value| *value == true)
        || any(object, &["status", "state", "result"], |value| is_word(value, &FAILED));
    let has_coded_failure = any(object, &RESULTS, is_failure) || any(object, &["status"], is_failed_status);
    let named = named_message || named_code;
    if says && (named || is_flagged || has_status || names_error(r#type) || object.contains_key("__type")) {
        return certain(json);
    }
    // A chunk with empty choices is still a chunk.
    if object.contains_key("choices") {
        return None;
    }
    if named || is_flagged || has_status || (says && has_coded_failure) {
        return likely(json);
    }
    if object.get("detail").is_some_and(|detail| !is_hollow(detail)) {
        return likely(json);
    }
    object.iter().find_map(|(name, value)| likely(held_error(name, value)?))
}

/// Returns the error that an object of this name contains instead of a response.
fn held_error<'a>(name: &str, value: &'a Value) -> Option<&'a Value> {
    let held = value.as_object().filter(|_| HOLDERS.iter().any(|known| is_named(name, known)))?;
    let error = held.get("error").or_else(|| held.get("Error"))?;
    if error.is_object() && !is_hollow(error) { Some(error) } else { None }
}

/// Returns whether a field of this name makes it worth looking for [signs](sign_of) in an object with content.
pub(crate) fn is_telling(name: &str) -> bool {
    let is = |known: &&str| is_named(name, known);
    match name.as_bytes().first().map(u8::to_ascii_lowercase) {
        Some(b'e') => ["error", "errors"].iter().chain(&NAMED_MESSAGES).chain(&NAMED_CODES).any(is),
        Some(b'b') => is(&"baseresp"),
        Some(b'h' | b's') => ENVELOPES.iter().any(is),
        _ => false,
    }
}

/// Returns whether a field of this name may be a [sign](sign_of) of an error in an object without content.
pub(crate) fn may_tell(name: &str) -> bool {
    let names = [&MESSAGES[..], &NAMED_MESSAGES, &NAMED_CODES, &STATUSES, &FLAGS, &ENVELOPES];
    names.iter().any(|names| names.iter().any(|known| is_named(name, known)))
        || name == "__type"
        || is_exception(name)
}

/// Returns the message of an object, if it is a text that reports no success.
pub(super) fn message_of(object: &Map<String, Value>) -> Option<&Value> {
    let is_message = |value: &Value| match value {
        Value::String(_) => says_something(value),
        _ => false,
    };
    MESSAGES.iter().find_map(|known| {
        object.iter().find(|(name, value)| is_named(name, known) && is_message(value)).map(|(_, value)| value)
    })
}

/// Returns whether two names are the same; `known` is in lower case, without separators.
pub(super) fn is_named(name: &str, known: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).eq(known.bytes())
}

/// Returns whether a code reports a failure: a number that is neither 0 nor an HTTP status of success, or a word
/// other than those for success.
pub(super) fn is_failure(code: &Value) -> bool {
    match code {
        Value::Number(number) => {
            number.as_f64().is_some_and(|number| number != 0.0 && !(200.0..300.0).contains(&number))
        }
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => number != 0.0 && !(200.0..300.0).contains(&number),
            Err(_) => says_something(code),
        },
        _ => false,
    }
}

/// Returns whether a status reports a failure: as a number, as a word for it, or as a constant such as
/// `RESOURCE_EXHAUSTED`. Any other word may describe progress.
fn is_failed_status(status: &Value) -> bool {
    match status {
        Value::String(text) if text.trim().parse::<f64>().is_err() => {
            let is_constant =
                text.contains('_') && !text.contains(|letter: char| letter.is_ascii_lowercase());
            is_word(status, &FAILED) || (is_constant && says_something(status))
        }
        _ => is_failure(status),
    }
}

/// Returns whether a number, or its digits, is the HTTP status of an error.
pub(super) fn is_error_status(value: &Value) -> bool {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.is_some_and(|number| (400.0..600.0).contains(&number))
}

/// Returns whether the word names a type of error.
pub(crate) fn names_error(r#type: &str) -> bool {
    r#type.contains("rror") || r#type.contains("xception") || r#type.contains("fail")
}

/// Returns whether a type is that of an RFC 9457 problem: a URI, or a reference to one.
pub(crate) fn is_problem(r#type: &str) -> bool {
    r#type == "about:blank"
        || r#type.contains("://")
        || ["/", "urn:", "tag:"].iter().any(|start| r#type.starts_with(start))
}

fn any(object: &Map<String, Value>, names: &[&str], is: impl Fn(&Value) -> bool) -> bool {
    object.iter().any(|(name, value)| is(value) && names.iter().any(|known| is_named(name, known)))
}

/// Returns whether a value is not empty and not a word for success.
fn says_something(value: &Value) -> bool {
    !is_hollow(value) && !is_word(value, &FINE)
}

fn is_word(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|text| words.iter().any(|word| is_named(text, word)))
}

fn has_content(object: &Map<String, Value>) -> bool {
    object.iter().any(|(name, value)| match value {
        // Choices are content even if they are still empty.
        Value::Array(list) if name == "choices" => !list.is_empty(),
        // A message of the model.
        Value::Object(message) if name == "message" => !is_hollow(value) && message_of(message).is_none(),
        Value::Object(_) if held_error(name, value).is_some() => false,
        Value::String(_) if name == "result" => !is_word(value, &FAILED) && !is_hollow(value),
        _ => !is_hollow(value) && CONTENT.iter().any(|known| is_named(name, known)),
    })
}

/// Returns the object with the status of the request, if that is a failure.
fn envelope_of(object: &Map<String, Value>) -> Option<&Value> {
    object.iter().find_map(|(name, value)| {
        let status = value.as_object().filter(|_| ENVELOPES.iter().any(|known| is_named(name, known)))?;
        let failed = any(status, &CODES, is_failure);
        (failed && message_of(status).is_some()).then_some(value)
    })
}

/// Returns the exception that a field names: `{"internalServerException": {"message"}}`, `{"exception": "text"}`,
/// `{"fault": {"faultstring"}}`.
fn exception_of(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, value) = object.iter().find(|(name, value)| {
        is_exception(name) && !is_hollow(value) && matches!(value, Value::Object(_) | Value::String(_))
    })?;
    Some((name, value))
}

fn is_exception(name: &str) -> bool {
    // Apigee calls it a fault.
    if name == "fault" {
        return true;
    }
    name.len() >= "exception".len()
        && name.is_char_boundary(name.len() - "exception".len())
        && name[name.len() - "exception".len()..].eq_ignore_ascii_case("exception")
}
