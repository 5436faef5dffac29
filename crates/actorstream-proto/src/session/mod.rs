//! `Session`: one attempt at a stream as a state machine: head, bytes and time in, events and one end out.
//!
//! It uses no socket, clock or runtime: the driver reports what happened and at what time, and takes the output.
//! Every row of the contract about server behaviour is implemented here.

pub mod head;
pub mod limits;
pub(crate) mod page;
pub mod retry;
mod settings;
pub mod timeouts;
mod whole_body;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::endpoint::Framing;
use crate::endpoint::event::{Accumulator, Decoded, Event, Memory, Verdict};
use crate::endpoint::typed_event::is_keep_alive;
use crate::outcome::api_error::is_error_event;
use crate::outcome::error::{ApiError, ErrorKind, Limit, StreamError};
use crate::outcome::finish::{Finish, Outcome, Status};
use crate::outcome::response_head::ResponseHead;
use crate::outcome::secret::Secret;
use crate::outcome::timings::Stopwatch;
use crate::session::head::Head;
pub use crate::session::settings::{OnMalformed, Settings};
use crate::session::timeouts::{Deadlines, Timeout};
use crate::sse::{Frame, Sniff, SseDecoder, sniff};

/// How a body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEnd {
    /// As its framing says, or by a close if it has no framing.
    Clean,
    /// Before its framing says, or by an error, which this describes.
    Cut(String),
}

/// How many bytes of a body are examined before it counts as an event stream: enough for some unknown fields.
const UNKNOWN: usize = 4 << 10;

/// The detected kind of the body.
#[derive(Debug)]
enum Body {
    /// The head has not arrived.
    Awaited,
    /// The first bytes of a successful response, not yet conclusive.
    Unknown(BytesMut),
    /// An event stream.
    Events,
    /// Bytes that are events as they arrive.
    Bytes,
    /// A body to be read as a whole: an error, an unstreamed response, not an event stream.
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
    /// Whether any event was seen.
    any_event: bool,
    /// The number of the last event, where events have one.
    last: Option<u64>,
    /// The stream was resumed: repeated events are not new.
    resumed: bool,
    /// Whether the head was taken for the target.
    announced: bool,
    /// What broke the stream, if it can be resumed.
    broken: Option<ErrorKind>,
    attempt: u32,
    ended: bool,
}

/// The point from which a broken stream can be resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumePoint {
    /// The response's id.
    pub id: String,
    /// The number of the last event received.
    pub after: u64,
}

/// The end of a session, which remains to be delivered.
pub type End<E> = Outcome<<E as Event>::Response>;

impl<E: Event> Session<E> {
    /// Creates a session whose stream was `started` at that instant, which is also the start of its total timeout.
    /// `attempt` counts from 1.
    pub fn new(settings: impl Into<Arc<Settings>>, started: Instant, attempt: u32) -> Self {
        let settings = settings.into();
        Self {
            deadlines: Deadlines::new(&settings.timeouts, started),
            stopwatch: Stopwatch::new(started),
            head: Head::default(),
            body: Body::Awaited,
            sse: SseDecoder::new(settings.limits.event),
            memory: E::Memory::default(),
            accumulator: E::Accumulator::default(),
            any_event: false,
            last: None,
            resumed: false,
            announced: false,
            broken: None,
            attempt,
            ended: false,
            settings,
        }
    }

    /// Returns the instant at which to call [`Session::on_timeout`], unless something changes before.
    pub fn deadline(&self) -> Option<Instant> {
        if self.ended { None } else { self.deadlines.next(&self.settings.timeouts).map(|(at, _)| at) }
    }

    /// Returns an instant before which there is no [deadline](Self::deadline); this is cheaper to compute.
    pub fn no_deadline_before(&self) -> Option<Instant> {
        if self.ended { None } else { self.deadlines.none_before() }
    }

    /// Returns whether the end was returned.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns whether an event was returned, so that the request must not be retried.
    pub fn has_delivered(&self) -> bool {
        self.any_event
    }

    /// Returns the head of the response, the first time that this is called after it arrived. A stream that is resumed has that of
    /// the first response.
    pub fn take_head(&mut self) -> Option<ResponseHead> {
        let head = self.head.whole.as_ref().filter(|_| !self.announced)?.clone();
        self.announced = true;
        Some(head)
    }

    /// Returns the point from which the stream can be resumed: if the server stores it, and its events are numbered.
    pub fn resume_point(&self) -> Option<ResumePoint> {
        let known = self.settings.response_id.as_deref();
        let id = self.accumulator.resumable().or(known).filter(|_| self.settings.resume)?;
        Some(ResumePoint { id: id.to_owned(), after: self.last? })
    }

    /// Returns what broke the stream, if it can be resumed. No end was returned in that case, and the stream must be
    /// [reconnected](Self::reconnect) or [failed](Self::fail).
    pub fn broken(&self) -> Option<&ErrorKind> {
        self.broken.as_ref()
    }

    /// Resumes a broken stream: the request for the events after its resume point is being sent. Repeated events are
    /// skipped.
    pub fn reconnect(&mut self, now: Instant) {
        self.broken = None;
        self.resumed = true;
        self.body = Body::Awaited;
        self.sse = SseDecoder::new(self.settings.limits.event);
        self.on_sent(now);
    }

    /// An attempt to resume has failed; the stream is still broken.
    pub fn on_reconnect_failed(&mut self, kind: ErrorKind) {
        self.broken = Some(kind);
    }

    /// The request was sent so often by now, others than this attempt included.
    pub fn sent_as(&mut self, attempt: u32) {
        self.attempt = attempt;
    }

    /// From now on, no error shows these secrets: credentials of this attempt that the settings do not have.
    pub fn conceal(&mut self, secrets: &Arc<[Secret]>) {
        if !Arc::ptr_eq(&self.settings.secrets, secrets) {
            Arc::make_mut(&mut self.settings).secrets = Arc::clone(secrets);
        }
    }

    /// The following events are those after this number: for a stream that was started elsewhere.
    pub fn start_after(&mut self, after: u64) {
        self.last = Some(after);
        self.resumed = true;
    }

    /// The request waits for a permit among the client's streams.
    pub fn on_queued(&mut self, now: Instant) {
        self.deadlines.start(&self.settings.timeouts, Timeout::Queue, now);
    }

    /// The request no longer waits for a permit, and is not being sent yet.
    pub fn on_admitted(&mut self) {
        self.deadlines.stop(Timeout::Queue);
    }

    /// The request is being sent.
    pub fn on_sent(&mut self, now: Instant) {
        self.deadlines.stop(Timeout::Queue);
        let awaited = match self.settings.framing {
            Framing::Events | Framing::Bytes => Timeout::FirstEvent,
            Framing::Whole if self.settings.lookup => Timeout::Lookup,
            Framing::Whole => Timeout::Response,
        };
        self.deadlines.start(&self.settings.timeouts, awaited, now);
    }

    /// The response head has arrived.
    pub fn on_head(&mut self, head: Head, now: Instant) {
        self.stopwatch.head(now);
        let coded = head.content_encoding.is_some() && !head.is_decoded;
        self.body = match self.settings.framing {
            // Its first bytes tell what it is, whatever coding it is said to be in.
            Framing::Events if head.is_success() => Body::Unknown(BytesMut::new()),
            Framing::Bytes if head.is_success() && !coded && !head.announces_text() => Body::Bytes,
            Framing::Events | Framing::Bytes | Framing::Whole => Body::Whole(BytesMut::new()),
        };
        if !head.is_success() {
            // The error is known; its whole body may take as long as one pause in a stream.
            self.deadlines.stop(Timeout::FirstEvent);
            self.deadlines.stop(Timeout::Response);
            self.deadlines.start(&self.settings.timeouts, Timeout::Idle, now);
        }
        self.head = head;
    }

    /// Bytes of the body have arrived. Events go to `out`; the end, if reached, is returned.
    pub fn on_bytes(&mut self, bytes: Bytes, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        if self.ended || self.broken.is_some() {
            return None;
        }
        if self.head.is_success() {
            self.deadlines.start(&self.settings.timeouts, Timeout::Idle, now);
            // Servers send white space while they compute.
            if self.settings.framing == Framing::Whole && !bytes.trim_ascii_start().is_empty() {
                self.deadlines.stop(Timeout::Response);
            }
        }
        match &mut self.body {
            Body::Awaited => None,
            Body::Events => self.decode(bytes, now, out),
            Body::Bytes if bytes.is_empty() => None,
            Body::Bytes => self.on_event(Frame { event: None, data: bytes }, now, out, false),
            Body::Unknown(start) => {
                start.extend_from_slice(&bytes);
                // No more than that is examined, however much arrived at once.
                match sniff(&start[..start.len().min(UNKNOWN)]) {
                    Sniff::More if start.len() < UNKNOWN => None,
                    Sniff::More | Sniff::Events => {
                        // The usual case copies nothing: the first read is conclusive.
                        let read = if start.len() == bytes.len() { bytes } else { start.split().freeze() };
                        self.body = Body::Events;
                        self.decode(read, now, out)
                    }
                    Sniff::Other => {
                        let start = std::mem::take(start);
                        self.body = Body::Whole(start);
                        self.check_whole(now, out)
                    }
                }
            }
            Body::Whole(whole) => {
                whole.extend_from_slice(&bytes);
                self.check_whole(now, out)
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
            // Its kind cannot be determined.
            Body::Unknown(_) if matches!(end, BodyEnd::Cut(_)) => self.truncated(end, now),
            Body::Unknown(start) => self.end_whole(&start.freeze(), end, now, out),
            Body::Whole(whole) => self.end_whole(&whole.freeze(), end, now, out),
            Body::Bytes => match end {
                BodyEnd::Clean if self.any_event => Some(self.finish(Status::Completed, true, now)),
                BodyEnd::Clean => self.end_whole(&Bytes::new(), end, now, out),
                BodyEnd::Cut(_) => self.truncated(end, now),
            },
            Body::Events => {
                while let Some(frame) = self.sse.finish() {
                    // An unterminated event counts only if it is complete.
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

    /// The time is `now`. Returns the end if a timeout has expired. A complete event that is still pending goes to
    /// `out`.
    pub fn on_timeout(&mut self, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        if self.ended {
            return None;
        }
        let (timeout, after) = self.deadlines.expired(&self.settings.timeouts, now)?;
        if self.deadlines.runs(Timeout::Tail) {
            // Whichever timeout it is, the response is complete.
            return self.on_body_end(&BodyEnd::Clean, now, out);
        }
        if let Body::Whole(body) = &mut self.body
            && !self.head.is_success()
            && timeout != Timeout::Resume
        {
            // The server has refused; report that even if its explanation does not arrive.
            let body = std::mem::take(body);
            return self.refused(&body, now);
        }
        Some(self.fail(ErrorKind::Timeout { timeout, after }, now))
    }

    /// Nothing is read because the target lags behind: the server's silence does not count.
    pub fn pause(&mut self, now: Instant) {
        self.deadlines.hold(now);
    }

    /// Reading continues. The silence before the pause still counts.
    pub fn resume(&mut self, now: Instant) {
        self.deadlines.release(&self.settings.timeouts, now);
    }

    /// Starts the tail timeout if everything requested has arrived and only the end is missing.
    #[inline]
    fn start_tail(&mut self, now: Instant) {
        if matches!(self.body, Body::Events) && self.accumulator.is_complete(self.settings.choices) {
            self.deadlines.start(&self.settings.timeouts, Timeout::Tail, now);
        } else {
            self.deadlines.stop(Timeout::Tail);
        }
    }

    /// Servers repeat a key that they refuse.
    fn redact(&self, kind: &mut ErrorKind) {
        for secret in &*self.settings.secrets {
            kind.redact(secret);
        }
    }

    /// Returns the server's request id, which may be any text.
    fn request_id(&self) -> Option<String> {
        let mut id = self.head.request_id.clone()?;
        for secret in &*self.settings.secrets {
            id = secret.redact(&id).into_owned();
        }
        Some(id)
    }

    /// Ends the session, unless the stream can be resumed.
    fn fail_or_break(&mut self, mut kind: ErrorKind, now: Instant) -> Option<End<E>> {
        if self.resume_point().is_none() {
            return Some(self.fail(kind, now));
        }
        self.redact(&mut kind);
        self.broken = Some(kind);
        for timeout in [Timeout::FirstEvent, Timeout::Idle, Timeout::Stall, Timeout::Tail] {
            self.deadlines.stop(timeout);
        }
        if !self.deadlines.runs(Timeout::Resume) {
            self.deadlines.start(&self.settings.timeouts, Timeout::Resume, now);
        }
        None
    }

    /// Ends the session with an external error: the transport's, or a cancellation.
    pub fn fail(&mut self, mut kind: ErrorKind, now: Instant) -> End<E> {
        self.redact(&mut kind);
        self.ended = true;
        let mut error = StreamError::new(kind);
        error.request_id = self.request_id();
        error.head = self.head.whole.clone();
        error.timings = self.stopwatch.stop(now);
        error.attempts = self.attempt;
        let holds = self.any_event || self.accumulator.holds();
        Err(if holds { error.with_partial(Arc::new(self.accumulator.take())) } else { error })
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

    /// Handles an event; `unterminated` if the body ended within it, in which case an incomplete event is ignored. An event
    /// that is named as an error is one all the same, unless its data may be incomplete JSON.
    fn on_frame(
        &mut self,
        frame: Frame,
        now: Instant,
        out: &mut Vec<E>,
        unterminated: bool,
    ) -> Option<End<E>> {
        // What a name decides is not remembered.
        if is_error_event(frame.event.as_deref()) || frame.event.as_deref().is_some_and(says_nothing) {
            self.sse.expect_nothing();
        }
        if frame.data.first() == Some(&b'{') {
            return self.on_event(frame, now, out, unterminated);
        }
        let data = frame.data.trim_ascii();
        match data.first() {
            Some(b'[' | b'"' | b'D' | b'd') if is_done(data) => self.on_done(now),
            // Some servers send comments as data, and some gateways the lines of another stream.
            Some(b':') => None,
            Some(b'd') if data.starts_with(b"data:") => {
                let data = frame.data.slice_ref(data[b"data:".len()..].trim_ascii());
                self.on_frame(Frame { data, ..frame }, now, out, unterminated)
            }
            None if !is_error_event(frame.event.as_deref()) => None,
            _ => self.on_event(frame, now, out, unterminated),
        }
    }

    /// Handles `[DONE]`.
    fn on_done(&mut self, now: Instant) -> Option<End<E>> {
        let complete = self.accumulator.is_complete(self.settings.choices);
        if self.any_event && (complete || self.accumulator.ends_with_done()) {
            return Some(self.finish(Status::Completed, true, now));
        }
        let detail = if self.any_event {
            let missing = self.accumulator.missing(self.settings.choices);
            format!("the server sent [DONE], but {missing}")
        } else {
            "the server sent [DONE] before any event".to_owned()
        };
        self.fail_or_break(ErrorKind::truncated(detail), now)
    }

    /// Handles an event that is neither `[DONE]` nor a comment.
    fn on_event(
        &mut self,
        frame: Frame,
        now: Instant,
        out: &mut Vec<E>,
        unterminated: bool,
    ) -> Option<End<E>> {
        let named_error = is_error_event(frame.event.as_deref());
        let says_nothing = frame.event.as_deref().is_some_and(says_nothing);
        let frame = if named_error || says_nothing {
            frame
        } else {
            match self.memory.recall(frame, out) {
                Ok(()) => return self.accept_data(now, out),
                Err(frame) => frame,
            }
        };
        let Frame { data, .. } = frame.clone();
        let Decoded { event, verdict } = match E::decode(frame, &mut self.memory) {
            Ok(Decoded { event, verdict: Verdict::Data }) if says_nothing => {
                Decoded { event, verdict: Verdict::KeepAlive }
            }
            Ok(decoded) => decoded,
            Err(_) if says_nothing || self::says_nothing(&data) => return None,
            Err(_) if named_error && !(unterminated && matches!(data.first(), Some(b'{' | b'['))) => {
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
                let detail = format!("an event is not JSON ({})", error.0);
                let kind = ErrorKind::Malformed { payload: payload.into(), detail: detail.into() };
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

    /// Handles the verdict on the last event of `out`; the event is removed again if it is not for the target.
    fn accept(&mut self, verdict: Verdict, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        if let ControlFlow::Break(end) = self.number(now, out) {
            return end;
        }
        match verdict {
            Verdict::KeepAlive => None,
            Verdict::Fail(error) => {
                if let Some(mut event) = out.pop() {
                    self.accumulator.fail(&mut event);
                }
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

    /// Handles an event that is data.
    #[inline]
    fn accept_data(&mut self, now: Instant, out: &mut Vec<E>) -> Option<End<E>> {
        match self.number(now, out) {
            ControlFlow::Continue(()) => self.add(now, out),
            ControlFlow::Break(end) => end,
        }
    }

    /// Checks the number of the last event of `out`, if events are numbered: whether it is new and consecutive.
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
        self.deadlines.stop(Timeout::FirstEvent);
        self.deadlines.stop(Timeout::Resume);
        self.deadlines.start(&self.settings.timeouts, Timeout::Stall, now);
        self.accumulator.push(event, self.settings.keep_response);
        let max = self.settings.limits.response;
        if self.accumulator.size() > max {
            out.pop();
            return Some(self.fail(ErrorKind::Limit { limit: Limit::Response, max }, now));
        }
        self.start_tail(now);
        None
    }

    fn finish(&mut self, status: Status, sentinel: bool, now: Instant) -> End<E> {
        let status = if status == Status::Completed { self.accumulator.status() } else { status };
        let response = self.accumulator.take();
        self.finish_with(response, status, sentinel, now)
    }

    fn finish_with(&mut self, response: E::Response, status: Status, sentinel: bool, now: Instant) -> End<E> {
        self.ended = true;
        let usage = E::tokens(&response).map(Box::new);
        // A response that reports itself as incomplete is, whatever event ended it.
        let status = if status == Status::Completed { E::status(&response) } else { status };
        Ok(Finish {
            finish_reasons: E::finish_reasons(&response),
            response: Arc::new(response),
            status,
            sentinel,
            request_id: self.request_id(),
            head: self.head.whole.clone(),
            timings: self.stopwatch.stop(now),
            attempts: self.attempt,
            tried: Vec::new(),
            rounds: Vec::new(),
            results: Vec::new(),
            usage,
        })
    }

    fn truncated(&mut self, end: &BodyEnd, now: Instant) -> Option<End<E>> {
        let detail = match end {
            BodyEnd::Cut(what) => what.clone(),
            BodyEnd::Clean if self.any_event => {
                format!("the body ended, but {}", self.accumulator.missing(self.settings.choices))
            }
            BodyEnd::Clean => "the body ended before an event came".to_owned(),
        };
        self.fail_or_break(ErrorKind::truncated(detail), now)
    }
}

/// Returns whether data is `[DONE]`, in any server's spelling.
fn is_done(data: &[u8]) -> bool {
    let data = data.strip_prefix(b"\"").and_then(|data| data.strip_suffix(b"\"")).unwrap_or(data);
    data.eq_ignore_ascii_case(b"[DONE]") || data.eq_ignore_ascii_case(b"DONE")
}

/// Returns whether the name or the whole data of an event marks a keep-alive.
fn says_nothing(word: &[u8]) -> bool {
    str::from_utf8(word).is_ok_and(is_keep_alive)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
