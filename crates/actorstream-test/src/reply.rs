//! How an upstream handles a request, step by step.

use bytes::Bytes;
use serde_json::{Value, json};

use std::sync::Arc;
use std::time::Duration;

use crate::gate::Gate;
use crate::split::Split;
use crate::step::{BodyKind, Head, Pieces, Step};

/// How an upstream handles a request: a list of steps, played in order.
///
/// A reply begins with a head ([`sse`](Self::sse), [`status`](Self::status), [`json`](Self::json), …), with a
/// [recorded](Self::recorded) response, or with nothing ([`raw`](Self::raw)); methods add the steps. Cloning is
/// cheap.
///
/// **Writes.** Each step is written separately, with `TCP_NODELAY`, and other tasks run between two writes: a client
/// on the same single-threaded runtime (see [`Upstream::spawn`](crate::Upstream::spawn)) receives each write in a
/// separate read. A client on another thread may receive several at once; [`pace`](Self::pace) or a
/// [`gate`](Self::gate) separate them. [`split_every`](Self::split_every), [`split_at`](Self::split_at) and
/// [`split_random`](Self::split_random) split the bytes elsewhere.
///
/// **The end.** After the last step, the connection waits for the next request if the response is complete by its own
/// framing; if it is not (a chunked body without [`end`](Self::end), a content-length that does not match, no
/// framing), the connection is closed with a FIN.
///
/// **The client.** When the client closes its side, the reply stops at its current step, even while it waits. A
/// half-closed connection counts as closed.
///
/// ```
/// use actorstream_test::Reply;
///
/// let reply = Reply::sse().event(r#"{"n":1}"#).done().end();
/// let refused = Reply::error(429, "rate_limit_error", "Slow down").header("retry-after", "1");
/// let cut_off = Reply::sse().event(r#"{"n":1}"#).reset();
/// let late_head = Reply::raw().wait(std::time::Duration::from_secs(5)).then(reply);
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing unless an upstream plays it"]
pub struct Reply {
    pub(crate) steps: Arc<Vec<Step>>,
    pub(crate) split: Split,
    pub(crate) pace: Option<Duration>,
}

/// The head of a reply.
impl Reply {
    /// Creates a reply without a head: only what the steps write.
    pub fn raw() -> Self {
        Self { steps: Arc::default(), split: Split::default(), pace: None }
    }

    /// Creates a reply with the head of an event stream: 200, `text/event-stream`, chunked.
    pub fn sse() -> Self {
        Self::sse_until_close().chunked()
    }

    /// Creates a reply with the head of an event stream that ends with its connection: neither chunked nor with a
    /// content-length.
    pub fn sse_until_close() -> Self {
        Self::status(200)
            .header("content-type", "text/event-stream")
            .header("cache-control", "no-cache")
            .until_close()
    }

    /// Creates a reply with this status. The body is what the following steps write, announced by a computed
    /// content-length ([`content_length`](Self::content_length), [`chunked`](Self::chunked) and
    /// [`until_close`](Self::until_close) change that).
    pub fn status(status: u16) -> Self {
        Self::raw().step(Step::Head(Head { status, headers: Vec::new(), body: BodyKind::Length(None) }))
    }

    /// Creates a complete response with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// Creates a complete response with any body.
    pub fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::status(status).header("content-type", content_type).bytes(body)
    }

    /// Creates a complete response with an error in the OpenAI API's format:
    /// `{"error":{"message":…,"type":…,"param":null,"code":null}}`.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let error = json!({"message": message, "type": kind, "param": null, "code": null});
        Self::json(status, &json!({"error": error}))
    }

    /// Creates a reply from a recorded response, head and body exactly as they were received.
    ///
    /// If it is complete by its own framing, the connection is kept; otherwise it is closed with a FIN after the last
    /// byte, as in the recording. An empty recording closes the connection without a byte.
    pub fn recorded(http: impl Into<Bytes>) -> Self {
        Self::raw().bytes(http)
    }
}

/// Changes to the last head of the reply; without a head, they have no effect.
impl Reply {
    /// Adds a header. One that frames the body (`content-length`, `transfer-encoding`) replaces the default framing.
    pub fn header(self, name: &str, value: impl ToString) -> Self {
        let header = (name.to_owned(), value.to_string());
        self.head(|head| head.headers.push(header))
    }

    /// Announces a body of this many bytes, true or not.
    pub fn content_length(self, bytes: u64) -> Self {
        self.head(|head| head.body = BodyKind::Length(Some(bytes)))
    }

    /// Announces a chunked body.
    pub fn chunked(self) -> Self {
        self.head(|head| head.body = BodyKind::Chunked)
    }

    /// Announces nothing: the body ends with the connection.
    pub fn until_close(self) -> Self {
        self.head(|head| head.body = BodyKind::UntilClose)
    }

    fn head(mut self, change: impl FnOnce(&mut Head)) -> Self {
        let steps = Arc::make_mut(&mut self.steps).iter_mut().rev();
        let mut heads = steps.filter_map(|step| match step {
            Step::Head(head) => Some(head),
            _ => None,
        });
        if let Some(head) = heads.next() {
            change(head);
        }
        self
    }
}

/// Steps that write.
///
/// A *piece of the body* is written as one HTTP chunk if the head announced a chunked body, otherwise verbatim.
impl Reply {
    /// Writes bytes verbatim.
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Bytes(bytes.into()))
    }

    /// Writes a piece of the body.
    pub fn piece(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Piece(bytes.into()))
    }

    /// Writes bytes as one HTTP chunk, regardless of the head. No bytes write no chunk.
    pub fn chunk(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Chunk(bytes.into()))
    }

    /// Writes an event, `data: …` and a blank line, as a piece of the body. Each line of the data
    /// gets its own `data:`.
    pub fn event(self, data: impl ToString) -> Self {
        self.piece(data_lines(&data.to_string()))
    }

    /// Writes each of these as an [`event`](Self::event).
    pub fn events(self, data: impl IntoIterator<Item = impl ToString>) -> Self {
        data.into_iter().fold(self, Self::event)
    }

    /// Writes an event with a name: a line `event: …` before the data.
    pub fn named_event(self, name: &str, data: impl ToString) -> Self {
        self.piece(format!("event: {name}\n{}", data_lines(&data.to_string())))
    }

    /// Writes a comment, `: …` and a blank line, as a piece of the body.
    pub fn comment(self, text: &str) -> Self {
        self.piece(format!(": {text}\n\n"))
    }

    /// Writes `data: [DONE]` as a piece of the body. A chunked body still needs its
    /// [`end`](Self::end).
    pub fn done(self) -> Self {
        self.event("[DONE]")
    }

    /// Ends a chunked body with its last, empty chunk. Writes nothing if the body is not chunked.
    pub fn end(self) -> Self {
        self.step(Step::End)
    }

    /// Writes a piece of the body `count` times.
    pub fn repeat(self, count: usize, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64 * count as u64;
        self.pieces(Some(length), move || std::iter::repeat_n(bytes.clone(), count))
    }

    /// Writes the pieces `make(0)`, `make(1)`, … up to `count`, each created on demand.
    pub fn repeat_with<B: Into<Bytes>>(
        self,
        count: usize,
        make: impl Fn(usize) -> B + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(make);
        self.pieces(None, move || {
            let make = Arc::clone(&make);
            (0..count).map(move |n| make(n).into())
        })
    }

    /// Writes the items of an iterator as [events](Self::event), each created on demand. `make` is called for each
    /// request.
    pub fn events_with<I>(self, make: impl Fn() -> I + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item: ToString, IntoIter: Send + 'static>,
    {
        self.pieces(None, move || {
            let data = make().into_iter();
            data.map(|data| Bytes::from(data_lines(&data.to_string())))
        })
    }

    /// Writes a piece of the body repeatedly, at this interval, until the client disconnects. Later steps are never
    /// reached.
    pub fn forever(self, bytes: impl Into<Bytes>, every: Duration) -> Self {
        self.step(Step::Forever(bytes.into(), every))
    }

    fn pieces<I>(self, length: Option<u64>, make: impl Fn() -> I + Send + Sync + 'static) -> Self
    where
        I: Iterator<Item = Bytes> + Send + 'static,
    {
        let make = Arc::new(move || Box::new(make()) as _);
        self.step(Step::Pieces(Pieces { make, length }))
    }
}

/// Steps that wait, and steps that end the connection.
impl Reply {
    /// Waits on tokio's clock, which may be paused.
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Waits until the gate is open.
    pub fn gate(self, gate: &Gate) -> Self {
        self.step(Step::Gate(gate.clone()))
    }

    /// Is silent until the client disconnects.
    pub fn hold(self) -> Self {
        self.step(Step::Hold)
    }

    /// Sends a FIN (under TLS, after a `close_notify`) and continues to read until the client closes too. The output
    /// of later steps is dropped; they still wait, close and reset.
    pub fn fin(self) -> Self {
        self.step(Step::Fin)
    }

    /// Closes the connection: a FIN (under TLS, after a `close_notify`), and nothing more is read.
    pub fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// Closes the connection without notifying the TLS layer: a FIN, but no `close_notify`. Without TLS, the same as
    /// [`close`](Self::close).
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// Resets the connection: the client receives a RST.
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Continues with the steps of another reply. The splits and the pace of this one apply to both.
    pub fn then(mut self, reply: impl Into<Reply>) -> Self {
        let steps = Arc::unwrap_or_clone(reply.into().steps);
        Arc::make_mut(&mut self.steps).extend(steps);
        self
    }

    fn step(mut self, step: Step) -> Self {
        Arc::make_mut(&mut self.steps).push(step);
        self
    }
}

/// How the bytes of the whole reply, including the head, are split into writes. The last setting applies.
impl Reply {
    /// Splits into writes of `length` bytes, regardless of the steps; a step that does not write (a wait, a gate)
    /// first sends what is pending. 1 makes every byte a write; a large value joins many steps into few writes. 0 is
    /// treated as 1.
    pub fn split_every(mut self, length: usize) -> Self {
        self.split = Split::Every(length);
        self
    }

    /// Splits at these offsets in bytes from the start of the reply. The bytes between two offsets are one write,
    /// unless a step between them does not write; after the last offset, each step is a write again.
    pub fn split_at(mut self, offsets: &[usize]) -> Self {
        self.split = Split::At(offsets.into());
        self
    }

    /// Splits at random, mostly into a few bytes each; the same for the same seed.
    pub fn split_random(mut self, seed: u64) -> Self {
        self.split = Split::Random(seed);
        self
    }

    /// Waits this long between any two writes, on tokio's clock.
    pub fn pace(mut self, time: Duration) -> Self {
        self.pace = Some(time);
        self
    }
}

fn data_lines(data: &str) -> String {
    let mut event = String::with_capacity(data.len() + 8);
    for line in data.split('\n') {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}
