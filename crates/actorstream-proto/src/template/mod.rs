//! `Template`: in a stream, nearly every event equals the previous one except for its text. The last event is
//! remembered and compared with the next one: if everything but the texts and the number is the same, byte for byte,
//! only these are read.
//!
//! The result equals that of parsing, since the same bytes parse to the same value: only complete string literals
//! differ, and the digits of a number, and each of these is read as JSON. Anything else is parsed.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memchr2, memmem};
use smallvec::SmallVec;

use crate::endpoint::event::Memory;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::sse::prefix::Prefix;
use crate::sse::{Frame, SseDecoder};

/// An event type whose texts, and perhaps its number, change from one event to the next.
pub trait Patterned: Clone {
    /// Identifies one of the changing texts.
    type Place: Copy + fmt::Debug + Send + 'static;

    /// Visits the changing texts.
    fn changing(&mut self, visit: impl FnMut(&mut Text, Self::Place));

    /// Returns the text at this place, if present.
    fn at(&mut self, place: Self::Place) -> Option<&mut Text>;

    /// Visits the texts that do not change.
    fn fixed(&mut self, visit: impl FnMut(&mut Text));

    /// Returns the event's `sequence_number`, if it is present and may change.
    fn number(&mut self) -> Option<&mut u64> {
        None
    }

    /// The event as it arrived.
    fn raw(&mut self) -> &mut Payload;

    /// Appends a copy of the event with empty changing texts.
    fn append(&self, out: &mut Vec<Self>) {
        // Not pushed: that would put it together elsewhere, before there is room for it.
        out.extend(std::iter::once_with(|| self.clone()));
    }
}

/// Something that changes, and what stood before it in the remembered payload.
#[derive(Debug)]
struct Hole<P> {
    before: Prefix<Bytes>,
    /// Which of the texts it is; `None` if it is the number.
    place: Option<P>,
}

/// The last event, and how to detect that the next one differs from it only in its texts.
#[derive(Debug)]
pub struct Template<E: Patterned> {
    learned: Option<Box<Learned<E>>>,
    /// How many events in a row were not as expected.
    misses: u32,
    /// An event was parsed. The first one of a stream differs from all others: it has the role, and no text.
    begun: bool,
}

#[derive(Debug)]
struct Learned<E: Patterned> {
    /// In the order in which they stand in the payload.
    holes: SmallVec<[Hole<E::Place>; 3]>,
    /// What stood behind the last one.
    behind: Prefix<Bytes>,
    /// The event without its payload, and without the texts that change.
    event: E,
    /// The payload stood in one line.
    one_line: bool,
}

impl<E: Patterned> Default for Template<E> {
    fn default() -> Self {
        Self { learned: None, misses: 0, begun: false }
    }
}

impl<E: Patterned + fmt::Debug + Send + 'static> Memory<E> for Template<E> {
    fn recall(&mut self, frame: Frame, out: &mut Vec<E>) -> Result<(), Frame> {
        let Some(learned) = self.learned.as_deref() else { return Err(frame) };
        if learned.append(&frame.data, 0, out) != Some(frame.data.len()) {
            out.pop();
            self.misses += 1;
            return Err(frame);
        }
        self.misses = 0;
        came_as(frame.data, out);
        Ok(())
    }

    #[inline]
    fn recall_next(&mut self, sse: &mut SseDecoder, out: &mut Vec<E>) -> bool {
        let Some(learned) = self.learned.as_deref().filter(|learned| learned.one_line) else { return false };
        let Some((read, start)) = sse.expected() else { return false };
        let end = learned.append(read, start, out);
        let Some(payload) = end.and_then(|end| sse.take_expected(start, end)) else {
            out.pop();
            return false;
        };
        self.misses = 0;
        came_as(payload, out);
        true
    }
}

/// Gives the last event the payload that it came as.
#[inline]
fn came_as<E: Patterned>(payload: Bytes, out: &mut [E]) {
    if let Some(event) = out.last_mut() {
        *event.raw() = payload.into();
    }
}

impl<E: Patterned> Template<E> {
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
        // Where they stand: the bytes between the quotes of a text, the digits of the number.
        let mut places = SmallVec::<[(Range<usize>, Option<E::Place>); 3]>::new();
        let mut whole = true;
        let range = payload.as_ptr_range();
        event.changing(|text, place| {
            // A text that is empty is no hole: the next one is, too, if it stands between the same bytes.
            if text.is_empty() && !text.has_half() {
                return;
            }
            let at = text.as_bytes().as_ptr_range();
            if range.start <= at.start && at.end <= range.end {
                let start = at.start as usize - range.start as usize;
                places.push((start..start + text.len(), Some(place)));
                *text = Text::default();
            } else {
                // It held an escape, and does not stand in the payload as it is.
                whole = false;
            }
        });
        if !whole || places.is_empty() {
            return None;
        }
        if let Some(number) = event.number() {
            let (start, end) = number_in(payload, *number)?;
            places.push((start..end, None));
        }
        places.sort_unstable_by_key(|(at, _)| at.start);
        let apart = places.windows(2).all(|two| two[0].0.end < two[1].0.start);
        if !apart {
            return None;
        }
        // It keeps no read alive.
        let copy = Bytes::copy_from_slice(payload);
        event.fixed(|text| text.move_to(payload, &copy));
        *event.raw() = Payload::default();
        let one_line = memchr2(b'\n', b'\r', payload).is_none();
        let mut before = 0;
        let holes = places.into_iter().map(|(at, place)| {
            let start = std::mem::replace(&mut before, at.end);
            Hole { before: Prefix::new(copy.slice(start..at.start)), place }
        });
        let holes = holes.collect();
        Some(Self { holes, behind: Prefix::new(copy.slice(before..)), event, one_line })
    }

    /// Appends an event, to which it gives what the payload holds that begins in `read` at `start`, and says where that
    /// ends. `None` if something around the holes is not as remembered: then what was appended is no event.
    #[inline(always)]
    fn append(&self, read: &Bytes, start: usize, out: &mut Vec<E>) -> Option<usize> {
        self.event.append(out);
        let event = out.last_mut()?;
        let mut at = start;
        for hole in &self.holes {
            at = hole.before.end_in(read, at)?;
            match hole.place {
                Some(place) => (*event.at(place)?, at) = Text::from_literal(read, at)?,
                None => (*event.number()?, at) = digits(read, at)?,
            }
        }
        self.behind.end_in(read, at)
    }
}

/// Where the digits of an event's number stand in its payload, if it is certain that they are its number.
fn number_in(payload: &[u8], number: u64) -> Option<(usize, usize)> {
    const KEY: &[u8] = b"\"sequence_number\":";
    // Where nothing is escaped, these bytes are a key, and one that stands there once is the event's own.
    let mut keys = memmem::find_iter(payload, KEY);
    let key = keys.next().filter(|_| keys.next().is_none() && memchr(b'\\', payload).is_none())?;
    let value = payload[key + KEY.len()..].trim_ascii_start();
    let start = payload.len() - value.len();
    let (_, end) = digits(payload, start).filter(|(digits, _)| *digits == number)?;
    Some((start, end))
}

/// The number whose digits stand at this place, and where they end, if it is a whole one as JSON writes it.
#[inline]
fn digits(bytes: &[u8], start: usize) -> Option<(u64, usize)> {
    let (mut end, mut number) = (start, 0_u64);
    while let Some(digit @ b'0'..=b'9') = bytes.get(end) {
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        end += 1;
    }
    let whole = matches!(bytes.get(end), Some(b',' | b'}' | b' '));
    let zero_first = end > start + 1 && bytes[start] == b'0';
    (end > start && whole && !zero_first).then_some((number, end))
}

#[cfg(test)]
mod tests;
