//! Plays a reply to a client and measures the memory.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actorstream::proto::session::head::Head;
use actorstream::proto::session::{BodyEnd, Session, Settings};
use actorstream::{ChatCompletion, ChatCompletionChunk, Finish, Limits, StreamError, StreamEvent};
use actorstream_test::{Reply, Upstream};
use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::MEMORY;
use crate::common::{client, hello};

pub(crate) const MIB: usize = 1 << 20;

/// Waits for all other tests. Each test holds the lock while it runs, so that only its own memory is measured.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The result of a stream: the number of events, the length of their texts, and the end.
pub(crate) struct Played {
    pub(crate) events: usize,
    pub(crate) text: usize,
    pub(crate) end: Result<Finish<ChatCompletion>, StreamError>,
    /// The maximum growth of memory in bytes, including that of the upstream.
    pub(crate) memory: usize,
}

impl Played {
    #[track_caller]
    pub(crate) fn error(&self, kind: &str) -> &StreamError {
        let error = self.end.as_ref().expect_err("it finished");
        assert_eq!(error.kind.name(), kind, "{error}");
        error
    }

    #[track_caller]
    pub(crate) fn finished(&self) -> &ChatCompletion {
        &self.end.as_ref().unwrap_or_else(|error| panic!("{error}")).response
    }

    #[track_caller]
    pub(crate) fn holds_at_most(&self, most: usize) -> &Self {
        println!("{} KiB were held at most", self.memory >> 10);
        assert!(self.memory <= most, "{} bytes, though {most} are the most", self.memory);
        self
    }
}

/// Runs `test`. Also returns the maximum growth of memory in bytes.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> (T, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let out = actix_rt::System::new().block_on(async {
        // This timeout only prevents the test from hanging.
        tokio::time::timeout(Duration::from_secs(60), test).await.expect("the test hangs")
    });
    (out, MEMORY.peak_usage().saturating_sub(before))
}

/// Streams a chat completion from this reply.
pub(crate) fn play(reply: Reply) -> Played {
    play_within(Limits::default(), reply)
}

/// Does the same with other limits.
pub(crate) fn play_within(limits: Limits, reply: Reply) -> Played {
    let ((events, text, end), memory) = run(async {
        let upstream = Upstream::start(reply);
        let openai = client(&upstream.base_url());
        let mut stream = openai.chat().limits(limits).events(hello());
        let (mut events, mut text) = (0, 0);
        loop {
            match stream.next().await.expect("no end") {
                StreamEvent::Start(_) => {}
                StreamEvent::Data(chunk) => {
                    events += 1;
                    text += chunk.content().map_or(0, str::len);
                }
                StreamEvent::Error(error) => break (events, text, Err(error)),
                StreamEvent::Finish(finish) => break (events, text, Ok(finish)),
            }
        }
    });
    Played { events, text, end, memory }
}

/// Plays a body to a session without a socket: `bytes` this many times, then `last`.
pub(crate) fn feed(times: usize, bytes: &'static [u8], last: String) -> Played {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let now = Instant::now();
    let mut session = Session::<ChatCompletionChunk>::new(Settings::default(), now, 1);
    session.on_sent(now);
    session.on_head(Head::read(200, |name| (name == "content-type").then_some("text/event-stream")), now);
    let mut end = None;
    let (mut events, mut text) = (0, 0);
    let mut read = |bytes: Bytes| {
        let mut out = Vec::new();
        let end = session.on_bytes(bytes, now, &mut out);
        events += out.len();
        text += out.iter().filter_map(ChatCompletionChunk::content).map(str::len).sum::<usize>();
        end
    };
    for _ in 0..times {
        end = end.or_else(|| read(Bytes::from_static(bytes)));
    }
    let end = end.or_else(|| read(last.into()));
    let end = end.or_else(|| session.on_body_end(&BodyEnd::Clean, now, &mut Vec::new()));
    Played { events, text, end: end.expect("no end"), memory: MEMORY.peak_usage().saturating_sub(before) }
}
