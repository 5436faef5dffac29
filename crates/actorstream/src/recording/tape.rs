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
}

impl Tape {
    pub(crate) fn new(recording: &Recording, request: Request, now: Instant) -> Self {
        recording.begin();
        let fits = recording.take(request.size());
        let exchange = fits.then(|| Box::new(Exchange::new(request, now)));
        Self { recording: recording.clone(), exchange }
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

    /// A part of the body arrived.
    pub(crate) fn bytes(&mut self, bytes: &[u8], now: Instant) {
        self.add(bytes.len(), |exchange| {
            exchange.body.extend_from_slice(bytes);
            exchange.reads.push((exchange.body.len(), now));
        });
    }

    /// The body ended, cleanly or not.
    pub(crate) fn end(&mut self, is_clean: bool) {
        self.add(0, |exchange| exchange.end = if is_clean { End::Clean } else { End::Cut });
    }

    fn add(&mut self, bytes: usize, add: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = &mut self.exchange {
            if self.recording.take(bytes) {
                add(exchange);
            } else {
                self.exchange = None;
            }
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.recording.end(self.exchange.take());
    }
}
