//! Scripts in files.

use serde_json::value::RawValue;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::reply::Reply;
use crate::script::Script;

impl Script {
    /// Parses a script from a file: each request gets the same reply.
    ///
    /// A file that begins with `HTTP/` is a recorded response and is [replayed](Reply::replayed) with its timing.
    /// Any other file has one step per line, each a JSON object; empty lines are skipped:
    ///
    /// ```json
    /// {"status": 200, "headers": {"x-request-id": "req_1"}}
    /// {"event": {"any": "JSON", "written": "as it stands"}, "name": "optional"}
    /// {"data": "any text", "name": "optional"}
    /// {"comment": "hi"}
    /// {"bytes": "written as they are\r\n"}
    /// {"wait_ms": 50}
    /// {"done": true}
    /// {"end": true}
    /// ```
    ///
    /// and `{"fin": true}`, `{"close": true}`, `{"cut": true}`, `{"reset": true}`, `{"hold": true}` as in [`Reply`].
    /// A script with an `event`, `data`, `comment`, `done` or `end` is an event stream: the status may be omitted and
    /// is then 200, the body is chunked, and a `content-type` is added unless the headers contain one. Otherwise, the
    /// body is the `bytes` after the status with a computed content-length, and a script without a status writes only
    /// its `bytes`.
    ///
    /// # Errors
    ///
    /// If a line is not such a step, or there is none.
    ///
    /// ```
    /// use actorstream_test::Script;
    ///
    /// Script::parse(b"{\"event\": {\"n\": 1}}\n{\"wait_ms\": 50}\n{\"reset\": true}")?;
    ///
    /// let error = Script::parse(b"{\"done\": true}\n{\"dnoe\": true}").unwrap_err();
    /// assert_eq!(error.line(), 2);
    /// # Ok::<(), actorstream_test::ScriptError>(())
    /// ```
    pub fn parse(file: &[u8]) -> Result<Script, ScriptError> {
        if file.starts_with(b"HTTP/") {
            return Ok(Reply::replayed(file.to_vec()).into());
        }
        let text = std::str::from_utf8(file).map_err(|error| {
            let before = &file[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            ScriptError::new(line, "not UTF-8")
        })?;
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = Vec::new();
        for (at, line) in text.lines().enumerate() {
            if !line.trim().is_empty() {
                let line = Line::parse(line).map_err(|what| ScriptError::new(at + 1, what))?;
                lines.push(line);
            }
        }
        if lines.is_empty() {
            return Err(ScriptError::new(1, "the script has no steps"));
        }
        Ok(reply(lines).into())
    }
}

/// A line of a script that is not a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    line: usize,
    what: String,
}

impl ScriptError {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }

    /// The number of the line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for ScriptError {}

/// One line of a script.
#[derive(Debug)]
enum Line {
    Status(u16, Vec<(String, String)>),
    Event {
        name: Option<String>,
        data: String,
    },
    Comment(String),
    Bytes(String),
    Wait(Duration),
    /// A step that has only a name.
    Plain(fn(Reply) -> Reply),
    /// Such a step that belongs to an event stream.
    Stream(fn(Reply) -> Reply),
}

type Object<'a> = BTreeMap<String, &'a RawValue>;

impl Line {
    fn parse(line: &str) -> Result<Self, String> {
        let mut object: Object<'_> =
            serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
        let step = Self::take(&mut object)?;
        match object.keys().next() {
            Some(key) => Err(format!("`{key}` does not belong here")),
            None => Ok(step),
        }
    }

    /// Removes the fields of a step from the object.
    fn take(object: &mut Object<'_>) -> Result<Self, String> {
        let what = "a number from 100 to 999";
        if let Some(status) = field(object, "status", what, serde_json::from_str)? {
            if !(100..=999).contains(&status) {
                return Err(format!("`status` must be {what}"));
            }
            let headers = take_headers(object)?;
            return Ok(Line::Status(status, headers));
        }
        if let Some(data) = object.remove("event") {
            let name = string(object, "name")?;
            let data = data.get().to_owned();
            return Ok(Line::Event { name, data });
        }
        if let Some(data) = string(object, "data")? {
            let name = string(object, "name")?;
            return Ok(Line::Event { name, data });
        }
        if let Some(text) = string(object, "comment")? {
            return Ok(Line::Comment(text));
        }
        if let Some(bytes) = string(object, "bytes")? {
            return Ok(Line::Bytes(bytes));
        }
        let what = "a whole number";
        if let Some(milliseconds) = field(object, "wait_ms", what, serde_json::from_str)? {
            return Ok(Line::Wait(Duration::from_millis(milliseconds)));
        }
        const PLAIN: [(&str, Line); 7] = [
            ("done", Line::Stream(Reply::done)),
            ("end", Line::Stream(Reply::end)),
            ("fin", Line::Plain(Reply::fin)),
            ("close", Line::Plain(Reply::close)),
            ("cut", Line::Plain(Reply::cut)),
            ("reset", Line::Plain(Reply::reset)),
            ("hold", Line::Plain(Reply::hold)),
        ];
        for (name, line) in PLAIN {
            match field(object, name, "true", serde_json::from_str)? {
                Some(true) => return Ok(line),
                Some(false) => return Err(format!("`{name}` must be true")),
                None => (),
            }
        }
        Err("no step of this name".to_owned())
    }

    /// Returns whether a script with this line is an event stream.
    fn is_stream(&self) -> bool {
        matches!(self, Line::Event { .. } | Line::Comment(_) | Line::Stream(_))
    }
}

fn take_headers(object: &mut Object<'_>) -> Result<Vec<(String, String)>, String> {
    let what = "an object of strings, numbers or booleans";
    let headers: Option<serde_json::Map<_, _>> = field(object, "headers", what, serde_json::from_str)?;
    let headers = headers.into_iter().flatten().map(|(name, value)| {
        let value = match value {
            serde_json::Value::String(value) => value,
            value if value.is_number() || value.is_boolean() => value.to_string(),
            _ => return Err(format!("`headers` must be {what}")),
        };
        Ok((name, value))
    });
    headers.collect()
}

/// Removes a field from the object and parses it with `read`; `what` describes the expected value.
fn field<'a, T>(
    object: &mut Object<'a>,
    name: &str,
    what: &str,
    read: impl FnOnce(&'a str) -> serde_json::Result<T>,
) -> Result<Option<T>, String> {
    match object.remove(name).map(|raw| read(raw.get())) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(format!("`{name}` must be {what}")),
    }
}

fn string(object: &mut Object<'_>, name: &str) -> Result<Option<String>, String> {
    field(object, name, "a string", serde_json::from_str)
}

fn reply(lines: Vec<Line>) -> Reply {
    let stream = lines.iter().any(Line::is_stream);
    let headed = lines.iter().any(|line| matches!(line, Line::Status(..)));
    let start = if stream && !headed { Reply::sse() } else { Reply::raw() };
    lines.into_iter().fold(start, |reply, line| match line {
        Line::Status(status, headers) => reply.then(head(status, headers, stream)),
        Line::Event { name: None, data } => reply.event(data),
        Line::Event { name: Some(name), data } => reply.named_event(&name, data),
        Line::Comment(text) => reply.comment(&text),
        Line::Bytes(bytes) => reply.bytes(bytes),
        Line::Wait(time) => reply.wait(time),
        Line::Plain(step) | Line::Stream(step) => step(reply),
    })
}

fn head(status: u16, headers: Vec<(String, String)>, stream: bool) -> Reply {
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let mut reply = Reply::status(status);
    if stream {
        reply = reply.chunked();
        if !typed {
            reply = reply.header("content-type", "text/event-stream");
        }
    }
    for (name, value) in headers {
        reply = reply.header(&name, value);
    }
    reply
}
