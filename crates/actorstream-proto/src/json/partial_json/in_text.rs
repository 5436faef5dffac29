//! `JsonInText`: the JSON in a text that contains more than JSON.

use std::ops::Range;

use serde_json::Value;

use super::{Limits, PartialJson};

/// The tags that enclose a model's reasoning if the server does not remove it.
const THOUGHTS: [&str; 6] = ["think", "thinking", "thought", "reasoning", "reason", "analysis"];

/// A JSON object that can be read while its text arrives: among prose, in a Markdown fence, after a byte order mark,
/// or after reasoning (`<think>…</think>`), as models write if their server does not enforce a schema.
///
/// ```
/// use actorstream_proto::json::partial_json::JsonInText;
/// use serde_json::json;
///
/// let mut text = JsonInText::new();
/// assert!(!text.push("<think>{\"city\": \"Rome\"}? No.</think>Here you are:\n```json\n"));
/// assert!(text.push("{\"city\": \"Par"));
/// assert_eq!(text.value(), &json!({"city": "Par"}));
/// text.push("is\"}\n```");
/// assert_eq!(text.value(), &json!({"city": "Paris"}));
/// assert!(text.is_complete());
/// ```
///
/// Text that looks like JSON but is not is skipped, and so is a list without an object in it, such as a citation's
/// `[1]`. The work is linear in the text.
#[derive(Debug, Clone, Default)]
pub struct JsonInText {
    limits: Limits,
    state: State,
    /// The end of the text so far, where it may be the start of a tag.
    held: String,
    /// How many bytes of the text were read.
    read: usize,
    /// Where each value stands that is whole.
    values: Vec<Range<usize>>,
    /// The last object that is whole.
    last: Option<Value>,
    /// Where the first value began that is none.
    broken: Option<usize>,
    /// Something was said beside thoughts.
    speaks: bool,
}

#[derive(Debug, Clone, Default)]
enum State {
    #[default]
    Prose,
    /// Between the tags of this name.
    Thought { closing: String },
    /// In a value, or what may be one.
    Value { json: Box<PartialJson>, began: usize },
}

impl JsonInText {
    /// Creates an empty text, with the default [`Limits`] on the JSON in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty text, with these limits on the JSON in it.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Reads the next piece of the text. Returns whether it may have changed [`value`](Self::value).
    pub fn push(&mut self, piece: &str) -> bool {
        let mut text = std::mem::take(&mut self.held);
        text.push_str(piece);
        let mut rest = text.as_str();
        let mut changed = false;
        while !rest.is_empty() {
            let taken = match &mut self.state {
                State::Prose => self.read_prose(rest, &mut changed),
                State::Thought { closing } => match find_ignoring_case(rest, closing) {
                    Some(at) => {
                        let taken = at + closing.len();
                        self.state = State::Prose;
                        Some(taken)
                    }
                    None => {
                        // Its start may be here already; a tag is ASCII.
                        let most = closing.len() - 1;
                        let kept = rest.len() - rest.ceil_char_boundary(rest.len().saturating_sub(most));
                        self.read += rest.len() - kept;
                        rest = &rest[rest.len() - kept..];
                        None
                    }
                },
                State::Value { .. } => {
                    changed = true;
                    Some(self.read_value(rest))
                }
            };
            let Some(taken) = taken else {
                self.held = rest.to_owned();
                break;
            };
            self.read += taken;
            rest = &rest[taken..];
        }
        changed
    }

    /// Returns the current object as far as it has arrived, or else the last complete one; `null` before there is
    /// any.
    #[must_use]
    pub fn value(&self) -> &Value {
        match &self.state {
            State::Value { json, .. } if json.value().is_object() => json.value(),
            _ => self.last.as_ref().unwrap_or(&Value::Null),
        }
    }

    /// Returns whether [`value`](Self::value) is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match &self.state {
            State::Value { json, .. } if json.value().is_object() => json.is_complete(),
            _ => self.last.is_some(),
        }
    }

    /// Ends the text: what it held.
    #[cfg_attr(not(feature = "schemars"), allow(dead_code))]
    pub(crate) fn finish(mut self) -> Found {
        match std::mem::take(&mut self.state) {
            State::Value { json, began } if json.is_complete() => self.take_value(*json, began),
            State::Value { began, .. } => {
                self.speaks = true;
                self.broken.get_or_insert(began);
            }
            // What was held is no tag then.
            State::Prose => self.speaks |= !self.held.is_empty(),
            State::Thought { .. } => {}
        }
        Found { values: self.values, broken: self.broken, speaks: self.speaks }
    }

    /// Reads up to the next thing that is no prose; how many bytes were read, `None` if it takes more to tell.
    fn read_prose(&mut self, rest: &str, changed: &mut bool) -> Option<usize> {
        let Some(at) = memchr::memchr3(b'{', b'[', b'<', rest.as_bytes()) else {
            self.speaks |= is_said(rest);
            return Some(rest.len());
        };
        self.speaks |= is_said(&rest[..at]);
        if at > 0 {
            return Some(at);
        }
        match if rest.starts_with('{') { Tag::None } else { tag(rest) } {
            Tag::Opens(closing, len) => {
                self.state = State::Thought { closing };
                Some(len)
            }
            Tag::Closes(len) => {
                // The prompt had the opening tag: all so far was thought.
                self.values.clear();
                self.last = None;
                self.broken = None;
                self.speaks = false;
                *changed = true;
                Some(len)
            }
            Tag::Unknown => None,
            Tag::None if rest.starts_with('<') => {
                self.speaks = true;
                Some(1)
            }
            Tag::None => {
                let json = Box::new(PartialJson::with_limits(self.limits));
                self.state = State::Value { json, began: self.read };
                Some(0)
            }
        }
    }

    /// Reads on in a value; how many bytes were read.
    fn read_value(&mut self, rest: &str) -> usize {
        let State::Value { json, began } = &mut self.state else { return 0 };
        let before = self.read - *began;
        let Err(error) = json.push(rest) else { return rest.len() };
        let began = *began;
        if let State::Value { json, .. } = std::mem::take(&mut self.state) {
            if json.is_complete() {
                self.take_value(*json, began);
            } else {
                self.speaks = true;
                self.broken.get_or_insert(began);
            }
        }
        error.offset.saturating_sub(before).min(rest.len())
    }

    fn take_value(&mut self, json: PartialJson, began: usize) {
        self.speaks = true;
        let end = began + json.offset;
        let value = json.into_value();
        if holds_object(&value) {
            self.values.push(began..end);
        }
        if value.is_object() {
            self.last = Some(value);
        }
    }
}

/// What a text held.
#[derive(Debug)]
#[cfg_attr(not(feature = "schemars"), allow(dead_code))]
pub(crate) struct Found {
    /// Where each value stands, white space behind it included.
    pub(crate) values: Vec<Range<usize>>,
    /// Where the first value began that is not whole, or no JSON.
    pub(crate) broken: Option<usize>,
    /// Whether anything was said beside thoughts.
    pub(crate) speaks: bool,
}

/// What a text begins with.
enum Tag {
    /// The tag behind which thoughts stand, which end with this one; and its length.
    Opens(String, usize),
    /// The end of thoughts, and its length.
    Closes(usize),
    /// Perhaps one of them; the text is too short to tell.
    Unknown,
    None,
}

fn tag(text: &str) -> Tag {
    let (open, close) = if text.starts_with('<') { ('<', '>') } else { ('[', ']') };
    let inner = &text[1..];
    let (closes, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    let (name, rest) = inner.split_at(inner.bytes().take_while(u8::is_ascii_alphabetic).count());
    if rest.is_empty() {
        let begun =
            |whole: &str| whole.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        return if THOUGHTS.into_iter().any(begun) { Tag::Unknown } else { Tag::None };
    }
    if !rest.starts_with(close) || !THOUGHTS.into_iter().any(|whole| whole.eq_ignore_ascii_case(name)) {
        return Tag::None;
    }
    let len = text.len() - rest.len() + 1;
    if closes { Tag::Closes(len) } else { Tag::Opens(format!("{open}/{name}{close}"), len) }
}

fn find_ignoring_case(text: &str, what: &str) -> Option<usize> {
    let (text, what) = (text.as_bytes(), what.as_bytes());
    memchr::memchr_iter(what[0], text)
        .find(|&at| text[at..].get(..what.len()).is_some_and(|found| found.eq_ignore_ascii_case(what)))
}

/// Whether a text says something.
fn is_said(text: &str) -> bool {
    text.contains(|c: char| !c.is_whitespace() && c != '\u{feff}')
}

fn holds_object(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(list) => list.iter().any(holds_object),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn finds(text: &str) -> (Vec<&str>, bool) {
        let mut whole = JsonInText::new();
        whole.push(text);
        let shown = (whole.value().clone(), whole.is_complete());
        let found = whole.finish();
        // However the text is cut.
        let mut cut = JsonInText::new();
        for c in text.chars() {
            cut.push(c.encode_utf8(&mut [0; 4]));
        }
        assert_eq!((cut.value().clone(), cut.is_complete()), shown, "{text}");
        let again = cut.finish();
        assert_eq!(
            (&again.values, again.broken, again.speaks),
            (&found.values, found.broken, found.speaks),
            "{text}"
        );
        (found.values.into_iter().map(|at| text[at].trim()).collect(), found.speaks)
    }

    #[test]
    fn the_json_of_a_text_is_found_wherever_it_stands() {
        for text in [
            "{\"n\":1}",
            "\u{feff}{\"n\":1}\n",
            "```json\n{\"n\":1}\n```",
            "~~~JSON5\n{\"n\":1}\n~~~",
            "Here [1] you are: {\"n\":1}. Thanks [2,3]!",
            "<think>{\"n\":2} or {\"n\":3}? é</THINK>{\"n\":1}",
            "{\"n\":2}?</think>\n\n{\"n\":1}",
            "[THINK]{\"n\":2}[/THINK]{\"n\":1}",
            "<b>{</b> {x} {\"n\":1} {\"n\"} }",
            "{{\"n\":1}}",
            "if a < b {\"n\":1}",
        ] {
            assert_eq!(finds(text), (vec!["{\"n\":1}"], true), "{text}");
        }
        assert_eq!(finds("{\"n\":\"</think>\"}").0, ["{\"n\":\"</think>\"}"], "a text in the JSON is no tag");
        assert_eq!(finds("{\"n\":1}{\"n\":2}\n[{\"n\":3}]").0, ["{\"n\":1}", "{\"n\":2}", "[{\"n\":3}]"]);
    }

    #[test]
    fn a_text_without_json_has_none() {
        for text in ["Hello [1] {you}", "[1,2]", "{\"n\":", "3", "a < {"] {
            assert_eq!(finds(text), (vec![], true), "{text}");
        }
        for text in ["", " \u{feff}\n", "<think>{\"n\":1}</think> ", "<think>{\"n\":1}"] {
            assert_eq!(finds(text), (vec![], false), "{text}");
        }
    }

    #[test]
    fn a_value_shows_while_it_comes_and_is_gone_when_it_is_none() {
        let mut text = JsonInText::new();
        assert!(!text.push("So: "));
        assert!(text.push("{\"a\": [1,"));
        assert_eq!((text.value(), text.is_complete()), (&json!({"a": [1]}), false));
        assert!(text.push(" oh no"));
        assert_eq!(text.value(), &Value::Null);
        text.push("{\"a\": 1} and more");
        assert_eq!((text.value(), text.is_complete()), (&json!({"a": 1}), true));
        assert!(!text.push(" and more"));
        text.push("</think>");
        assert_eq!((text.value(), text.is_complete()), (&Value::Null, false), "it was a thought");
    }

    /// Texts at random, of which the seed is printed.
    #[test]
    fn json_in_text_is_found_at_every_split() {
        const PIECES: [&str; 22] = [
            "{",
            "}",
            "[",
            "]",
            "\"a\"",
            ":",
            ",",
            "1",
            " ",
            "<think>",
            "</think>",
            "<",
            "é",
            "\\",
            "\"",
            "text",
            "{\"n\":[1,{\"m\":null}]}",
            "[1]",
            "```json\n",
            "[THINK]",
            "[/THINK]",
            "{\"n\":\"}</think>\"}",
        ];
        // A counter is random enough, mixed.
        let mut state = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        println!("seed {state}");
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for _ in 0..3000 {
            let text: String = (0..random(24)).map(|_| PIECES[random(PIECES.len())]).collect();
            for value in finds(&text).0 {
                let value: Value =
                    serde_json::from_str(value).unwrap_or_else(|error| panic!("{value}: {error}"));
                assert!(value.is_object() || value.is_array(), "{text}");
            }
        }
    }

    #[test]
    fn the_work_is_linear() {
        for piece in ["{", "[", "<", "{\"a\":[", "[[{", "{\"", "</thin", "[1,"] {
            let mut text = JsonInText::new();
            text.push(&piece.repeat(100_000));
            text.finish();
        }
    }
}
