//! `BodyDecoder`: decodes a body that is in one or more codings.

use std::cell::RefCell;

use actorstream_proto::session::BodyEnd;
use bytes::Bytes;

use crate::transport::http::body::Piece;

use super::coding::ContentCoding;
use super::layer::{self, Corrupt, Layer};

/// The maximum number of bytes decoded per read, including those between two codings. It equals the size of a read
/// of an uncoded body.
const DECODED_AHEAD: usize = 32 << 10;

/// The number of decoded bytes that the start of a member or frame counts as. A body may contain many empty ones,
/// and each gzip member needs a new decoder.
const MEMBER: usize = 512;

thread_local! {
    /// The output buffer shared by the streams of this thread, so that a waiting stream needs none.
    static OUTPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; DECODED_AHEAD]);
}

/// Decodes a body.
#[derive(Debug)]
pub(in crate::transport::http) struct BodyDecoder {
    /// The codings, starting with the one that was applied last.
    layers: Vec<Layer>,
    /// The number of bytes that may still be decoded before the next read.
    left: usize,
    /// The number of bytes decoded for the previous read.
    decoded_before: usize,
    /// Bytes have arrived whose arrival was not reported yet.
    is_fed: bool,
    /// How the coded body ended.
    end: Option<BodyEnd>,
}

/// The result of decoding.
enum Decoded {
    Bytes(Bytes),
    /// Nothing more can be decoded until more input arrives.
    NeedsInput,
    /// The limit for one read is reached.
    Enough,
}

impl BodyDecoder {
    /// Creates a decoder for at least one coding, in the order in which they were applied.
    #[allow(clippy::unnecessary_wraps, reason = "without the feature there is none")]
    pub(super) fn new(codings: Vec<ContentCoding>) -> Result<Self, &'static str> {
        let layers = codings.into_iter().rev().map(Layer::new).collect();
        Ok(Self { layers, left: DECODED_AHEAD, decoded_before: 0, is_fed: false, end: None })
    }

    /// Starts a read: resets the limit on decoded bytes.
    pub(in crate::transport::http) fn begin_read(&mut self) {
        self.decoded_before = DECODED_AHEAD - self.left;
        self.left = DECODED_AHEAD;
    }

    /// Returns whether the limit for this read is reached, so that more may be decoded without reading.
    pub(in crate::transport::http) fn has_more(&self) -> bool {
        self.left == 0
    }

    /// Returns the number of bytes decoded for the read before the current one.
    pub(in crate::transport::http) fn decoded_before(&self) -> usize {
        self.decoded_before
    }

    /// Returns the next decoded piece of the body, or its end. `coded` returns the available pieces of the coded
    /// body. An empty piece means that bytes arrived but decoded to nothing yet.
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

    /// Returns how the body ended: a clean end in the middle of coded data is a cut.
    fn true_end(&self, end: BodyEnd) -> BodyEnd {
        match self.layers.iter().find(|layer| layer.is_incomplete()) {
            Some(layer) if end == BodyEnd::Clean => {
                BodyEnd::Cut(format!("the body ended in the middle of its {} data", layer.coding().name()))
            }
            _ => end,
        }
    }

    /// Decodes the input that has arrived.
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
