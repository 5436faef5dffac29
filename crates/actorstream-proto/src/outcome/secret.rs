//! `Secret`: a text that is never displayed.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

/// The replacement for a redacted text.
const REDACTED: &str = "***";

/// A key of fewer characters is not treated as a secret; a shorter start or end of a key reveals little.
const TELLING: usize = 8;

/// A password of fewer characters is not redacted: it would match ordinary words.
const SHORTEST_PASSWORD: usize = 4;

/// The minimum length of a start of a secret that is redacted at the end of a text, where the text may be truncated.
const TELLING_AT_THE_END: usize = 6;

/// The length from which any part of a secret is redacted, whatever its characters.
const LONG_PIECE: usize = 20;

/// Placeholders for servers that need no key, in lower case, letters and digits only.
#[rustfmt::skip]
const DUMMIES: &[&str] = &[
    "anything", "apikey", "changeme", "dummy", "dummykey", "dummyapikey", "empty", "example", "fake", "fakekey", "fakeapikey",
    "false", "foobar", "ignored", "key", "koboldcpp", "litellm", "llamacpp", "lmstudio", "local", "localai",
    "localhost", "mock", "nokey", "nokeyneeded", "nokeyrequired", "noapikey", "noapikeyneeded", "noapikeyrequired",
    "noauth", "none", "notneeded", "notrequired", "notset", "notused", "null", "ollama", "openai", "openaiapikey",
    "password", "placeholder", "required", "secret", "sglang", "skdummy", "skfake", "skmock", "sknokey", "sknokeyneeded",
    "sknokeyrequired", "sknone", "sknotneeded", "sknotrequired", "skplaceholder", "sktest", "skunused", "sk123",
    "sk1234", "skxxx", "skxxxx", "test", "testing", "testkey", "testapikey", "textgenerationwebui", "token", "true",
    "undefined", "unneeded", "unused", "vllm", "xxx", "xxxx", "xxxxx", "yourapikey", "yourapikeyhere",
    "youropenaiapikey",
];

/// The prefixes of well-known services' keys, which reveal nothing.
const SCHEMES: [&str; 7] =
    ["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-ant-api03-", "sk-ant-admin01-", "sk-or-v1-", "github_pat_"];

/// The characters with which servers replace the omitted part of a key.
const LEFT_OUT: [char; 8] = ['*', '.', '…', '•', '·', '#', '_', 'X'];

/// A text that is never displayed: an API key, a token, a password, a cookie. Neither `Debug` nor anything else shows
/// it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: Arc<str>,
    /// Whether a person chose the text, so that it may be short.
    password: bool,
}

impl Secret {
    /// Creates a secret from a key; surrounding white space is dropped.
    pub fn new(key: &str) -> Self {
        // A key read from a file often ends in a line feed.
        Self { text: key.trim().into(), password: false }
    }

    /// Creates a secret from a password, or another text that may be short.
    pub fn password(password: &str) -> Self {
        Self { text: password.into(), password: true }
    }

    /// Returns the text, for sending.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns whether it is a placeholder for servers that need no key, such as `none`, `ollama`, `EMPTY`,
    /// `xxxxxxxx` or `sk-no-key-required`.
    pub fn is_dummy(&self) -> bool {
        let letters = self.text.chars().filter(|char| char.is_alphanumeric());
        let letters: String = letters.map(|char| char.to_ascii_lowercase()).collect();
        let varied = letters.strip_prefix("sk").unwrap_or(&letters);
        let same = varied.chars().all(|char| varied.starts_with(char));
        same || DUMMIES.contains(&&*letters)
    }

    /// Removes the secret from a text wherever it occurs: verbatim, URL-encoded, escaped as JSON, and truncated by a
    /// server to at least 8 characters.
    ///
    /// A key of fewer than 8 characters, or a [placeholder](Self::is_dummy), is not removed, since it would match
    /// ordinary words. A password of fewer than 8 characters is removed only where it is a separate word, and one of
    /// fewer than 4 not at all.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut redacted = Cow::Borrowed(text);
        let length = self.text.chars().count();
        let secret =
            if self.password { length >= SHORTEST_PASSWORD } else { length >= TELLING && !self.is_dummy() };
        if !secret {
            return redacted;
        }
        let forms = self.forms();
        if length < TELLING {
            forms.iter().for_each(|form| take_out(&mut redacted, words, form));
            return redacted;
        }
        forms.iter().for_each(|form| take_out(&mut redacted, pieces, form));
        // A whole match in one form may be a partial match in another.
        forms.iter().for_each(|form| take_out(&mut redacted, inner, form));
        redacted
    }

    /// Returns the encodings of the secret.
    fn forms(&self) -> Vec<Cow<'_, str>> {
        let mut forms = vec![Cow::Borrowed(&*self.text)];
        let mut add = |form: String| {
            if !forms.contains(&Cow::Borrowed(&form)) {
                forms.push(form.into());
            }
        };
        for encoded in [
            percent_encoded(&self.text, |code, byte| write!(code, "%{byte:02X}")),
            percent_encoded(&self.text, |code, byte| write!(code, "%{byte:02x}")),
        ] {
            // The encoding of forms and queries.
            add(encoded.replace("%20", "+"));
            add(encoded);
        }
        add(self.text.replace('/', "\\/"));
        // The encoding of a JSON string, without the quotes.
        let json = serde_json::to_string(&*self.text).unwrap_or_default();
        add(json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned());
        forms
    }
}

/// Removes the matches of `find` from a text.
fn take_out(text: &mut Cow<'_, str>, find: impl Fn(&str, &str) -> Vec<Range<usize>>, secret: &str) {
    // From the end, so that earlier ranges stay valid.
    for range in find(text, secret).into_iter().rev() {
        text.to_mut().replace_range(range, REDACTED);
    }
}

fn percent_encoded(text: &str, write: impl Fn(&mut String, u8) -> fmt::Result) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~*".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write(&mut encoded, byte);
        }
    }
    encoded
}

/// Finds the secret as a separate word.
fn words(text: &str, secret: &str) -> Vec<Range<usize>> {
    let in_a_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let mut found = Vec::new();
    for (start, _) in text.match_indices(secret) {
        let end = start + secret.len();
        if !in_a_word(text[..start].chars().next_back()) && !in_a_word(text[end..].chars().next()) {
            found.push(start..end);
        }
    }
    found
}

/// Finds the secret, a start of it, or an end of it after an ellipsis, each of at least [`TELLING`] characters. The
/// ranges are in the order of the text and do not overlap.
fn pieces(text: &str, secret: &str) -> Vec<Range<usize>> {
    let mut found = starts(text, secret);
    found.extend(ends(text, secret));
    found.extend(cut_off(text, secret).map(|len| text.len() - len..text.len()));
    found.sort_unstable_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Finds the secret, or a start of it that is long enough.
fn starts(text: &str, secret: &str) -> Vec<Range<usize>> {
    let head = &secret[..secret.char_indices().nth(TELLING).map_or(secret.len(), |(at, _)| at)];
    let scheme =
        SCHEMES.iter().filter(|scheme| secret.starts_with(**scheme)).map(|scheme| scheme.len()).max();
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find(head) {
        let start = from + at;
        let same = text[start..].char_indices().zip(secret.chars()).take_while(|((_, a), b)| a == b);
        let len = same.map(|((at, char), _)| at + char.len_utf8()).last().unwrap_or(head.len());
        if scheme.is_none_or(|scheme| len > scheme) {
            found.push(start..start + len);
        }
        from = start + len;
    }
    found
}

/// Finds an end of the secret after a character that replaces the omitted part.
fn ends(text: &str, secret: &str) -> Vec<Range<usize>> {
    let start = secret.char_indices().rev().nth(TELLING - 1).map_or(0, |(at, _)| at);
    let (rest, tail) = secret.split_at(start);
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find(tail) {
        let at = from + at;
        let same = text[from..at].chars().rev().zip(rest.chars().rev()).take_while(|(a, b)| a == b);
        let start = at - same.map(|(char, _)| char.len_utf8()).sum::<usize>();
        let end = at + tail.len();
        if text[..start].ends_with(LEFT_OUT) {
            found.push(start..end);
        }
        from = end;
    }
    found
}

/// Finds any part of the secret that looks like a key: letters with digits or in mixed case, unlike a word, or a part
/// that is too long for coincidence.
fn inner(text: &str, secret: &str) -> Vec<Range<usize>> {
    let known: HashSet<&[u8]> = secret.as_bytes().windows(TELLING).collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, window) in
        text.as_bytes().windows(TELLING).enumerate().filter(|(_, window)| known.contains(window))
    {
        match found.last_mut() {
            // Overlapping windows of the same part are merged.
            Some(last) if at < last.end => last.end = at + window.len(),
            _ => found.push(at..at + window.len()),
        }
    }
    found.retain(|range| {
        text.get(range.clone()).is_some_and(|piece| {
            let any = |is: fn(&char) -> bool| piece.chars().any(|char| is(&char));
            let random = any(char::is_ascii_alphabetic) && any(char::is_ascii_digit)
                || any(char::is_ascii_uppercase) && any(char::is_ascii_lowercase);
            let scheme = SCHEMES.iter().any(|scheme| scheme.contains(piece));
            !scheme && (random || piece.len() >= LONG_PIECE)
        })
    });
    found
}

/// Returns the length of the longest start of `secret` at the end of `text`, if that reveals too much.
fn cut_off(text: &str, secret: &str) -> Option<usize> {
    let most = secret.len().min(text.len());
    (TELLING_AT_THE_END..most)
        .rev()
        .find(|len| secret.is_char_boundary(*len) && text.ends_with(&secret[..*len]))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
