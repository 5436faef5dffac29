//! `Viewer`: reads a log for one who watches.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{HttpResponse, body::BodyStream};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::event::Failure;
use crate::id::{Cursor, GenerationId};
use crate::log::again;
use crate::protocol::Encoder;
use crate::store::{Hint, Page, Store, StoreError};
use crate::viewers::Seat;

/// About how many bytes are read at once.
const PAGE: usize = 64 << 10;

/// Reads the log of a generation, from its beginning or from where the viewer was, and writes it in the viewer's protocol
/// until its end.
///
/// It reads when it is asked for more, and keeps nothing of what it has read: one that is slow, or that stalls, costs no
/// memory and holds nobody back.
pub struct Viewer {
    store: Arc<dyn Store>,
    generation: GenerationId,
    encoder: Box<dyn Encoder>,
    /// What the viewer has already.
    seen: Option<Cursor>,
    /// The number of the last entry that was read.
    after: u64,
    hint: watch::Receiver<Hint>,
    ping_every: Duration,
    seat: Option<Seat>,
    ended: bool,
}

/// The answer is cut off here: its viewer is to come back, and will find the rest at another instance.
#[derive(Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this instance is going down; the answer goes on at another")
    }
}

impl std::error::Error for Cut {}

impl Viewer {
    /// A viewer of a generation, from its beginning on.
    pub fn new(store: Arc<dyn Store>, generation: GenerationId, encoder: Box<dyn Encoder>) -> Self {
        Self {
            hint: store.watch(&generation),
            store,
            generation,
            encoder,
            seen: None,
            after: 0,
            ping_every: Duration::from_secs(15),
            seat: None,
            ended: false,
        }
    }

    /// Leaves out what the viewer has. A cursor of another generation, or of more than there is, counts for nothing: the
    /// viewer gets all.
    #[must_use]
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.seen = cursor.filter(|cursor| cursor.generation == self.generation);
        self
    }

    /// How long the viewer is sent nothing before it is sent what keeps its connection alive. Default: 15 s.
    #[must_use]
    pub fn ping_every(mut self, interval: Duration) -> Self {
        self.ping_every = interval;
        self
    }

    pub(crate) fn seated(mut self, seat: Seat) -> Self {
        self.seat = Some(seat);
        self
    }

    /// More of the answer, or what keeps the connection alive; `None` after the end.
    ///
    /// # Errors
    /// [`Cut`], when the answer goes on elsewhere. Nothing follows it. Other errors are told in the viewer's protocol.
    pub async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        while !self.ended {
            // What happens from here on is told.
            self.hint.borrow_and_update();
            let Self { store, generation, after, .. } = &*self;
            let page = match again(|| store.read(generation, *after, PAGE)).await {
                Ok(page) => page,
                Err(error) => return self.fail(error).map(Ok),
            };
            let more = !page.entries.is_empty();
            let out = self.write(page);
            if !out.is_empty() {
                return Some(Ok(out));
            }
            if !more && !self.ended {
                match self.wait().await {
                    Waited::Told => {}
                    Waited::Silence => {
                        if let Some(ping) = self.encoder.ping() {
                            return Some(Ok(ping));
                        }
                    }
                    Waited::Cut => {
                        self.ended = true;
                        return Some(Err(Cut));
                    }
                }
            }
        }
        // From here on nobody watches.
        self.seat = None;
        None
    }

    fn write(&mut self, page: Page) -> Bytes {
        let mut out = BytesMut::new();
        if self.seen.as_ref().is_some_and(|seen| seen.seq > page.tail) {
            self.seen = None;
        }
        for entry in page.entries {
            self.after = entry.seq;
            match &self.seen {
                Some(Cursor { seq, .. }) if entry.seq < *seq => self.encoder.skip(&entry),
                Some(Cursor { seq, frames: None, .. }) if entry.seq == *seq => self.encoder.skip(&entry),
                Some(Cursor { seq, frames: Some(frames), .. }) if entry.seq == *seq => {
                    self.encoder.encode_after(&entry, *frames, &mut out);
                }
                _ => self.encoder.encode(&entry, &mut out),
            }
        }
        self.ended = page.ended && self.after >= page.tail;
        out.freeze()
    }

    /// Tells the viewer that the log cannot be read any more.
    fn fail(&mut self, error: StoreError) -> Option<Bytes> {
        tracing::debug!(generation = %self.generation, "a viewer lost its log: {error}");
        self.ended = true;
        let mut out = BytesMut::new();
        self.encoder.fail(&Failure::from(error), &mut out);
        (!out.is_empty()).then(|| out.freeze())
    }

    async fn wait(&mut self) -> Waited {
        let silence = Instant::now() + self.ping_every;
        let hint = &mut self.hint;
        let told = async {
            if hint.changed().await.is_err() {
                // The log is gone, or the store does not tell.
                sleep(Duration::from_secs(1)).await;
            }
        };
        let seat = &mut self.seat;
        let cut = async {
            match seat {
                Some(seat) => seat.cut().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            told = timeout_at(silence, told) => if told.is_ok() { Waited::Told } else { Waited::Silence },
            () = cut => Waited::Cut,
        }
    }

    /// The answer as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Cut>> {
        unfold(self, |mut viewer| async move { viewer.next().await.map(|item| (item, viewer)) })
    }

    /// The answer as that of a handler: status 200, the headers that keep proxies from holding it back, the body.
    pub fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::OK);
        response
            .insert_header((CONTENT_TYPE, self.encoder.content_type()))
            .insert_header((CACHE_CONTROL, "no-cache, no-transform"))
            .insert_header((CONTENT_ENCODING, "identity"))
            .insert_header(("x-accel-buffering", "no"))
            .insert_header(("x-generation-id", self.generation.as_str()));
        for header in self.encoder.headers() {
            response.insert_header(*header);
        }
        response.body(BodyStream::new(Box::pin(self.into_stream())))
    }
}

enum Waited {
    /// Something has happened.
    Told,
    /// Nothing has, for as long as the connection may be silent.
    Silence,
    /// The viewer is to go elsewhere.
    Cut,
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewer")
            .field("generation", &self.generation)
            .field("after", &self.after)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
