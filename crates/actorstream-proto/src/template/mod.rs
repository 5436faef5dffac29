//! `Template`: in a stream, nearly every event equals an earlier one except for its text. A few events are remembered and
//! compared with the next one: if everything but what changes is the same, byte for byte, only that is read.
//!
//! What changes are the texts of the answer and the event's number, which are read at once, and strings and numbers of
//! other fields in which two events differed: an id, a count of tokens, a time. These are read when they are looked at,
//! by parsing the event.
//!
//! The result equals that of parsing, since the same bytes parse to the same value: only complete string literals and
//! numbers differ, and each of these is read as JSON. Anything else is parsed.

mod form;
mod scalars;
mod widen;

use std::fmt;

use bytes::Bytes;

use self::form::Form;
pub use self::form::Parts;
use crate::endpoint::event::{Event, Memory};
use crate::json::late::Origin;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::sse::{Frame, SseDecoder};

/// An event type whose texts, and perhaps its number, change from one event to the next.
pub trait Patterned: Event + Clone {
    /// Identifies one of the changing texts.
    type Place: Copy + fmt::Debug + PartialEq + Send + 'static;

    /// Parses an event; its texts are slices of `payload`.
    fn parse(payload: &Bytes) -> Option<Self> {
        let frame = Frame { event: None, data: payload.clone() };
        Self::decode(frame, &mut Default::default()).ok().map(|decoded| decoded.event)
    }

    /// Visits the changing texts.
    fn changing(&mut self, visit: impl FnMut(&mut Text, Self::Place));

    /// Returns the text at this place, if present.
    fn at(&mut self, place: Self::Place) -> Option<&mut Text>;

    /// Takes the values that are left unread, all of which change, and visits their JSON. Default: there are none.
    fn take_json(&mut self, visit: impl FnMut(&[u8], Self::Place)) {
        let _ = visit;
    }

    /// Takes the value that begins in `read` at `at`, to be left unread, if one can be in this place. Returns where it ends.
    fn read_json(&mut self, place: Self::Place, read: &Bytes, at: usize) -> Option<usize> {
        let _ = (place, read, at);
        None
    }

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

    /// Returns whether an event with the same fields but other texts in the changing places differs in nothing else.
    fn repeats(&mut self) -> bool {
        true
    }

    /// Returns whether the event's meaning is independent of the strings and numbers that may be
    /// [put off](Self::put_off). Default: there are none.
    fn can_put_off(&self) -> bool {
        false
    }

    /// Returns whether a usage may stand in the event's unknown fields.
    fn has_unknown_counts(&self) -> bool {
        false
    }

    /// The part that a field of the event belongs to.
    fn part(name: &[u8]) -> Part {
        let _ = name;
        Part::Fixed
    }

    /// Returns whether a field of this name counts tokens.
    fn is_count(name: &[u8]) -> bool {
        let _ = name;
        false
    }

    /// Returns how many [unknown](Part::Extra) fields there are, those of objects among them.
    fn unknown_fields(&self) -> usize {
        0
    }

    /// Puts off reading these parts until they are looked at.
    fn put_off(&mut self, origin: Origin, parts: Parts) {
        let _ = (origin, parts);
    }
}

/// A part of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What nothing changes in but the changing texts.
    Fixed,
    /// The fields that the events of a stream share.
    Shared,
    /// The fields that are unknown.
    Extra,
}

/// How many choices and calls an event may have that is remembered, so that a copy of it takes no longer than to parse
/// the next one.
pub(crate) const MOST_ITEMS: usize = 16;
/// The length of the longest payload that is remembered.
const MOST_BYTES: usize = 16 << 10;
/// How many events are remembered: as many as take turns in a stream.
const MOST_FORMS: usize = 4;
/// How many more events may be unexpected than expected, before events are remembered more rarely.
const MOST_MISSES: u32 = 8;

/// How many events in a row may be none of those that are remembered, before it is no longer tried.
const MOST_VAIN: u32 = 64;
/// How many may be after another was remembered.
const FEW_VAIN: u32 = 4;

/// The events that are remembered, and how to detect that the next one differs from one of them only in what changes.
#[derive(Debug)]
pub struct Template<E: Patterned> {
    forms: Vec<Known<E>>,
    /// The form of the last event that was expected.
    last: usize,
    /// How many more events were unexpected than expected.
    misses: u32,
    /// How many events in a row were tried in vain.
    vain: u32,
    /// An event was parsed. The first one of a stream differs from all others: it has the role, and no text.
    begun: bool,
    /// No form fits the event that is next in its read.
    tried: bool,
}

#[derive(Debug)]
struct Known<E: Patterned> {
    form: Box<Form<E>>,
    /// The form of the event that followed the last time.
    next: usize,
}

impl<E: Patterned> Default for Template<E> {
    fn default() -> Self {
        Self { forms: Vec::new(), last: 0, misses: 0, vain: 0, begun: false, tried: false }
    }
}

impl<E: Patterned> Memory<E> for Template<E> {
    fn recall(&mut self, frame: Frame, out: &mut Vec<E>) -> Result<(), Frame> {
        // What was tried in the read is not tried again.
        if std::mem::take(&mut self.tried) {
            return Err(frame);
        }
        if self.vain >= MOST_VAIN {
            return Err(frame);
        }
        match self.find(&frame.data, 0, out) {
            Some((at, end)) if end == frame.data.len() => {
                self.came(at, frame.data, out);
                return Ok(());
            }
            Some((at, _)) => self.forms[at].form.take_back(out),
            None => {}
        }
        self.vain += 1;
        Err(frame)
    }

    #[inline]
    fn recall_next(&mut self, sse: &mut SseDecoder, out: &mut Vec<E>) -> bool {
        self.tried = false;
        if self.vain >= MOST_VAIN {
            return false;
        }
        let Some((read, start)) = sse.expected() else { return false };
        let Some((at, end)) = self.find(read, start, out) else {
            self.tried = true;
            self.vain += 1;
            return false;
        };
        let Some(payload) = sse.take_expected(start, end) else {
            self.forms[at].form.take_back(out);
            return false;
        };
        self.came(at, payload, out);
        true
    }
}

impl<E: Patterned> Template<E> {
    /// Appends the event that begins in `read` at `start`, and returns which form it has, and where it ends.
    #[inline(always)]
    fn find(&self, read: &Bytes, start: usize, out: &mut Vec<E>) -> Option<(usize, usize)> {
        let expected = self.forms.get(self.last)?.next;
        if let Some(end) = self.forms.get(expected)?.form.append(read, start, out) {
            return Some((expected, end));
        }
        if self.forms.len() == 1 { None } else { self.find_other(expected, read, start, out) }
    }

    #[inline(never)]
    fn find_other(
        &self,
        expected: usize,
        read: &Bytes,
        start: usize,
        out: &mut Vec<E>,
    ) -> Option<(usize, usize)> {
        let others = self.forms.iter().enumerate();
        let mut others = others.filter(|(at, known)| *at != expected && known.form.begins(read, start));
        others.find_map(|(at, known)| Some((at, known.form.append(read, start, out)?)))
    }

    /// The last event of `out` has the form at `at`, and came as `payload`.
    #[inline(always)]
    fn came(&mut self, at: usize, payload: Bytes, out: &mut [E]) {
        self.misses = self.misses.saturating_sub(1);
        self.vain = 0;
        if self.forms.len() > 1 {
            self.forms[self.last].next = at;
            self.last = at;
        }
        if let Some(event) = out.last_mut() {
            self.forms[at].form.came_as(payload, event);
        }
    }

    /// Remembers an event that is parsed from `payload`. Events that never repeat are not worth it: the more were
    /// unexpected, the more rarely one is remembered.
    pub(crate) fn learn(&mut self, payload: &Bytes) {
        let first = !std::mem::replace(&mut self.begun, true);
        if first || payload.len() > MOST_BYTES {
            return;
        }
        self.misses += 1;
        if self.misses > MOST_MISSES && !self.misses.is_power_of_two() {
            return;
        }
        let Some(form) = Form::new(payload) else { return };
        self.vain = self.vain.min(MOST_VAIN - FEW_VAIN);
        let wider =
            self.forms.iter().enumerate().find_map(|(at, known)| Some((at, known.form.widened(&form)?)));
        let at = match wider {
            Some((at, wider)) => {
                *self.forms[at].form = wider;
                at
            }
            None => self.add(form),
        };
        self.forms[self.last].next = at;
        self.last = at;
    }

    /// Adds a form, in place of an earlier one once there are enough. Returns where it is.
    fn add(&mut self, form: Form<E>) -> usize {
        let at = if self.forms.len() < MOST_FORMS { self.forms.len() } else { (self.last + 1) % MOST_FORMS };
        let known = Known { form: Box::new(form), next: at };
        match self.forms.get_mut(at) {
            Some(old) => *old = known,
            None => {
                // Most streams have one or two.
                self.forms.reserve_exact(1);
                self.forms.push(known);
            }
        }
        at
    }
}

#[cfg(test)]
mod tests;
