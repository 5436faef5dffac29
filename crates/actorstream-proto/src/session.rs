//! `Session`: the life of one attempt at a stream as a state machine: head, bytes and time in, events and one end out.
//!
//! No socket, no clock, no runtime: whoever drives it says what happened and what time it is, and takes what comes
//! out. Every row of the contract that is about what a server does is decided here.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::api_error::is_error_event;
use crate::budget::{Budget, Deadlines};
use crate::error::{ApiError, ErrorKind, Limit, Refused, StreamError};
use crate::event::{Accumulator, Decoded, Event, Memory, Verdict};
use crate::finish::{Finish, Outcome, Status};
use crate::frugal;
use crate::head::Head;
pub use crate::settings::{Framing, OnMalformed, Settings};
use crate::sse::{Frame, Sniff, SseDecoder, sniff};
use crate::timings::Stopwatch;

/// How a body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEnd {
    /// As its framing said it would, or by a close where there was no framing.
    Clean,
    /// Before its framing said so, or by an error; this is what happened.
    Cut(String),
}

/// How many bytes of a body are looked at until it counts as an event stream: more than any field's name.
const UNKNOWN: usize = 64;

/// What the body turned out to be.
#[derive(Debug)]
enum Body {
    /// The head has not arrived.
    Awaited,
    /// The first bytes of a successful answer, which do not tell yet.
    Unknown(BytesMut),
    /// An event stream.
    Events,
    /// Bytes that are events as they come.
    Bytes,
    /// Something to be read whole: an error's body, an unstreamed answer, no event stream.
    Whole(BytesMut),
}

/// One attempt at a stream.
#[derive(Debug)]
pub struct Session<E: Event> {
    settings: Arc<Settings>,
    deadlines: Deadlines,
    stopwatch: Stopwatch,
    head: Head,
    body: Body,
    sse: SseDecoder,
    memory: E::Memory,
    accumulator: E::Accumulator,
    /// An event was seen, of whatever kind.
    any_event: bool,
    /// The number of the last event, where events have one.
    last: Option<u64>,
    /// The stream goes on after it broke: what comes again is not new.
    resumed: bool,
    /// What broke the stream, which can go on.
    broken: Option<ErrorKind>,
    attempt: u32,
    ended: bool,
}

/// From where a broken stream can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumePoint {
    /// The response's id.
    pub id: String,
    /// The number of the last event that has come.
    pub after: u64,
}

/// The end of a session: what is left is to deliver it.
pub type End<E> = Outcome<<E as Event>::Response>;

impl<E: Event> Session<E> {
    /// A session whose stream was `started` at that instant; its total budget has run since then. `attempt` counts
    /// from 1.
    pub fn new(settings: impl Into<Arc<Settings>>, started: Instant, attempt: u32) -> Self {
        let settings = settings.into();
        Self {
            deadlines: Deadlines::new(settings.budgets.clone(), started),
            stopwatch: Stopwatch::new(started),
            head: Head::default(),
            body: Body::Awaited,
            sse: SseDecoder::new(settings.limits.event),
            memory: E::Memory::default(),
            accumulator: E::Accumulator::default(),
            any_event: false,
            last: None,
            resumed: false,
            broken: None,
            attempt,
            ended: false,
            settings,
        }
    }

    /// The instant at which to call [`Session::on_timeout`], unless something changes before.
    pub fn deadline(&self) -> Option<Instant> {
        if self.ended { None } else { self.deadlines.next().map(|(at, _)| at) }
    }

    /// An instant before which there is no [deadline](Self::deadline), which costs less to tell.
    pub fn no_deadline_before(&self) -> Option<Instant> {
        if self.ended { None } else { self.deadlines.none_before() }
    }

    /// Whether the end has come out.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether an event has come out, so that the request must not be sent again.
    pub fn has_delivered(&self) -> bool {
        self.any_event
    }

    /// From where the stream can go on, if it can: it is one that the server keeps, and its events are numbered.
    pub fn resume_point(&self) -> Option<ResumePoint> {
        let known = self.settings.response_id.as_deref();
        let id = self.accumulator.resumable().or(known).filter(|_| self.settings.resume)?;
        Some(ResumePoint { id: id.to_owned(), after: self.last? })
    }

    /// What broke the stream, if it broke and can go on: then no end has come out, and it is either
    /// [reconnected](Self::reconnect) or [failed](Self::fail).
    pub fn broken(&self) -> Option<&ErrorKind> {
        self.broken.as_ref()
    }

    /// A broken stream goes on: a request for what comes after its resume point is on its way. What comes again all the
    /// same is left out.
    pub fn reconnect(&mut self, now: Instant) {
        self.broken = None;
        self.resumed = true;
        self.body = Body::Awaited;
        self.sse = SseDecoder::new(self.settings.limits.event);
        self.on_sent(now);
    }

    /// An attempt to go on came to nothing; the stream is as broken as it was.
    pub fn on_reconnect_failed(&mut self, kind: ErrorKind) {
        self.broken = Some(kind);
    }

    /// The events that come are those after this number: for a stream that somebody else began.
    pub fn start_after(&mut self, after: u64) {
        self.last = Some(after);
        self.resumed = true;
    }

    /// The request waits for a place among the client's streams.
    pub fn on_queued(&mut self, now: Instant) {
        self.deadlines.start(Budget::Queue, now);
    }

    /// The request is on its way.
    pub fn on_sent(&mut self, now: Instant) {
        self.deadlines.stop(Budget::Queue);
        if self.settings.framing != Framing::Whole {
            self.deadlines.start(Budget::FirstEvent, now);
        }
    }

    /// The head of the answer has arrived.
    pub fn on_head(&mut self, head: Head, now: Instant) {
        self.stopwatch.head(now);
        let readable = head.is_success() && head.content_encoding.is_none();
        self.body = match self.settings.framing {
            Framing::Events if readable => Body::Unknown(BytesMut::new()),
            Framing::Bytes if readable && !head.announces_text() => Body::Bytes,
            Framing::Events | Framing::Bytes | Framing::Whole => Body::Whole(BytesMut::new()),
        };
        if !head.is_success() {
            // The error is known; its body may take no longer than a pause in a stream.
            self.deadlines.stop(Budget::FirstEvent);
            self.deadlines.start(Budget::Idle, now);
        }
        self.head = head;
    }

    /// Bytes of the body have arrived: events go to `out`, and the end, if this is it, comes back.
    pub fn on_bytes(&mut self, bytes: Bytes, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        if self.ended || self.broken.is_some() {
            return None;
        }
        if self.settings.framing != Framing::Whole {
            self.deadlines.start(Budget::Idle, now);
        }
        match &mut self.body {
            Body::Awaited => None,
            Body::Events => self.decode(bytes, now, out),
            Body::Bytes if bytes.is_empty() => None,
            Body::Bytes => self.on_event(Frame { event: None, data: bytes }, now, out, false),
            Body::Unknown(start) => {
                start.extend_from_slice(&bytes);
                // No more than that is looked at, however much came at once.
                match sniff(&start[..start.len().min(UNKNOWN)]) {
                    Sniff::More if start.len() < UNKNOWN => None,
                    Sniff::More | Sniff::Events => {
                        // The usual case copies nothing: the first read says it.
                        let read = if start.len() == bytes.len() { bytes } else { start.split().freeze() };
                        self.body = Body::Events;
                        self.decode(read, now, out)
                    }
                    Sniff::Other => {
                        let start = std::mem::take(start);
                        self.body = Body::Whole(start);
                        self.check_whole(now)
                    }
                }
            }
            Body::Whole(whole) => {
                whole.extend_from_slice(&bytes);
                self.check_whole(now)
            }
        }
    }

    /// The body has ended.
    pub fn on_body_end(&mut self, end: &BodyEnd, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        if self.ended || self.broken.is_some() {
            return None;
        }
        match std::mem::replace(&mut self.body, Body::Awaited) {
            Body::Awaited => self.truncated(end, now),
            // What it would have become nobody knows.
            Body::Unknown(_) if matches!(end, BodyEnd::Cut(_)) => self.truncated(end, now),
            Body::Unknown(start) => self.end_whole(&start, end, now),
            Body::Whole(whole) => self.end_whole(&whole, end, now),
            Body::Bytes => match end {
                BodyEnd::Clean if self.any_event => Some(self.finish(Status::Completed, true, now)),
                BodyEnd::Clean => self.end_whole(&[], end, now),
                BodyEnd::Cut(_) => self.truncated(end, now),
            },
            Body::Events => {
                if let Some(frame) = self.sse.finish() {
                    // What no blank line ended counts if it is whole, and only then.
                    if let Some(end) = self.on_frame(frame, now, out, true) {
                        return Some(end);
                    }
                }
                let complete = self.accumulator.is_complete(self.settings.choices)
                    || (self.settings.ends_on_close && self.any_event);
                match end {
                    BodyEnd::Clean if complete => Some(self.finish(Status::Completed, false, now)),
                    end => self.truncated(end, now),
                }
            }
        }
    }

    /// The time is `now`: the end comes back if a budget has run out.
    pub fn on_timeout(&mut self, now: Instant) -> Option<End<E>> {
        if self.ended {
            return None;
        }
        let (budget, after) = self.deadlines.expired(now)?;
        if let Body::Whole(body) = &mut self.body
            && !self.head.is_success()
        {
            // The server has refused; that its explanation does not come is no reason to hide it.
            let body = std::mem::take(body);
            return self.refused(&body, now);
        }
        Some(self.fail(ErrorKind::Timeout { budget, after }, now))
    }

    /// The target does not keep up, so nothing is read: silence is not the server's.
    pub fn pause(&mut self) {
        self.deadlines.stop(Budget::Idle);
        self.deadlines.stop(Budget::Stall);
    }

    /// Reading goes on.
    pub fn resume(&mut self, now: Instant) {
        if self.broken.is_some() {
            return;
        }
        self.deadlines.start(Budget::Idle, now);
        if self.any_event {
            self.deadlines.start(Budget::Stall, now);
        }
    }

    /// Servers repeat a key that they refuse.
    fn redact(&self, kind: &mut ErrorKind) {
        for secret in &*self.settings.secrets {
            kind.redact(secret);
        }
    }

    /// The server's id of the request, which is whatever it likes.
    fn request_id(&self) -> Option<String> {
        let mut id = self.head.request_id.clone()?;
        for secret in &*self.settings.secrets {
            id = secret.redact(&id).into_owned();
        }
        Some(id)
    }

    /// Ends the session, unless the stream can go on.
    fn fail_or_break(&mut self, mut kind: ErrorKind, now: Instant) -> Option<End<E>> {
        if self.resume_point().is_none() {
            return Some(self.fail(kind, now));
        }
        self.redact(&mut kind);
        self.broken = Some(kind);
        for budget in [Budget::FirstEvent, Budget::Idle, Budget::Stall] {
            self.deadlines.stop(budget);
        }
        if !self.deadlines.runs(Budget::Resume) {
            self.deadlines.start(Budget::Resume, now);
        }
        None
    }

    /// Ends the session with an error from outside: the transport's, a cancellation.
    pub fn fail(&mut self, mut kind: ErrorKind, now: Instant) -> End<E> {
        self.redact(&mut kind);
        self.ended = true;
        let mut error = StreamError::new(kind);
        error.request_id = self.request_id();
        error.timings = self.stopwatch.stop(now);
        error.attempts = self.attempt;
        Err(if self.any_event { error.with_partial(Arc::new(self.accumulator.take())) } else { error })
    }

    fn decode(&mut self, read: Bytes, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        self.sse.feed(read);
        while !self.sse.is_done() {
            if self.memory.recall_next(&mut self.sse, out) {
                if let Some(end) = self.accept_data(now, out) {
                    return Some(end);
                }
                continue;
            }
            match self.sse.next_frame() {
                Ok(Some(frame)) => {
                    if let Some(end) = self.on_frame(frame, now, out, false) {
                        return Some(end);
                    }
                }
                Ok(None) => return None,
                Err(too_long) => {
                    return Some(self.fail(ErrorKind::Limit { limit: Limit::Event, max: too_long.0 }, now));
                }
            }
        }
        None
    }

    /// An event has arrived; `unterminated` if the body ended in it, in which case half an event is none.
    fn on_frame(
        &mut self,
        frame: Frame,
        now: Instant,
        out: &mut Vec<E>,
        unterminated: bool,
    ) -> Option<End<E>> {
        match frame.data.first() {
            Some(b'[') if frame.data.trim_ascii_end() == b"[DONE]" => {
                return Some(self.finish(Status::Completed, true, now));
            }
            // Some servers send their comments as data.
            Some(b':') => return None,
            _ => {}
        }
        self.on_event(frame, now, out, unterminated)
    }

    /// An event has arrived that is neither `[DONE]` nor a comment.
    fn on_event(
        &mut self,
        frame: Frame,
        now: Instant,
        out: &mut Vec<E>,
        unterminated: bool,
    ) -> Option<End<E>> {
        let named_error = is_error_event(frame.event.as_deref());
        let frame = if named_error {
            self.sse.expect_nothing();
            frame
        } else {
            match self.memory.recall(frame, out) {
                Ok(()) => return self.accept_data(now, out),
                Err(frame) => frame,
            }
        };
        let data = frame.data.clone();
        let Decoded { event, verdict } = match E::decode(frame, &mut self.memory) {
            Ok(decoded) => decoded,
            Err(_) if named_error && !unterminated => {
                return Some(
                    self.fail(ErrorKind::Provider(Arc::new(ApiError::from_error_event(&data))), now),
                );
            }
            Err(_) if unterminated => return None,
            Err(_) if self.settings.on_malformed == OnMalformed::Skip => {
                self.stopwatch.skipped();
                return None;
            }
            Err(error) => {
                let payload = String::from_utf8_lossy(&data[..data.len().min(4 << 10)]);
                let kind = ErrorKind::Malformed { payload: payload.into(), detail: error.0.into() };
                return Some(self.fail(kind, now));
            }
        };
        out.push(event);
        match verdict {
            Verdict::Data | Verdict::KeepAlive | Verdict::FinishChoice | Verdict::Finish(_)
                if named_error =>
            {
                self.accept(Verdict::Fail(ApiError::from_error_event(&data)), now, out)
            }
            verdict => self.accept(verdict, now, out),
        }
    }

    /// The last event of `out` has just come; it is taken out again if it is not for the target.
    fn accept(&mut self, verdict: Verdict, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        if let ControlFlow::Break(end) = self.number(now, out) {
            return end;
        }
        match verdict {
            Verdict::KeepAlive => None,
            Verdict::Fail(error) => {
                out.pop();
                Some(self.fail(ErrorKind::Provider(Arc::new(error)), now))
            }
            Verdict::Data => self.add(now, out),
            Verdict::Finish(status) => self.add(now, out).or_else(|| Some(self.finish(status, true, now))),
            Verdict::FinishChoice => self.add(now, out).or_else(|| {
                let complete = self.accumulator.is_complete(self.settings.choices);
                complete.then(|| self.finish(Status::Completed, true, now))
            }),
        }
    }

    /// The same for an event that is data.
    #[inline]
    fn accept_data(&mut self, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        match self.number(now, out) {
            ControlFlow::Continue(()) => self.add(now, out),
            ControlFlow::Break(end) => end,
        }
    }

    /// Looks at the number of the last event of `out`, where events have one: whether it is new, and the next.
    #[inline]
    fn number(&mut self, now: Instant, out: &mut Vec<E>) -> ControlFlow<Option<End<E>>> {
        let Some(number) = out.last().and_then(E::sequence_number) else { return ControlFlow::Continue(()) };
        if self.resumed && self.last.is_some_and(|last| number <= last) {
            out.pop();
            return ControlFlow::Break(None);
        }
        if self.resumed && self.last.is_some_and(|last| number > last + 1) {
            out.pop();
            let detail = format!("the server went on with event {number}, not with the one that follows");
            return ControlFlow::Break(Some(self.fail(ErrorKind::truncated(detail), now)));
        }
        self.last = Some(number);
        ControlFlow::Continue(())
    }

    /// Adds the last event of `out` to the response.
    #[inline]
    fn add(&mut self, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        let event = out.last_mut()?;
        self.any_event = true;
        self.stopwatch.event(now);
        self.deadlines.stop(Budget::FirstEvent);
        self.deadlines.stop(Budget::Resume);
        self.deadlines.start(Budget::Stall, now);
        self.accumulator.push(event, self.settings.keep_response);
        let max = self.settings.limits.response;
        if self.accumulator.size() > max {
            out.pop();
            return Some(self.fail(ErrorKind::Limit { limit: Limit::Response, max }, now));
        }
        None
    }

    fn finish(&mut self, status: Status, sentinel: bool, now: Instant) -> End<E> {
        let response = self.accumulator.take();
        self.finish_with(response, status, sentinel, now)
    }

    fn finish_with(&mut self, response: E::Response, status: Status, sentinel: bool, now: Instant) -> End<E> {
        self.ended = true;
        Ok(Finish {
            finish_reasons: E::finish_reasons(&response),
            response: Arc::new(response),
            status,
            sentinel,
            request_id: self.request_id(),
            timings: self.stopwatch.stop(now),
            attempts: self.attempt,
            rounds: Vec::new(),
        })
    }

    fn truncated(&mut self, end: &BodyEnd, now: Instant) -> Option<End<E>> {
        let detail = match end {
            BodyEnd::Cut(what) => what.as_str(),
            BodyEnd::Clean if self.any_event => {
                "the body ended with neither [DONE] nor a last event, before every choice had a finish_reason"
            }
            BodyEnd::Clean => "the body ended before an event came",
        };
        self.fail_or_break(ErrorKind::truncated(detail), now)
    }

    /// Ends a body that is read whole when it has outgrown its limit.
    fn check_whole(&mut self, now: Instant) -> Option<End<E>> {
        let Body::Whole(body) = &mut self.body else { return None };
        let limits = &self.settings.limits;
        if self.head.is_success() && self.settings.framing == Framing::Whole {
            let (limit, max) = (Limit::Body, limits.body);
            return (body.len() > max).then(|| self.fail(ErrorKind::Limit { limit, max }, now));
        }
        if body.len() <= limits.error_body {
            return None;
        }
        body.truncate(limits.error_body);
        let body = std::mem::take(body);
        self.end_whole(&body, &BodyEnd::Clean, now)
    }

    /// A body that was read whole has ended, or enough of it has come.
    fn end_whole(&mut self, body: &[u8], end: &BodyEnd, now: Instant) -> Option<End<E>> {
        if !self.head.is_success() {
            return self.refused(body, now);
        }
        let reported = frugal::json(body).ok().as_ref().and_then(ApiError::from_json);
        if let Some(error) = reported {
            return Some(self.fail(ErrorKind::Provider(Arc::new(error)), now));
        }
        if self.settings.framing != Framing::Whole || self.head.content_encoding.is_some() {
            let kind = ErrorKind::NotAStream {
                content_type: self.head.describe_body().map(Into::into),
                body: self.excerpt(body).into(),
            };
            return self.fail_or_break(kind, now);
        }
        if let BodyEnd::Cut(_) = end {
            return self.truncated(end, now);
        }
        match E::decode_whole(body) {
            Ok(response) => Some(self.finish_with(response, Status::Completed, true, now)),
            Err(error) => {
                let kind =
                    ErrorKind::Malformed { payload: self.excerpt(body).into(), detail: error.0.into() };
                Some(self.fail(kind, now))
            }
        }
    }

    fn refused(&mut self, body: &[u8], now: Instant) -> Option<End<E>> {
        let refused = Refused {
            status: self.head.status,
            error: ApiError::from_body(body),
            body: self.excerpt(body),
            retry_after: self.head.retry_after,
            should_retry: self.head.should_retry,
        };
        self.fail_or_break(ErrorKind::Refused(Arc::new(refused)), now)
    }

    /// A body as text, cut at the limit for error bodies.
    fn excerpt(&self, body: &[u8]) -> String {
        let most = self.settings.limits.error_body.min(body.len());
        String::from_utf8_lossy(&body[..most]).into_owned()
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
