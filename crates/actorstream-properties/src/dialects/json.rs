//! `Style`: ways to write the same JSON.

use fastrand::Rng;
use serde_json::Value;

/// How JSON is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Everything beyond ASCII is escaped.
    pub ascii: bool,
    /// White space stands between the tokens.
    pub spaces: bool,
    /// Line ends stand between them, too.
    pub lines: bool,
    /// The fields of an object are in a random order.
    pub shuffled: bool,
    /// A field may be there twice, with the same value.
    pub repeated: bool,
}

/// The first of the characters that stand for halves of surrogate pairs until they are written: a text cannot hold those.
const HALVES: u32 = 0x10_0000;

/// A character that is written as half of a surrogate pair.
pub(super) fn half(unit: u16) -> char {
    char::from_u32(HALVES + u32::from(unit) - 0xD800).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether a text holds such a half.
pub(super) fn has_half(text: &str) -> bool {
    text.chars().any(|character| u32::from(character) >= HALVES)
}

impl Style {
    /// The JSON text of a value.
    pub fn write(self, value: &Value, random: &mut Rng) -> String {
        let mut text = String::new();
        self.value(value, &mut text, random);
        text
    }

    fn value(self, value: &Value, text: &mut String, random: &mut Rng) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
            Value::String(string) => self.string(string, text),
            Value::Array(list) => {
                text.push('[');
                for (at, item) in list.iter().enumerate() {
                    self.comma(at, text);
                    self.value(item, text, random);
                }
                self.space(text);
                text.push(']');
            }
            Value::Object(object) => {
                let mut fields: Vec<_> = object.iter().collect();
                if self.repeated && !fields.is_empty() {
                    fields.push(fields[random.usize(..fields.len())]);
                }
                if self.shuffled {
                    random.shuffle(&mut fields);
                }
                text.push('{');
                for (at, (name, item)) in fields.into_iter().enumerate() {
                    self.comma(at, text);
                    self.string(name, text);
                    text.push(':');
                    if self.spaces {
                        text.push(' ');
                    }
                    if name == "arguments" && item.is_object() {
                        // The arguments of a call are the model's own words.
                        text.push_str(&item.to_string());
                    } else {
                        self.value(item, text, random);
                    }
                }
                self.space(text);
                text.push('}');
            }
        }
    }

    fn comma(self, at: usize, text: &mut String) {
        if at > 0 {
            text.push(',');
        }
        self.space(text);
    }

    fn space(self, text: &mut String) {
        if self.lines {
            text.push('\n');
        }
        if self.spaces {
            text.push(' ');
        }
    }

    fn string(self, string: &str, text: &mut String) {
        text.push('"');
        for character in string.chars() {
            match character {
                '"' | '\\' => text.extend(['\\', character]),
                '\n' => text.push_str("\\n"),
                _ if u32::from(character) >= HALVES => {
                    text.push_str(&format!("\\u{:04x}", u32::from(character) - HALVES + 0xD800));
                }
                _ if character < ' ' || (self.ascii && !character.is_ascii()) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        text.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                _ => text.push(character),
            }
        }
        text.push('"');
    }
}
