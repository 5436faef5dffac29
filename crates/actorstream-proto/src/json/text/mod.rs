//! `Text`: a string of the API, as a slice of the bytes it arrived in where possible.

use std::borrow::Borrow;
use std::cell::Cell;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

pub(crate) use self::literal::{literal, plain_len, short_end, string_end};
use self::short::Short;
pub(crate) use self::surrogates::{has_stand_ins, settle_stand_ins, stand_in, with_stand_ins};

mod literal;
mod short;
mod surrogates;

thread_local! {
    /// Short texts that are parsed on this thread are slices of their payloads, too.
    static SLICING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `parse` while every [`Text`] that stands in a payload as it is becomes a slice of it, so that its place is known.
pub(crate) fn slicing<T>(parse: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            SLICING.set(self.0);
        }
    }
    let _restore = Restore(SLICING.replace(true));
    parse()
}

/// Returns whether every text that can be one is to be a slice of its payload.
pub(crate) fn is_slicing() -> bool {
    SLICING.get()
}

/// A string of the API. It dereferences to `str`, and cloning it copies no text.
///
/// A text from an event may be a slice of its read, and keep that read's buffer alive (up to 32 KiB, shared by the
/// streams of a thread). To keep a text for long, use `text.to_string()`.
///
/// JSON can contain half a surrogate pair (`"\ud83d"`), which no Rust string can; servers send such halves when they
/// split an emoji across two chunks. A `Text` carries a half at its start or end beside the string, and the connector
/// joins it with its other half in the next chunk before you see either (see [`Text::join`]). Any other invalid
/// sequence reads as U+FFFD.
#[derive(Clone, Default)]
pub struct Text {
    text: Held,
    /// A low surrogate that stood before the text, or 0.
    low: u16,
    /// A high surrogate that stood behind the text, or 0.
    high: u16,
    #[expect(dead_code, reason = "with it, a word is written and read in one go")]
    rest: Rest,
}

/// A word less what stands before it in a [`Text`]; that it has one value lets an `Option` of a text take no more room.
#[derive(Clone, Copy, Default)]
#[repr(u32)]
enum Rest {
    #[default]
    Zero = 0,
}

/// Where a text is held.
#[derive(Clone)]
enum Held {
    /// In memory that others share: the read it arrived in, a payload's copy, the program's own.
    Shared(ByteString),
    /// Here.
    Short(Short),
}

impl Default for Held {
    fn default() -> Self {
        Self::Short(Short::EMPTY)
    }
}

impl Deref for Held {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Shared(text) => text,
            Self::Short(text) => text.as_str(),
        }
    }
}

impl From<&str> for Held {
    fn from(text: &str) -> Self {
        Short::new(text).map_or_else(|| Self::Shared(text.into()), Self::Short)
    }
}

impl From<String> for Held {
    fn from(text: String) -> Self {
        match Short::new(&text) {
            Some(short) => Self::Short(short),
            None => Self::Shared(text.into()),
        }
    }
}

impl Text {
    /// Creates a text from a static string, without allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self { text: Held::Shared(ByteString::from_static(text)), low: 0, high: 0, rest: Rest::Zero }
    }

    /// Returns the text as a string slice.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether half a surrogate pair stands before or behind the text.
    pub(crate) fn has_half(&self) -> bool {
        self.low | self.high != 0
    }

    /// Copies the text out of the read it came in, so that it does not keep that alive.
    pub(crate) fn detach(&mut self) {
        self.text = Held::from(&*self.text);
    }

    /// The text of a string of JSON whose bytes these are, which stands in no payload.
    pub(crate) fn from_json(bytes: &[u8]) -> Self {
        Self::with_stand_ins(bytes)
            .or_else(|| Short::of(bytes).map(Self::from))
            .unwrap_or_else(|| Self::from_wtf8(bytes, || Bytes::copy_from_slice(bytes)))
    }

    /// The text of bytes that should be UTF-8 but may hold surrogates (as WTF-8) or garbage. `slice` makes the
    /// valid case cheap.
    pub(crate) fn from_wtf8(bytes: &[u8], slice: impl FnOnce() -> Bytes) -> Self {
        match ByteString::try_from(slice()) {
            Ok(text) => Self { text: Held::Shared(text), low: 0, high: 0, rest: Rest::Zero },
            Err(_) => Self::repair(bytes),
        }
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text::from_json(bytes))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(text.into())
    }
}

impl<'de> Deserialize<'de> for Text {
    /// Asks for bytes, since that is how `serde_json` gives lone surrogates instead of refusing them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(TextVisitor)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.into(), low: 0, high: 0, rest: Rest::Zero }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { text: text.into(), low: 0, high: 0, rest: Rest::Zero }
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::from_json;

    fn parse(json: &str) -> Text {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_text_takes_no_more_than_a_slice_does() {
        assert_eq!(size_of::<Text>(), size_of::<ByteString>() + 8);
        assert_eq!(size_of::<Option<Text>>(), size_of::<Text>());
    }

    #[test]
    fn a_text_is_a_slice_of_its_payload() {
        let payload = Bytes::from_static(br#"["abc","d\u00e9f","a text of twenty-four by"]"#);
        let is_slice = |text: &Text| payload.as_ptr_range().contains(&text.as_ptr());
        let mut texts = Vec::<Text>::new();
        from_json::read_into(&mut texts, &payload).unwrap();
        assert_eq!(texts, ["abc", "déf", "a text of twenty-four by"]);
        assert_eq!([0, 1, 2].map(|at| is_slice(&texts[at])), [false, false, true]);
        let mut texts = Vec::<Text>::new();
        slicing(|| from_json::read_into(&mut texts, &payload)).unwrap();
        assert_eq!([0, 1, 2].map(|at| is_slice(&texts[at])), [true, false, true]);
        let outside: Vec<Text> = serde_json::from_slice(&payload).unwrap();
        assert!(!is_slice(&outside[2]));
    }

    #[test]
    fn a_pair_split_over_two_texts_is_joined() {
        let mut carry = 0;
        let mut first = parse(r#""hi \ud83d""#);
        let mut second = parse(r#""\ude00!""#);
        first.join(&mut carry);
        assert_eq!(first, "hi ");
        let mut empty = parse(r#""""#);
        empty.join(&mut carry);
        assert_eq!(empty, "");
        second.join(&mut carry);
        assert_eq!(second, "😀!");
        assert_eq!(carry, 0);
    }

    #[test]
    fn a_half_without_a_partner_becomes_the_replacement_character() {
        for (texts, expected) in [
            (vec![r#""a\ud83d""#, r#""b""#], vec!["a", "\u{fffd}b"]),
            (vec![r#""\ude00b""#], vec!["\u{fffd}b"]),
            (vec![r#""x\ud83dy""#], vec!["x\u{fffd}y"]),
            (vec![r#""x\ude00y""#], vec!["x\u{fffd}y"]),
            (vec![r#""\ud83d""#, r#""\ud83d""#, r#""\ude00""#], vec!["", "\u{fffd}", "😀"]),
            (vec![r#""\ud83d\ude00""#], vec!["😀"]),
        ] {
            let mut carry = 0;
            let joined: Vec<Text> = texts
                .iter()
                .map(|json| {
                    let mut text = parse(json);
                    text.join(&mut carry);
                    text
                })
                .collect();
            assert_eq!(joined, expected, "{texts:?}");
        }
    }

    #[test]
    fn invalid_utf8_reads_as_replacement_characters() {
        let text: Text = serde_json::from_slice(b"\"a\xffb\"").unwrap();
        assert_eq!(text, "a\u{fffd}b");
    }
}
