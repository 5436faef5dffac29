//! Bodies that are read as a whole: unstreamed responses, refusals, and whatever arrived in place of a stream.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use super::page;
use super::{Body, BodyEnd, End, Session};
use crate::endpoint::Framing;
use crate::endpoint::event::{Decoded, Event, Verdict};
use crate::json::bounded;
use crate::json::decode_error::DecodeError;
use crate::outcome::error::{ApiError, ErrorKind, Limit, Refused};
use crate::outcome::finish::Status;

impl<E: Event> Session<E> {
    /// Ends a body that is read as a whole when it exceeds its limit.
    pub(super) fn check_whole(&mut self, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        let Body::Whole(body) = &mut self.body else { return None };
        let limits = &self.settings.limits;
        let space = body.len() - body.trim_ascii_start().len();
        let may_be_json = body.get(space).is_none_or(|first| matches!(first, b'{' | b'['));
        let whole = self.settings.framing == Framing::Whole;
        // However the body is split: white space alone decides nothing, and what exceeds the limit does.
        if self.head.is_success() && (whole || may_be_json || space > limits.body) {
            let (limit, max) = (Limit::Body, limits.body);
            return (body.len() > max).then(|| self.fail(ErrorKind::Limit { limit, max }, now));
        }
        if body.len() <= limits.error_body {
            return None;
        }
        body.truncate(limits.error_body);
        let body = std::mem::take(body).freeze();
        self.end_whole(&body, &BodyEnd::Clean, now, out)
    }

    /// Handles the end of a body that was read as a whole, or enough of it.
    pub(super) fn end_whole(
        &mut self,
        body: &Bytes,
        end: &BodyEnd,
        now: Instant,
        out: &mut Vec<E>,
    ) -> Option<End<E>> {
        if !self.head.is_success() {
            return self.refused(body, now);
        }
        let is_readable = self.head.unreadable(body).is_none();
        if let (Framing::Whole, BodyEnd::Clean, true) =
            (self.settings.framing, end, self.head.is_plain_text() && is_readable)
            && let Some(answer) = E::decode_text(body)
        {
            return Some(self.end_answer(answer, body, now));
        }
        if !self.settings.verbatim
            && let Some(error) = error_in_body(body)
        {
            return Some(self.fail(ErrorKind::Provider(Arc::new(error)), now));
        }
        if self.settings.framing != Framing::Whole || !is_readable {
            if self.settings.framing == Framing::Events
                && *end == BodyEnd::Clean
                && let events = E::whole(body)
                && !events.is_empty()
            {
                return self.whole_instead(events, now, out);
            }
            if let Some(error) = self.error_instead(body) {
                return Some(self.fail(error, now));
            }
            let kind = ErrorKind::NotAStream {
                content_type: self.head.describe_body().map(Into::into),
                body: self.excerpt(body).into(),
            };
            return self.fail_or_break(kind, now);
        }
        if let BodyEnd::Cut(_) = end {
            return self.truncated(end, now);
        }
        let none = page::is_none(self.head.status, self.head.content_type.as_deref(), body);
        // A verbatim body may be anything, even empty.
        let answer = match none.filter(|_| !self.settings.verbatim) {
            Some(why) => Err(DecodeError(why)),
            None => E::decode_whole(body),
        };
        Some(self.end_answer(answer, body, now))
    }

    /// Ends an unstreamed call with its decoded body.
    fn end_answer(&mut self, answer: Result<E::Response, DecodeError>, body: &[u8], now: Instant) -> End<E> {
        match answer {
            Ok(response) => self.finish_with(response, Status::Completed, true, now),
            Err(error) => {
                let kind = self.error_instead(body).unwrap_or_else(|| ErrorKind::Malformed {
                    payload: self.excerpt(body).into(),
                    detail: error.0.into(),
                });
                self.fail(kind, now)
            }
        }
    }

    /// Returns the error that a body reports which is no response: `{"code", "message"}` counts only there.
    fn error_instead(&self, body: &[u8]) -> Option<ErrorKind> {
        let json = bounded::json(body).ok().filter(|_| !self.settings.verbatim)?;
        ApiError::from_event(&json).map(|error| ErrorKind::Provider(Arc::new(error)))
    }

    /// Handles a complete response where a stream was requested, which these events stand for.
    fn whole_instead(&mut self, events: Vec<Decoded<E>>, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        let mut status = Status::Completed;
        for Decoded { event, verdict } in events {
            if let Verdict::Finish(own) = verdict {
                status = own;
            }
            out.push(event);
            if let Some(end) = self.add(now, out) {
                return Some(end);
            }
        }
        Some(self.finish(status, true, now))
    }

    pub(super) fn refused(&mut self, body: &[u8], now: Instant) -> Option<End<E>> {
        let refused = Refused {
            status: self.head.status,
            error: ApiError::from_body(body),
            body: self.excerpt(body),
            retry_after: self.head.retry_after,
            should_retry: self.head.should_retry,
            url: self.settings.url.as_deref().map(str::to_owned),
            location: self.head.location.clone(),
        };
        self.fail_or_break(ErrorKind::Refused(Arc::new(refused)), now)
    }

    /// Returns a body as text, truncated at the limit for error bodies.
    fn excerpt(&self, body: &[u8]) -> String {
        if let Some(unreadable) = self.head.unreadable(body) {
            return unreadable;
        }
        let most = self.settings.limits.error_body.min(body.len());
        String::from_utf8_lossy(&body[..most]).into_owned()
    }
}

/// Returns the error in a body where a stream or a response was expected: JSON, or a text that begins with JSON.
fn error_in_body(body: &[u8]) -> Option<ApiError> {
    let first = match bounded::json(body) {
        Ok(json) => json,
        Err(_) => serde_json::Deserializer::from_slice(body).into_iter::<Value>().next()?.ok()?,
    };
    ApiError::from_json(&first)
}
