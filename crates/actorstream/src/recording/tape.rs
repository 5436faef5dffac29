//! `Tape`: the recording of one exchange while it runs.

use std::time::Instant;

use crate::recording::Recording;
use crate::recording::exchange::{End, Exchange, Request};

/// The recording of one exchange. It is handed to the writer when it is dropped, wherever the exchange ended.
#[derive(Debug)]
pub(crate) struct Tape {
    recording: Recording,
    /// `None` if it is not to be written.
    exchange: Option<Box<Exchange>>,
    /// The rest does not fit.
    is_full: bool,
}

impl Tape {
    pub(crate) fn new(recording: &Recording, request: Request, now: Instant) -> Self {
        recording.begin();
        let fits = recording.take(request.size());
        let exchange = fits.then(|| Box::new(Exchange::new(request, now)));
        Self { recording: recording.clone(), exchange, is_full: false }
    }

    /// The exchange is repeated on another connection.
    pub(crate) fn discard(&mut self) {
        self.exchange = None;
    }

    /// The head of the response arrived. `decoded` tells that a content coding is taken off the body.
    pub(crate) fn head(&mut self, head: &[u8], decoded: bool) {
        self.add(head.len(), |exchange| {
            exchange.head = head.to_vec();
            exchange.decoded = decoded;
        });
    }

    /// A part of the body arrived. Parts of the same instant are one read; each read takes memory, too.
    pub(crate) fn bytes(&mut self, bytes: &[u8], now: Instant) {
        let last = self.exchange.as_ref().and_then(|exchange| exchange.reads.last());
        let is_same = last.is_some_and(|(_, at)| *at == now);
        let size = if is_same { 0 } else { size_of::<(usize, Instant)>() };
        self.add(bytes.len() + size, |exchange| {
            exchange.body.extend_from_slice(bytes);
            if is_same {
                exchange.reads.pop();
            }
            exchange.reads.push((exchange.body.len(), now));
        });
    }

    /// The body ended, cleanly or not.
    pub(crate) fn end(&mut self, is_clean: bool) {
        self.add(0, |exchange| exchange.end = if is_clean { End::Clean } else { End::Cut });
    }

    fn add(&mut self, bytes: usize, add: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = &mut self.exchange {
            if self.is_full {
                return;
            }
            if self.recording.take(bytes) {
                add(exchange);
            } else {
                // The beginning is kept, and plays as one that broke here.
                exchange.end = End::Cut;
                self.is_full = true;
            }
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.recording.end(self.exchange.take());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tape(max_bytes: usize) -> Tape {
        let request = Request {
            method: "GET",
            target: String::new(),
            headers: Vec::new(),
            body: None,
            secrets: Vec::new(),
        };
        // Nothing is written: the tests discard what they record.
        Tape::new(&Recording::new("unused").max_bytes(max_bytes), request, Instant::now())
    }

    fn reads(tape: &Tape) -> Vec<usize> {
        tape.exchange.iter().flat_map(|exchange| &exchange.reads).map(|(end, _)| *end).collect()
    }

    #[test]
    fn reads_take_room_too_and_parts_of_the_same_instant_are_one_read() {
        const READ: usize = size_of::<(usize, Instant)>();
        let now = Instant::now();
        let mut tape = tape(2 * (READ + 2));
        for (bytes, after, expected, is_full) in [
            ("a", 0, vec![1], false),
            ("b", 0, vec![2], false),
            ("cd", 1, vec![2, 4], false),
            ("e", 1, vec![2, 4], true),
        ] {
            tape.bytes(bytes.as_bytes(), now + Duration::from_nanos(after));
            assert_eq!((reads(&tape), tape.is_full), (expected, is_full), "{bytes}");
        }
        tape.discard();
    }
}
