//! `Viewer`: reads a log for a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::http::{ConnectionType, StatusCode, Version};
use actix_web::{HttpRequest, HttpResponse, body::BodyStream};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::event::Failure;
use crate::id::{Cursor, GenerationId};
use crate::log::again;
use crate::protocol::Encoder;
use crate::store::{Page, Progress, Store, StoreError};
use crate::viewers::ViewerPermit;

/// The approximate number of bytes read at once.
const PAGE: usize = 64 << 10;

/// Reads the log of a generation, from its beginning or from the client's position, and encodes it in the client's
/// protocol until its end.
///
/// It reads on demand and keeps nothing that it has read, so a slow or stalled client costs no memory and delays no
/// other client.
pub struct Viewer {
    store: Arc<dyn Store>,
    generation: GenerationId,
    encoder: Box<dyn Encoder>,
    /// The client's position.
    seen: Option<Cursor>,
    /// The number of the last entry read.
    after: u64,
    progress: watch::Receiver<Progress>,
    /// Whether everything up to the known progress was read.
    caught_up: bool,
    ping_every: Duration,
    permit: Option<ViewerPermit>,
    ended: bool,
}

/// The response is cut off here: the client should reconnect, and will find the rest at another instance.
#[derive(Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this instance is going down; the answer goes on at another")
    }
}

impl std::error::Error for Cut {}

impl Viewer {
    /// Creates a viewer of a generation, from its beginning.
    pub fn new(store: Arc<dyn Store>, generation: GenerationId, encoder: Box<dyn Encoder>) -> Self {
        Self {
            progress: store.watch(&generation),
            store,
            generation,
            encoder,
            seen: None,
            after: 0,
            caught_up: false,
            ping_every: Duration::from_secs(15),
            permit: None,
            ended: false,
        }
    }

    /// Skips the entries that the client has. A cursor of another generation, or beyond the end, is ignored: the
    /// client receives everything.
    #[must_use]
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.seen = cursor.filter(|cursor| cursor.generation == self.generation);
        self
    }

    /// Sets how long the connection may be silent before a keep-alive is sent. Default: 15 s.
    #[must_use]
    pub fn ping_every(mut self, interval: Duration) -> Self {
        self.ping_every = interval;
        self
    }

    pub(crate) fn seated(mut self, permit: ViewerPermit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// Returns more of the response, or a keep-alive; `None` after the end.
    ///
    /// # Errors
    /// [`Cut`], if the response continues at another instance. Nothing follows it. Other errors are encoded in the
    /// client's protocol.
    pub async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        while !self.ended {
            if self.caught_up {
                let waited = self.wait().await;
                // Read again after a silence, since a notification may be lost.
                self.caught_up = false;
                match waited {
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
            // Changes from here on are notified.
            self.progress.borrow_and_update();
            let page = match self.read().await {
                Ok(page) => page,
                Err(error) => return self.fail(error).map(Ok),
            };
            let (tail, is_empty) = (page.tail, page.entries.is_empty());
            let out = self.write(page);
            self.caught_up = is_empty || self.after >= tail;
            if !out.is_empty() {
                return Some(Ok(out));
            }
        }
        // From here on, the viewer no longer counts.
        self.permit = None;
        None
    }

    async fn read(&mut self) -> Result<Page, StoreError> {
        let Self { store, generation, after, seen, .. } = &mut *self;
        let page = again(|| store.read(generation, *after, PAGE)).await?;
        if seen.as_ref().is_none_or(|seen| seen.seq <= page.tail) {
            return Ok(page);
        }
        // The cursor is invalid, or is from another instance, which has received more entries so far than this one.
        let tail = again(|| store.generation(generation)).await?.tail;
        if seen.as_ref().is_some_and(|seen| seen.seq > tail) {
            *seen = None;
            return Ok(page);
        }
        again(|| store.read(generation, *after, PAGE)).await
    }

    fn write(&mut self, page: Page) -> Bytes {
        let mut out = BytesMut::new();
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

    /// Encodes an error because the log can no longer be read.
    fn fail(&mut self, error: StoreError) -> Option<Bytes> {
        tracing::debug!(generation = %self.generation, "a viewer lost its log: {error}");
        self.ended = true;
        let mut out = BytesMut::new();
        self.encoder.fail(&Failure::from(error), &mut out);
        (!out.is_empty()).then(|| out.freeze())
    }

    async fn wait(&mut self) -> Waited {
        let silence = Instant::now() + self.ping_every;
        let progress = &mut self.progress;
        let told = async {
            if progress.changed().await.is_err() {
                // The log is gone, or the store sends no notifications.
                sleep(Duration::from_secs(1)).await;
            }
        };
        let permit = &mut self.permit;
        let cut = async {
            match permit {
                Some(permit) => permit.cut().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            told = timeout_at(silence, told) => if told.is_ok() { Waited::Told } else { Waited::Silence },
            () = cut => Waited::Cut,
        }
    }

    /// Converts the viewer into a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Cut>> {
        unfold(self, |mut viewer| async move { viewer.next().await.map(|item| (item, viewer)) })
    }

    /// Converts the viewer into the response to a request, like [`into_response`](Self::into_response). An HTTP/1.0
    /// response, which cannot be chunked, ends with its connection.
    pub fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.into_response();
        if request.version() < Version::HTTP_11 {
            let head = response.head_mut();
            head.no_chunking(true);
            head.set_connection_type(ConnectionType::Close);
        }
        response
    }

    /// Converts the viewer into a response with status 200, the headers that keep proxies from buffering, and the
    /// body.
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
    /// A change was notified.
    Told,
    /// Nothing has changed for as long as the connection may be silent.
    Silence,
    /// The client should reconnect to another instance.
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
