//! `Secrets`: the secrets of an exchange, and texts without them.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt::Write as _;

use actorstream_proto::outcome::credentials::{looks_secret, names_a_secret};
use actorstream_proto::outcome::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands in place of a secret.
pub(super) const REDACTED: &str = "***";

/// A key of fewer characters is not looked for in other encodings.
const TELLING: usize = 8;

/// The secrets of an exchange.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// The longest first: a whole is replaced before its parts.
    known: Vec<Secret>,
    /// Encodings of the keys that [`Secret::redact`] does not look for.
    encoded: Vec<String>,
}

impl Secrets {
    /// Collects the `known` secrets, and those that `headers` hold: the values of cookies, and what looks like a key in a header whose
    /// name marks it as secret. Attributes of cookies, numbers and ordinary words are no secrets: they would be replaced in every text.
    pub(super) fn new<'a>(known: &[Secret], headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets = known.to_vec();
        for (name, value) in headers {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            if is("cookie") || is("set-cookie") {
                let cookies = value.split(';').take(if is("cookie") { usize::MAX } else { 1 });
                let values =
                    cookies.filter_map(|cookie| cookie.split_once('=')).map(|(_, value)| value.trim());
                secrets.extend(values.filter(|value| !is_ordinary(value)).map(Secret::password));
            } else if names_a_secret(name) {
                let words = value.split([' ', ',', ';']).filter(|word| looks_secret(word));
                secrets.extend(words.map(Secret::password));
            }
        }
        secrets.retain(|secret| secret.reveal().len() >= TELLING || !is_ordinary(secret.reveal()));
        secrets.sort_by_key(|secret| Reverse(secret.reveal().len()));
        secrets.dedup();
        let keys = secrets.iter().filter(|secret| secret.reveal().len() >= TELLING && !secret.is_dummy());
        Self { encoded: keys.flat_map(|key| encodings(key.reveal())).collect(), known: secrets }
    }

    /// Returns the text with each known secret replaced.
    pub(super) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut redacted = Cow::Borrowed(text);
        for secret in &self.known {
            if let Cow::Owned(without) = secret.redact(&redacted) {
                redacted = without.into();
            }
        }
        for form in &self.encoded {
            if redacted.contains(form) {
                redacted = redacted.replace(form, REDACTED).into();
            }
        }
        redacted
    }

    /// Returns the value of a header without secrets.
    pub(super) fn header(&self, name: &str, value: &str, is_secret: bool) -> String {
        match is_secret || names_a_secret(name) {
            true => REDACTED.to_owned(),
            false => self.redact(&without_credentials(value)).into_owned(),
        }
    }

    /// Returns the path and the query of a request without secrets.
    pub(super) fn target(&self, target: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments = path.split('/').map(|segment| if looks_secret(segment) { REDACTED } else { segment });
        let path = segments.collect::<Vec<_>>().join("/");
        let separator = if query.is_empty() { "" } else { "?" };
        self.redact(&without_credentials(&format!("{path}{separator}{query}"))).into_owned()
    }

    /// Returns what is between the quotes of a JSON string without secrets. It stays a JSON string.
    pub(super) fn string<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if text.contains("\\u") {
            let decoded = serde_json::from_str::<String>(&format!("\"{text}\""));
            if let Some(Cow::Owned(redacted)) = decoded.as_deref().ok().map(|decoded| self.redact(decoded)) {
                let json = serde_json::to_string(&*without_credentials(&redacted)).unwrap_or_default();
                return json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned().into();
            }
        }
        match without_credentials(text) {
            Cow::Borrowed(text) => self.redact(text),
            Cow::Owned(text) => self.redact(&text).into_owned().into(),
        }
    }

    /// Returns a text outside of JSON strings without secrets. The syntax of JSON, its numbers included, is kept.
    pub(super) fn outside<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let is_syntax = |line: &str| {
            let json = line.strip_prefix("data:").unwrap_or(line);
            let is_syntax = |byte: u8| b" \t\r\n{}[],:0123456789eE+-.truefalsn".contains(&byte);
            json.bytes().all(is_syntax)
        };
        if text.split('\n').all(is_syntax) {
            return text.into();
        }
        let lines = text.split_inclusive('\n').map(|line| match is_syntax(line) {
            true => line.into(),
            false => Cow::Owned(self.redact(&without_credentials(line)).into_owned()),
        });
        lines.collect::<String>().into()
    }
}

/// Returns whether a value may be a word, a number or a date.
fn is_ordinary(text: &str) -> bool {
    /// The longest word.
    const LONGEST: usize = 20;
    let is_word = text.len() < LONGEST && text.chars().all(char::is_alphabetic);
    let is_in_one_case =
        !text.chars().skip(1).any(char::is_uppercase) || !text.chars().any(char::is_lowercase);
    !text.chars().any(char::is_alphabetic) || is_word && is_in_one_case
}

/// Returns the text with the credentials in URLs replaced: what stands before the host, and the parameters whose names mark them as
/// secret. Their slashes and ampersands may be escaped as in JSON.
pub(super) fn without_credentials(text: &str) -> Cow<'_, str> {
    let ends_value = |char: char| char.is_whitespace() || "&#;\"'<>\\)".contains(char);
    if !text.contains("://") && !text.contains(":\\/\\/") && !text.starts_with(['/', '?']) {
        return text.into();
    }
    let mut text = Cow::Borrowed(text);
    for separator in ["://", ":\\/\\/"] {
        let mut from = 0;
        while let Some(at) = text[from..].find(separator) {
            let start = from + at + separator.len();
            let rest = &text[start..];
            let end = rest.find(|char: char| char.is_whitespace() || "/?#\"'<>\\".contains(char));
            let user = rest[..end.unwrap_or(rest.len())].rfind('@');
            if let Some(user) = user {
                text.to_mut().replace_range(start..start + user, REDACTED);
            }
            from = start;
        }
    }
    let mut from = 0;
    while let Some(at) = text[from..].find('=') {
        let value = from + at + 1;
        from = value;
        let before = &text[..value - 1];
        let name =
            before.trim_end_matches(|char: char| char.is_ascii_alphanumeric() || "-_.%[]".contains(char));
        let (delimiter, name) = before.split_at(name.len());
        let name = match delimiter.chars().next_back() {
            Some('?' | '&' | ';' | '#') => name,
            // An ampersand, as some write it in JSON.
            Some('\\') => name.strip_prefix("u0026").unwrap_or_default(),
            _ => "",
        };
        let length = text[value..].find(ends_value).unwrap_or(text.len() - value);
        if length > 0 && names_a_secret(name) {
            text.to_mut().replace_range(value..value + length, REDACTED);
        }
    }
    text
}

/// Returns a key in encodings that hide each of its characters: escaped as in JSON, percent-encoded, and in Base64 at each position.
fn encodings(key: &str) -> Vec<String> {
    let bytes = |write: fn(&mut String, u8)| {
        let mut text = String::new();
        key.bytes().for_each(|byte| write(&mut text, byte));
        text
    };
    // Writing to a string cannot fail.
    let mut encodings = vec![
        bytes(|text, byte| _ = write!(text, "\\u{byte:04x}")),
        bytes(|text, byte| _ = write!(text, "\\u{byte:04X}")),
        bytes(|text, byte| _ = write!(text, "%{byte:02x}")),
        bytes(|text, byte| _ = write!(text, "%{byte:02X}")),
        bytes(|text, byte| _ = write!(text, "{byte:02x}")),
    ];
    for before in 0..3 {
        let padded = [&b"\0\0"[..before], key.as_bytes()].concat();
        // The first and the last character may hold bits of what surrounds the key.
        let inner = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            encodings.extend(encoded.get(inner.clone()).map(str::to_owned));
        }
    }
    encodings.sort();
    encodings.dedup();
    encodings
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-planted-0123456789abcdef";

    fn secrets(headers: &[(&str, &str)]) -> Secrets {
        Secrets::new(&[Secret::new(KEY)], headers.iter().copied())
    }

    #[test]
    fn attributes_numbers_and_words_are_no_secrets() {
        let secrets = secrets(&[
            (
                "set-cookie",
                "sid=abcDEF123456; Max-Age=3600; expires=Mon, 30-Nov-26 06:40:00 GMT; domain=.openai.com",
            ),
            ("set-cookie", "theme=dark; SameSite=Strict"),
            ("x-litellm-key-tpm-limit", "1000"),
            ("x-tokens-used", "20260"),
            ("x-cache-key", "assistant"),
            ("surrogate-key", "chatcmpl gpt-4o gpt-4o-mini-2024-07-18"),
            ("x-session", "fedcba98765432100"),
        ]);
        let kept = "assistant, dark and Strict: 3600 s, 1000 of 20260, Mon, 30-Nov-26 06:40:00 GMT, api.openai.com, \
                    chatcmpl gpt-4o-mini-2024-07-18";
        assert_eq!(secrets.redact(kept), kept);
        assert_eq!(secrets.redact("abcDEF123456 and fedcba98765432100"), "*** and ***");
    }

    #[test]
    fn a_key_is_found_in_every_encoding() {
        let secrets = secrets(&[]);
        for encoding in encodings(KEY) {
            assert_eq!(secrets.redact(&format!("<{encoding}>")), "<***>");
        }
        for text in [KEY.to_owned(), format!("Bearer {KEY}"), format!("xy{KEY}z")] {
            let redacted = secrets.redact(&STANDARD_NO_PAD.encode(&text)).into_owned();
            assert!(redacted.contains("***") && redacted.len() < 16, "{redacted}");
        }
        let escaped = KEY.replace('p', "\\u0070");
        assert_eq!(secrets.string(&format!("a\\n{escaped}")), "a\\n***");
    }

    #[test]
    fn credentials_in_urls_are_replaced_and_the_rest_kept() {
        for (text, without) in [
            ("https://u:pw@mcp.x/sse?api_key=K&v=1", "https://***@mcp.x/sse?api_key=***&v=1"),
            ("see http://h/x?sig=S, or not", "see http://h/x?sig=*** or not"),
            (r"http:\/\/u@h\/?v=1\u0026token=K\u0026w=2", r"http:\/\/***@h\/?v=1\u0026token=***\u0026w=2"),
            ("/x?a=1&code=2", "/x?a=1&code=***"),
            ("mail me@h, or token=1", "mail me@h, or token=1"),
            ("http://h/a@b?keys", "http://h/a@b?keys"),
        ] {
            assert_eq!(without_credentials(text), without);
        }
        let target = secrets(&[]).target(&format!("/{KEY}/v1/0123456789abcdef?key=k&v=2"));
        assert_eq!(target, "/***/v1/***?key=***&v=2");
    }

    #[test]
    fn numbers_outside_of_strings_are_kept() {
        let secrets = Secrets::new(&[Secret::new("12345678")], [].into_iter());
        assert_eq!(secrets.outside("data: {:12345678,\n\n"), "data: {:12345678,\n\n");
        assert_eq!(secrets.outside("a wrong key: 12345678"), "a wrong key: ***");
    }
}
