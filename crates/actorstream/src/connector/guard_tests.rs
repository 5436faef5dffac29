//! What may end a wait, two at a time: each ordered pair of them is ready in the same poll, for each kind of target, and then
//! there is silence, or a third. Nothing is missed, and silence ends by the deadline.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use actix::{Actor, Handler};
use actorstream_proto::endpoint::raw::RawEvent;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::coop;

use super::*;
use crate::stream::clock::now;
use crate::stream::delivery::link::{Batch, Delivery};
use crate::stream::registry::Streams;
use crate::stream::stream_ref::StreamRef;
use crate::stream::streaming_client::StreamMessage;
use crate::stream::target::IntoTarget as _;

/// How far off a deadline is.
const FAR: Duration = Duration::from_secs(1000);
/// The resolution of the runtime's timers, which fire at the end of it.
const TICK: Duration = Duration::from_millis(1);

/// What may end a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Readable,
    Writable,
    Permit,
    ToolDone,
    Acknowledged,
    /// The timer has fired, but the deadline is a later one meanwhile.
    TimerOfAnEarlierDeadline,
    Deadline,
    TargetGone,
    Cancelled,
    Shutdown,
}

const CAUSES: [Cause; 10] = [
    Cause::Readable,
    Cause::Writable,
    Cause::Permit,
    Cause::ToolDone,
    Cause::Acknowledged,
    Cause::TimerOfAnEarlierDeadline,
    Cause::Deadline,
    Cause::TargetGone,
    Cause::Cancelled,
    Cause::Shutdown,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Actor,
    Recipient,
    Closure,
    Channel,
    Nobody,
}

const KINDS: [Kind; 5] = [Kind::Actor, Kind::Recipient, Kind::Closure, Kind::Channel, Kind::Nobody];

/// How a poll is granted: with the task's cooperative budget whole, or used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grant {
    Whole,
    UsedUp,
}

/// Something that becomes ready once, as a socket or a permit does.
#[derive(Default)]
struct Source {
    ready: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Source {
    fn set(&self) {
        self.ready.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ready.take() {
            return Poll::Ready(());
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A deadline that moves away without the timer's being set anew, as a session's does.
struct Moving {
    not_before: Cell<Instant>,
    deadline: Cell<Instant>,
}

impl Until for Rc<Moving> {
    fn deadline(&self) -> Option<Instant> {
        self.not_before.set(self.deadline.get());
        Some(self.deadline.get())
    }

    fn not_before(&self) -> Option<Instant> {
        Some(self.not_before.get())
    }
}

/// Counts how often a task was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Idle;

impl Actor for Idle {
    type Context = actix::Context<Self>;
}

impl Handler<StreamMessage<RawEvent>> for Idle {
    type Result = ();

    fn handle(&mut self, _: StreamMessage<RawEvent>, _: &mut Self::Context) {}
}

/// A wait, and all that may end it.
struct Bench {
    kind: Kind,
    guard: Guard<RawEvent>,
    stream: StreamRef,
    streams: Arc<Streams>,
    until: Rc<Moving>,
    sources: [Source; 4],
    link: Arc<Link<RawEvent>>,
    delivery: Option<Delivery<RawEvent>>,
    receiver: Option<Receiver<StreamEvent<RawEvent>>>,
    woken: Arc<Woken>,
    _entry: Option<crate::stream::registry::Entry>,
}

/// What a wait came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ready(Cause),
    Interrupted(Interrupt),
}

impl Bench {
    fn new(kind: Kind) -> Self {
        let stream = StreamRef::new();
        let link = Link::<RawEvent>::new(stream.clone());
        let mut receiver = None;
        let target = match kind {
            Kind::Actor => Target::Actor(Idle.start().recipient()),
            Kind::Recipient => Idle.start().recipient().into_target(),
            Kind::Closure => (|_: StreamEvent<RawEvent>| {}).into_target(),
            Kind::Channel => {
                let (sender, pulled) = channel(1);
                receiver = Some(pulled);
                sender.into_target()
            }
            Kind::Nobody => Target::Nobody,
        };
        let guard = Guard::new(&link, &target);
        // An actor's life is over by word alone here: nothing keeps it.
        std::mem::forget(target);
        let streams = Arc::<Streams>::default();
        let entry = streams.start(&stream);
        let deadline = now() + FAR;
        let until = Rc::new(Moving { not_before: Cell::new(deadline), deadline: Cell::new(deadline) });
        let delivery = Some(link.deliver(Batch::of_end(Err(crate::StreamError::config("unused")))));
        Self {
            kind,
            guard,
            stream,
            streams,
            until,
            sources: Default::default(),
            link,
            delivery,
            receiver,
            woken: Arc::default(),
            _entry: entry,
        }
    }

    /// Makes one of them happen; those that a kind of target does not know do not.
    async fn make(&mut self, cause: Cause) -> bool {
        match cause {
            Cause::Readable | Cause::Writable | Cause::Permit | Cause::ToolDone => {
                self.sources[cause as usize].set();
            }
            Cause::Acknowledged => drop(self.delivery.take()),
            Cause::TimerOfAnEarlierDeadline => {
                let set_to = self.until.deadline.get();
                self.until.deadline.set(set_to + FAR);
                tokio::time::advance(set_to + TICK - now()).await;
            }
            Cause::Deadline => tokio::time::advance(self.until.deadline.get() + TICK - now()).await,
            Cause::TargetGone => match (self.kind, self.receiver.take()) {
                (Kind::Actor | Kind::Recipient, _) => self.stream.target_is_over(false),
                (Kind::Channel, Some(receiver)) => drop(receiver),
                _ => return false,
            },
            Cause::Cancelled => self.stream.cancel(),
            Cause::Shutdown => self.streams.close(),
        }
        true
    }

    /// One poll of a wait, as an executor polls it that was woken.
    fn poll(&mut self, grant: Grant) -> Poll<Outcome> {
        if grant == Grant::UsedUp {
            let mut cx = Context::from_waker(Waker::noop());
            while coop::has_budget_remaining()
                && coop::poll_proceed(&mut cx).map(|made| made.made_progress()).is_ready()
            {}
        }
        let Self { guard, until, sources, link, woken, delivery, .. } = self;
        woken.0.store(0, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(woken));
        let mut cx = Context::from_waker(&waker);
        let acknowledged = Cell::new(delivery.is_none());
        let wait = guard.wait(&*until, |cx| {
            for (source, cause) in sources.iter().zip(CAUSES) {
                if source.poll(cx).is_ready() {
                    return Poll::Ready(cause);
                }
            }
            // Once it was seen nothing is out any more.
            if link.poll_done().is_ready() {
                acknowledged.set(true);
                return Poll::Ready(Cause::Acknowledged);
            }
            Poll::Pending
        });
        let mut wait = std::pin::pin!(wait);
        wait.as_mut().poll(&mut cx).map(|result| match result {
            Ok(cause) => Outcome::Ready(cause),
            Err(interrupt) => Outcome::Interrupted(interrupt),
        })
    }

    fn was_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst) > 0
    }

    /// Polls until the wait is pending and nothing has woken it; gives all that it came to.
    async fn drain(&mut self, mut grant: Grant) -> Vec<Outcome> {
        let mut came = Vec::new();
        let mut polls = 0;
        loop {
            polls += 1;
            assert!(polls < 100, "the wait never rests: {came:?}");
            match self.poll(std::mem::replace(&mut grant, Grant::Whole)) {
                Poll::Ready(outcome) => {
                    came.push(outcome);
                    if let Outcome::Interrupted(_) = outcome {
                        return came;
                    }
                }
                Poll::Pending => {
                    // A task whose budget is used up is woken when the others have had their turn.
                    tokio::task::yield_now().await;
                    if !self.was_woken() {
                        return came;
                    }
                }
            }
            // The next poll of a task has a budget of its own.
            tokio::task::yield_now().await;
        }
    }
}

/// What must come of a cause.
fn outcome(cause: Cause) -> Option<Outcome> {
    Some(match cause {
        Cause::TimerOfAnEarlierDeadline => return None,
        Cause::Deadline => Outcome::Interrupted(Interrupt::Deadline),
        Cause::TargetGone => Outcome::Interrupted(Interrupt::Gone),
        Cause::Cancelled | Cause::Shutdown => Outcome::Interrupted(Interrupt::Cancelled),
        ready => Outcome::Ready(ready),
    })
}

fn ends(cause: Cause) -> bool {
    matches!(outcome(cause), Some(Outcome::Interrupted(_)))
}

/// Plays a pair of causes, and then a third or silence.
async fn play(kind: Kind, grant: Grant, [first, second]: [Cause; 2], third: Cause) {
    if [first, second] == [Cause::Deadline, Cause::TimerOfAnEarlierDeadline] {
        // What has passed does not move any more.
        return;
    }
    let case = format!("{kind:?}, budget {grant:?}: {first:?} and {second:?}, then {third:?}");
    let mut bench = Bench::new(kind);
    assert_eq!(bench.drain(Grant::Whole).await, [], "{case}");
    for cause in [first, second] {
        if !bench.make(cause).await {
            return;
        }
    }
    assert!(bench.was_woken(), "{case}: nothing woke the wait");
    let came = bench.drain(grant).await;
    let must: Vec<Outcome> = [first, second].into_iter().filter_map(outcome).collect();
    if [first, second].into_iter().any(ends) {
        // One of those that end it is the end, and what is lost by that is no more than what the end covers.
        assert!(came.last().is_some_and(|last| must.contains(last)), "{case}: {came:?}");
        return;
    }
    assert!(must.iter().all(|outcome| came.contains(outcome)), "{case}: {came:?}");
    if !bench.make(third).await {
        return;
    }
    let came = bench.drain(grant).await;
    match outcome(third) {
        // An acknowledgement comes but once.
        _ if third == Cause::Acknowledged && (first == third || second == third) => {}
        Some(outcome) => assert!(came.contains(&outcome), "{case}: {came:?}"),
        None => assert_eq!(came, [], "{case}"),
    }
    if !ends(third) {
        assert!(bench.make(Cause::Deadline).await);
        assert!(bench.was_woken(), "{case}: the deadline woke nothing");
        assert_eq!(bench.drain(grant).await, [Outcome::Interrupted(Interrupt::Deadline)], "{case}");
    }
}

#[actix_rt::test]
async fn nothing_that_may_end_a_wait_is_missed_whatever_comes_with_it() {
    tokio::time::pause();
    for kind in KINDS {
        for grant in [Grant::Whole, Grant::UsedUp] {
            for first in CAUSES {
                for second in CAUSES {
                    for third in CAUSES {
                        play(kind, grant, [first, second], third).await;
                    }
                }
            }
        }
    }
}

/// The clock alone tells: no waker, no budget, no timer.
#[actix_rt::test]
async fn a_deadline_that_has_passed_is_seen_without_a_timer() {
    tokio::time::pause();
    let mut bench = Bench::new(Kind::Closure);
    assert_eq!(bench.guard.check(&bench.until, now()), Ok(()));
    assert!(bench.make(Cause::Deadline).await);
    assert_eq!(bench.guard.check(&bench.until, now()), Err(Interrupt::Deadline));
    bench.until.deadline.set(now() + FAR);
    assert_eq!(bench.guard.check(&bench.until, now()), Ok(()));
    bench.stream.target_is_over(true);
    assert_eq!(bench.guard.check(&bench.until, now()), Err(Interrupt::Gone));
    bench.stream.cancel();
    assert_eq!(bench.guard.check(&bench.until, now()), Err(Interrupt::Cancelled));
    bench.guard.ending();
    assert_eq!(bench.guard.check(&bench.until, now()), Err(Interrupt::Gone));
}
