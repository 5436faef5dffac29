//! `Guard`: what interrupts a connector's waits, whatever it waits for.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use actix_rt::time::{Sleep, sleep_until};
use actorstream_proto::event::Event;
use actorstream_proto::session::Session;
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

/// Until when something is waited for.
pub(super) trait Until {
    /// When that is; it may change while it is waited.
    fn deadline(&self) -> Option<Instant>;

    /// It is not before this.
    fn not_before(&self) -> Option<Instant> {
        self.deadline()
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

/// Watches over a connector's waits.
pub(super) struct Guard<E: Event> {
    stream: StreamRef,
    target: Alive<E>,
    timer: Timer,
    /// Who is woken when the stream is cancelled or the target goes, and how often the stream was woken before. It stays
    /// so from one wait to the next.
    registered: Option<(Waker, u32)>,
    /// The end is on its way: it stays what it is.
    ending: bool,
}

/// How it is known that a target is alive.
enum Alive<E: Event> {
    Actor(Watch),
    Channel(Sender<StreamEvent<E>>, Pin<Box<dyn Future<Output = ()>>>),
    Always,
}

impl<E: Event> Guard<E> {
    pub(super) fn new(stream: StreamRef, target: &Target<E>) -> Self {
        let target = match target {
            Target::Actor(recipient) => Alive::Actor(Watch::new(recipient.clone())),
            Target::Channel(sender) => {
                let closing = sender.clone();
                Alive::Channel(sender.clone(), Box::pin(async move { closing.closed().await }))
            }
            Target::Callback(_) | Target::Nobody => Alive::Always,
        };
        Self { stream, target, timer: Timer::default(), registered: None, ending: false }
    }

    /// From here on a cancellation changes nothing.
    pub(super) fn ending(&mut self) {
        self.ending = true;
    }

    /// Waits until `poll` is ready, or something interrupts.
    pub(super) async fn wait<T>(
        &mut self,
        until: &impl Until,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, Interrupt> {
        poll_fn(|cx| {
            self.register(cx.waker());
            if !self.ending && self.stream.is_cancelled() {
                return Poll::Ready(Err(Interrupt::Cancelled));
            }
            if self.target.is_gone() {
                return Poll::Ready(Err(Interrupt::Gone));
            }
            if let Poll::Ready(output) = poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if self.target.poll_gone(cx).is_ready() {
                return Poll::Ready(Err(Interrupt::Gone));
            }
            if self.timer.poll(until, cx) { Poll::Ready(Err(Interrupt::Deadline)) } else { Poll::Pending }
        })
        .await
    }

    /// Lets others have their turn, until the task is woken; unless what may interrupt does not wake it yet.
    pub(super) async fn rest(&mut self, until: &impl Until) {
        let mut rested = false;
        poll_fn(|cx| {
            let rest = !rested && self.is_registered(cx.waker()) && self.timer.is_set(until);
            rested = true;
            if rest { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    fn is_registered(&self, waker: &Waker) -> bool {
        let wakes = self.stream.wakes();
        self.registered.as_ref().is_some_and(|(known, seen)| *seen == wakes && known.will_wake(waker))
    }

    /// Has the task woken by what may interrupt, unless that is so already.
    fn register(&mut self, waker: &Waker) {
        if self.is_registered(waker) {
            return;
        }
        let wakes = self.stream.wakes();
        self.stream.register(waker);
        if let Alive::Actor(watch) = &self.target {
            watch.register(waker);
        }
        self.timer.armed = false;
        self.registered = Some((waker.clone(), wakes));
    }
}

impl<E: Event> Alive<E> {
    fn is_gone(&self) -> bool {
        match self {
            Self::Actor(watch) => watch.is_gone(),
            Self::Channel(sender, _) => sender.is_closed(),
            Self::Always => false,
        }
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Channel(_, closed) => closed.as_mut().poll(cx),
            Self::Actor(_) | Self::Always => Poll::Pending,
        }
    }
}

/// A timer whose deadline may move with every event. It is set anew only when the deadline comes nearer, or when it
/// fires too early: so a deadline that moves away with each event costs nothing.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// It wakes the task when it fires.
    armed: bool,
}

impl Timer {
    /// Whether it wakes the task in time.
    fn is_set(&self, until: &impl Until) -> bool {
        match (until.not_before(), &self.sleep) {
            (None, _) => true,
            (Some(not_before), Some(sleep)) => self.armed && sleep.deadline().into_std() <= not_before,
            (Some(_), None) => false,
        }
    }

    fn poll(&mut self, until: &impl Until, cx: &mut Context<'_>) -> bool {
        let Some(not_before) = until.not_before() else { return false };
        let sleep = match &mut self.sleep {
            Some(sleep) if sleep.deadline().into_std() <= not_before => sleep,
            _ => {
                let Some(deadline) = until.deadline().map(Into::into) else { return false };
                let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                if sleep.deadline() > deadline {
                    sleep.as_mut().reset(deadline);
                    self.armed = false;
                }
                sleep
            }
        };
        if self.armed && !sleep.is_elapsed() {
            return false;
        }
        while sleep.as_mut().poll(cx).is_ready() {
            self.armed = false;
            let Some(deadline) = until.deadline() else { return false };
            if now() >= deadline {
                return true;
            }
            sleep.as_mut().reset(deadline.into());
        }
        self.armed = true;
        false
    }
}
