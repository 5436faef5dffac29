//! What an upstream does with a request, step by step.

use bytes::Bytes;
use serde_json::{Value, json};

use std::sync::Arc;
use std::time::Duration;

use crate::gate::Gate;
use crate::split::Split;
use crate::step::{BodyKind, Head, Pieces, Step};

/// What an upstream does with a request: a list of steps, played in order.
///
/// A reply begins with a head ([`sse`](Self::sse), [`status`](Self::status), [`json`](Self::json),
/// …), with a [recorded](Self::recorded) response, or [`raw`](Self::raw) with nothing at all;
/// methods add the steps. Cloning is cheap.
///
/// **Writes.** Each step goes out in a write of its own, with `TCP_NODELAY`, and other tasks get
/// to run between two writes: a client on the same single-threaded runtime (see
/// [`Upstream::spawn`](crate::Upstream::spawn)) sees each write as a read of its own. A client on
/// another thread may see several at once; [`pace`](Self::pace) or a [`gate`](Self::gate) keep
/// them apart. [`split_every`](Self::split_every), [`split_at`](Self::split_at) and
/// [`split_random`](Self::split_random) cut the bytes elsewhere.
///
/// **The end.** After the last step the connection waits for the next request if the response is
/// complete by its own framing; if it is not (a chunked body without [`end`](Self::end), a
/// content-length that does not fit, no framing), the connection is closed with a FIN.
///
/// **The client.** When the client closes its side, the reply stops where it is, also while it
/// waits. A half-closed connection counts as closed.
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

/// How a reply begins.
impl Reply {
    /// A reply without a head: only what the steps say.
    pub fn raw() -> Self {
        Self { steps: Arc::default(), split: Split::default(), pace: None }
    }

    /// The head of an event stream: 200, `text/event-stream`, chunked.
    pub fn sse() -> Self {
        Self::sse_until_close().chunked()
    }

    /// The head of an event stream whose end is told by the end of the connection: neither
    /// chunked nor with a content-length.
    pub fn sse_until_close() -> Self {
        Self::status(200)
            .header("content-type", "text/event-stream")
            .header("cache-control", "no-cache")
            .until_close()
    }

    /// A head with this status. The body is what the following steps write, announced by a
    /// content-length counted from them ([`content_length`](Self::content_length),
    /// [`chunked`](Self::chunked) and [`until_close`](Self::until_close) change that).
    pub fn status(status: u16) -> Self {
        Self::raw().step(Step::Head(Head { status, headers: Vec::new(), body: BodyKind::Length(None) }))
    }

    /// A whole response with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// A whole response with any body.
    pub fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::status(status).header("content-type", content_type).bytes(body)
    }

    /// A whole response with an error as the OpenAI API shapes it:
    /// `{"error":{"message":…,"type":…,"param":null,"code":null}}`.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let error = json!({"message": message, "type": kind, "param": null, "code": null});
        Self::json(status, &json!({"error": error}))
    }

    /// A recorded response, head and body exactly as they came over the wire.
    ///
    /// If it is complete by its own framing, the connection is kept; otherwise it is closed with
    /// a FIN after the last byte, as happened to whoever recorded it. An empty recording closes
    /// the connection without a byte.
    pub fn recorded(http: impl Into<Bytes>) -> Self {
        Self::raw().bytes(http)
    }
}

/// What the head says. These change the last head of the reply, and do nothing without one.
impl Reply {
    /// Adds a header. One that frames the body (`content-length`, `transfer-encoding`) replaces
    /// what the reply would say itself.
    pub fn header(self, name: &str, value: impl ToString) -> Self {
        let header = (name.to_owned(), value.to_string());
        self.head(|head| head.headers.push(header))
    }

    /// Announces a body of so many bytes, true or not.
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
/// A *piece of the body* goes out as one HTTP chunk if the head that went out announced a chunked
/// body, else as it is.
impl Reply {
    /// Writes bytes as they are.
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Bytes(bytes.into()))
    }

    /// Writes a piece of the body.
    pub fn piece(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Piece(bytes.into()))
    }

    /// Writes bytes as one HTTP chunk, whatever the head says. No bytes make no chunk.
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

    /// Writes the pieces `make(0)`, `make(1)`, … up to `count`, each made when it is needed.
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

    /// Writes as [events](Self::event) what an iterator gives, each made when it is needed.
    /// `make` is called for each request.
    pub fn events_with<I>(self, make: impl Fn() -> I + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item: ToString, IntoIter: Send + 'static>,
    {
        self.pieces(None, move || {
            let data = make().into_iter();
            data.map(|data| Bytes::from(data_lines(&data.to_string())))
        })
    }

    /// Writes a piece of the body again and again, so far apart, until the client goes away.
    /// Steps behind it are never reached.
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
    /// Waits, on the clock of tokio (so a paused clock is honoured).
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Waits until the gate is open.
    pub fn gate(self, gate: &Gate) -> Self {
        self.step(Step::Gate(gate.clone()))
    }

    /// Is silent until the client goes away.
    pub fn hold(self) -> Self {
        self.step(Step::Hold)
    }

    /// Sends a FIN (before it, under TLS, a `close_notify`) and goes on reading until the client
    /// closes too. What later steps would write is dropped; they still wait, close and reset.
    pub fn fin(self) -> Self {
        self.step(Step::Fin)
    }

    /// Closes the connection: a FIN (before it, under TLS, a `close_notify`), and nothing is read
    /// any more.
    pub fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// Closes the connection without saying so to the TLS layer: a FIN, but no `close_notify`.
    /// Without TLS the same as [`close`](Self::close).
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// Resets the connection: the client gets a RST.
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Goes on with the steps of another reply. The cuts and the pace of this one hold for both.
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

/// How the bytes of the whole reply, head included, are cut into writes. The last word counts.
impl Reply {
    /// In writes of `length` bytes, whatever step they come from; a step that does not write (a
    /// wait, a gate) sends first what there is. 1 makes every byte a write; something large joins
    /// many steps into few writes. 0 is taken as 1.
    pub fn split_every(mut self, length: usize) -> Self {
        self.split = Split::Every(length);
        self
    }

    /// At these offsets, counted in bytes from the start of the reply. What lies between two
    /// offsets goes out in one write, unless a step between them does not write; behind the last
    /// offset each step is a write again.
    pub fn split_at(mut self, offsets: &[usize]) -> Self {
        self.split = Split::At(offsets.into());
        self
    }

    /// At random, mostly into a few bytes each; the same for the same seed.
    pub fn split_random(mut self, seed: u64) -> Self {
        self.split = Split::Random(seed);
        self
    }

    /// Waits so long between any two writes, on the clock of tokio.
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
