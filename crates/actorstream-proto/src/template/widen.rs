//! Finds the strings and numbers in which two payloads differ, so that one form serves both.

use super::form::{Change, Form, Parts, Place, Places};
use super::scalars::{Numbers, Scalars};
use super::{Part, Patterned};

impl<E: Patterned> Form<E> {
    /// Returns the form of the events of both forms, if these differ only in strings and numbers that can be read when
    /// they are looked at.
    pub(super) fn widened(&self, later: &Self) -> Option<Self> {
        if !(self.event.can_put_off() && later.event.can_put_off()) {
            return None;
        }
        let counts = self.event.has_unknown_counts() || later.event.has_unknown_counts();
        let (places, mut late, unknown) = Walk::new(self, later, counts).changes()?;
        // Of a field that is there twice, the response holds one.
        if unknown != later.event.unknown_fields() {
            return None;
        }
        // A usage may stand in unknown fields.
        late.shared |= late.extra && counts;
        Some(Self::of(later.event.clone(), later.sample.clone(), places, late))
    }
}

/// A walk through two payloads at once, scalar by scalar.
struct Walk<'a, E: Patterned> {
    before: Side<'a, E>,
    later: Side<'a, E>,
    /// Whether some of the numbers in unknown fields are counts of tokens, where 0 has a meaning of its own.
    unknown_counts: bool,
    depth: usize,
    /// The part of the event that stands here.
    part: Part,
    /// Whether the next string is a key.
    key_next: bool,
    /// Whether what stands here counts tokens.
    count: bool,
    /// How many keys of unknown fields there were.
    unknown: usize,
    late: Parts,
}

/// One of the payloads.
struct Side<'a, E: Patterned> {
    payload: &'a [u8],
    places: &'a [Place<E::Place>],
    at: usize,
}

impl<'a, E: Patterned> Side<'a, E> {
    fn new(form: &'a Form<E>) -> Self {
        Self { payload: &form.sample, places: &form.places, at: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.payload.get(self.at).copied()
    }

    /// Takes what changes in the scalar that ends before `end`.
    fn change(&mut self, start: usize, end: usize) -> Option<Change<E::Place>> {
        let (first, rest) = self.places.split_first()?;
        let here = start <= first.at.start && first.at.end <= end;
        here.then(|| {
            self.places = rest;
            first.change
        })
    }

    /// Takes the value that is left unread, if one begins here.
    fn json(&mut self) -> Option<Place<E::Place>> {
        let (first, rest) = self.places.split_first()?;
        if first.at.start != self.at || !matches!(first.change, Change::Json(..)) {
            return None;
        }
        (self.at, self.places) = (first.at.end, rest);
        Some(first.clone())
    }

    /// Takes a string, and returns where the text between its quotes stands.
    fn string(&mut self) -> Option<(usize, usize)> {
        let start = self.at + 1;
        let mut end = start;
        while *self.payload.get(end)? != b'"' {
            end += if self.payload[end] == b'\\' { 2 } else { 1 };
        }
        self.at = end + 1;
        Some((start, end))
    }

    /// Takes a number, or a word.
    fn word(&mut self) -> (usize, usize) {
        let start = self.at;
        let rest = self.payload[start..].iter();
        let len = rest.take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        self.at = start + len;
        (start, self.at)
    }
}

impl<'a, E: Patterned> Walk<'a, E> {
    fn new(before: &'a Form<E>, later: &'a Form<E>, unknown_counts: bool) -> Self {
        Self {
            before: Side::new(before),
            later: Side::new(later),
            unknown_counts,
            depth: 0,
            part: Part::Fixed,
            key_next: false,
            count: false,
            unknown: 0,
            late: before.late.map(|(_, parts)| parts).unwrap_or_default(),
        }
    }

    /// Returns what changes in the later payload, the parts of the event that are affected by it, and how many unknown
    /// fields there are.
    fn changes(mut self) -> Option<(Places<E::Place>, Parts, usize)> {
        let mut places = Places::new();
        // A list does not end the object that it is in: what is in it has no keys.
        let mut objects = smallvec::SmallVec::<[bool; 16]>::new();
        while let Some(byte) = self.later.byte() {
            if let Some(place) = self.json()? {
                places.push(place);
                continue;
            }
            if self.before.byte() != Some(byte) && !is_number(byte) {
                return None;
            }
            match byte {
                b'"' if self.key_next => self.key()?,
                b'"' => {
                    let (before, later) = (self.before.string()?, self.later.string()?);
                    places.extend(self.scalar(before, later, true)?);
                }
                b'{' | b'[' => {
                    objects.push(byte == b'{');
                    self.depth += 1;
                    self.step();
                }
                b'}' | b']' => {
                    objects.pop()?;
                    self.depth -= 1;
                    self.step();
                }
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => self.step(),
                _ => {
                    let (before, later) = (self.before.word(), self.later.word());
                    if later.0 == later.1 {
                        return None;
                    }
                    places.extend(self.scalar(before, later, false)?);
                }
            }
            match byte {
                b'{' | b',' => self.key_next = objects.last() == Some(&true),
                b'[' | b':' | b'}' | b']' => self.key_next = false,
                _ => {}
            }
        }
        let ended =
            self.before.byte().is_none() && self.before.places.is_empty() && self.later.places.is_empty();
        ended.then_some((places, self.late, self.unknown))
    }

    /// Steps over a value that is left unread in both; `None` if it is in one of them alone.
    fn json(&mut self) -> Option<Option<Place<E::Place>>> {
        match (self.before.json(), self.later.json()) {
            (None, None) => Some(None),
            (Some(before), Some(later)) if before.change == later.change => Some(Some(later)),
            _ => None,
        }
    }

    /// Steps over a byte that both have.
    fn step(&mut self) {
        self.before.at += 1;
        self.later.at += 1;
    }

    fn key(&mut self) -> Option<()> {
        let (before, later) = (self.before.string()?, self.later.string()?);
        let name = &self.later.payload[later.0..later.1];
        // What is escaped may be any name.
        if self.before.payload[before.0..before.1] != *name || name.contains(&b'\\') {
            return None;
        }
        if self.depth == 1 {
            self.part = E::part(name);
        }
        self.count = E::is_count(name);
        self.unknown += usize::from(self.part == Part::Extra);
        self.key_next = false;
        Some(())
    }

    /// Returns the place of a scalar of the later payload if it changes; `None` if the forms have nothing in common.
    fn scalar(
        &mut self,
        before: (usize, usize),
        later: (usize, usize),
        is_string: bool,
    ) -> Option<Option<Place<E::Place>>> {
        let at = later.0..later.1;
        let (old, new) = (&self.before.payload[before.0..before.1], &self.later.payload[at.clone()]);
        let was = self.before.change(before.0, before.1);
        let is = self.later.change(later.0, later.1);
        let change = match (was, is) {
            (Some(Change::Text(one)), Some(Change::Text(other))) if one != other => return None,
            // A text that is empty in one of them changes as well.
            (Some(change @ Change::Text(_)), _) | (None, Some(change)) => change,
            (Some(Change::Number), Some(Change::Number)) => Change::Number,
            (Some(Change::Number), _) | (Some(_), Some(_)) => return None,
            (Some(late), None) => self.wider(late, old, new)?,
            (None, None) if old == new => return Some(None),
            (None, None) if is_string => self.late_string(old, new)?,
            (None, None) => self.late_number(old, new)?,
        };
        Some(Some(Place { at, change }))
    }

    /// What changed before, and stands here now.
    fn wider(&mut self, was: Change<E::Place>, old: &[u8], new: &[u8]) -> Option<Change<E::Place>> {
        let now = match was {
            Change::Late(Scalars::Strings { .. }) => self.late_string(old, new)?,
            _ => self.late_number(old, new)?,
        };
        match (was, now) {
            (Change::Late(Scalars::Numbers(one)), Change::Late(Scalars::Numbers(other))) => {
                Some(Change::Late(Scalars::Numbers(Numbers {
                    zero: one.zero && other.zero,
                    negative: one.negative || other.negative,
                    fractions: one.fractions || other.fractions,
                })))
            }
            (_, now) => Some(now),
        }
    }

    /// Whether what stands here may be a count of tokens: of the shared fields, the usage is the only object.
    fn counts(&self) -> bool {
        if self.part == Part::Extra { self.unknown_counts } else { self.depth > 1 }
    }

    fn late_string(&mut self, old: &[u8], new: &[u8]) -> Option<Change<E::Place>> {
        // Counts may be written as strings.
        if self.counts() && self.depth > 1 {
            return None;
        }
        let scalars = Scalars::Strings { counted: self.part == Part::Extra };
        self.put_off(scalars, &[old, b"\""].concat(), &[new, b"\""].concat())
    }

    fn late_number(&mut self, old: &[u8], new: &[u8]) -> Option<Change<E::Place>> {
        let fraction = |number: &[u8]| number.iter().any(|byte| b".eE".contains(byte));
        let numbers = match self.part {
            Part::Fixed => return None,
            Part::Shared if self.count || self.depth == 1 => {
                Numbers { zero: !self.counts() || self.depth == 1, negative: false, fractions: false }
            }
            _ => Numbers {
                zero: !self.counts(),
                negative: !self.counts() && (old.first() == Some(&b'-') || new.first() == Some(&b'-')),
                fractions: !self.count && (fraction(old) || fraction(new)),
            },
        };
        self.put_off(Scalars::Numbers(numbers), old, new)
    }

    /// What stands here is read when it is looked at, if both values are such `scalars`.
    fn put_off(&mut self, scalars: Scalars, old: &[u8], new: &[u8]) -> Option<Change<E::Place>> {
        let fits =
            |value: &[u8]| scalars.end_in(value, 0).is_some_and(|end| matches!(value[end..], [] | [b'"']));
        if !(fits(old) && fits(new)) {
            return None;
        }
        match self.part {
            Part::Fixed => return None,
            Part::Shared => self.late.shared = true,
            Part::Extra => self.late.extra = true,
        }
        Some(Change::Late(scalars))
    }
}

/// Whether a number may begin with this byte. (Two that differ may begin differently.)
fn is_number(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'-'
}
