//! `Guard`: the events that interrupt a connector's waits.
//!
//! The rule for all waits: whenever one returns `Pending`, that same poll has registered a waker for each event that
//! may end it. No registration is skipped because an earlier one may still be valid.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actorstream_proto::endpoint::event::Event;
use tokio::sync::mpsc::Sender;

use crate::stream::delivery::link::Link;
use crate::stream::stream_event::StreamEvent;
use crate::stream::target::Target;

use super::timer::{Timer, Until};
use super::watch::Watch;

/// Why a wait was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// The stream was cancelled.
    Cancelled,
    /// The target is gone.
    Gone,
    /// The deadline has passed.
    Deadline,
}

/// Interrupts a connector's waits.
pub(super) struct Guard<E: Event> {
    link: Arc<Link<E>>,
    target: Watched<E>,
    timer: Timer,
    /// The end is being delivered and can no longer change.
    ending: bool,
}

/// How the end of a target is noticed if the target does not signal it.
enum Watched<E: Event> {
    /// An actor is polled at intervals, as long as the watch lives.
    Asked { _watch: Watch },
    /// The receiver of a channel.
    Channel(Sender<StreamEvent<E>>, Pin<Box<dyn Future<Output = ()>>>),
    /// The target signals its end itself.
    Nothing,
}

impl<E: Event> Guard<E> {
    pub(super) fn new(link: &Arc<Link<E>>, target: &Target<E>) -> Self {
        let target = match target {
            Target::Actor(recipient) | Target::Recipient(recipient) => {
                Watched::Asked { _watch: Watch::new(link, recipient.clone()) }
            }
            Target::Channel(sender) => {
                let closing = sender.clone();
                Watched::Channel(sender.clone(), Box::pin(async move { closing.closed().await }))
            }
            Target::Callback(_) | Target::Nobody => Watched::Nothing,
        };
        Self { link: Arc::clone(link), target, timer: Timer::default(), ending: false }
    }

    /// From here on, a cancellation has no effect.
    pub(super) fn ending(&mut self) {
        self.ending = true;
    }

    /// Waits until `poll` is ready or something interrupts. Readiness takes precedence over a deadline and over the
    /// end of the target; where `poll` may be ready again and again, [`check`](Self::check) notices these.
    pub(super) async fn wait<T>(
        &mut self,
        until: &impl Until,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Interrupt> {
        poll_fn(|cx| {
            // Register before reading the state that others change, so that no change is missed.
            self.link.stream().register(cx.waker());
            if self.is_cancelled() {
                return Poll::Ready(Err(Interrupt::Cancelled));
            }
            if let Poll::Ready(output) = poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if self.poll_gone(cx).is_ready() {
                return Poll::Ready(Err(Interrupt::Gone));
            }
            self.timer.poll(until, cx).map(|()| Err(Interrupt::Deadline))
        })
        .await
    }

    /// Returns what interrupts at this moment, by the clock alone. An expired deadline is noticed however much data
    /// arrives and whatever budget the runtime grants the task.
    pub(super) fn check(&self, until: &impl Until, now: Instant) -> Result<(), Interrupt> {
        if self.is_cancelled() {
            Err(Interrupt::Cancelled)
        } else if self.is_gone() {
            Err(Interrupt::Gone)
        } else if until.has_come(now) {
            Err(Interrupt::Deadline)
        } else {
            Ok(())
        }
    }

    fn is_cancelled(&self) -> bool {
        !self.ending && self.link.stream().is_cancelled()
    }

    fn is_gone(&self) -> bool {
        self.link.stream().is_target_over()
            || matches!(&self.target, Watched::Channel(sender, _) if sender.is_closed())
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_gone() {
            return Poll::Ready(());
        }
        match &mut self.target {
            Watched::Channel(_, closed) => return closed.as_mut().poll(cx),
            Watched::Asked { .. } if self.link.belongs_to_an_incarnation() => self.target = Watched::Nothing,
            Watched::Asked { .. } | Watched::Nothing => {}
        }
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
