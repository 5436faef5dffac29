//! `Fields`: masks the fields of JSON that hold secrets.

use actorstream_proto::outcome::credentials::looks_secret;

use crate::recording::secrets::{REDACTED, Secrets};

/// The ends of the names of fields that are secret, in lower case, without `_` and `-`.
const SECRET: [&str; 17] = [
    "authorization",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "accesstoken",
    "refreshtoken",
    "sessiontoken",
    "authtoken",
    "bearertoken",
    "idtoken",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "cookie",
    "credentials",
];

/// The same of fields that are secret if they look like it. The `token` of a log probability is a word.
const DOUBTFUL: [&str; 3] = ["token", "key", "auth"];

/// The field with the headers that a provider is to send to a tool's server. Each of them may be a key.
const HEADERS: &str = "headers";

/// Removes secrets from texts that follow each other: fields of JSON that hold them, and known ones. What surrounds the JSON, as the lines
/// of an event stream do, does not disturb it, since strings end with their line. JSON within strings is not looked at.
#[derive(Debug, Default)]
pub(super) struct Fields {
    depth: usize,
    /// The depth outside of an object or a list whose texts are all secret.
    masked: Option<usize>,
    /// The field whose value follows.
    field: Field,
}

/// What a field holds, by its name.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Field {
    #[default]
    Plain,
    Doubtful,
    /// A secret if it is an object.
    Headers,
    Secret,
}

impl Fields {
    /// Returns the text without secrets.
    pub(super) fn mask(&mut self, text: &str, secrets: &Secrets) -> String {
        let mut masked = String::with_capacity(text.len());
        // Everything before it is in `masked`.
        let mut copied = 0;
        let (mut at, mut line) = (0, 0);
        while let Some(found) = text[at..].find(['"', '{', '}', '[', ']', '\r', '\n']) {
            let here = at + found;
            at = here + 1;
            match text.as_bytes()[here] {
                b'{' | b'[' => self.open(),
                b'}' | b']' => self.close(),
                b'\r' if text[at..].starts_with('\n') => {}
                b'\r' | b'\n' => {
                    // A new event begins, whatever was wrong with the one before.
                    if text[line..here].trim_end_matches('\r').is_empty() {
                        *self = Self::default();
                    }
                    line = at;
                }
                _ => {
                    masked.push_str(&secrets.outside(&text[copied..here]));
                    let (end, is_closed) = string_end(text, at);
                    let string = &text[at..end];
                    at = end + usize::from(is_closed);
                    copied = at;
                    let is_name = text[at..].trim_start().starts_with(':');
                    let field = if is_name { Field::Plain } else { std::mem::take(&mut self.field) };
                    let is_secret =
                        !is_name && !string.is_empty() && (self.masked.is_some() || field == Field::Secret)
                            || field == Field::Doubtful && looks_secret(string);
                    if is_name {
                        self.field = Field::of(string);
                    }
                    masked.push('"');
                    match is_secret {
                        true => masked.push_str(REDACTED),
                        false => masked.push_str(&secrets.string(string)),
                    }
                    if is_closed || is_secret {
                        masked.push('"');
                    }
                }
            }
        }
        masked.push_str(&secrets.outside(&text[copied..]));
        masked
    }

    fn open(&mut self) {
        if matches!(std::mem::take(&mut self.field), Field::Secret | Field::Headers) {
            self.masked.get_or_insert(self.depth);
        }
        self.depth += 1;
    }

    fn close(&mut self) {
        self.field = Field::Plain;
        self.depth = self.depth.saturating_sub(1);
        if self.masked == Some(self.depth) {
            self.masked = None;
        }
    }
}

impl Field {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase().replace(['_', '-'], "");
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if ends(&SECRET) {
            Self::Secret
        } else if name == HEADERS {
            Self::Headers
        } else if ends(&DOUBTFUL) {
            Self::Doubtful
        } else {
            Self::Plain
        }
    }
}

/// Where the string that begins here ends, and whether it ends with its quote. No string of JSON is longer than its line.
fn string_end(text: &str, start: usize) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return (at, true),
            b'\r' | b'\n' => return (at, false),
            b'\\' if bytes.get(at + 1).is_some_and(|next| !b"\r\n".contains(next)) => at += 2,
            _ => at += 1,
        }
    }
    (text.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(text: &str) -> String {
        Fields::default().mask(text, &Secrets::default())
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
            (
                r#"{"client_secret":{"value":"ek_1","expires_at":1},"api_key":["a","b"],"x":"y"}"#,
                r#"{"client_secret":{"value":"***","expires_at":1},"api_key":["***","***"],"x":"y"}"#,
            ),
            (
                r#"{"private_key":"a","session_token":"b","openai_api_key":"c","token":"tok51H8xQ2eZvKY"}"#,
                r#"{"private_key":"***","session_token":"***","openai_api_key":"***","token":"***"}"#,
            ),
            (
                r#"{"server_url":"https://u:pw@mcp.x/sse?api_key=K"}"#,
                r#"{"server_url":"https://***@mcp.x/sse?api_key=***"}"#,
            ),
            // A quote without its other half.
            (
                ": it\"s a comment\ndata: {\"x\":1,\"authorization\":\"a\"}",
                ": it\"s a comment\ndata: {\"x\":1,\"authorization\":\"***\"}",
            ),
        ] {
            assert_eq!(mask(text), masked);
        }
        for kept in [
            r#"{"token":"Hello","logprob":-0.1,"max_tokens":5}"#,
            r#"data: {"choices":[{"delta":{"content":"\"password\": \"x\""}}]}"#,
            r#"{"content":"authorization","secret":null,"headers":"none","prompt_cache_key":"user-1"}"#,
            r#"{"api_key":null,"x":"y","list":["a"]}"#,
            "",
            "\"",
            "\"\\",
        ] {
            assert_eq!(mask(kept), kept);
        }
    }

    #[test]
    fn fields_may_be_on_several_lines_and_end_with_their_event() {
        let mut fields = Fields::default();
        let mut mask = |text: &str| fields.mask(text, &Secrets::default());
        assert_eq!(mask("{\"headers\": {\n"), "{\"headers\": {\n");
        assert_eq!(mask("  \"a\": \"b\"\n"), "  \"a\": \"***\"\n");
        assert_eq!(mask("}, \"a\": \"b\", \"password\":\n"), "}, \"a\": \"b\", \"password\":\n");
        assert_eq!(mask("\"c\"}"), "\"***\"}");
        for line_end in ["\n", "\r\n", "\r"] {
            let text = "{\"headers\": {\"a\": \"b\"\n\n{\"a\": \"b\"}".replace('\n', line_end);
            assert_eq!(mask(&text), text.replacen("\"b\"", "\"***\"", 1));
            mask("\n");
        }
    }

    #[test]
    fn known_secrets_are_replaced_and_json_stays_json() {
        let secrets = Secrets::new(
            &[actorstream_proto::outcome::secret::Secret::new("12345678")],
            [("set-cookie", "a=cookie-1; Max-Age=3600")].into_iter(),
        );
        let mut fields = Fields::default();
        let text = r#"data: {"created":12345678,"n":3600,"s":"12345678, 3600, cookie-1"}"#;
        assert_eq!(
            fields.mask(text, &secrets),
            r#"data: {"created":12345678,"n":3600,"s":"***, 3600, ***"}"#
        );
    }
}
