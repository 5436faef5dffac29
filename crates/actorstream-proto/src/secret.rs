//! `Secret`: a text that is never shown.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// What stands in the place of a text that must not be shown.
const REDACTED: &str = "***";

/// How much of a secret at the end of a text, which may have been cut there, gives it away.
const TELLING: usize = 6;

/// An API key, a token, a cookie. Neither `Debug` nor anything else shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps a text secret; white space around it is dropped.
    pub fn new(text: &str) -> Self {
        // A key read from a file ends in a line feed often enough.
        Self(text.trim().into())
    }

    /// The text, to be sent where it belongs.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Takes the secret out of a text, wherever it stands: as it is, as it stands in a URL or in JSON, and the start of it
    /// where the text ends, since what servers send is cut.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut redacted = Cow::Borrowed(text);
        if self.0.is_empty() {
            return redacted;
        }
        for form in self.forms() {
            if redacted.contains(&*form) {
                redacted = redacted.replace(&*form, REDACTED).into();
            }
            if let Some(start) = cut_off(&redacted, &form) {
                redacted = format!("{}{REDACTED}", &redacted[..redacted.len() - start]).into();
            }
        }
        redacted
    }

    /// How the secret may be written.
    fn forms(&self) -> Vec<Cow<'_, str>> {
        let mut forms = vec![Cow::Borrowed(&*self.0)];
        let mut add = |form: String| {
            if !forms.contains(&Cow::Borrowed(&form)) {
                forms.push(form.into());
            }
        };
        for encoded in [
            percent_encoded(&self.0, |code, byte| write!(code, "%{byte:02X}")),
            percent_encoded(&self.0, |code, byte| write!(code, "%{byte:02x}")),
        ] {
            // As forms and queries have it.
            add(encoded.replace("%20", "+"));
            add(encoded);
        }
        add(self.0.replace('/', "\\/"));
        // As a string of JSON, without its quotes.
        let json = serde_json::to_string(&*self.0).unwrap_or_default();
        add(json.trim_matches('"').to_owned());
        forms
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

/// The length of the longest start of `secret` with which `text` ends, if that tells too much.
fn cut_off(text: &str, secret: &str) -> Option<usize> {
    let most = secret.len().min(text.len());
    (TELLING..most).rev().find(|len| secret.is_char_boundary(*len) && text.ends_with(&secret[..*len]))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_however_it_is_written() {
        let secret = Secret::new(" sk+a/b\"c=\n");
        assert_eq!(format!("{secret:?}"), "***");
        for (text, redacted) in [
            ("the key sk+a/b\"c= is wrong", "the key *** is wrong"),
            ("/v1?key=sk%2Ba%2Fb%22c%3D&x", "/v1?key=***&x"),
            ("/v1?key=sk%2ba%2fb%22c%3d", "/v1?key=***"),
            ("{\"key\":\"sk+a/b\\\"c=\"}", "{\"key\":\"***\"}"),
            ("cut here: sk+a/b\"", "cut here: ***"),
            ("too little to tell: sk+a", "too little to tell: sk+a"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(secret.redact(text), redacted, "{text}");
        }
        assert_eq!(Secret::new("").redact("nothing"), "nothing");
        assert_eq!(Secret::new("a b/c d").redact("?key=a+b%2Fc+d or a%20b%2fc%20d"), "?key=*** or ***");
    }
}
