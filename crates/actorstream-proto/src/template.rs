//! `Template`: in one stream nearly every event is the last one with other text. So the last event is remembered, and
//! the next one is compared with it: where all but the texts and the number is the same to the byte, only these are read.
//!
//! The outcome is that of parsing, since the same bytes parse to the same: only whole string literals differ, and the
//! digits of a number, and each of these is read as JSON reads it. Anything else is parsed.

use std::fmt;

use bytes::Bytes;
use memchr::{memchr, memchr2, memmem};
use smallvec::SmallVec;

use crate::event::Memory;
use crate::list::List;
use crate::payload::Payload;
use crate::sse::{Frame, SseDecoder};
use crate::text::Text;

/// An event whose texts change from one event to the next, and perhaps its number.
pub trait Patterned: Clone {
    /// Visits the texts that change, in an order that depends on nothing but which of them are there.
    fn changing(&mut self, visit: impl FnMut(&mut Text));

    /// Visits the texts that do not.
    fn fixed(&mut self, visit: impl FnMut(&mut Text));

    /// The event's `sequence_number`, if it is there and may change.
    fn number(&mut self) -> Option<&mut u64> {
        None
    }

    /// The event as it came.
    fn raw(&mut self) -> &mut Payload;

    /// Appends a copy that came as `raw`, with `next` of that in the place of each placeholder (`Text::is_placeholder`), in
    /// the order of [`changing`](Self::changing).
    fn append(&self, raw: Payload, next: impl FnMut(&Payload) -> Text, out: &mut List<Self>) {
        append(self, raw, next, out);
    }
}

/// What [`Patterned::append`] does, unless an event knows of a shorter way.
pub(crate) fn append<E: Patterned>(
    event: &E,
    raw: Payload,
    mut next: impl FnMut(&Payload) -> Text,
    out: &mut List<E>,
) {
    out.push(event.clone());
    let Some(event) = out.last_mut() else { return };
    event.changing(|text| {
        // A text that was empty is no hole: it stood, and stands, between the same bytes.
        if text.is_placeholder() {
            *text = next(&raw);
        }
    });
    *event.raw() = raw;
}

/// Where something that changes stood in the remembered payload: the bytes between the quotes of a text, the digits of
/// the number.
#[derive(Debug, Clone, Copy)]
struct Hole {
    start: usize,
    end: usize,
    /// Which of the texts it is, in the order in which they are visited; the number comes after them.
    place: usize,
    is_number: bool,
}

/// What fills the holes of another payload.
#[derive(Debug, Default)]
struct Fillings {
    /// Where the texts start and end, in the order in which they are visited.
    texts: [(u32, u32); MOST_HOLES],
    number: u64,
    /// In which of the texts an escape is: a bit for each.
    escaped: u8,
    /// How long the payload is.
    len: usize,
}

/// How many holes an event may have: a text, its obfuscation, a number; a further text with two choices.
const MOST_HOLES: usize = 4;

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
    /// In the order in which they stand in the payload.
    holes: SmallVec<[Hole; 3]>,
    /// The event without its payload, and without the texts that change.
    event: E,
    /// The payload stood in one line.
    one_line: bool,
}

impl<E> Default for Template<E> {
    fn default() -> Self {
        Self { learned: None, misses: 0, begun: false }
    }
}

impl<E: Patterned + fmt::Debug + Send + 'static> Memory<E> for Template<E> {
    fn recall(&mut self, frame: Frame, out: &mut List<E>) -> Result<(), Frame> {
        let Some(learned) = self.learned.as_deref() else { return Err(frame) };
        let found = learned.find(&frame.data).filter(|(fillings, _)| fillings.len == frame.data.len());
        let Some((fillings, texts)) = found else {
            self.misses += 1;
            return Err(frame);
        };
        self.misses = 0;
        learned.fill(frame.data, &fillings, texts, out);
        Ok(())
    }

    fn recall_next(&mut self, sse: &mut SseDecoder, out: &mut List<E>) -> bool {
        let Some(learned) = self.learned.as_deref().filter(|learned| learned.one_line) else { return false };
        let Some(rest) = sse.expected() else { return false };
        let Some((fillings, texts)) = learned.find(rest) else { return false };
        let Some(payload) = sse.take_expected(fillings.len) else { return false };
        self.misses = 0;
        learned.fill(payload, &fillings, texts, out);
        true
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
        let mut holes: SmallVec<[Hole; 3]> = SmallVec::new();
        let mut whole = true;
        let range = payload.as_ptr_range();
        event.changing(|text| {
            if text.is_empty() && !text.has_half() {
                return;
            }
            let at = text.as_bytes().as_ptr_range();
            if range.start <= at.start && at.end <= range.end {
                let start = at.start as usize - range.start as usize;
                holes.push(Hole { start, end: start + text.len(), place: holes.len(), is_number: false });
                *text = Text::placeholder();
            } else {
                // It held an escape, and does not stand in the payload as it is.
                whole = false;
            }
        });
        if !whole || holes.is_empty() {
            return None;
        }
        if let Some(number) = event.number() {
            let (start, end) = number_in(payload, *number)?;
            holes.push(Hole { start, end, place: holes.len(), is_number: true });
        }
        holes.sort_unstable_by_key(|hole| hole.start);
        let apart = holes.windows(2).all(|two| two[0].end < two[1].start);
        if !apart || holes.len() > MOST_HOLES {
            return None;
        }
        let copy = Bytes::copy_from_slice(payload);
        event.fixed(|text| text.move_to(payload, &copy));
        *event.raw() = Payload::default();
        let one_line = memchr2(b'\n', b'\r', payload).is_none();
        Some(Self { payload: copy, holes, event, one_line })
    }

    /// Finds what fills the holes in the payload with which `bytes` begin, if all around the holes is as remembered; and the
    /// texts, where there is an escape in one.
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<(Fillings, Option<Box<Unescaped>>)> {
        let mut found = Fillings::default();
        let (mut old, mut at) = (0, 0);
        // So the places in it are numbers of 32 bits.
        let bytes = &bytes[..bytes.len().min(u32::MAX as usize)];
        for hole in &self.holes {
            let fixed = self.payload.get(old..hole.start)?;
            let rest = bytes.get(at..)?.strip_prefix(fixed)?;
            let start = at + fixed.len();
            let len = if hole.is_number {
                let (len, number) = digits(rest)?;
                found.number = number;
                len
            } else {
                let (len, escaped) = literal(rest)?;
                found.escaped |= u8::from(escaped) << hole.place;
                *found.texts.get_mut(hole.place)? = (start as u32, (start + len) as u32);
                len
            };
            at = start + len;
            old = hole.end;
        }
        let fixed = self.payload.get(old..)?;
        found.len = at + fixed.len();
        if !bytes.get(at..)?.starts_with(fixed) {
            return None;
        }
        let unescaped = if found.escaped == 0 { None } else { Some(found.unescaped(bytes)?) };
        Some((found, unescaped))
    }

    /// Appends the event that `payload` is.
    #[inline]
    fn fill(&self, payload: Bytes, fillings: &Fillings, texts: Option<Box<Unescaped>>, out: &mut List<E>) {
        match texts {
            None => {
                let mut places = fillings.texts.iter();
                let next = |payload: &Payload| literal_at(payload, places.next());
                self.event.append(payload.into(), next, out);
            }
            Some(texts) => self.append_unescaped(payload, fillings, *texts, out),
        }
        if let Some(number) = out.last_mut().and_then(E::number) {
            *number = fillings.number;
        }
    }

    /// Appends the event that `payload` is, some of whose texts have an escape in them.
    #[cold]
    fn append_unescaped(&self, payload: Bytes, fillings: &Fillings, texts: Unescaped, out: &mut List<E>) {
        let (mut texts, mut places) = (texts.into_iter(), fillings.texts.iter());
        let next = |payload: &Payload| {
            let (text, place) = (texts.next().flatten(), places.next());
            text.unwrap_or_else(|| literal_at(payload, place))
        };
        self.event.append(payload.into(), next, out);
    }
}

/// The text of the literal without escapes that stands in this place of a payload.
#[inline]
fn literal_at(payload: &Payload, place: Option<&(u32, u32)>) -> Text {
    match place {
        Some((start, end)) => Text::from_literal(payload.bytes(), *start as usize..*end as usize),
        None => Text::default(),
    }
}

/// The texts with an escape in them, in the places that they fill.
type Unescaped = [Option<Text>; MOST_HOLES];

impl Fillings {
    /// The texts that stand in these bytes with an escape in them; `None` if one is not well-formed.
    #[cold]
    fn unescaped(&self, bytes: &[u8]) -> Option<Box<Unescaped>> {
        let mut texts = Box::<Unescaped>::default();
        for (place, (start, end)) in self.texts.iter().enumerate() {
            if self.escaped >> place & 1 == 0 {
                continue;
            }
            let (start, end) = (*start as usize, *end as usize);
            let simple = simple_escapes(bytes.get(start..end)?);
            // With its quotes it is a JSON text of its own.
            texts[place] = Some(simple.or_else(|| serde_json::from_slice(bytes.get(start - 1..=end)?).ok())?);
        }
        Some(texts)
    }
}

/// The text of a literal whose escapes are all of two characters, as a line feed's is; `None` for any other.
fn simple_escapes(literal: &[u8]) -> Option<Text> {
    let mut text = SmallVec::<[u8; 64]>::with_capacity(literal.len());
    let mut rest = literal;
    loop {
        let escape = match rest.len() {
            ..=SHORT => rest.iter().position(|byte| *byte == b'\\'),
            _ => memchr(b'\\', rest),
        };
        let (plain, escape) = rest.split_at(escape.unwrap_or(rest.len()));
        if has_control(plain) {
            return None;
        }
        text.extend_from_slice(plain);
        let (code, behind) = match escape {
            [] => break,
            [_] => return None,
            [_, code, behind @ ..] => (code, behind),
        };
        text.push(match code {
            b'"' | b'\\' | b'/' => *code,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => return None,
        });
        rest = behind;
    }
    if text.spilled() {
        return String::from_utf8(text.into_vec()).ok().map(Text::from);
    }
    str::from_utf8(&text).ok().map(Text::from)
}

/// Whether a control character is among these, which no string may hold as it is.
fn has_control(text: &[u8]) -> bool {
    text.iter().fold(false, |found, byte| found | (*byte < 0x20))
}

/// Where the digits of an event's number stand in its payload, if it is certain that they are its number.
fn number_in(payload: &[u8], number: u64) -> Option<(usize, usize)> {
    const KEY: &[u8] = b"\"sequence_number\":";
    // Where nothing is escaped, these bytes are a key, and one that stands there once is the event's own.
    let mut keys = memmem::find_iter(payload, KEY);
    let key = keys.next().filter(|_| keys.next().is_none() && memchr(b'\\', payload).is_none())?;
    let value = payload[key + KEY.len()..].trim_ascii_start();
    let start = payload.len() - value.len();
    let (len, _) = digits(value).filter(|(_, digits)| *digits == number)?;
    Some((start, start + len))
}

/// The digits with which `value` begins, how many and their value, if they are a whole number as JSON writes it.
fn digits(value: &[u8]) -> Option<(usize, u64)> {
    let (mut end, mut number) = (0, 0_u64);
    while let Some(digit @ b'0'..=b'9') = value.get(end) {
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        end += 1;
    }
    let whole = matches!(value.get(end), Some(b',' | b'}' | b' '));
    let zero_first = end > 1 && value[0] == b'0';
    (end > 0 && whole && !zero_first).then_some((end, number))
}

/// Up to here the words of a text are looked at one by one; for more it is worth to call for help.
const SHORT: usize = 64;

/// How long the literal is with whose text these bytes begin, and whether an escape is in it. `None` if it does not end, or
/// holds what no string may.
#[inline(always)]
fn literal(text: &[u8]) -> Option<(usize, bool)> {
    let mut end = 0;
    while end < SHORT
        && let Some(word) = text.get(end..).and_then(<[u8]>::first_chunk)
    {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            end += special.trailing_zeros() as usize / 8;
            return if text.get(end) == Some(&b'"') {
                Some((end, false))
            } else {
                rest_of_literal(text, end)
            };
        }
        end += 8;
    }
    rest_of_literal(text, end)
}

/// The same, where the bytes before `end` hold nothing special.
fn rest_of_literal(text: &[u8], mut end: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    while end < SHORT {
        match text.get(end)? {
            b'"' => return Some((end, escaped)),
            b'\\' => {
                escaped = true;
                end += 2;
            }
            0..0x20 => return None,
            _ => end += 1,
        }
    }
    loop {
        let at = end + memchr2(b'"', b'\\', text.get(end..)?)?;
        if text[at] == b'"' {
            end = at;
            break;
        }
        escaped = true;
        end = at + 2;
    }
    // What has an escape is read as JSON, which looks at the rest.
    (escaped || !has_control(&text[..end])).then_some((end, escaped))
}

/// Marks the bytes of a word that are a quote, a backslash or a control character: the lowest bit that is set is in the
/// first of them. (What is above the first mark may be marked in vain.)
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGH: u64 = ONES * 0x80;
    let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word & HIGH;
    below(word, 0x20) | below(word ^ (ONES * u64::from(b'"')), 1) | below(word ^ (ONES * u64::from(b'\\')), 1)
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
