//! JSON from a client, without duplicate keys.
//!
//! If two fields have the same name, some parsers use the first and some the last. A hook that checks a request
//! could then see a different field than upstream does. Requests with duplicate keys, at any depth, are therefore
//! refused.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::event::Failure;

/// The maximum nesting of lists and objects. Requests of the API have about ten levels.
const DEEPEST: usize = 128;

/// Checks that a body is JSON without duplicate keys in any object, and returns its text.
///
/// The memory use is bounded by the keys of the objects that enclose one value.
///
/// # Errors
/// A failure with status 400 if the body is not JSON or has a duplicate key.
pub(crate) fn check(body: &[u8]) -> Result<&str, Failure> {
    let text = std::str::from_utf8(body).map_err(|error| {
        invalid(format!("the body is not JSON: it is not UTF-8 after byte {}", error.valid_up_to()))
    })?;
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| invalid(format!("the body is not JSON: {error}")))?;
    Scan { text, keys: Vec::new(), open: Vec::new() }.run()?;
    Ok(text)
}

fn invalid(message: String) -> Failure {
    Failure::invalid(message).with_code("invalid_body")
}

/// A scan over valid JSON text.
struct Scan<'a> {
    text: &'a str,
    /// The keys of the open objects; those of an inner object follow those of the outer.
    keys: Vec<Cow<'a, str>>,
    open: Vec<Open>,
}

/// An open list or object.
struct Open {
    /// The start of its keys, if it is an object.
    keys: Option<usize>,
    /// Whether a key comes next.
    key_next: bool,
}

impl Scan<'_> {
    fn run(mut self) -> Result<(), Failure> {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'{' => self.open(Some(self.keys.len()))?,
                b'[' => self.open(None)?,
                b'}' | b']' => self.close()?,
                b',' => {
                    if let Some(open) = self.open.last_mut() {
                        open.key_next = open.keys.is_some();
                    }
                }
                b'"' => {
                    let end = string_end(bytes, at + 1);
                    if let Some(open) = self.open.last_mut()
                        && std::mem::take(&mut open.key_next)
                    {
                        let key = key(&self.text[at..end])?;
                        self.keys.push(key);
                    }
                    at = end;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        Ok(())
    }

    fn open(&mut self, keys: Option<usize>) -> Result<(), Failure> {
        if self.open.len() == DEEPEST {
            return Err(invalid(format!("the body is nested in more than {DEEPEST} levels")));
        }
        self.open.push(Open { keys, key_next: keys.is_some() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Failure> {
        let Some(Open { keys: Some(first), .. }) = self.open.pop() else { return Ok(()) };
        let keys = &mut self.keys[first..];
        keys.sort_unstable();
        if let Some([key, _]) = keys.array_windows().find(|[one, next]| one == next) {
            let shown: String = key.chars().take(64).collect();
            return Err(invalid(format!("the key {shown:?} occurs twice in one object of the body")));
        }
        self.keys.truncate(first);
        Ok(())
    }
}

/// Returns the end of a string that begins before `from`, including its quote.
fn string_end(bytes: &[u8], mut from: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[from..]) {
        let at = from + found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        // An escape has at least one more byte, and none of the following ones is a quote.
        from = at + 2;
    }
    bytes.len()
}

/// Decodes a quoted key.
fn key(quoted: &str) -> Result<Cow<'_, str>, Failure> {
    if quoted.contains('\\') {
        let key = serde_json::from_str(quoted).map(Cow::Owned);
        return key.map_err(|error| invalid(format!("a key of the body is not valid text: {error}")));
    }
    Ok(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_stand_twice_are_refused_wherever_and_however_written() {
        for body in [
            r#"{"model":"cheap","model":"dear"}"#,
            r#"{"model":"cheap","mod\u0065l":"dear"}"#,
            r#"{"a":{"b":[1,{"c":1,"d":{},"c":2}]}}"#,
            r#"[{"a":1},{"":1,"":2}]"#,
            r#"{"a":{"x":1},"b":"\\","a":{"x":1}}"#,
            r#"{"\/":1,"/":1}"#,
            r#"{"ü":1,"\u00fc":1}"#,
            "{\"a\" : 1 ,\n\"a\" : 1 }",
        ] {
            let failure = check(body.as_bytes()).unwrap_err();
            assert_eq!((failure.status, failure.code.as_deref()), (400, Some("invalid_body")));
            assert!(failure.message.contains("occurs twice"), "{body}: {failure}");
        }
    }

    #[test]
    fn other_json_passes() {
        for body in [
            r#"{"a":1,"b":{"a":1,"b":[{"a":1},{"a":2}]},"c":"a","A":"\"a\":1,\"a\":2"}"#,
            r#"["a","a",{"k":"k","v":"k"}]"#,
            r#"{"a":"{\"b\":1,\"b\":2}","b":"\\\"","c":"\ud83d"}"#,
            r#"{"n":123456789012345678901234567890,"e":1e999,"m":-0.0}"#,
            "null",
            " { } ",
        ] {
            check(body.as_bytes()).unwrap_or_else(|failure| panic!("{body}: {failure}"));
        }
    }

    #[test]
    fn invalid_json_is_reported() {
        for body in
            ["", "{", "[1,]", "{\"a\":1}{", "\u{feff}{}", "{\"a\":\"\n\"}", "{'a':1}", "{\"a\\ud800\":1}"]
        {
            assert_eq!(check(body.as_bytes()).unwrap_err().status, 400, "{body}");
        }
        assert_eq!(check(b"{\"a\":\"\xff\"}").unwrap_err().status, 400);
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        check(deep(DEEPEST).as_bytes()).unwrap();
        for levels in [DEEPEST + 1, 1_000_000] {
            assert_eq!(check(deep(levels).as_bytes()).unwrap_err().status, 400);
        }
    }
}
