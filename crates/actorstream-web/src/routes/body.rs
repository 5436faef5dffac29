//! Request bodies: their format, their time limits, and their memory limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{HttpRequest, mime, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use crate::event::Failure;
use crate::relay::Relay;
use crate::strict_json;

/// The size from which a body is parsed on a blocking thread. On the worker, it would delay other streams.
const LARGE: usize = 64 << 10;
/// The initial capacity for a body, in bytes.
const FIRST: usize = 16 << 10;

/// The bytes of all bodies that this process is receiving.
#[derive(Debug, Default)]
pub(crate) struct Bodies(AtomicUsize);

/// A body, which counts as being received until it is dropped.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Bytes,
    _held: Held,
}

impl Body {
    /// Processes the bytes on a thread where they delay no other stream, and frees them.
    pub(super) async fn read<T: Send + 'static>(
        self,
        read: impl FnOnce(&[u8]) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        if self.bytes.len() < LARGE {
            return read(&self.bytes);
        }
        web::block(move || read(&self.bytes)).await.unwrap_or_else(|_| Err(Failure::aborted()))
    }
}

/// Counts the bytes of one body.
#[derive(Debug)]
struct Held {
    bodies: Arc<Bodies>,
    bytes: usize,
}

impl Held {
    fn grow(&mut self, by: usize, most: usize) -> Result<(), Failure> {
        let all = self.bodies.0.fetch_add(by, Ordering::Relaxed) + by;
        self.bytes += by;
        if all > most {
            let message = "too many requests are being received; try again later";
            return Err(Failure::new(503, "server_error", message).with_code("too_many_bodies"));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bodies.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Receives the body of a request that declares itself as JSON. The caller parses it.
pub(super) async fn json(
    relay: &Relay,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Body, Failure> {
    is_json(request)?;
    receive(relay, request, payload).await
}

/// Receives the body of a request that needs none: empty, or JSON.
pub(super) async fn none_or_json(
    relay: &Relay,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<(), Failure> {
    let body = receive(relay, request, payload).await?;
    if body.bytes.is_empty() {
        return Ok(());
    }
    is_json(request)?;
    strict_json::check(&body.bytes).map(drop)
}

/// Checks that a request declares its body as JSON. Requests that a page of another site can send without a
/// preflight declare something else, or nothing.
fn is_json(request: &HttpRequest) -> Result<(), Failure> {
    let refused = || {
        let message = "the body must be JSON in UTF-8: send it with Content-Type: application/json";
        Err(Failure::new(415, "invalid_request_error", message).with_code("unsupported_content_type"))
    };
    let mut values = request.headers().get_all(CONTENT_TYPE);
    let (Some(value), None) = (values.next(), values.next()) else { return refused() };
    let Some(media_type) = value.to_str().ok().and_then(|value| value.parse::<mime::Mime>().ok()) else {
        return refused();
    };
    let json = media_type.type_() == mime::APPLICATION
        && (media_type.subtype() == mime::JSON || media_type.suffix() == Some(mime::JSON));
    let utf8 = media_type.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8);
    if json && utf8 { Ok(()) } else { refused() }
}

/// Receives a body within its limits of size and time.
async fn receive(relay: &Relay, request: &HttpRequest, mut payload: web::Payload) -> Result<Body, Failure> {
    let settings = &relay.0.settings;
    let most = settings.max_body;
    let too_large = || {
        let message = format!("the request is larger than the {most} bytes that it may have");
        Failure::new(413, "invalid_request_error", message).with_code("body_too_large")
    };
    let coded =
        |value: &&actix_web::http::header::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if request.headers().get_all(CONTENT_ENCODING).any(|value| coded(&value)) {
        let message = "a compressed body is not read: send it without Content-Encoding";
        return Err(
            Failure::new(415, "invalid_request_error", message).with_code("unsupported_content_encoding")
        );
    }
    let length =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let mut held = Held { bodies: Arc::clone(&relay.0.bodies), bytes: 0 };
    let mut bytes = BytesMut::new();
    let start = Instant::now();
    let end = start + settings.body_time;
    loop {
        let silence = Instant::now() + settings.body_silence;
        let Ok(next) = timeout_at(end.min(silence), payload.next()).await else {
            let message = "the body of the request did not come in time";
            return Err(Failure::new(408, "invalid_request_error", message).with_code("body_timeout"));
        };
        let Some(chunk) = next else { break };
        let chunk =
            chunk.map_err(|error| Failure::invalid(format!("the body of the request broke: {error}")))?;
        if bytes.len() + chunk.len() > most {
            return Err(too_large());
        }
        held.grow(chunk.len(), settings.max_bodies)?;
        if bytes.capacity() - bytes.len() < chunk.len() {
            // Double the capacity, but not beyond the announced length. A client that announces much and sends
            // little then takes little memory.
            let rest = length.map_or(most, |length| length as usize).saturating_sub(bytes.len());
            bytes.reserve(rest.min(bytes.len().max(FIRST)).max(chunk.len()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { bytes: bytes.freeze(), _held: held })
}
