//! `Template`: in one stream nearly every event is the last one with other text. So the last event is remembered, and
//! the next one is compared with it: where all but the texts is the same to the byte, only the texts are read.
//!
//! The outcome is that of parsing, since the same bytes parse to the same: only whole string literals differ, and each
//! of these is read as JSON reads it. Anything else is parsed.

use bytes::Bytes;
use memchr::memchr2;
use smallvec::SmallVec;

use crate::payload::Payload;
use crate::text::Text;

/// An event whose texts change from one event to the next.
pub trait Patterned: Clone + Default {
    /// Visits the texts that change, in an order that depends on nothing but which of them are there.
    fn changing(&mut self, visit: &mut dyn FnMut(&mut Text));

    /// Visits the texts that do not.
    fn fixed(&mut self, visit: &mut dyn FnMut(&mut Text));

    /// The event as it came.
    fn raw(&mut self) -> &mut Payload;
}

/// Where a text that changes stood in the remembered payload: the bytes between its quotes.
#[derive(Debug, Clone, Copy)]
struct Hole {
    start: usize,
    end: usize,
}

/// The holes of an event: the text, the obfuscation, perhaps an argument.
type Holes<T> = SmallVec<[T; 4]>;

/// The last event, and how to tell that the next one differs from it in its texts alone.
#[derive(Debug)]
pub struct Template<E> {
    learned: Option<Box<Learned<E>>>,
    /// How many events in a row were not as expected.
    misses: u32,
    /// An event was parsed. The first one of a stream is like no other: it tells the role, and has no text.
    begun: bool,
}

#[derive(Debug)]
struct Learned<E> {
    payload: Vec<u8>,
    holes: Holes<Hole>,
    /// The event without its texts and its payload.
    event: E,
}

impl<E> Default for Template<E> {
    fn default() -> Self {
        Self { learned: None, misses: 0, begun: false }
    }
}

impl<E: Patterned> Template<E> {
    /// The event that `payload` is, if it is as expected.
    pub(crate) fn read(&mut self, payload: &Bytes) -> Option<E> {
        let learned = self.learned.as_deref()?;
        let Some(mut texts) = learned.texts(payload) else {
            self.misses += 1;
            return None;
        };
        self.misses = 0;
        let mut event = learned.event.clone();
        let mut texts = texts.drain(..);
        event.changing(&mut |text| {
            // A text that was empty is no hole: it stood, and stands, between the same bytes.
            if text.is_placeholder()
                && let Some(new) = texts.next()
            {
                *text = new;
            }
        });
        drop(texts);
        *event.raw() = payload.clone().into();
        Some(event)
    }

    /// Remembers an event that was parsed from `payload`. Events that never repeat are not worth it: the longer none
    /// was as expected, the more rarely one is remembered.
    pub(crate) fn learn(&mut self, event: &E, payload: &Bytes) {
        let first = !std::mem::replace(&mut self.begun, true);
        if first || (self.learned.is_some() && !self.misses.is_power_of_two()) {
            return;
        }
        self.learned = Learned::new(event, payload).map(Box::new);
    }
}

impl<E: Patterned> Learned<E> {
    fn new(event: &E, payload: &Bytes) -> Option<Self> {
        let mut event = event.clone();
        let mut holes: Holes<Hole> = Holes::new();
        let mut whole = true;
        let range = payload.as_ptr_range();
        event.changing(&mut |text| {
            if text.is_empty() && !text.has_half() {
                return;
            }
            let at = text.as_bytes().as_ptr_range();
            if range.start <= at.start && at.end <= range.end {
                let start = at.start as usize - range.start as usize;
                let hole = Hole { start, end: start + text.len() };
                whole &= holes.last().is_none_or(|last| last.end < hole.start);
                holes.push(hole);
                *text = Text::placeholder();
            } else {
                // It held an escape, and does not stand in the payload as it is.
                whole = false;
            }
        });
        if !whole || holes.is_empty() {
            return None;
        }
        // The payload is a slice of a read, whose buffer should not be kept for the sake of this.
        event.fixed(&mut Text::detach);
        *event.raw() = Payload::default();
        Some(Self { payload: payload.to_vec(), holes, event })
    }

    /// The texts that fill the holes, if `payload` is the remembered one but for these.
    fn texts(&self, payload: &Bytes) -> Option<Holes<Text>> {
        let mut texts = Holes::new();
        let (mut old, mut new) = (0, 0);
        for hole in &self.holes {
            let same = &self.payload[old..hole.start];
            if payload.get(new..new + same.len())? != same {
                return None;
            }
            new += same.len();
            let (text, len) = literal(payload, new)?;
            texts.push(text);
            (old, new) = (hole.end, new + len);
        }
        (payload.get(new..)? == &self.payload[old..]).then_some(texts)
    }
}

/// The string whose literal's first byte behind the quote is at `start`, and how many bytes it takes up to the closing
/// quote. `None` if it is not well-formed.
fn literal(payload: &Bytes, start: usize) -> Option<(Text, usize)> {
    let rest = &payload[start..];
    let mut len = 0;
    let mut escaped = false;
    loop {
        let at = len + memchr2(b'"', b'\\', &rest[len..])?;
        if rest[at] == b'"' {
            len = at;
            break;
        }
        escaped = true;
        len = at + 2;
        if len > rest.len() {
            return None;
        }
    }
    let bytes = &rest[..len];
    if escaped {
        // With its quotes it is a JSON text of its own. The quote before it is the remembered payload's.
        let text = serde_json::from_slice(&payload[start - 1..=start + len]).ok()?;
        return Some((text, len));
    }
    if bytes.iter().any(|byte| *byte < 0x20) {
        return None;
    }
    Some((Text::from_literal(payload, start..start + len), len))
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
