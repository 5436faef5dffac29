//! The parts shared by chat and text completion streams.

use serde_json::{Value, json};

/// How a text is split into deltas.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Chars(usize),
    Words,
}

impl Default for Cut {
    fn default() -> Self {
        Cut::Chars(4)
    }
}

/// A text that is streamed in deltas.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Whole(String),
    Repeated(usize, String),
}

pub(crate) type Lazy<T> = Box<dyn Iterator<Item = T> + Send>;

impl Text {
    /// The whole text.
    pub(crate) fn whole(&self) -> String {
        match self {
            Text::Whole(text) => text.clone(),
            Text::Repeated(count, text) => text.repeat(*count),
        }
    }

    /// Its deltas, created one by one.
    pub(crate) fn deltas(self, cut: Cut) -> Lazy<String> {
        match self {
            Text::Repeated(count, text) => Box::new(std::iter::repeat_n(text, count)),
            Text::Whole(text) => {
                let mut at = 0;
                Box::new(std::iter::from_fn(move || {
                    let rest = &text[at..];
                    let length = cut.first(rest);
                    at += length;
                    (length > 0).then(|| rest[..length].to_owned())
                }))
            }
        }
    }
}

impl Cut {
    /// Returns the length of the first delta of `text` in bytes, never within a character.
    fn first(self, text: &str) -> usize {
        let end = match self {
            Cut::Chars(count) => text.char_indices().nth(count.max(1)).map(|(at, _)| at),
            // A word includes the preceding space, as tokens do.
            Cut::Words => {
                let space = text.len() - text.trim_start().len();
                text[space..].find(char::is_whitespace).map(|at| space + at)
            }
        };
        end.unwrap_or(text.len())
    }
}

/// `text` as a JSON string, quotes included.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The token counts of the prompt and the completion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage(pub(crate) u64, pub(crate) u64);

impl Usage {
    pub(crate) fn json(self) -> Value {
        let Usage(prompt, completion) = self;
        json!({
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        })
    }
}

/// The fields that all chunks of a stream share.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) id: String,
    pub(crate) object: &'static str,
    pub(crate) created: u64,
    pub(crate) model: String,
    pub(crate) usage: Option<Usage>,
}

impl Envelope {
    /// Wraps these choices in chunks, followed by the usage chunk. If there is one, the other chunks have a null
    /// usage.
    pub(crate) fn chunks(&self, choices: Vec<Lazy<String>>) -> Lazy<String> {
        let head = format!(
            r#"{{"id":{},"object":"{}","created":{},"model":{},"choices":"#,
            quoted(&self.id),
            self.object,
            self.created,
            quoted(&self.model)
        );
        let last = self.usage.map(|usage| {
            let usage = usage.json();
            format!(r#"{head}[],"usage":{usage}}}"#)
        });
        let tail = if last.is_some() { r#","usage":null"# } else { "" };
        let turns = Turns { choices, at: 0 };
        let chunks = turns.map(move |choice| format!("{head}[{choice}]{tail}}}"));
        Box::new(chunks.chain(last))
    }

    /// Wraps complete choices in the object.
    pub(crate) fn whole(&self, object: &str, choices: Vec<Value>) -> Value {
        let mut whole = json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if let Some(usage) = self.usage {
            whole["usage"] = usage.json();
        }
        whole
    }
}

/// Alternates between several iterators.
struct Turns {
    choices: Vec<Lazy<String>>,
    at: usize,
}

impl Iterator for Turns {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while !self.choices.is_empty() {
            self.at %= self.choices.len();
            match self.choices[self.at].next() {
                Some(item) => {
                    self.at += 1;
                    return Some(item);
                }
                None => drop(self.choices.remove(self.at)),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deltas(text: &str, cut: Cut) -> Vec<String> {
        Text::Whole(text.to_owned()).deltas(cut).collect()
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(deltas("añb😀c", Cut::Chars(2)), ["añ", "b😀", "c"]);
        assert_eq!(deltas("ab", Cut::Chars(0)), ["a", "b"]);
        assert_eq!(deltas("one  two\nthree ", Cut::Words), ["one", "  two", "\nthree", " "]);
        assert!(deltas("", Cut::Words).is_empty());
        assert!(deltas("", Cut::Chars(3)).is_empty());
    }

    #[test]
    fn choices_take_turns() {
        let list =
            |items: &'static [&str]| -> Lazy<String> { Box::new(items.iter().map(ToString::to_string)) };
        let turns = Turns { choices: vec![list(&["a", "b", "c"]), list(&["1"]), list(&["x", "y"])], at: 0 };
        assert_eq!(turns.collect::<Vec<_>>(), ["a", "1", "x", "b", "y", "c"]);
    }
}
