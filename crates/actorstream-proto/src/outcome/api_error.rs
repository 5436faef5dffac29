//! Parses the error formats of different servers.

use std::str;

use memchr::memmem;
use serde_json::{Map, Value};

use crate::json::bounded;
use crate::json::hollow::is_hollow;
use crate::outcome::ending::{Ending, reason_in};
use crate::outcome::error::ApiError;
use crate::outcome::error_signs::{
    CODES, MESSAGES, Sign, TYPES, is_error_status, is_named, message_of, names_error, sign_of,
};

/// Fields that describe an error, or that no response has.
const ABOUT: [&str; 16] = [
    "error",
    "errors",
    "type",
    "object",
    "success",
    "status",
    "code",
    "id",
    "created",
    "model",
    "param",
    "message",
    "sequence_number",
    "request_id",
    "result",
    "event_id",
];
/// The message for an error without one.
const WORDLESS: &str = "the server reports an error without saying which";

impl ApiError {
    /// Returns the error that a payload or a body reports, or `None` if it reports none. The formats:
    ///
    /// * nested: `{"error": {"message", "type", "code", "param"}}`, also `{"error": "text"}` and `{"errors": […]}`;
    /// * flat: `{"type": "error", "message", "code", "param"}`, and `{"object": "error", …}`;
    /// * inside a list, a choice, or the `response` of an event;
    /// * a choice whose `finish_reason` reports a failure, or a response whose `status` is `failed`;
    /// * without other content, an envelope: `{"error_code", "error_msg"}`, `{"success": false, "message"}`,
    ///   `{"status": 503, "title", "detail"}` (RFC 9457), `{"__type", "message"}`,
    ///   `{"internalServerException": {…}}`.
    ///
    /// An empty error (`null`, `false`, `""`, `{}`, or an object of such fields) next to other content does not
    /// count as an error.
    pub fn from_json(json: &Value) -> Option<Self> {
        let object = match json {
            Value::Object(object) => object,
            Value::Array(list) => return list.iter().find_map(Self::from_json),
            _ => return None,
        };
        if let Some(error) = stated(json) {
            // The message may be next to an error object without one.
            let wordless = error.as_object().is_some_and(|error| message_of(error).is_none());
            let own = wordless && error.get("error").is_none() && message_of(object).is_some();
            return Some(Self::from_error(if own { json } else { error }, json));
        }
        if object.get("error").is_some_and(|error| !is_hollow(error)) {
            // `true`, or a number: the message is next to it.
            return Some(Self::from_error(json, json));
        }
        let r#type = object.get("type").and_then(Value::as_str).unwrap_or_default();
        if is_error_type(r#type) || object.get("object").is_some_and(|object| object == "error") {
            return Some(Self::from_error(json, json));
        }
        if let Some(response) = object.get("response").filter(|response| response.is_object()) {
            let failed = r#type == "response.failed" || response.get("status").is_some_and(|s| s == "failed");
            match stated(response) {
                Some(error) => return Some(Self::from_error(error, response)),
                None if failed => {
                    return Some(Self::wordless(
                        "the response failed, and the server does not say why",
                        json,
                    ));
                }
                None => {}
            }
        } else if r#type == "response.failed"
            || (object.get("object").is_some_and(|object| object == "response")
                && object.get("status").is_some_and(|status| status == "failed"))
        {
            return Some(Self::wordless("the response failed, and the server does not say why", json));
        }
        if let Some(error) = object
            .get("choices")
            .and_then(Value::as_array)
            .and_then(|choices| Self::in_choices(choices, json))
        {
            return Some(error);
        }
        if let Some(status) = object
            .get("base_resp")
            .filter(|status| !is_hollow(status.get("status_code").unwrap_or(&Value::Null)))
        {
            return Some(Self::from_error(status, json));
        }
        if let Some(sign) = sign_of(json, object).filter(|sign| sign.is_certain) {
            return Some(Self::of_sign(&sign, json));
        }
        // An error without a message is one only if there is no other content, not even a type of another event.
        let marked = ["error", "errors"].iter().any(|name| {
            object.get(*name).is_some_and(|error| !matches!(error, Value::Null | Value::Bool(false)))
        });
        let alone = object.iter().all(|(name, value)| ABOUT.contains(&name.as_str()) || is_hollow(value));
        let typed = !r#type.is_empty() && !names_error(r#type);
        (marked && alone && !typed && !object.contains_key("choices")).then(|| Self::wordless(WORDLESS, json))
    }

    /// Returns the error that an untyped event reports, in a stream whose events have other fields: like
    /// [`ApiError::from_json`], plus a bare `{"detail"}` or `{"message", "code"}`, and an error in an envelope.
    pub(crate) fn from_event(json: &Value) -> Option<Self> {
        if let Value::Array(list) = json {
            return list.iter().find_map(Self::from_event);
        }
        Self::from_json(json).or_else(|| Some(Self::of_sign(&sign_of(json, json.as_object()?)?, json)))
    }

    fn of_sign(sign: &Sign<'_>, json: &Value) -> Self {
        let mut error = Self::from_error(sign.error, json);
        if error.r#type.is_none() {
            error.r#type = sign.r#type.filter(|name| *name != "exception").map(str::to_owned);
        }
        error
    }

    /// Returns the error of a choice.
    fn in_choices(choices: &[Value], json: &Value) -> Option<Self> {
        choices.iter().find_map(|choice| {
            let inner = [Some(choice), choice.get("delta"), choice.get("message")];
            if let Some(error) = inner.into_iter().flatten().find_map(stated) {
                return Some(Self::from_error(error, json));
            }
            let mut reasons = ["finish_reason", "finishReason"].iter().filter_map(|name| choice.get(*name));
            let failed = |reason: &str| Ending::of(reason) == Ending::Failed;
            let stated = reasons.find(|reason| reason_in(reason).is_some_and(failed))?;
            let reason = reason_in(stated)?;
            if stated.get("message").is_some_and(|message| !is_hollow(message)) {
                return Some(Self::from_error(stated, json));
            }
            if let Some(words @ Value::String(_)) = choice.get("message").filter(|words| !is_hollow(words)) {
                return Some(Self { code: Some(reason.to_owned()), ..Self::from_error(words, json) });
            }
            Some(Self::of_reason(reason, json.clone()))
        })
    }

    /// Returns the error of a choice whose finish reason reports a failure.
    pub(crate) fn of_reason(reason: &str, raw: Value) -> Self {
        let message = format!("the answer ended with the finish reason `{reason}`");
        Self { message, code: Some(reason.to_owned()), raw, ..Self::default() }
    }

    fn wordless(message: &str, raw: &Value) -> Self {
        Self { message: message.to_owned(), raw: raw.clone(), ..Self::default() }
    }

    /// Returns the error in the body of a refused request: like [`ApiError::from_json`], plus formats that count only
    /// there: `{"detail"}`, `{"message"}`, an event stream with an error in it.
    pub fn from_body(body: &[u8]) -> Option<Self> {
        let body = body.trim_ascii();
        if let Ok(json) = serde_json::from_slice::<Value>(body) {
            let json = match json {
                // Some servers wrap the error in a list.
                Value::Array(mut list) if list.len() == 1 => list.remove(0),
                json => json,
            };
            return Self::from_json(&json).or_else(|| {
                let object = json.as_object()?;
                let says = object.keys().any(|name| MESSAGES.iter().any(|known| is_named(name, known)));
                says.then(|| Self::from_error(&json, &json))
            });
        }
        let mut rest = body;
        while let Some(at) = memmem::find(rest, b"data:") {
            rest = &rest[at + 5..];
            let line = rest.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
            if let Some(error) = serde_json::from_slice(line).ok().as_ref().and_then(Self::from_json) {
                return Some(error);
            }
        }
        None
    }

    /// Returns the error of an event named `error`, whatever its data.
    pub fn from_error_event(data: &[u8]) -> Self {
        match bounded::json(data) {
            Ok(json) => Self::from_json(&json).unwrap_or_else(|| Self::from_error(&json, &json)),
            Err(_) => {
                let text = String::from_utf8_lossy(data).trim().to_owned();
                let message = if text.is_empty() { WORDLESS.to_owned() } else { text.clone() };
                Self { message, raw: Value::String(text), ..Self::default() }
            }
        }
    }

    /// Parses `error`; `raw` is its enclosing value.
    pub(crate) fn from_error(error: &Value, raw: &Value) -> Self {
        if let Value::Array(list) = error
            && let Some(first) = list.iter().find(|item| !is_hollow(item))
        {
            return Self::from_error(first, raw);
        }
        if error.get("message").is_none_or(is_hollow)
            && let Some(inner) = error.get("error").filter(|inner| inner.is_object() && !is_hollow(inner))
        {
            return Self::from_error(inner, raw);
        }
        let fields = error.as_object();
        let message = match error {
            Value::String(message) => Some(Self::beside(message, raw)),
            _ => fields
                .and_then(|fields| text_of(fields, &MESSAGES))
                .or_else(|| Some(error.to_string()).filter(|_| !is_hollow(error))),
        };
        let message = message.filter(|message| !message.trim().is_empty()).unwrap_or_else(|| WORDLESS.into());
        // If the error is only a text, its code may be next to it.
        let fields = fields.or_else(|| raw.as_object().filter(|_| error.is_string()));
        let field = |names: &[&str]| text_of(fields?, names);
        let r#type = field(&TYPES).filter(|r#type| r#type != "error" && r#type != "about:blank");
        let status = || Some(fields?.get("status")?).filter(|status| is_error_status(status)).map(in_words);
        let code = field(&CODES).or_else(status);
        let param = field(&["param"]).or_else(|| param_in(fields?.get("detail")?));
        Self { message, r#type, code, param, raw: raw.clone() }
    }

    /// Returns the message of an error that is a text, combined with the message next to it, if there is one.
    fn beside(error: &str, raw: &Value) -> String {
        let more = raw.as_object().and_then(message_of).and_then(Value::as_str);
        match more.filter(|more| *more != error && !more.trim().is_empty()) {
            Some(more) => format!("{error}: {more}"),
            None => error.to_owned(),
        }
    }

    /// Returns whether the error is transient: a failure of the server, or too many requests.
    pub(crate) fn is_transient(&self) -> bool {
        let named = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| {
                ["rate_limit", "server_error", "overloaded", "timeout", "unavailable"]
                    .iter()
                    .any(|word| text.contains(word))
            })
        };
        let status = self.code.as_deref().and_then(|code| code.parse::<u16>().ok());
        named(&self.code)
            || named(&self.r#type)
            || status.is_some_and(|status| matches!(status, 408 | 409 | 429 | 500..=599))
    }
}

/// Returns the field `error` or `errors` of an object, unless it is empty.
fn stated(json: &Value) -> Option<&Value> {
    let says = |error: &&Value| !is_hollow(error) && !error.is_boolean() && !error.is_number();
    ["error", "errors", "Error", "ERROR"].iter().find_map(|name| json.get(*name).filter(says))
}

/// Returns the first of these fields that is not empty, as text: preferably one that is a text.
fn text_of(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let find = |says: fn(&Value) -> bool| {
        names.iter().find_map(|known| {
            let mut named = fields.iter().filter(|(name, value)| is_named(name, known) && says(value));
            named.next().map(|(_, value)| in_words(value))
        })
    };
    find(|value| value.is_string() && !is_hollow(value))
        .or_else(|| find(|value| value.is_number() || (!is_hollow(value) && !value.is_boolean())))
}

/// Returns a value as a text: a message in it, the messages of a list, or its JSON.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let messages: Option<Vec<&str>> = list.iter().map(inner_message).collect();
            let messages = messages.filter(|messages| !messages.is_empty());
            messages.map_or_else(|| value.to_string(), |messages| messages.join("; "))
        }
        Value::Object(_) => inner_message(value).map_or_else(|| value.to_string(), str::to_owned),
        other => other.to_string(),
    }
}

fn inner_message(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| message_of(value.as_object()?)?.as_str())
}

/// Returns the parameter named in a FastAPI list: `[{"loc": ["body", "model"], "msg"}]`.
fn param_in(detail: &Value) -> Option<String> {
    let path = detail.get(0)?.get("loc")?.as_array()?;
    let steps: Vec<String> = path.iter().map(in_words).collect();
    Some(steps.join(".")).filter(|path| !path.is_empty())
}

/// Returns whether an event of this type is an error event.
fn is_error_type(r#type: &str) -> bool {
    const TYPES: [&str; 4] = ["stream_error", "server_error", "internal_error", "api_error"];
    let last = r#type.rsplit('.').next().unwrap_or_default();
    ["error", "exception"].iter().any(|word| last.eq_ignore_ascii_case(word)) || TYPES.contains(&r#type)
}

/// Returns whether an event of this name is an error event.
pub(crate) fn is_error_event(name: Option<&[u8]>) -> bool {
    let Some(name) = name else { return false };
    str::from_utf8(name).is_ok_and(|name| is_error_type(name.trim()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_of_an_error_payload() {
        let nested = ApiError::from_json(
            &json!({"error": {"message": "m", "type": "t", "code": 429, "param": "p"}, "x": 1}),
        )
        .unwrap();
        assert_eq!(
            (
                nested.message.as_str(),
                nested.r#type.as_deref(),
                nested.code.as_deref(),
                nested.param.as_deref()
            ),
            ("m", Some("t"), Some("429"), Some("p"))
        );
        assert_eq!(ApiError::from_json(&json!({"error": "bare"})).unwrap().message, "bare");
        let flat =
            ApiError::from_json(&json!({"type": "error", "message": "m", "code": null, "param": null}))
                .unwrap();
        assert_eq!((flat.message.as_str(), flat.r#type, flat.code), ("m", None, None));
        let vllm = ApiError::from_json(
            &json!({"object": "error", "message": "m", "type": "BadRequestError", "code": 400}),
        );
        assert_eq!(vllm.unwrap().r#type.as_deref(), Some("BadRequestError"));
        for (json, message) in [
            (json!([{"error": {"message": "m"}}]), "m"),
            (json!({"errors": [{"message": "m", "code": 3040}], "success": false}), "m"),
            (json!({"errors": ["m"]}), "m"),
            (json!({"error": [{"message": "m"}]}), "m"),
            (json!({"error": {"error": {"message": "m"}}}), "m"),
            (json!({"error": true, "message": "m"}), "m"),
            (json!({"type": "response.error", "message": "m"}), "m"),
            (json!({"type": "response.failed", "error": {"message": "m"}}), "m"),
            (json!({"type": "response.failed", "response": {"error": {"message": "m"}}}), "m"),
            (json!({"type": "response.created", "response": {}, "error": {"message": "m"}}), "m"),
            (
                json!({"object": "response", "status": "failed", "error": null}),
                "the response failed, and the server does not say why",
            ),
            (json!({"choices": [{"index": 0, "error": {"message": "m"}}]}), "m"),
            (json!({"choices": [{"index": 0, "delta": {"error": "m"}}]}), "m"),
            (json!({"choices": [{"index": 0, "message": {"error": {"message": "m"}}}]}), "m"),
            (
                json!({"choices": [{"finish_reason": "abort"}]}),
                "the answer ended with the finish reason `abort`",
            ),
            (json!({"base_resp": {"status_code": 1004, "status_msg": "m"}}), "m"),
            (json!({"error": {}}), WORDLESS),
            (json!({"error": {"message": "", "code": null}, "id": "x"}), WORDLESS),
        ] {
            assert_eq!(
                ApiError::from_json(&json).unwrap_or_else(|| panic!("{json} is none")).message,
                message,
                "{json}"
            );
        }
        for none in [
            json!({"error": {}, "choices": [{"delta": {"content": "a"}}]}),
            json!({"error": {"message": "", "type": "", "code": null}, "usage": {"total_tokens": 1}}),
            json!({"error": "", "choices": []}),
            json!({"errors": [], "x": 1}),
            json!({"error": [], "type": "response.output_text.delta", "delta": ""}),
            json!({"error": {}, "type": "response.in_progress"}),
            json!({"choices": [{"finish_reason": "stop", "error": null}]}),
            json!({"response": {"error": null, "status": "in_progress"}, "type": "response.created"}),
        ] {
            assert_eq!(ApiError::from_json(&none), None, "{none}");
        }
        for none in [json!({"error": null, "choices": []}), json!({"choices": []}), json!([]), json!("error")]
        {
            assert_eq!(ApiError::from_json(&none), None, "{none}");
        }
    }

    #[test]
    fn words_alone_are_an_error_where_events_look_otherwise() {
        for json in [
            json!({"detail": "m"}),
            json!({"message": "m", "code": 500}),
            json!({"success": false, "message": "m"}),
            json!({"msg": "m", "status": 429, "type": "rate_limit_error"}),
        ] {
            assert_eq!(ApiError::from_event(&json).unwrap().message, "m", "{json}");
        }
        for none in [
            json!({"message": "m"}),
            json!({"message": "m", "code": 1, "choices": []}),
            json!({"type": "note", "message": "m", "code": 1}),
        ] {
            assert_eq!(ApiError::from_event(&none), None, "{none}");
        }
    }

    #[test]
    fn every_shape_of_an_error_body() {
        let message = |body: &str| ApiError::from_body(body.as_bytes()).map(|error| error.message);
        assert_eq!(message(r#"{"detail":"Not Found"}"#).unwrap(), "Not Found");
        assert_eq!(message(r#"{"detail":[{"loc":["body"]}]}"#).unwrap(), r#"[{"loc":["body"]}]"#);
        assert_eq!(message(r#"{"status":"failure","message":"no"}"#).unwrap(), "no");
        assert_eq!(message(r#"[{"error":{"code":400,"message":"no","status":"X"}}]"#).unwrap(), "no");
        assert_eq!(
            message("event: error\r\ndata: {\"error\":{\"message\":\"boom\"}}\n\ndata: [DONE]\n").unwrap(),
            "boom"
        );
        assert_eq!(message("<html>502</html>"), None);
        assert_eq!(message(""), None);
        assert_eq!(ApiError::from_error_event(b"plain words").message, "plain words");
        assert_eq!(ApiError::from_error_event(br#"{"message":"m"}"#).message, "m");
    }
}
