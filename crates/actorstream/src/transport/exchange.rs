//! `Exchange`: what the transport needs to know of a request, and what it found out, while awc stands between.
//!
//! awc has no place for either. But it connects, writes and reads within the poll of the future that it is asked
//! with, so a task-local holds the exchange for just that poll.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actorstream_proto::error::ErrorKind;

use super::BaseUrl;
use crate::options::Options;

tokio::task_local! {
    static CURRENT: Rc<Exchange>;
}

/// One request and its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    options: Arc<Options>,
    /// A connection was made for the request; otherwise it went out on one that was kept alive.
    pub(crate) connected: Cell<bool>,
    /// A byte of the answer has come.
    pub(crate) answered: Cell<bool>,
    /// The connection ended while the answer was read.
    pub(crate) closed: Cell<bool>,
    /// What is left of the request is dropped: the server refused it, or reads it no more.
    pub(super) write_off: Cell<bool>,
    /// What went wrong, told better than awc can.
    pub(crate) error: RefCell<Option<ErrorKind>>,
}

impl Exchange {
    pub(crate) fn new(options: &Arc<Options>) -> Rc<Self> {
        Rc::new(Self {
            options: Arc::clone(options),
            connected: Cell::new(false),
            answered: Cell::new(false),
            closed: Cell::new(false),
            write_off: Cell::new(false),
            error: RefCell::new(None),
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

    /// Looks at the exchange of the request that is being polled, if there is one.
    pub(super) fn with(look: impl FnOnce(&Self)) {
        let _ = CURRENT.try_with(|exchange| look(exchange));
    }

    /// Polls something of awc's in the name of this exchange.
    pub(crate) fn poll<T>(self: &Rc<Self>, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        CURRENT.sync_scope(Rc::clone(self), poll)
    }

    /// Runs a future of awc's in the name of this exchange.
    pub(crate) async fn run<T>(self: &Rc<Self>, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx: &mut Context<'_>| self.poll(|| future.as_mut().poll(cx))).await
    }

    /// Keeps the first thing that went wrong.
    pub(super) fn fail(&self, kind: ErrorKind) {
        self.error.borrow_mut().get_or_insert(kind);
    }
}
