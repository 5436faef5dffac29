//! Two servers behind one client, of which one dies or falls silent while streams run.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actorstream::{Backend, ChatRequest, OpenAi, OpenAiBuilder, StreamEvent, Timeouts};

use crate::common::within;

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(2);

/// How many streams start, one after the other while the others run, and when what is to happen happens.
const STREAMS: usize = 200;
const FAULT: usize = 80;

/// A server of its own.
struct Aimock {
    child: Child,
    port: String,
}

impl Aimock {
    fn start() -> Self {
        let live = Path::new(env!("CARGO_MANIFEST_DIR")).join("live");
        let mut child = Command::new("node")
            .arg(live.join("node_modules/@copilotkit/aimock/dist/cli.js"))
            .args(["--host", "127.0.0.1", "--port", "0", "--fixtures"])
            .arg(live.join("fixtures"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let port = lines.find_map(|line| {
            let (_, rest) = line.split_once("listening on http://127.0.0.1:")?;
            Some(rest.chars().take_while(char::is_ascii_digit).collect())
        });
        // What it writes later is read, so that it can go on.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port: port.unwrap() }
    }

    fn client(&self) -> OpenAiBuilder {
        let timeouts = Timeouts::default().first_event(SILENCE).idle(SILENCE);
        OpenAi::builder()
            .base_url(format!("http://127.0.0.1:{}/v1", self.port))
            .api_key("sk-test")
            .timeouts(timeouts)
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs streams, with `fault` in the middle of them. Returns the errors of the attempts that failed before the stream had an event.
async fn run(openai: &OpenAi, fault: impl FnOnce()) -> Vec<&'static str> {
    let mut fault = Some(fault);
    let mut streams = Vec::new();
    for number in 0..STREAMS {
        if number == FAULT {
            fault.take().unwrap()();
        }
        let events = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&events);
        let request = ChatRequest::new("gpt-4o").user(if number % 2 == 0 { "slow" } else { "hello" });
        let handle = openai.chat().stream_fn(request, move |event| {
            if matches!(event, StreamEvent::Data(_)) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        streams.push((handle, events));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut failed = Vec::new();
    let mut complete = 0;
    for (number, (handle, events)) in streams.into_iter().enumerate() {
        let tried = match within(handle).await {
            Ok(finish) => {
                complete += 1;
                finish.tried
            }
            Err(error) => {
                let begun = events.load(Ordering::Relaxed) > 0;
                assert!(begun, "stream {number} failed before its first event: {error}; {:?}", error.tried);
                error.tried.clone()
            }
        };
        failed.extend(tried.iter().filter_map(|attempt| attempt.error));
    }
    // Only those that were in the middle of a response are lost.
    assert!(complete > STREAMS / 2, "{complete} of {STREAMS} are complete");
    failed
}

#[actix_rt::test]
async fn no_stream_fails_before_its_first_event_when_a_server_dies_or_falls_silent() {
    let second = Aimock::start();
    let reserve = second.client().build().unwrap();
    let balanced = |first: &Aimock| {
        first
            .client()
            .backend(Backend::new(&reserve).name("second"))
            .balance(1)
            .max_retries(4)
            .build()
            .unwrap()
    };
    let first = Aimock::start();
    let failed = run(&balanced(&first), || first.signal("-KILL")).await;
    assert!(failed.contains(&"transport"), "{failed:?}");

    let first = Aimock::start();
    let failed = run(&balanced(&first), || second.signal("-STOP")).await;
    assert!(failed.contains(&"timeout"), "{failed:?}");
}
