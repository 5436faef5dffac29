//! `Template`: in one stream nearly every event is the last one with other text. So the last event is remembered, and
//! the next one is compared with it: where all but the texts is the same to the byte, only the texts are read.
//!
//! The outcome is that of parsing, since the same bytes parse to the same: only whole string literals differ, and each
//! of these is read as JSON reads it. Anything else is parsed.

use bytes::Bytes;
use memchr::memchr2;
use smallvec::SmallVec;

use crate::payload::Payload;
use crate::sse::Frame;
use crate::text::Text;

/// An event whose texts change from one event to the next.
pub trait Patterned: Clone + Default {
    /// Visits the texts that change, in an order that depends on nothing but which of them are there.
    fn changing(&mut self, visit: impl FnMut(&mut Text));

    /// Visits the texts that do not.
    fn fixed(&mut self, visit: impl FnMut(&mut Text));

    /// The event as it came.
    fn raw(&mut self) -> &mut Payload;
}

/// Where a text that changes stands in a payload: the bytes between its quotes.
#[derive(Debug, Clone, Copy)]
struct Hole {
    start: usize,
    end: usize,
    /// There is an escape in it.
    escaped: bool,
}

/// The holes of an event: the text, the obfuscation, perhaps an argument.
type Holes = SmallVec<[Hole; 4]>;

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
    /// A copy, so that it keeps no read alive.
    payload: Bytes,
    holes: Holes,
    /// The event without its payload, and without the texts that change.
    event: E,
}

impl<E> Default for Template<E> {
    fn default() -> Self {
        Self { learned: None, misses: 0, begun: false }
    }
}

impl<E: Patterned> Template<E> {
    /// The event that the frame is, if it is as expected; otherwise the frame comes back.
    pub(crate) fn read(&mut self, frame: Frame) -> Result<E, Frame> {
        let Some(learned) = self.learned.as_deref() else { return Err(frame) };
        match learned.read(frame.data) {
            Ok(event) => {
                self.misses = 0;
                Ok(event)
            }
            Err(data) => {
                self.misses += 1;
                Err(Frame { data, ..frame })
            }
        }
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
        let mut holes = Holes::new();
        let mut whole = true;
        let range = payload.as_ptr_range();
        event.changing(|text| {
            if text.is_empty() && !text.has_half() {
                return;
            }
            let at = text.as_bytes().as_ptr_range();
            if range.start <= at.start && at.end <= range.end {
                let start = at.start as usize - range.start as usize;
                let hole = Hole { start, end: start + text.len(), escaped: false };
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
        let copy = Bytes::copy_from_slice(payload);
        event.fixed(|text| text.move_to(payload, &copy));
        *event.raw() = Payload::default();
        Some(Self { payload: copy, holes, event })
    }

    /// The event that `payload` is, if it is the remembered one but for the texts in the holes.
    fn read(&self, payload: Bytes) -> Result<E, Bytes> {
        let Some(holes) = self.find(&payload) else { return Err(payload) };
        let mut event = self.event.clone();
        let mut holes = holes.iter();
        let mut whole = true;
        event.changing(|text| {
            // A text that was empty is no hole: it stood, and stands, between the same bytes.
            if text.is_placeholder()
                && let Some(hole) = holes.next()
            {
                match hole.text(&payload) {
                    Some(new) => *text = new,
                    None => whole = false,
                }
            }
        });
        if !whole {
            return Err(payload);
        }
        *event.raw() = payload.into();
        Ok(event)
    }

    /// Where the holes are in `payload`, if all around them is as remembered.
    fn find(&self, payload: &[u8]) -> Option<Holes> {
        let mut found = Holes::new();
        let (mut old, mut rest) = (0, payload);
        for hole in &self.holes {
            rest = rest.strip_prefix(&self.payload[old..hole.start])?;
            let start = payload.len() - rest.len();
            let (len, escaped) = literal(rest)?;
            found.push(Hole { start, end: start + len, escaped });
            old = hole.end;
            rest = &rest[len..];
        }
        (*rest == self.payload[old..]).then_some(found)
    }
}

impl Hole {
    /// The text that stands here; `None` if it is not well-formed.
    fn text(&self, payload: &Bytes) -> Option<Text> {
        let Self { start, end, escaped } = *self;
        if escaped {
            // With its quotes it is a JSON text of its own.
            serde_json::from_slice(&payload[start - 1..=end]).ok()
        } else {
            Some(Text::from_literal(payload, start..end))
        }
    }
}

/// How many bytes there are up to the quote that ends a string, and whether an escape is among them. `None` if it does
/// not end, or holds what no string may.
fn literal(text: &[u8]) -> Option<(usize, bool)> {
    /// Up to here it is faster to look at each byte than to call for help.
    const SHORT: usize = 24;
    let mut len = 0;
    for byte in text.iter().take(SHORT) {
        match byte {
            b'"' => return Some((len, false)),
            b'\\' => break,
            0..0x20 => return None,
            _ => len += 1,
        }
    }
    let mut escaped = false;
    loop {
        let at = len + memchr2(b'"', b'\\', text.get(len..)?)?;
        if text[at] == b'"' {
            len = at;
            break;
        }
        escaped = true;
        len = at + 2;
    }
    // What has an escape is read as JSON, which looks at the rest.
    let control = text[..len].iter().fold(false, |found, byte| found | (*byte < 0x20));
    (escaped || !control).then_some((len, escaped))
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
