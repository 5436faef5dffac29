//! `Fields`: masks the fields of JSON that hold secrets.

use std::borrow::Cow;

/// The fields whose texts are secret, in lower case.
const SECRET: [&str; 10] = [
    "authorization",
    "api_key",
    "apikey",
    "api-key",
    "x-api-key",
    "access_token",
    "refresh_token",
    "client_secret",
    "password",
    "secret",
];

/// The field with the headers that a provider is to send to a tool's server. Each of them may be a key.
const HEADERS: &str = "headers";

/// What stands in place of a secret, with its quotes.
const REDACTED: &str = "\"***\"";

/// Masks the fields of JSON that hold secrets, in texts that follow each other. What surrounds the JSON, as the lines of an event
/// stream do, does not disturb it, since only strings are looked at. JSON within strings is not.
#[derive(Debug, Default)]
pub(super) struct Fields {
    depth: usize,
    /// The depth outside of an object of headers.
    headers: Option<usize>,
}

impl Fields {
    /// Returns the text with the secret fields masked.
    pub(super) fn mask<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        let mut masked = String::new();
        // Everything before it is in `masked`.
        let mut copied = 0;
        let mut at = 0;
        while let Some(found) = text[at..].find(['"', '{', '}', '\n']) {
            let here = at + found;
            at = here + 1;
            match text.as_bytes()[here] {
                b'{' => self.depth += 1,
                b'}' => self.close(),
                // A new event begins, whatever was wrong with the one before.
                b'\n' if text[at..].starts_with('\n') => *self = Self::default(),
                b'\n' => {}
                _ => {
                    let Some(name_end) = string_end(text, at) else { break };
                    let name = &text[at..name_end];
                    at = name_end + 1;
                    let Some(value) = value_start(text, at) else { continue };
                    if text[value..].starts_with('{') && name == HEADERS {
                        self.headers.get_or_insert(self.depth);
                    }
                    let is_secret = self.headers.is_some() || SECRET.contains(&&*name.to_ascii_lowercase());
                    if is_secret && text[value..].starts_with('"') {
                        let end = string_end(text, value + 1).map_or(text.len(), |end| end + 1);
                        masked.push_str(&text[copied..value]);
                        masked.push_str(REDACTED);
                        (copied, at) = (end, end);
                    }
                }
            }
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        masked.push_str(&text[copied..]);
        Cow::Owned(masked)
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.headers == Some(self.depth) {
            self.headers = None;
        }
    }
}

/// Where the string that begins here ends: at its quote.
fn string_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Where the value begins, if a colon follows.
fn value_start(text: &str, at: usize) -> Option<usize> {
    let rest = text[at..].trim_start().strip_prefix(':')?;
    Some(text.len() - rest.trim_start().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(text: &str) -> String {
        Fields::default().mask(text).into_owned()
    }

    #[test]
    fn secret_fields_are_masked_and_others_kept() {
        for (text, masked) in [
            (r#"{"authorization": "a \"b\" c", "x": "y"}"#, r#"{"authorization": "***", "x": "y"}"#),
            (r#"{"Api_Key":"a","n":1}"#, r#"{"Api_Key":"***","n":1}"#),
            (
                r#"{"tools":[{"type":"mcp","headers":{"X-A":"s","y":{"z":"t"}},"name":"n"}]}"#,
                r#"{"tools":[{"type":"mcp","headers":{"X-A":"***","y":{"z":"***"}},"name":"n"}]}"#,
            ),
            // A key that was cut.
            (r#"{"password":"abc"#, r#"{"password":"***""#),
        ] {
            assert_eq!(mask(text), masked);
        }
        for kept in [
            r#"{"token":"Hello","logprob":-0.1,"max_tokens":5}"#,
            r#"data: {"choices":[{"delta":{"content":"\"password\": \"x\""}}]}"#,
            r#"{"content":"authorization","secret":null,"headers":"none"}"#,
            "",
            "\"",
        ] {
            assert_eq!(mask(kept), kept);
        }
    }

    #[test]
    fn headers_may_be_on_several_lines_and_end_with_their_event() {
        let mut fields = Fields::default();
        assert_eq!(fields.mask("{\"headers\": {\n"), "{\"headers\": {\n");
        assert_eq!(fields.mask("  \"a\": \"b\"\n"), "  \"a\": \"***\"\n");
        assert_eq!(fields.mask("}, \"a\": \"b\"}"), "}, \"a\": \"b\"}");
        assert_eq!(
            fields.mask("{\"headers\": {\"a\": \"b\"\n\n{\"a\": \"b\"}"),
            "{\"headers\": {\"a\": \"***\"\n\n{\"a\": \"b\"}"
        );
    }
}
