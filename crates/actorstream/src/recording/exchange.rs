//! `Exchange`: a request and its response, and how they are written.

use std::fmt::Write as _;
use std::time::Instant;

use actorstream_proto::outcome::secret::Secret;
use bytes::Bytes;

use crate::recording::fields::Fields;
use crate::recording::secrets::Secrets;

/// A request, as it is recorded.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    /// Name, value, and whether the value may be a secret whatever its name is.
    pub(crate) headers: Vec<(String, String, bool)>,
    /// `None` for a form, whose files are not kept.
    pub(crate) body: Option<Bytes>,
    /// The secrets that are known.
    pub(crate) secrets: Vec<Secret>,
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As its framing says.
    Clean,
    /// Before that.
    Cut,
    /// The client left.
    Left,
}

/// A request and its response.
#[derive(Debug)]
pub(super) struct Exchange {
    request: Request,
    began: Instant,
    /// The head of the response, verbatim; empty if none arrived.
    pub(super) head: Vec<u8>,
    /// The body is not in the content coding that the head names.
    pub(super) decoded: bool,
    pub(super) body: Vec<u8>,
    /// How much of the body had arrived when.
    pub(super) reads: Vec<(usize, Instant)>,
    pub(super) end: End,
}

/// How the end of a body is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Chunked,
    /// With this many bytes announced.
    Length(usize),
    UntilClose,
}

impl Request {
    pub(super) fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value, _)| name.len() + value.len() + 4);
        self.target.len() + headers.sum::<usize>() + self.body.as_ref().map_or(0, Bytes::len)
    }
}

impl Exchange {
    pub(super) fn new(request: Request, began: Instant) -> Self {
        Self {
            request,
            began,
            head: Vec::new(),
            decoded: false,
            body: Vec::new(),
            reads: Vec::new(),
            end: End::Left,
        }
    }

    /// What its files are named after: the path, without secrets.
    pub(super) fn name(&self) -> String {
        /// The longest name, in bytes.
        const LONGEST: usize = 60;
        let target = self.secrets().target(&self.request.target);
        let path = target.split('?').next().unwrap_or_default();
        let words =
            path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut name = words.collect::<Vec<_>>().join("-");
        name.truncate(LONGEST);
        if name.is_empty() { "root".to_owned() } else { name }
    }

    /// All secrets of this exchange: those that were known, and those that headers hold.
    fn secrets(&self) -> Secrets {
        let head = String::from_utf8_lossy(&self.head);
        let sent = self.request.headers.iter().map(|(name, value, _)| (name.as_str(), value.as_str()));
        Secrets::new(&self.request.secrets, sent.chain(header_lines(&head)))
    }

    /// The request as a text.
    pub(super) fn request_file(&self) -> Vec<u8> {
        let secrets = self.secrets();
        let Request { method, headers, body, .. } = &self.request;
        let mut text = format!("{method} {} HTTP/1.1\r\n", secrets.target(&self.request.target));
        for (name, value, is_secret) in headers {
            let value = secrets.header(name, value, *is_secret);
            // Writing to a string cannot fail.
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text.push_str("\r\n");
        let mut file = text.into_bytes();
        match body {
            Some(body) => file.extend(clean(body, &secrets, &mut Fields::default())),
            None => file.extend(b"(a form with files, which are not recorded)\n"),
        }
        file
    }

    /// The response as it can be played; `None` if there was none.
    pub(super) fn response_file(&self) -> Option<Vec<u8>> {
        if self.head.is_empty() {
            return None;
        }
        let secrets = self.secrets();
        let head = String::from_utf8_lossy(&self.head);
        let framing = match framing(&head) {
            // The end of the file cannot tell pauses, nor an end that never came.
            Framing::UntilClose if !self.body.is_empty() || self.end == End::Left => Framing::Chunked,
            framing => framing,
        };
        let mut fields = Fields::default();
        let mut body = Vec::new();
        if framing == Framing::Chunked {
            let mut before = self.began;
            for (lines, at) in self.groups() {
                let data = clean(lines, &secrets, &mut fields);
                push_chunk(&mut body, &data, at.saturating_duration_since(before).as_millis());
                before = at;
            }
            match self.end {
                End::Clean => body.extend(b"0\r\n\r\n"),
                End::Cut => {}
                End::Left => body.extend(b"0;hold\r\n"),
            }
        } else {
            body = clean(&self.body, &secrets, &mut fields);
        }
        let announced = match (framing, self.end) {
            (Framing::Length(_), End::Clean) => body.len(),
            // What is missing is missing when it is played, too.
            (Framing::Length(announced), _) => body.len() + announced.saturating_sub(self.body.len()).max(1),
            _ => 0,
        };
        let mut file = self.shown_head(&head, framing, announced, &secrets);
        file.extend(body);
        Some(file)
    }

    /// The head with this framing of the body, and `announced` as its length, if it has one.
    fn shown_head(&self, head: &str, framing: Framing, announced: usize, secrets: &Secrets) -> Vec<u8> {
        let status = head.lines().next().unwrap_or_default();
        let mut text = format!("{}\r\n", secrets.redact(status.trim_end()));
        let is_made_chunked = framing == Framing::Chunked && self::framing(head) != framing;
        if is_made_chunked {
            // Chunks are of HTTP/1.1.
            text = text.replacen("HTTP/1.0", "HTTP/1.1", 1);
            text.push_str("transfer-encoding: chunked\r\n");
        }
        for (name, value) in header_lines(head) {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            let is_framing = is("content-length") || is("transfer-encoding");
            if is("content-encoding") && self.decoded || is_made_chunked && is_framing {
                continue;
            }
            let value = match is("content-length") {
                true => announced.to_string(),
                false => secrets.header(name, value, false),
            };
            // Writing to a string cannot fail.
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// The lines of the body, together where the same read completed them, and when that was. A secret has no line end, so
    /// none is in two of them.
    fn groups(&self) -> Vec<(&[u8], Instant)> {
        let mut groups = Vec::new();
        let (mut start, mut read) = (0, 0);
        for (end, at) in &self.reads {
            if let Some(line_end) = self.body[read..*end].iter().rposition(|byte| b"\r\n".contains(byte)) {
                let complete = read + line_end + 1;
                groups.push((&self.body[start..complete], *at));
                start = complete;
            }
            read = *end;
        }
        if let (Some((_, at)), false) = (self.reads.last(), start == self.body.len()) {
            groups.push((&self.body[start..], *at));
        }
        groups
    }
}

/// The headers of a head.
fn header_lines(head: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.trim(), value.trim()))
}

fn framing(head: &str) -> Framing {
    let header = |wanted: &str| {
        let mut headers = header_lines(head);
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    match (header("transfer-encoding"), header("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
        (_, Some(length)) => length.parse().map_or(Framing::UntilClose, Framing::Length),
        _ => Framing::UntilClose,
    }
}

/// A part of a body without secrets; bytes that are no text are kept.
fn clean(bytes: &[u8], secrets: &Secrets, fields: &mut Fields) -> Vec<u8> {
    let mut cleaned = Vec::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        cleaned.extend(fields.mask(part.valid(), secrets).as_bytes());
        cleaned.extend(part.invalid());
    }
    cleaned
}

fn push_chunk(body: &mut Vec<u8>, data: &[u8], wait_ms: u128) {
    if data.is_empty() {
        return;
    }
    let wait = if wait_ms == 0 { String::new() } else { format!(";wait_ms={wait_ms}") };
    body.extend(format!("{:x}{wait}\r\n", data.len()).as_bytes());
    body.extend(data);
    body.extend(b"\r\n");
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
