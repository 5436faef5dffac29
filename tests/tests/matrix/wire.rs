//! What the upstream writes: a good stream up to the fault, and the fault.

use std::time::Duration;

use actorstream_test::{Reply, Script};

use crate::common::{chunk, stop};
use crate::scenario::{Fault, Framing, Phase, Scenario};

/// The header that tells the runs' requests apart at the upstream, and its value where the fault is.
pub(crate) const RUN: &str = "x-run";
pub(crate) const FAULTY: &str = "faulty";

const GARBAGE: &str = "\0\u{1}%! garbage\r\n\r\n";
const DONE: &str = "data: [DONE]\n\n";

/// How many writes there are at most before a RST, which throws away what the kernel has not sent: it sends ten segments
/// until the first is acknowledged (RFC 6928), and the head and the tickets of TLS are some of them.
const MOST_BEFORE_RST: usize = 6;

/// How fast the upstream is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between two pieces of a slow drip.
    pub(crate) drip: Duration,
    /// Between two comments.
    pub(crate) comment: Duration,
    /// Between two events of a long run, which lasts longer than any timeout.
    pub(crate) gap: Duration,
}

/// The events of the good stream as they go over the wire.
fn event(scenario: &Scenario, n: usize) -> String {
    let json = if n + 1 < scenario.events { chunk(&scenario.text(n)) } else { stop() };
    format!("data: {json}\n\n")
}

/// A stream without any fault.
pub(crate) fn good(scenario: &Scenario) -> Reply {
    let reply = (0..scenario.events).fold(Reply::sse(), |reply, n| reply.piece(event(scenario, n)));
    reply.piece(DONE).end()
}

/// All that the upstream of a scenario does.
pub(crate) fn script(scenario: &Scenario, pace: Pace) -> Script {
    let scenario = *scenario;
    let whole = good(&scenario);
    let faulty = reply(&scenario, pace);
    let again = faulty.clone();
    let script = Script::with(move |request| {
        let marked = request.header(RUN) == Some(FAULTY);
        if marked && !scenario.at_accept() { faulty.clone() } else { whole.clone() }
    });
    if !scenario.at_accept() {
        return script;
    }
    script.at_accept(move |connection| (connection == 0).then(|| again.clone()))
}

/// What the faulty connection gets.
fn reply(scenario: &Scenario, pace: Pace) -> Reply {
    let body = Body::new(scenario);
    let head = body.head();
    match (scenario.phase, scenario.fault) {
        // The handshake begins, and its first record never gets whole.
        (Phase::Tls, Fault::SlowDrip) => {
            let record = Reply::raw().bytes(&b"\x16\x03\x03\x3f\xff"[..]);
            record.then(Reply::raw().forever("\x02", pace.drip))
        }
        // The request is taken after a while.
        (Phase::RequestBody, Fault::SlowDrip) => Reply::raw().wait(pace.drip * 20),
        (Phase::Connect | Phase::Tls | Phase::RequestBody, fault) if fault < Fault::SlowDrip => {
            body.fault(Reply::raw(), pace)
        }
        (Phase::Connect | Phase::Tls | Phase::RequestBody, Fault::Garbage) => {
            Reply::raw().bytes(GARBAGE).close()
        }
        (Phase::Connect, Fault::SlowDrip) => {
            let reply = drip(Reply::raw(), head.as_bytes(), pace);
            body.fault(reply, pace)
        }
        (Phase::Head, fault) if fault <= Fault::Garbage => {
            let cut = 1 + scenario.cut % (head.len() - 2);
            let reply = Reply::raw().bytes(head[..cut].to_owned());
            match fault {
                Fault::SlowDrip => body.fault(drip(reply, &head.as_bytes()[cut..], pace), pace),
                Fault::Garbage => reply.bytes(GARBAGE).close(),
                _ => body.fault(reply, pace),
            }
        }
        _ => body.fault(body.before(Reply::raw().bytes(head), pace), pace),
    }
}

/// Writes bytes as they are, a few at a time.
fn drip(reply: Reply, bytes: &[u8], pace: Pace) -> Reply {
    bytes.chunks(9).fold(reply, |reply, bytes| reply.bytes(bytes.to_vec()).wait(pace.drip))
}

/// The body of the faulty answer.
struct Body<'a> {
    scenario: &'a Scenario,
    /// What comes before the fault, piece by piece.
    before: Vec<Vec<u8>>,
    /// What would come after it, were there none.
    after: Vec<u8>,
}

impl<'a> Body<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut before = Vec::new();
        if scenario.comment && scenario.phase >= Phase::BeforeFirstEvent {
            before.push(b": hello\n\n".to_vec());
        }
        before.extend((0..scenario.before).map(|n| event(scenario, n).into_bytes()));
        let mut after: Vec<u8> =
            (scenario.before..scenario.events).flat_map(|n| event(scenario, n).into_bytes()).collect();
        after.extend(DONE.bytes());
        if scenario.phase == Phase::AfterDone {
            before.push(std::mem::take(&mut after));
        }
        if scenario.inside() {
            let cut = Self::cut(scenario);
            let rest = after.split_off(cut);
            before.push(std::mem::replace(&mut after, rest));
        }
        if scenario.joined {
            before = vec![before.concat()];
        }
        let paced = scenario.phase == Phase::AfterALongRun;
        if scenario.fault == Fault::Reset && !paced && before.len() > MOST_BEFORE_RST {
            let rest = before.split_off(MOST_BEFORE_RST - 1);
            before.push(rest.concat());
        }
        Self { scenario, before, after }
    }

    /// Where the event that the fault comes in is cut: somewhere in its JSON.
    fn cut(scenario: &Scenario) -> usize {
        let event = event(scenario, scenario.before);
        if scenario.phase == Phase::InsideCharacter {
            let (at, character) = match scenario.cut % 2 {
                0 => (event.find('é').unwrap(), 'é'),
                _ => (event.find('😀').unwrap(), '😀'),
            };
            return at + 1 + scenario.cut / 2 % (character.len_utf8() - 1);
        }
        let json = "data: ".len()..event.trim_end().len();
        json.start + 1 + scenario.cut % (json.len() - 1)
    }

    fn len_before(&self) -> usize {
        self.before.iter().map(Vec::len).sum()
    }

    fn head(&self) -> String {
        let length = match self.scenario.fault {
            // It ends where the fault is.
            Fault::WrongLength if self.scenario.kind == 0 => self.len_before(),
            Fault::WrongLength => self.len_before() + self.after.len() + 100,
            _ => self.len_before() + self.after.len(),
        };
        let framing = match self.scenario.framing {
            Framing::Chunked => "transfer-encoding: chunked\r\n".to_owned(),
            Framing::UntilClose => String::new(),
            Framing::Length => format!("content-length: {length}\r\n"),
        };
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{framing}\r\n")
    }

    fn before(&self, reply: Reply, pace: Pace) -> Reply {
        let long = self.scenario.phase == Phase::AfterALongRun;
        self.before.iter().fold(reply, |reply, piece| {
            let reply = reply.piece(piece.clone());
            if long { reply.wait(pace.gap) } else { reply }
        })
    }

    /// The fault, and what follows it.
    fn fault(&self, reply: Reply, pace: Pace) -> Reply {
        let flavour = self.scenario.flavour;
        match self.scenario.fault {
            Fault::Fin => match flavour {
                0 => reply.close(),
                1 => reply.fin(),
                _ => reply.cut(),
            },
            Fault::Reset => reply.reset(),
            Fault::Silence => reply.hold(),
            Fault::SlowDrip => {
                let pieces = self.after.chunks(9);
                let reply =
                    pieces.fold(reply, |reply, piece| reply.piece(piece.to_vec()).wait(pace.drip)).end();
                if self.scenario.phase == Phase::Connect { reply.close() } else { reply }
            }
            Fault::Garbage if flavour == 0 => self.rest(reply.piece("data: {oops\n\n")),
            Fault::Garbage => reply.bytes(GARBAGE).close(),
            Fault::CutChunkSize => reply.bytes(["1", "1f", "a\r"][flavour]).close(),
            Fault::WrongLength => match (flavour, self.scenario.kind) {
                (0, _) => reply.bytes("fff\r\ndata: x").close(),
                (1, _) => reply.bytes("3\r\ndata: too long\r\n0\r\n\r\n").close(),
                // What is too much has come, and the connection is closed, when the client's next stream begins.
                (_, 0) => reply.bytes([&self.after, &b": more\n\n"[..]].concat()),
                _ => reply.close(),
            },
            Fault::ErrorEvent => self.rest(match flavour {
                0 => reply.event(r#"{"error":{"message":"boom","code":500}}"#),
                1 => reply.named_event("error", r#"{"message":"boom"}"#),
                _ => reply.event(r#"{"error":"boom"}"#),
            }),
            Fault::DuplicateEnd => {
                let reply = match flavour {
                    0 => reply.event(stop()).done().event(stop()).done(),
                    _ => reply.event(stop()).event(stop()).done().done(),
                };
                self.rest(reply)
            }
            Fault::CommentsForever => reply.forever(": ping\n\n", pace.comment),
        }
    }

    /// What follows an event that ends the stream: the rest of it, the end of the body, or nothing.
    fn rest(&self, reply: Reply) -> Reply {
        let reply = match self.scenario.cut % 3 {
            0 => reply.piece(self.after.clone()).end(),
            1 => reply.end(),
            _ => reply.hold(),
        };
        // Otherwise the request, which is there by then, would be answered once more.
        if self.scenario.at_accept() { reply.close() } else { reply }
    }
}
