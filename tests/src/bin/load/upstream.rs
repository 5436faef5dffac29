//! The upstream: the model name in a request selects the response.

use std::io::{self, Read as _, Write as _};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use actorstream_test::{ChatStream, Gate, Reply, Request, Script, Upstream};
use fastrand::Rng;

use crate::Failure;

/// The text of the last event before a paced stream waits for the others.
pub(crate) const FIRST: &str = "first";

/// The length of the text in an event of a history, in bytes.
pub(crate) const HISTORY: usize = 16 << 10;

/// Serves until the input ends.
pub(crate) fn serve() -> Result<(), Failure> {
    let upstream = Upstream::builder().record_requests(false).start(Script::with(answer))?;
    println!("{}", upstream.base_url());
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Returns the gate at which paced streams wait until all of them have begun.
fn gate() -> &'static Gate {
    static GATE: OnceLock<Gate> = OnceLock::new();
    GATE.get_or_init(Gate::new)
}

/// `paced EVENTS PERIOD [HISTORY]`, `go`, `whole`, `flood`, `hold`, `mixed SEED`, `lasting SEED`.
fn answer(request: &Request) -> Reply {
    let json = request.json();
    let mut words = json["model"].as_str().unwrap_or_default().split(' ');
    let name = words.next();
    let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
    match name {
        Some("paced") => {
            let (events, period) = (number(), Duration::from_millis(number()));
            let count = |number| usize::try_from(number).unwrap_or_default();
            paced(count(events), period, count(number()))
        }
        Some("go") => {
            gate().open();
            whole()
        }
        Some("whole") => whole(),
        Some("flood") => Reply::sse().forever(event(&"x".repeat(256)), Duration::ZERO),
        Some("hold") => Reply::sse().event(json_of(FIRST)).hold(),
        Some("mixed") => mixed(&mut Rng::with_seed(number())),
        Some("lasting") => lasting(&mut Rng::with_seed(number())),
        _ => Reply::error(404, "invalid_request_error", "no such model"),
    }
}

fn whole() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

fn json_of(content: &str) -> String {
    serde_json::json!({"id": "c", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": null}]})
        .to_string()
}

fn event(content: &str) -> String {
    format!("data: {}\n\n", json_of(content))
}

/// Returns the nanoseconds since 1970, on the clock that both processes share.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}

/// Sends a history of events and a first event at once; when all streams may continue, sends events that contain
/// their times.
fn paced(events: usize, period: Duration, history: usize) -> Reply {
    let stop = r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let last = format!("{stop}\n\ndata: [DONE]\n\n");
    let last = format!("{:x}\r\n{last}\r\n0\r\n\r\n", last.len());
    // Spread the streams over the period.
    let begun = Reply::sse().repeat(history, event(&" ".repeat(HISTORY))).event(json_of(FIRST));
    let begun = begun.gate(gate()).wait(period.mul_f64(fastrand::f64()));
    let timed = |reply: Reply, _| reply.wait(period).repeat_with(1, |_| event(&now().to_string()));
    (0..events).fold(begun, timed).wait(period).bytes(last)
}

/// Returns a stream of the soak test: most are intact, the others have a fault each.
fn mixed(rng: &mut Rng) -> Reply {
    let deltas = rng.usize(1..200);
    let whole = ChatStream::new().deltas(deltas, "word ").finish_reason("stop");
    let some: Vec<_> = whole.events().take(deltas / 2).collect();
    let start = Reply::sse().events(some);
    match rng.usize(..16) {
        0 => start.reset(),
        1 => start.cut(),
        2 => start.end(),
        3 => start.event("{oops").end(),
        4 => start.event(r#"{"error":{"message":"boom"}}"#).end(),
        5 => start.hold(),
        6 => Reply::raw().hold(),
        7 => Reply::raw().reset(),
        8 => Reply::error(500, "server_error", "no"),
        9 => Reply::text(200, "text/html", "<html>log in</html>"),
        10 => start.forever(": ping\n\n", Duration::from_millis(20)),
        11 => whole.reply().split_random(rng.u64(..)),
        12 => whole.reply().pace(Duration::from_millis(1)),
        _ => whole.reply(),
    }
}

/// Returns a stream that lasts for 0.6 to 2.5 s, longer than each timeout of the soak test. Most become silent then.
fn lasting(rng: &mut Rng) -> Reply {
    let period = *rng.choice(&[2, 5, 10, 40]).unwrap_or(&10);
    let deltas = rng.usize(600..2500) / period;
    let whole = ChatStream::new().deltas(deltas, "word ").finish_reason("stop");
    let period = Duration::from_millis(period as u64);
    let start = Reply::sse().events(whole.events().take(deltas).collect::<Vec<_>>()).pace(period);
    match rng.usize(..8) {
        0 => start.cut(),
        1 => whole.reply().pace(period),
        2 | 3 => start.forever(": ping\n\n", period),
        _ => start.hold(),
    }
}
