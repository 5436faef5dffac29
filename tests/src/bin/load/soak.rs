//! Streams with and without faults for a long time: each ends once, and memory and files stay constant.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, RetryPolicy, StreamError, StreamRef,
    StreamingClient, Timeouts, streaming_client,
};
use fastrand::Rng;

use crate::Failure;
use crate::process::{Beside, Holds, ensure};

/// The allowed growth of memory in KiB, and of files, between the second and the last quarter.
const GROWTH_KIB: u64 = 8 << 10;
const GROWTH_FILES: usize = 50;

/// The timeouts of every stream.
const TIMEOUT: Duration = Duration::from_millis(500);
/// The tolerated delay of a timeout on a busy machine.
const LATE: Duration = Duration::from_secs(2);

/// Stops, panics, cancels, waits, or receives its stream normally.
struct Mixed {
    acts: usize,
    at: usize,
    seen: usize,
    last: Instant,
    notes: Rc<Notes>,
}

/// The record of a target.
#[derive(Default)]
struct Notes {
    ends: Cell<usize>,
    /// The delay of a timeout.
    late: Cell<Option<Duration>>,
}

impl Actor for Mixed {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Mixed {
    fn handle_data(&mut self, _: ChatCompletionChunk, stream: &StreamRef, ctx: &mut Self::Context) {
        self.seen += 1;
        self.last = Instant::now();
        match self.acts {
            0 if self.seen == self.at => ctx.stop(),
            1 if self.seen == self.at => stream.cancel(),
            2 => ctx.wait(tokio::time::sleep(Duration::from_millis(1)).into_actor(self)),
            _ => {}
        }
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
        self.notes.ends.set(self.notes.ends.get() + 1);
        // With comments, the silence is shorter than it seems; then the stall timeout applies, also from the last
        // event.
        if self.seen > 0 && error.timeout().is_some() {
            self.notes.late.set(Some(self.last.elapsed().saturating_sub(TIMEOUT)));
        }
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {
        self.notes.ends.set(self.notes.ends.get() + 1);
    }
}

/// The totals of all streams.
#[derive(Default)]
struct Tally {
    ends: RefCell<BTreeMap<&'static str, u64>>,
    wrong: RefCell<Vec<String>>,
    late: RefCell<Vec<Duration>>,
}

/// Runs the soak test. `lasting` streams run for longer than each of their timeouts before they end or become
/// silent.
pub(crate) fn run(minutes: f64, streams: usize, seed: u64, lasting: bool) -> Result<(), Failure> {
    let time = Duration::from_secs_f64(minutes * 60.0);
    System::new().block_on(async {
        let upstream = Beside::start(["upstream"])?;
        let openai = OpenAi::builder()
            .base_url(&upstream.base_url)
            .retry(RetryPolicy::none())
            .timeouts(Timeouts::default().first_event(TIMEOUT).idle(TIMEOUT).stall(TIMEOUT))
            .build()?;
        let model = if lasting { "lasting" } else { "mixed" };
        println!("{streams} {model} streams at once for {minutes} minutes, seed {seed}");
        let tally = Rc::new(Tally::default());
        let start = Instant::now();
        let workers: Vec<_> = (0..streams)
            .map(|number| {
                let rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
                actix::spawn(one_after_another(openai.clone(), model, rng, Rc::clone(&tally), start + time))
            })
            .collect();

        let mut samples = Vec::new();
        let every = (time / 40).max(Duration::from_millis(250));
        while start.elapsed() < time {
            tokio::time::sleep(every).await;
            let holds = Holds::now()?;
            let ended: u64 = tally.ends.borrow().values().sum();
            println!("{:7.1} s: {ended} streams ended; {holds}", start.elapsed().as_secs_f64());
            samples.push(holds);
        }
        for worker in workers {
            worker.await?;
        }
        for (end, count) in &*tally.ends.borrow() {
            println!("{count:9} {end}");
        }
        let late = tally.late.borrow();
        let latest = late.iter().max().copied().unwrap_or_default();
        println!("{} timeouts after an event, at most {latest:?} late", late.len());
        ensure(latest <= LATE, || format!("a timeout was {latest:?} late"))?;
        let wrong = tally.wrong.borrow();
        ensure(wrong.is_empty(), || format!("{} streams ended wrongly: {}", wrong.len(), wrong[0]))?;

        let quarter = samples.len() / 4;
        let most = |samples: &[Holds]| {
            let memory = samples.iter().map(|holds| holds.memory).max().unwrap_or_default();
            (memory, samples.iter().map(|holds| holds.files).max().unwrap_or_default())
        };
        let (early, late) = (most(&samples[quarter..2 * quarter]), most(&samples[3 * quarter..]));
        println!(
            "second quarter: at most {} KiB, {} files; last quarter: {} KiB, {} files",
            early.0, early.1, late.0, late.1
        );
        ensure(late.0 <= early.0 + GROWTH_KIB, || format!("memory grew from {} to {} KiB", early.0, late.0))?;
        ensure(late.1 <= early.1 + GROWTH_FILES, || format!("files grew from {} to {}", early.1, late.1))
    })
}

/// Runs one stream after another, each with its own fault and target.
async fn one_after_another(openai: OpenAi, model: &str, mut rng: Rng, tally: Rc<Tally>, until: Instant) {
    while Instant::now() < until {
        let notes = Rc::<Notes>::default();
        let (acts, at) = (rng.usize(..8), rng.usize(1..100));
        let target = Mixed { acts, at, seen: 0, last: Instant::now(), notes: Rc::clone(&notes) };
        let request = ChatRequest::new(format!("{model} {}", rng.u64(..))).user("x");
        let outcome = openai.chat().stream(request, target.start()).await;
        let name = match &outcome {
            Ok(_) => "finish",
            Err(error) => error.kind.name(),
        };
        *tally.ends.borrow_mut().entry(name).or_default() += 1;
        // A stopped target receives no end; every other target receives one.
        let told = usize::from(name != "target_stopped");
        let ends = notes.ends.get();
        if ends != told {
            tally.wrong.borrow_mut().push(format!("{name}, and the target received {ends} ends"));
        }
        tally.late.borrow_mut().extend(notes.late.get());
    }
}
