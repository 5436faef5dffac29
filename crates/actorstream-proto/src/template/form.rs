//! `Form`: an event that is remembered, and what of it may change.

use std::cell::Cell;
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memchr2, memmem};
use smallvec::SmallVec;

use super::Patterned;
use super::scalars::Scalars;
use crate::json::late::{self, Origin};
use crate::json::payload::Payload;
use crate::json::text::{Text, slicing};
use crate::sse::prefix::Prefix;

/// What changes from one event to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change<P> {
    /// One of the changing texts.
    Text(P),
    /// The event's number.
    Number,
    /// A value that is left unread.
    Json(P),
    /// A string or a number that is read when it is looked at.
    Late(Scalars),
}

/// Where in the payload something stands that changes: the bytes between the quotes of a string, the digits of a number.
#[derive(Debug, Clone)]
pub(super) struct Place<P> {
    pub(super) at: Range<usize>,
    pub(super) change: Change<P>,
}

pub(super) type Places<P> = SmallVec<[Place<P>; 3]>;

/// Something that changes, and what stood before it in the remembered payload.
#[derive(Debug)]
struct Hole<P> {
    before: Prefix<Bytes>,
    /// The text, if it is one: asked for first, as most are.
    text: Option<P>,
    change: Change<P>,
}

/// An event that is remembered, and how to detect that another differs from it only in what changes.
#[derive(Debug)]
pub(super) struct Form<E: Patterned> {
    /// The payload that is remembered.
    pub(super) sample: Bytes,
    /// What changes in it, in order.
    pub(super) places: Places<E::Place>,
    holes: SmallVec<[Hole<E::Place>; 3]>,
    /// What stands behind the last of them.
    behind: Prefix<Bytes>,
    /// The event without its payload, and without the texts that change.
    pub(super) event: E,
    /// The parts of the event that are read when they are looked at.
    pub(super) late: Option<(late::Form, Parts)>,
    /// The length of the strings in unknown fields of the event that was appended last.
    strings: Cell<usize>,
}

/// The parts of an event that may be read when they are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Parts {
    /// The fields that the events of a stream share.
    pub shared: bool,
    /// The fields that are unknown.
    pub extra: bool,
}

impl<E: Patterned> Form<E> {
    /// Remembers an event that was parsed from `payload`, if that stood in one line and any text of it may change.
    pub(super) fn new(payload: &Bytes) -> Option<Self> {
        if memchr2(b'\n', b'\r', payload).is_some() {
            return None;
        }
        // A copy, which keeps no read alive.
        let sample = Bytes::copy_from_slice(payload);
        let mut event = slicing(|| E::parse(&sample))?;
        if !event.repeats() {
            return None;
        }
        let mut places = Places::new();
        let mut whole = true;
        let range = sample.as_ptr_range();
        event.changing(|text, place| {
            // A text that is empty is no hole: the next one is, too, if it stands between the same bytes.
            if text.is_empty() && !text.has_half() {
                return;
            }
            let at = text.as_bytes().as_ptr_range();
            if range.start <= at.start && at.end <= range.end {
                let start = at.start as usize - range.start as usize;
                places.push(Place { at: start..start + text.len(), change: Change::Text(place) });
                *text = Text::default();
            } else {
                // It held an escape, and does not stand in the payload as it is.
                whole = false;
            }
        });
        event.take_json(|json, place| {
            let at = json.as_ptr_range();
            if range.start <= at.start && at.end <= range.end && !json.is_empty() {
                let start = at.start as usize - range.start as usize;
                places.push(Place { at: start..start + json.len(), change: Change::Json(place) });
            } else {
                whole = false;
            }
        });
        if !whole || places.is_empty() {
            return None;
        }
        if let Some(number) = event.number() {
            places.push(Place { at: number_in(&sample, *number)?, change: Change::Number });
        }
        places.sort_unstable_by_key(|place| place.at.start);
        let apart = places.windows(2).all(|two| two[0].at.end < two[1].at.start);
        if !apart {
            return None;
        }
        *event.raw() = Payload::default();
        Some(Self::of(event, sample, places, Parts::default()))
    }

    /// Remembers an event, without what changes, that has this payload.
    pub(super) fn of(event: E, sample: Bytes, places: Places<E::Place>, late: Parts) -> Self {
        let mut before = 0;
        let holes = places.iter().map(|place| {
            let start = std::mem::replace(&mut before, place.at.end);
            let text = if let Change::Text(text) = place.change { Some(text) } else { None };
            Hole { before: Prefix::new(sample.slice(start..place.at.start)), text, change: place.change }
        });
        let holes = holes.collect();
        Self {
            holes,
            behind: Prefix::new(sample.slice(before..)),
            event,
            late: (late != Parts::default()).then(|| (late::Form::new(), late)),
            sample,
            places,
            strings: Cell::new(0),
        }
    }

    /// Returns whether the payload that begins in `read` at `start` may have this form: most others differ there.
    #[inline]
    pub(super) fn begins(&self, read: &[u8], start: usize) -> bool {
        self.holes.first().is_some_and(|hole| hole.before.end_in(read, start).is_some())
    }

    /// Appends an event, to which it gives what the payload holds that begins in `read` at `start`, and says where that
    /// ends. `None`, and nothing is appended, if something around the holes is not as remembered.
    #[inline(always)]
    pub(super) fn append(&self, read: &Bytes, start: usize, out: &mut Vec<E>) -> Option<usize> {
        self.event.append(out);
        let end = out.last_mut().and_then(|event| self.fill(event, read, start));
        if end.is_none() {
            self.take_back(out);
        }
        end
    }

    /// Takes back an event of this form that was appended.
    #[inline]
    pub(super) fn take_back(&self, out: &mut Vec<E>) {
        self.strings.set(0);
        out.pop();
    }

    /// Gives the event what changes.
    #[inline(always)]
    fn fill(&self, event: &mut E, read: &Bytes, start: usize) -> Option<usize> {
        let mut at = start;
        for hole in &self.holes {
            at = hole.before.end_in(read, at)?;
            match hole.text {
                Some(place) => (*event.at(place)?, at) = Text::from_literal(read, at)?,
                None => at = self.other(&hole.change, event, read, at)?,
            }
        }
        self.behind.end_in(read, at)
    }

    /// Gives the event its number or a value that is left unread, or steps over what is read late. Returns where that ends.
    #[inline(always)]
    fn other(&self, change: &Change<E::Place>, event: &mut E, read: &Bytes, at: usize) -> Option<usize> {
        match *change {
            Change::Late(scalars) => {
                let end = scalars.end_in(read, at)?;
                if scalars.counts() {
                    self.strings.set(self.strings.get() + (end - at));
                }
                Some(end)
            }
            Change::Json(place) => event.read_json(place, read, at),
            Change::Number | Change::Text(_) => {
                let (number, end) = digits(read, at)?;
                *event.number()? = number;
                Some(end)
            }
        }
    }

    /// Gives an event of this form the payload that it came as.
    #[inline(always)]
    pub(super) fn came_as(&self, payload: Bytes, event: &mut E) {
        if let Some((form, parts)) = self.late {
            let strings = self.strings.take();
            event.put_off(Origin { payload: payload.clone(), form, strings }, parts);
        }
        *event.raw() = payload.into();
    }
}

/// Where the digits of an event's number stand in its payload, if it is certain that they are its number.
fn number_in(payload: &[u8], number: u64) -> Option<Range<usize>> {
    const KEY: &[u8] = b"\"sequence_number\"";
    // Where nothing is escaped, these bytes are a key, and one that stands there once is the event's own.
    let mut keys = memmem::find_iter(payload, KEY);
    let key = keys.next().filter(|_| keys.next().is_none() && memchr(b'\\', payload).is_none())?;
    let value = payload[key + KEY.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let start = payload.len() - value.len();
    let (_, end) = digits(payload, start).filter(|(digits, _)| *digits == number)?;
    Some(start..end)
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
