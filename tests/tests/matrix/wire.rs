//! The bytes that the upstream writes: an intact stream up to the fault, and the fault.

use std::time::Duration;

use actorstream_test::{Reply, Script};

use crate::common::{chunk, stop};
use crate::scenario::{Fault, Framing, Phase, Scenario};

/// The header that identifies a run's requests at the upstream.
pub(crate) const RUN: &str = "x-run";
pub(crate) const FAULTY: &str = "faulty";

const GARBAGE: &str = "\0\u{1}%! garbage\r\n\r\n";
const DONE: &str = "data: [DONE]\n\n";

/// The maximum number of writes before a RST, which discards data that the kernel has not sent. The kernel sends ten
/// segments before the first acknowledgement (RFC 6928), including the head and TLS tickets.
const MOST_BEFORE_RST: usize = 6;

/// The speed of the upstream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The pause between two pieces of a slow drip.
    pub(crate) drip: Duration,
    /// The pause between two comments.
    pub(crate) comment: Duration,
    /// The pause between two events of a long run, which lasts longer than any timeout.
    pub(crate) gap: Duration,
}

/// Returns an event of the intact stream, encoded.
fn event(scenario: &Scenario, n: usize) -> String {
    let json = if n + 1 < scenario.events { chunk(&scenario.text(n)) } else { stop() };
    format!("data: {json}\n\n")
}

/// Returns a stream without a fault.
pub(crate) fn good(scenario: &Scenario) -> Reply {
    let reply = (0..scenario.events).fold(Reply::sse(), |reply, n| reply.piece(event(scenario, n)));
    reply.piece(DONE).end()
}

/// Returns the script of a scenario's upstream.
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

/// Returns the reply on the faulty connection.
fn reply(scenario: &Scenario, pace: Pace) -> Reply {
    let body = Body::new(scenario);
    let head = body.head();
    match (scenario.phase, scenario.fault) {
        // The handshake begins, but its first record is never complete.
        (Phase::Tls, Fault::SlowDrip) => {
            let record = Reply::raw().bytes(&b"\x16\x03\x03\x3f\xff"[..]);
            record.then(Reply::raw().forever("\x02", pace.drip))
        }
        // The request is read after a while.
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

/// Writes bytes verbatim, a few at a time.
fn drip(reply: Reply, bytes: &[u8], pace: Pace) -> Reply {
    bytes.chunks(9).fold(reply, |reply, bytes| reply.bytes(bytes.to_vec()).wait(pace.drip))
}

/// The body of the faulty response.
struct Body<'a> {
    scenario: &'a Scenario,
    /// The data before the fault, in pieces.
    before: Vec<Vec<u8>>,
    /// The data that would follow without the fault.
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

    /// Returns the position in the JSON at which the event with the fault is cut.
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
            // The body ends at the fault.
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

    /// Adds the fault, and the data after it.
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
                // The surplus has arrived, and the connection is closed, before the client's next stream begins.
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

    /// Adds the data after an event that ends the stream: the rest of it, the end of the body, or nothing.
    fn rest(&self, reply: Reply) -> Reply {
        let reply = match self.scenario.cut % 3 {
            0 => reply.piece(self.after.clone()).end(),
            1 => reply.end(),
            _ => reply.hold(),
        };
        // Otherwise the request, which has arrived by then, would be answered again.
        if self.scenario.at_accept() { reply.close() } else { reply }
    }
}
