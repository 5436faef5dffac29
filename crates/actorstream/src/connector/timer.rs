//! `Timer`: wakes a connector at a deadline that may move with every event.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_rt::time::{Sleep, sleep_until};
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::session::Session;

use crate::stream::clock::now;

/// A deadline that may move.
pub(super) trait Until {
    /// The deadline; it may change during the wait.
    fn deadline(&self) -> Option<Instant>;

    /// A lower bound of the deadline.
    fn not_before(&self) -> Option<Instant> {
        self.deadline()
    }

    /// Returns whether the deadline has passed.
    #[inline]
    fn has_come(&self, now: Instant) -> bool {
        self.not_before().is_some_and(|instant| now >= instant)
            && self.deadline().is_some_and(|deadline| now >= deadline)
    }
}

impl Until for Option<Instant> {
    fn deadline(&self) -> Option<Instant> {
        *self
    }
}

impl<E: Event> Until for Session<E> {
    fn deadline(&self) -> Option<Instant> {
        self.deadline()
    }

    fn not_before(&self) -> Option<Instant> {
        self.no_deadline_before()
    }
}

/// A timer that is polled by each wait that returns `Pending`, so that it always wakes the current task.
///
/// It is reset only when the deadline moves before the time it is set to, or when it fires before the deadline. A
/// deadline that moves away with each event therefore costs nothing, and the timer fires at the deadline or earlier,
/// never later.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Ready when the deadline has passed; otherwise the task is woken then or earlier. Without a deadline, it is
    /// never ready.
    pub(super) fn poll(&mut self, until: &impl Until, cx: &mut Context<'_>) -> Poll<()> {
        let Some(not_before) = until.not_before() else { return Poll::Pending };
        let sleep = match &mut self.sleep {
            Some(sleep) if sleep.deadline().into_std() <= not_before => sleep,
            _ => {
                let Some(deadline) = until.deadline().map(Into::into) else { return Poll::Pending };
                let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                if sleep.deadline() > deadline {
                    sleep.as_mut().reset(deadline);
                }
                sleep
            }
        };
        while sleep.as_mut().poll(cx).is_ready() {
            let Some(deadline) = until.deadline() else { return Poll::Pending };
            if now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline.into());
        }
        Poll::Pending
    }
}
