//! Halves of surrogate pairs, which JSON can hold and no Rust string can: how a text carries them, and how two are joined.

use std::borrow::Cow;
use std::cell::Cell;

use super::{Rest, Text};

/// The first of the 2,048 private characters that stand for lone surrogates while a payload is read the forgiving way.
const STAND_IN: u32 = 0x10_F800;

thread_local! {
    /// Whether private characters stand for lone surrogates in what is being parsed on this thread.
    static STAND_INS: Cell<bool> = const { Cell::new(false) };
}

/// The character that stands for a lone surrogate.
pub(crate) fn stand_in(surrogate: u16) -> char {
    let offset = u32::from(surrogate) - 0xD800;
    char::from_u32(STAND_IN + offset).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn stood_for(character: char) -> Option<u16> {
    u32::from(character).checked_sub(STAND_IN).and_then(|offset| u16::try_from(offset + 0xD800).ok())
}

/// Whether a text holds a character that stands, or would be taken, for a lone surrogate.
pub(crate) fn has_stand_ins(text: &str) -> bool {
    text.chars().any(|character| stood_for(character).is_some())
}

/// Runs `parse` on what holds characters that stand for lone surrogates.
pub(crate) fn with_stand_ins<T>(parse: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            STAND_INS.set(self.0);
        }
    }
    let _restore = Restore(STAND_INS.replace(true));
    parse()
}

/// Replaces characters that stand for lone surrogates in a string that cannot carry half a character on.
pub(crate) fn settle_stand_ins(text: &mut String) {
    if STAND_INS.get() && has_stand_ins(text) {
        let settled = text.chars().map(|character| match stood_for(character) {
            Some(_) => char::REPLACEMENT_CHARACTER,
            None => character,
        });
        *text = settled.collect();
    }
}

impl Text {
    /// Joins this text with the unpaired surrogate at the end of the previous text: `carry` is that half (or 0), and
    /// becomes the half that ends this text. A half without a partner becomes U+FFFD.
    #[inline]
    pub fn join(&mut self, carry: &mut u16) {
        if *carry | self.low | self.high != 0 {
            self.join_halves(carry);
        }
    }

    #[cold]
    fn join_halves(&mut self, carry: &mut u16) {
        let (high, low) = (std::mem::take(carry), std::mem::take(&mut self.low));
        *carry = std::mem::take(&mut self.high);
        if high == 0 && low == 0 {
            return;
        }
        if high != 0 && low == 0 && self.is_empty() && *carry == 0 {
            // Nothing came at all: the partner may still come.
            *carry = high;
            return;
        }
        let halves: Vec<u16> = [high, low].into_iter().filter(|half| *half != 0).collect();
        let mut joined = String::from_utf16_lossy(&halves);
        joined.push_str(&self.text);
        self.text = joined.into();
    }

    /// The text of these bytes, if private characters stand for lone surrogates in what is being parsed.
    #[inline]
    pub(super) fn with_stand_ins(bytes: &[u8]) -> Option<Self> {
        if STAND_INS.get() { str::from_utf8(bytes).ok().map(Self::from_str) } else { None }
    }

    /// The text of a string in which private characters may stand for lone surrogates.
    pub(super) fn from_str(text: &str) -> Self {
        if !STAND_INS.get() || !has_stand_ins(text) {
            return Self::from(text);
        }
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.chars() {
            match stood_for(character) {
                // As UTF-8 would encode it, if it might.
                Some(unit) => {
                    bytes.extend([0xED, 0x80 | ((unit >> 6) & 0x3F) as u8, 0x80 | (unit & 0x3F) as u8]);
                }
                None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Self::repair(&bytes)
    }

    #[cold]
    pub(super) fn repair(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        let mut low = 0;
        let mut high = 0;
        for chunk in surrogates(bytes) {
            match chunk {
                Piece::Text(piece) => {
                    flush(&mut text, &mut high);
                    text.push_str(&piece);
                }
                Piece::Surrogate(unit) if unit < 0xDC00 => {
                    flush(&mut text, &mut high);
                    high = unit;
                }
                Piece::Surrogate(unit) if high != 0 => {
                    text.push_str(&String::from_utf16_lossy(&[std::mem::take(&mut high), unit]));
                }
                Piece::Surrogate(unit) if text.is_empty() && low == 0 => low = unit,
                Piece::Surrogate(_) => text.push(char::REPLACEMENT_CHARACTER),
            }
        }
        Self { text: text.into(), low, high, rest: Rest::Zero }
    }
}

/// A high surrogate that something other than its partner followed.
fn flush(text: &mut String, high: &mut u16) {
    if std::mem::take(high) != 0 {
        text.push(char::REPLACEMENT_CHARACTER);
    }
}

enum Piece<'a> {
    Text(Cow<'a, str>),
    Surrogate(u16),
}

/// Splits bytes at surrogates encoded in three bytes (ED A0..BF xx).
fn surrogates(bytes: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at + 3 <= bytes.len() {
        if bytes[at] == 0xED
            && bytes[at + 1] >= 0xA0
            && bytes[at + 1] & 0xC0 == 0x80
            && bytes[at + 2] & 0xC0 == 0x80
        {
            if start < at {
                pieces.push(Piece::Text(String::from_utf8_lossy(&bytes[start..at])));
            }
            let unit = 0xD000 | (u16::from(bytes[at + 1] & 0x3F) << 6) | u16::from(bytes[at + 2] & 0x3F);
            pieces.push(Piece::Surrogate(unit));
            at += 3;
            start = at;
        } else {
            at += 1;
        }
    }
    if start < bytes.len() {
        pieces.push(Piece::Text(String::from_utf8_lossy(&bytes[start..])));
    }
    pieces
}
