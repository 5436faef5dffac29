//! `Record`s: the lines of `--jsonl`.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use actorstream::proto::json::base64::encode;
use actorstream::proto::json::payload::Payload;
use actorstream::{ApiError, Finish, StreamError, Text, Timings};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::shown::Shown;

/// An event.
#[derive(Serialize)]
pub(crate) struct DataRecord<'a, E> {
    /// For named events, the event's name or `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Option<&'a str>>,
    data: &'a E,
    raw: Raw<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Raw<'a> {
    Json(&'a RawValue),
    Text(Cow<'a, str>),
}

impl<'a, E: Shown> DataRecord<'a, E> {
    pub(crate) fn new(event: &'a E) -> Self {
        let payload: &Payload = event.payload();
        let raw = if E::BINARY {
            Raw::Text(encode(payload.as_bytes()).into())
        } else {
            payload.raw_value().map_or_else(|| Raw::Text(payload.text()), Raw::Json)
        };
        Self { event: E::NAMED.then(|| event.name()), data: event, raw }
    }
}

/// The end of a complete stream.
#[derive(Serialize)]
pub(crate) struct FinishRecord<'a> {
    finish: FinishFields<'a>,
    response: Box<RawValue>,
    timings: TimingsFields,
}

#[derive(Serialize)]
struct FinishFields<'a> {
    status: &'static str,
    finish_reasons: &'a [Text],
    sentinel: bool,
    usage: Option<Box<RawValue>>,
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
struct TimingsFields {
    head_ms: Option<f64>,
    first_event_ms: Option<f64>,
    total_ms: f64,
    events: u64,
}

impl<'a> FinishRecord<'a> {
    pub(crate) fn new<R: Serialize>(finish: &'a Finish<R>) -> serde_json::Result<Self> {
        let response = to_raw_value(&*finish.response)?;
        Ok(Self {
            finish: FinishFields {
                status: finish.status.as_str(),
                finish_reasons: &finish.finish_reasons,
                sentinel: finish.sentinel,
                usage: usage(&response),
                request_id: finish.request_id.as_deref(),
            },
            response,
            timings: TimingsFields::new(&finish.timings),
        })
    }
}

/// Returns the usage in a response of any endpoint.
pub(crate) fn usage<'a, U: Deserialize<'a>>(response: &'a RawValue) -> Option<U> {
    #[derive(Deserialize)]
    struct Response<U> {
        usage: Option<U>,
    }
    serde_json::from_str::<Response<U>>(response.get()).ok()?.usage
}

impl TimingsFields {
    fn new(timings: &Timings) -> Self {
        // Microseconds are precise enough, and keep the numbers short.
        let ms = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        Self {
            head_ms: timings.head.map(ms),
            first_event_ms: timings.first_event.map(ms),
            total_ms: ms(timings.total),
            events: timings.events,
        }
    }
}

/// The end of a stream that failed.
#[derive(Serialize)]
pub(crate) struct ErrorRecord<'a, R> {
    error: ErrorFields<'a>,
    partial: Option<&'a R>,
}

#[derive(Serialize)]
struct ErrorFields<'a> {
    kind: &'static str,
    message: &'a str,
    status: Option<u16>,
    r#type: Option<&'a str>,
    code: Option<&'a str>,
    param: Option<&'a str>,
    request_id: Option<&'a str>,
    retryable: bool,
    timeout: Option<&'static str>,
}

impl<'a, R> ErrorRecord<'a, R> {
    /// `message` is the error's message without the request id, which has its own field.
    pub(crate) fn new(error: &'a StreamError, message: &'a str, partial: Option<&'a R>) -> Self {
        let api = error.api();
        let field = |get: fn(&ApiError) -> &Option<String>| api.and_then(|api| get(api).as_deref());
        let fields = ErrorFields {
            kind: error.kind.name(),
            message,
            status: error.status(),
            r#type: field(|api| &api.r#type),
            code: field(|api| &api.code),
            param: field(|api| &api.param),
            request_id: error.request_id.as_deref(),
            retryable: error.is_retryable(),
            timeout: error.timeout().map(actorstream::Timeout::name),
        };
        Self { error: fields, partial }
    }
}

/// Serializes a record as a line.
pub(crate) fn line(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    // Verbatim JSON from the server may span several lines. An unescaped line feed in JSON is white space.
    for byte in line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use actorstream::RawEvent;
    use bytes::Bytes;

    use super::*;

    fn data(payload: &'static str) -> String {
        let mut event = RawEvent::default();
        event.payload = Bytes::from_static(payload.as_bytes()).into();
        String::from_utf8(line(&DataRecord::new(&event)).unwrap()).unwrap()
    }

    #[test]
    fn a_payload_comes_to_the_letter_but_on_one_line() {
        assert_eq!(
            data(r#"{"b": 1.50, "a": "\u00e9"}"#),
            "{\"event\":null,\"data\":{\"b\": 1.50, \"a\": \"\\u00e9\"},\"raw\":{\"b\": 1.50, \"a\": \"\\u00e9\"}}\n"
        );
        assert_eq!(data("{\n\"a\":\n1}"), "{\"event\":null,\"data\":{ \"a\": 1},\"raw\":{ \"a\": 1}}\n");
        assert_eq!(
            data("ping\n\"x"),
            "{\"event\":null,\"data\":\"ping\\n\\\"x\",\"raw\":\"ping\\n\\\"x\"}\n"
        );
    }

    #[test]
    fn an_error_has_all_its_fields() {
        let record = line(&ErrorRecord::<()>::new(&StreamError::config("no"), "no", None)).unwrap();
        assert_eq!(
            String::from_utf8(record).unwrap(),
            concat!(
                r#"{"error":{"kind":"config","message":"no","status":null,"type":null,"code":null,"param":null,"#,
                r#""request_id":null,"retryable":false,"timeout":null},"partial":null}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_usage_is_found_in_any_response() {
        let usage = |response: &str| usage::<u32>(&RawValue::from_string(response.to_owned()).unwrap());
        assert_eq!(usage(r#"{"usage":7}"#), Some(7));
        assert_eq!(usage(r#"{"usage":null}"#), None);
        assert_eq!(usage("{}"), None);
        assert_eq!(usage("null"), None);
    }
}
