//! `Verbatim`: an unstreamed response, byte for byte, whatever its content.

use std::borrow::Cow;

use bytes::Bytes;

use crate::endpoint::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use crate::endpoint::{Endpoint, Method};
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::request::multipart::RequestBody;
use crate::sse::Frame;

/// An endpoint whose unstreamed responses are passed on byte for byte, as in a gateway. The body of a 2xx response is
/// not parsed, so an error in it is not an error of the call. The request is sent unchanged.
///
/// Use it with `create` only: a stream of it ends only with its body.
#[derive(Debug, Clone)]
pub struct Verbatim {
    method: Method,
    path: Cow<'static, str>,
}

impl Verbatim {
    /// Creates an endpoint with this method and path; the path may contain a query.
    pub fn new(method: Method, path: impl Into<Cow<'static, str>>) -> Self {
        Self { method, path: path.into() }
    }
}

impl Endpoint for Verbatim {
    type Event = VerbatimEvent;

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.path)
    }

    fn method(&self) -> Method {
        self.method
    }

    fn prepare(&self, _: &mut RequestBody, _: bool) {}

    fn is_verbatim(&self) -> bool {
        true
    }
}

/// An event of an unparsed response.
#[derive(Debug)]
pub struct VerbatimEvent(Payload);

impl Event for VerbatimEvent {
    type Response = Bytes;
    type Accumulator = NoResponse;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        Ok(Decoded { event: Self(frame.data.into()), verdict: Verdict::Data })
    }

    fn decode_whole(body: &[u8]) -> Result<Bytes, DecodeError> {
        Ok(Bytes::copy_from_slice(body))
    }

    fn finish_reasons(_: &Bytes) -> Vec<Text> {
        Vec::new()
    }

    fn payload(&self) -> &Payload {
        &self.0
    }
}

/// Accumulates nothing.
#[derive(Debug, Default)]
pub struct NoResponse;

impl Accumulator<VerbatimEvent> for NoResponse {
    fn push(&mut self, _: &mut VerbatimEvent, _: bool) {}

    fn size(&self) -> usize {
        0
    }

    fn is_complete(&self, _: usize) -> bool {
        false
    }

    fn take(&mut self) -> Bytes {
        Bytes::new()
    }
}
