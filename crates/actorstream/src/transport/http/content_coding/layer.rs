//! `Layer`: one coding of a body.

use bytes::{Buf as _, Bytes, BytesMut};

use super::coding::ContentCoding;
use super::decoder::{Decoder, Step};
use super::start::{Start, start};

/// The body is not valid in its coding. Contains what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Corrupt(pub(super) String);

/// The result of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoded {
    /// This many bytes were written, at least one.
    Bytes(usize),
    /// A decoder was created: coded data begins.
    Begun,
    /// Nothing more can be decoded until more input arrives.
    NeedsInput,
}

/// One coding of a body, and the position in it.
#[derive(Debug)]
pub(super) struct Layer {
    coding: ContentCoding,
    state: State,
    /// The input that was not decoded yet.
    input: Bytes,
    /// No more input follows.
    ended: bool,
}

#[derive(Debug)]
enum State {
    /// At the first bytes, which show whether the body is in its coding at all.
    Start,
    /// The body is not in its coding.
    Plain,
    /// In the coded data. `is_full` if the last step filled its output, so that more may follow without input.
    Coded { decoder: Decoder, is_full: bool },
    /// After a member or frame, which another may follow.
    Between(Decoder),
    /// After the coded data. Anything that follows is ignored.
    Behind,
}

impl Layer {
    pub(super) fn new(coding: ContentCoding) -> Self {
        Self { coding, state: State::Start, input: Bytes::new(), ended: false }
    }

    pub(super) fn coding(&self) -> ContentCoding {
        self.coding
    }

    /// Adds input. Earlier input must have been decoded as far as possible.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if self.input.is_empty() {
            self.input = bytes;
        } else {
            // The first bytes were too few to detect the coding.
            let mut joined = BytesMut::with_capacity(self.input.len() + bytes.len());
            joined.extend_from_slice(&self.input);
            joined.extend_from_slice(&bytes);
            self.input = joined.freeze();
        }
    }

    /// Records that no more input follows.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns whether the coded data has begun and not ended.
    pub(super) fn is_incomplete(&self) -> bool {
        matches!(self.state, State::Coded { .. })
    }

    /// Decodes input into `output`, which must not be empty.
    pub(super) fn decode(&mut self, output: &mut [u8]) -> Result<Decoded, Corrupt> {
        loop {
            match std::mem::replace(&mut self.state, State::Behind) {
                before @ (State::Start | State::Between(_)) => {
                    let is_first = matches!(before, State::Start);
                    // After a member, an incomplete magic number at the end of the body is not another member.
                    match start(self.coding, &self.input, is_first && self.ended) {
                        Start::Unknown => {
                            self.state = before;
                            return Ok(Decoded::NeedsInput);
                        }
                        Start::Plain if is_first => self.state = State::Plain,
                        Start::Plain => {}
                        Start::Coded => {
                            let decoder = match before {
                                State::Between(decoder) => decoder.again(),
                                _ => Decoder::new(self.coding, &self.input),
                            };
                            let decoder = decoder.map_err(|why| corrupt(self.coding, &why))?;
                            self.state = State::Coded { decoder, is_full: false };
                            return Ok(Decoded::Begun);
                        }
                    }
                }
                State::Plain => {
                    self.state = State::Plain;
                    let there = self.input.len().min(output.len());
                    self.input.copy_to_slice(&mut output[..there]);
                    return Ok(if there == 0 { Decoded::NeedsInput } else { Decoded::Bytes(there) });
                }
                State::Behind => {
                    self.input.clear();
                    return Ok(Decoded::NeedsInput);
                }
                State::Coded { mut decoder, is_full } => {
                    if self.input.is_empty() && !is_full {
                        self.state = State::Coded { decoder, is_full };
                        return Ok(Decoded::NeedsInput);
                    }
                    let step = decoder.step(&self.input, output);
                    let Step { read, written, ended } = step.map_err(|why| corrupt(self.coding, &why))?;
                    if read == 0 && written == 0 && !ended && !self.input.is_empty() {
                        return Err(corrupt(self.coding, "the decoder makes no progress"));
                    }
                    self.input.advance(read);
                    self.state = if !ended {
                        State::Coded { decoder, is_full: written == output.len() }
                    } else if self.coding.may_follow_itself() {
                        State::Between(decoder)
                    } else {
                        State::Behind
                    };
                    if written > 0 {
                        return Ok(Decoded::Bytes(written));
                    }
                }
            }
        }
    }
}

fn corrupt(coding: ContentCoding, why: &str) -> Corrupt {
    Corrupt(format!("its {} data are corrupt ({why})", coding.name()))
}
