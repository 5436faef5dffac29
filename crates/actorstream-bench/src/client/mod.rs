//! Socket → whoever takes the events: actorstream and its peers, each on one thread.

mod actorstream;
#[cfg(feature = "peers")]
mod async_openai;
mod bare;
mod delays;
#[cfg(feature = "peers")]
mod reqwest;

pub use self::actorstream::run_each;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use delays::Delays;

use crate::{Error, usage};

/// How many streams are opened at once; more would overrun the server's backlog.
const WAVE: usize = 250;

/// For how many seconds silent streams are watched.
const SILENCE: u64 = 5;

/// What became of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// The events that arrived; a client that only reads does not know.
    pub events: u64,
    /// The bytes of text in them, or all bytes for a client that only reads.
    pub bytes: u64,
}

/// Resident memory in KiB.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Before the first stream was opened.
    pub before: u64,
    /// With all of them open.
    pub after: u64,
    /// CPU time that all of them together take in a second of silence, in µs.
    pub idle: u64,
}

/// Opens so many streams of stamped events, and measures for some time.
pub type Measure = fn(&str, usize, Duration) -> Result<Delays, Error>;

/// A client.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)]
pub struct Client {
    /// Its name on the command line.
    pub name: &'static str,
    /// Runs so many streams to their ends.
    pub run: fn(&str, usize) -> Result<Seen, Error>,
    /// Opens so many streams, waits for the first event of each, and keeps them.
    pub hold: fn(&str, usize) -> Result<Held, Error>,
    /// Opens so many streams of stamped events, and measures for that time how long these are under way.
    pub delays: Option<Measure>,
}

/// All the clients, ours first.
pub const CLIENTS: &[Client] = &[
    Client {
        name: "actorstream",
        run: actorstream::run,
        hold: actorstream::hold,
        delays: Some(actorstream::delays),
    },
    Client { name: "actorstream-off", run: actorstream::run_off, hold: actorstream::hold_off, delays: None },
    Client {
        name: "actorstream-one-actor",
        run: actorstream::run,
        hold: actorstream::hold_one,
        delays: Some(actorstream::delays_one),
    },
    #[cfg(feature = "peers")]
    Client {
        name: "async-openai",
        run: async_openai::run,
        hold: async_openai::hold,
        delays: Some(async_openai::delays),
    },
    #[cfg(feature = "peers")]
    Client { name: "reqwest", run: reqwest::run, hold: reqwest::hold, delays: None },
    Client { name: "bare", run: bare::run, hold: bare::hold, delays: Some(bare::delays) },
];

/// What the streams of a peer have seen so far.
#[derive(Debug, Clone, Default)]
struct Count {
    events: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Count {
    /// Each client runs on one thread: nobody else adds, and no lock of the bus need be in what is measured.
    fn add(&self, bytes: usize) {
        let add =
            |count: &AtomicU64, more| count.store(count.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        add(&self.events, 1);
        add(&self.bytes, bytes as u64);
    }

    fn seen(&self) -> Seen {
        Seen { events: self.events.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }
}

/// Opens streams in waves, each when all the ones before have their event, and measures.
async fn open_in_waves(streams: usize, count: &Count, mut open: impl FnMut()) -> Result<Held, Error> {
    let before = usage::resident()?;
    let mut opened = 0;
    while opened < streams {
        let wave = WAVE.min(streams - opened);
        (0..wave).for_each(|_| open());
        opened += wave;
        let mut left = 3000;
        while count.seen().events < opened as u64 {
            left -= 1;
            if left == 0 {
                return Err(format!("{} of {opened} streams have their event", count.seen().events).into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (after, cpu) = (usage::resident()?, usage::cpu()?);
    tokio::time::sleep(Duration::from_secs(SILENCE)).await;
    let idle = (usage::cpu()?.total - cpu.total).as_micros() as u64 / SILENCE;
    Ok(Held { before, after, idle })
}

/// The runtime of the peers.
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
