//! `Guard`: what interrupts a connector's waits, whatever it waits for.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use actix_rt::time::{Sleep, sleep_until};
use actorstream_proto::event::Event;
use tokio::sync::mpsc::Sender;

use crate::stream_event::StreamEvent;
use crate::stream_ref::StreamRef;
use crate::target::Target;

use super::now;
use super::watch::Watch;

/// Why a wait ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// The stream was cancelled.
    Cancelled,
    /// The target is gone.
    Gone,
    /// The deadline has come.
    Deadline,
}

/// Watches over a connector's waits.
pub(super) struct Guard<E: Event> {
    stream: StreamRef,
    target: Alive<E>,
    timer: Timer,
    /// The end is on its way: it stays what it is.
    ending: bool,
}

/// How it is known that a target is alive.
enum Alive<E: Event> {
    Actor(Watch),
    Channel(Sender<StreamEvent<E>>),
    Always,
}

impl<E: Event> Guard<E> {
    pub(super) fn new(stream: StreamRef, target: &Target<E>) -> Self {
        let target = match target {
            Target::Actor(recipient) => Alive::Actor(Watch::new(recipient.clone())),
            Target::Channel(sender) => Alive::Channel(sender.clone()),
            Target::Callback(_) | Target::Nobody => Alive::Always,
        };
        Self { stream, target, timer: Timer::default(), ending: false }
    }

    /// From here on a cancellation changes nothing.
    pub(super) fn ending(&mut self) {
        self.ending = true;
    }

    /// Waits for a future, until something interrupts. `deadline` is asked for when there is something to wait for.
    pub(super) async fn wait<T>(
        &mut self,
        deadline: impl Fn() -> Option<Instant>,
        future: impl Future<Output = T>,
    ) -> Result<T, Interrupt> {
        let mut future = pin!(future);
        let Self { stream, target, timer, ending } = self;
        let target = &*target;
        let mut gone = pin!(target.gone());
        poll_fn(|cx| {
            if !*ending && stream.is_cancelled() {
                return Poll::Ready(Err(Interrupt::Cancelled));
            }
            if target.is_gone() {
                return Poll::Ready(Err(Interrupt::Gone));
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if !*ending {
                stream.register(cx.waker());
                if stream.is_cancelled() {
                    return Poll::Ready(Err(Interrupt::Cancelled));
                }
            }
            if gone.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(Interrupt::Gone));
            }
            if timer.poll(deadline(), cx) { Poll::Ready(Err(Interrupt::Deadline)) } else { Poll::Pending }
        })
        .await
    }
}

impl<E: Event> Alive<E> {
    fn is_gone(&self) -> bool {
        match self {
            Self::Actor(watch) => watch.is_gone(),
            Self::Channel(sender) => sender.is_closed(),
            Self::Always => false,
        }
    }

    async fn gone(&self) {
        match self {
            Self::Actor(watch) => watch.gone().await,
            Self::Channel(sender) => sender.closed().await,
            Self::Always => pending().await,
        }
    }
}

/// A timer whose deadline may move with every event. It is set anew only when the deadline comes nearer, or when it
/// fires too early: so a deadline that moves away with each event costs nothing.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn poll(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline.map(Into::into) else { return false };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if now() >= deadline.into_std() {
                return true;
            }
            sleep.as_mut().reset(deadline);
        }
        false
    }
}
