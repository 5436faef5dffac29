//! The connections of a thread, and the end of those that are kept for nothing.
//!
//! awc looks at a kept connection only when it wants to use it. Until then one that the server has closed would stand
//! in `CLOSE_WAIT`, so a sweep looks at all that are idle.

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::rc::{Rc, Weak};

use tokio::time::{Duration, Instant};

use super::exchange::Exchange;
use super::stream::Stream;

/// A connection, for as long as awc has it.
#[derive(Debug)]
pub(super) struct Kept {
    /// `None` once it was closed while nobody used it.
    stream: RefCell<Option<Stream>>,
    /// The exchange that used it last; it lives until its answer is read or dropped.
    user: RefCell<Weak<Exchange>>,
    /// Since when it has been seen idle.
    idle_since: Cell<Option<Instant>>,
}

impl Kept {
    /// The stream, unless it was closed.
    pub(super) fn stream(&self) -> RefMut<'_, Option<Stream>> {
        self.stream.borrow_mut()
    }

    /// The exchange that uses it, or used it last and is not over yet.
    pub(super) fn user(&self) -> Option<Rc<Exchange>> {
        self.user.borrow().upgrade()
    }

    /// Another exchange begins.
    pub(super) fn used_by(&self, exchange: &Rc<Exchange>) {
        *self.user.borrow_mut() = Rc::downgrade(exchange);
        self.idle_since.set(None);
    }

    /// Closes the connection if it is idle and the server has closed it or sent something, or if it has been idle for
    /// too long.
    fn close_if_useless(&self, keep_alive: Duration) {
        if self.user.borrow().strong_count() > 0 {
            return;
        }
        let now = Instant::now();
        let since = self.idle_since.get().unwrap_or(now);
        self.idle_since.set(Some(since));
        let mut stream = self.stream.borrow_mut();
        let silent = stream.as_ref().is_some_and(|stream| {
            let read = stream.tcp().try_read(&mut [0]);
            read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        });
        if !silent || now - since >= keep_alive {
            *stream = None;
        }
    }
}

/// All connections of a client on a thread.
#[derive(Debug, Default)]
pub(super) struct Connections(RefCell<Vec<Weak<Kept>>>);

impl Connections {
    /// Adds one that was made for an exchange.
    pub(super) fn add(&self, stream: Stream, exchange: &Rc<Exchange>) -> Rc<Kept> {
        let kept = Rc::new(Kept {
            stream: RefCell::new(Some(stream)),
            user: RefCell::new(Rc::downgrade(exchange)),
            idle_since: Cell::new(None),
        });
        self.0.borrow_mut().push(Rc::downgrade(&kept));
        kept
    }

    /// Closes those that are idle and of no use, or idle for longer than this.
    pub(super) fn sweep(&self, keep_alive: Duration) {
        self.0.borrow_mut().retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            connection.close_if_useless(keep_alive);
            connection.stream.borrow().is_some()
        });
    }
}
