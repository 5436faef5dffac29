//! `Exchange`: the state of one request that awc's interface does not carry.
//!
//! awc cannot pass data of the request to the connector, nor data of the connection back. But it connects while the
//! request's future is polled, so a task-local holds the exchange during that poll.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actorstream_proto::outcome::error::ErrorKind;
use bytes::BytesMut;

use crate::settings::base_url::BaseUrl;
use crate::settings::options::Options;
use crate::transport::connect::stream::Stream;
use crate::transport::http::sending::{Sending, Unsent};

tokio::task_local! {
    static CURRENT: Rc<Exchange>;
}

/// One request and its response, up to the body.
#[derive(Debug)]
pub(crate) struct Exchange {
    options: Arc<Options>,
    /// The connection, from its creation until the head has been read.
    pub(crate) stream: RefCell<Option<Stream>>,
    /// The request, until it is completely written.
    pub(crate) sending: RefCell<Option<Box<Sending>>>,
    /// Whether the request may use a pooled connection.
    may_use_kept: bool,
    /// A connection was made for the request; otherwise a pooled one was used.
    pub(crate) connected: Cell<bool>,
    /// There was a connection to send the request on.
    pub(crate) begun: Cell<bool>,
    /// A byte of the response has arrived.
    pub(crate) answered: Cell<bool>,
    /// The rest of the request is dropped: the server refused it, or accepts no more.
    pub(crate) cut_short: Cell<bool>,
    /// The head of the response, verbatim.
    pub(crate) head: RefCell<Vec<u8>>,
    /// The part of the body that arrived with the head.
    pub(crate) rest: RefCell<BytesMut>,
    /// How the connection ended before the head was complete.
    pub(crate) broke: RefCell<Option<String>>,
    /// The error, if it is more precise than awc's.
    pub(crate) error: RefCell<Option<ErrorKind>>,
}

impl Exchange {
    /// Creates an exchange for a request that may use a pooled connection, or one that needs a fresh one.
    pub(crate) fn new(options: &Arc<Options>, may_use_kept: bool, sending: Sending) -> Rc<Self> {
        Rc::new(Self {
            options: Arc::clone(options),
            stream: RefCell::default(),
            sending: RefCell::new(Some(Box::new(sending))),
            may_use_kept,
            connected: Cell::new(false),
            begun: Cell::new(false),
            answered: Cell::new(false),
            cut_short: Cell::new(false),
            head: RefCell::default(),
            rest: RefCell::default(),
            broke: RefCell::default(),
            error: RefCell::default(),
        })
    }

    pub(crate) fn base_url(&self) -> &BaseUrl {
        &self.options.base_url
    }

    pub(crate) fn connect_timeout(&self) -> Option<Duration> {
        self.options.timeouts.connect
    }

    /// The limit on the response head, in bytes.
    pub(crate) fn head_limit(&self) -> usize {
        self.options.limits.head
    }

    pub(crate) fn may_use_kept(&self) -> bool {
        self.may_use_kept
    }

    /// Returns whether the request used a pooled connection that ended without a byte of a response: the server had
    /// closed it, or was about to.
    pub(crate) fn was_stale(&self) -> bool {
        !self.connected.get()
            && !self.answered.get()
            && self.broke.borrow().is_some()
            && self.error.borrow().is_none()
    }

    /// Returns the exchange of the request that is being polled.
    pub(crate) fn current() -> Option<Rc<Self>> {
        CURRENT.try_with(Rc::clone).ok()
    }

    /// Runs one of awc's futures within this exchange.
    pub(crate) async fn run<T>(self: &Rc<Self>, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| CURRENT.sync_scope(Rc::clone(self), || future.as_mut().poll(cx))).await
    }

    /// Records the first error.
    pub(crate) fn fail(&self, kind: ErrorKind) {
        self.error.borrow_mut().get_or_insert(kind);
    }

    /// Writes as much of the request as the connection accepts; the task is woken when it accepts more.
    ///
    /// # Errors
    /// If the request cannot be sent because of its own content.
    pub(crate) fn send(&self, cx: &mut Context<'_>) -> Result<(), ErrorKind> {
        let (mut sending, mut stream) = (self.sending.borrow_mut(), self.stream.borrow_mut());
        let (Some(request), Some(stream)) = (&mut *sending, &mut *stream) else { return Ok(()) };
        self.begun.set(true);
        match request.poll(stream, cx) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => *sending = None,
            Poll::Ready(Err(Unsent::Broken)) => {
                *sending = None;
                self.cut_short.set(true);
            }
            Poll::Ready(Err(Unsent::Failed(kind))) => return Err(kind),
        }
        Ok(())
    }

    /// Drops the rest of the request.
    pub(crate) fn cut_short(&self) {
        if self.sending.take().is_some() {
            self.cut_short.set(true);
        }
    }
}
