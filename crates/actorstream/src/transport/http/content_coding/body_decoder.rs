//! `BodyDecoder`: what is in a body, however many codings it is in.

use std::cell::RefCell;

use actorstream_proto::session::BodyEnd;
use bytes::Bytes;

use crate::transport::http::body::Piece;

use super::coding::ContentCoding;
use super::layer::{self, Corrupt, Layer};

/// How many bytes are decoded for each read, those between two codings included: as many as are read at once of a body that is
/// in none.
const DECODED_AHEAD: usize = 32 << 10;

/// As how many decoded bytes the beginning of coded data counts, of which many may lie in a body that hold nothing: a decoder
/// of gzip is made for each.
const MEMBER: usize = 512;

thread_local! {
    /// Where the streams of this thread decode to: none of them needs a buffer of its own while it waits.
    static OUTPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; DECODED_AHEAD]);
}

/// Decodes a body.
#[derive(Debug)]
pub(in crate::transport::http) struct BodyDecoder {
    /// The codings, the one that was applied last first.
    layers: Vec<Layer>,
    /// How many bytes may still be decoded before the next read.
    left: usize,
    /// How many were decoded with the read before.
    decoded_before: usize,
    /// Bytes came of which nothing was told yet.
    is_fed: bool,
    /// How the coded body ended.
    end: Option<BodyEnd>,
}

/// What came of decoding.
enum Decoded {
    Bytes(Bytes),
    /// Nothing more of what came.
    NeedsInput,
    /// As much as may be for one read.
    Enough,
}

impl BodyDecoder {
    /// A decoder of these codings, which are in the order in which they were applied. There is at least one.
    #[allow(clippy::unnecessary_wraps, reason = "without the feature there is none")]
    pub(super) fn new(codings: Vec<ContentCoding>) -> Result<Self, &'static str> {
        let layers = codings.into_iter().rev().map(Layer::new).collect();
        Ok(Self { layers, left: DECODED_AHEAD, decoded_before: 0, is_fed: false, end: None })
    }

    /// Lets as much be decoded as goes with one read.
    pub(in crate::transport::http) fn begin_read(&mut self) {
        self.decoded_before = DECODED_AHEAD - self.left;
        self.left = DECODED_AHEAD;
    }

    /// Whether as much was decoded as goes with one read, so that there may be more without another.
    pub(in crate::transport::http) fn has_more(&self) -> bool {
        self.left == 0
    }

    /// How many bytes were decoded of the read before the present one.
    pub(in crate::transport::http) fn decoded_before(&self) -> usize {
        self.decoded_before
    }

    /// The next piece of what is in the body, or its end; `coded` gives the pieces of the coded body that are there. An empty
    /// piece says that bytes came which let none out.
    pub(in crate::transport::http) fn next(
        &mut self,
        mut coded: impl FnMut() -> Option<Piece>,
    ) -> Option<Piece> {
        loop {
            match self.decode() {
                Ok(Decoded::Bytes(bytes)) => {
                    self.is_fed = false;
                    return Some(Piece::Bytes(bytes));
                }
                Ok(Decoded::Enough) => return self.sign_of_life(),
                Ok(Decoded::NeedsInput) => {}
                Err(Corrupt(why)) => return Some(Piece::End(BodyEnd::Cut(format!("the body broke: {why}")))),
            }
            if let Some(end) = self.end.take() {
                return Some(Piece::End(self.true_end(end)));
            }
            match coded() {
                Some(Piece::Bytes(bytes)) => {
                    self.is_fed = true;
                    if let Some(outermost) = self.layers.first_mut() {
                        outermost.push(bytes);
                    }
                }
                Some(Piece::End(end)) => {
                    if let Some(outermost) = self.layers.first_mut() {
                        outermost.end();
                    }
                    self.end = Some(end);
                }
                None => return self.sign_of_life(),
            }
        }
    }

    fn sign_of_life(&mut self) -> Option<Piece> {
        std::mem::take(&mut self.is_fed).then(|| Piece::Bytes(Bytes::new()))
    }

    /// How the body ended, of which nothing more comes.
    fn true_end(&self, end: BodyEnd) -> BodyEnd {
        match self.layers.iter().find(|layer| layer.is_incomplete()) {
            Some(layer) if end == BodyEnd::Clean => {
                BodyEnd::Cut(format!("the body ended in the middle of its {} data", layer.coding().name()))
            }
            _ => end,
        }
    }

    /// Decodes what has come.
    fn decode(&mut self) -> Result<Decoded, Corrupt> {
        OUTPUT.with_borrow_mut(|output| {
            let last = self.layers.len() - 1;
            let mut at = last;
            while self.left > 0 {
                let room = self.left.min(output.len());
                match self.layers[at].decode(&mut output[..room])? {
                    layer::Decoded::Begun => self.left = self.left.saturating_sub(MEMBER),
                    layer::Decoded::Bytes(decoded) => {
                        self.left -= decoded;
                        let decoded = Bytes::copy_from_slice(&output[..decoded]);
                        if at == last {
                            return Ok(Decoded::Bytes(decoded));
                        }
                        at += 1;
                        self.layers[at].push(decoded);
                    }
                    layer::Decoded::NeedsInput => {
                        if at < last && self.layers[at].has_ended() && !self.layers[at + 1].has_ended() {
                            at += 1;
                            self.layers[at].end();
                        } else if at == 0 {
                            return Ok(Decoded::NeedsInput);
                        } else {
                            at -= 1;
                        }
                    }
                }
            }
            Ok(Decoded::Enough)
        })
    }
}

#[cfg(test)]
#[path = "body_decoder_tests.rs"]
mod tests;
