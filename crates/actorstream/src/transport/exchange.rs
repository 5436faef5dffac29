//! `Exchange`: what the transport needs to know of a request, and what it found out, while awc stands between.
//!
//! awc has no place for either. But it connects within the poll of the future that it is asked with, so a task-local
//! holds the exchange for just that poll.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actorstream_proto::error::ErrorKind;
use bytes::BytesMut;

use super::BaseUrl;
use super::stream::Stream;
use crate::options::Options;

tokio::task_local! {
    static CURRENT: Rc<Exchange>;
}

/// One request and its answer, up to the body.
#[derive(Debug)]
pub(crate) struct Exchange {
    options: Arc<Options>,
    /// The connection, from when there is one until the head has been read.
    pub(super) stream: RefCell<Option<Stream>>,
    /// A connection was made for the request; otherwise it went out on one that was kept alive.
    pub(super) connected: Cell<bool>,
    /// A byte of the answer has come.
    pub(super) answered: Cell<bool>,
    /// What is left of the request is dropped: the server refused it, or reads it no more.
    pub(super) write_off: Cell<bool>,
    /// What came of the body with the head.
    pub(super) rest: RefCell<BytesMut>,
    /// What went wrong, told better than awc can.
    pub(super) error: RefCell<Option<ErrorKind>>,
}

impl Exchange {
    pub(crate) fn new(options: &Arc<Options>) -> Rc<Self> {
        Rc::new(Self {
            options: Arc::clone(options),
            stream: RefCell::default(),
            connected: Cell::new(false),
            answered: Cell::new(false),
            write_off: Cell::new(false),
            rest: RefCell::default(),
            error: RefCell::default(),
        })
    }

    pub(super) fn base_url(&self) -> &BaseUrl {
        &self.options.base_url
    }

    pub(super) fn connect_budget(&self) -> Option<Duration> {
        self.options.budgets.connect
    }

    /// The limit on the head of the response, in bytes.
    pub(super) fn head_limit(&self) -> usize {
        self.options.limits.head
    }

    /// The exchange of the request that is being polled.
    pub(super) fn current() -> Option<Rc<Self>> {
        CURRENT.try_with(Rc::clone).ok()
    }

    /// Runs a future of awc's in the name of this exchange.
    pub(super) async fn run<T>(self: &Rc<Self>, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| CURRENT.sync_scope(Rc::clone(self), || future.as_mut().poll(cx))).await
    }

    /// Keeps the first thing that went wrong.
    pub(super) fn fail(&self, kind: ErrorKind) {
        self.error.borrow_mut().get_or_insert(kind);
    }
}
