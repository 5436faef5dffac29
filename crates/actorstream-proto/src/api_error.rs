//! Reads an error out of whatever shape a server gives it.

use std::str;

use memchr::memmem;
use serde_json::Value;

use crate::error::ApiError;
use crate::frugal;

impl ApiError {
    /// The error that a payload or a body reports, or `None` if it reports none. The shapes:
    ///
    /// * nested: `{"error": {"message", "type", "code", "param"}}`, also `{"error": "text"}`; `"error": null` is none;
    /// * flat: `{"type": "error", "message", "code", "param"}`, and `{"object": "error", …}`.
    pub fn from_json(json: &Value) -> Option<Self> {
        let object = json.as_object()?;
        match object.get("error") {
            Some(Value::Null) | None => {}
            Some(Value::Bool(false)) => {}
            Some(error) => return Some(Self::from_error(error, json)),
        }
        let is = |field: &str| object.get(field).and_then(Value::as_str) == Some("error");
        (is("type") || is("object")).then(|| Self::from_error(json, json))
    }

    /// The error that the body of a refused request reports: as [`ApiError::from_json`], then the shapes that only
    /// count there: `{"detail"}`, `{"message"}`, an event stream with an error in it.
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
                let known = ["detail", "message", "errors", "html-message"];
                known.iter().any(|field| object.contains_key(*field)).then(|| Self::from_error(&json, &json))
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

    /// The error of an event that is named `error`, whatever its data holds.
    pub fn from_error_event(data: &[u8]) -> Self {
        match frugal::json(data) {
            Ok(json) => Self::from_json(&json).unwrap_or_else(|| Self::from_error(&json, &json)),
            Err(_) => {
                let text = String::from_utf8_lossy(data).into_owned();
                Self { message: text.clone(), raw: Value::String(text), ..Self::default() }
            }
        }
    }

    /// Reads `error`; `raw` is what it came in.
    pub(crate) fn from_error(error: &Value, raw: &Value) -> Self {
        let text = |names: &[&str]| {
            names.iter().find_map(|name| match error.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Null => None,
                other => Some(other.to_string()),
            })
        };
        let message = match error {
            Value::String(message) => message.clone(),
            _ => text(&["message", "detail", "error", "errors", "html-message"])
                .filter(|message| !message.is_empty())
                .unwrap_or_else(|| error.to_string()),
        };
        let r#type = text(&["type"]).filter(|r#type| r#type != "error");
        Self { message, r#type, code: text(&["code"]), param: text(&["param"]), raw: raw.clone() }
    }

    /// Whether the error is of a kind that passes: the server's own trouble or too many requests.
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

/// Whether an event of this name is an error event.
pub(crate) fn is_error_event(name: Option<&[u8]>) -> bool {
    let Some(name) = name.map(<[u8]>::trim_ascii) else { return false };
    name == b"error" || (!name.is_ascii() && str::from_utf8(name).is_ok_and(|name| name.trim() == "error"))
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
        for none in [json!({"error": null, "choices": []}), json!({"choices": []}), json!([]), json!("error")]
        {
            assert_eq!(ApiError::from_json(&none), None, "{none}");
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
