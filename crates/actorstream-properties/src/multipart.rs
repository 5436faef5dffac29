//! A form that is sent is the form that a server reads, whatever its names and values hold.

use actorstream_proto::request::multipart::{FilePart, Form, Segment};

use crate::input::Input;

const BOUNDARY: &str = "a-boundary-of-the-test";

/// A part as a server reads it: its name, the name of its file, its type, and what it holds.
type Part = (String, Option<String>, Option<String>, Vec<u8>);

/// See the module. The input is fields, each a name and a value behind it, set apart by zeros.
pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let kinds = input.byte();
    let fields: Vec<&[u8]> = input.rest().split(|byte| *byte == 0).collect();
    let mut form = Form::new();
    let mut expected: Vec<Part> = Vec::new();
    for (number, field) in fields.chunks(2).enumerate() {
        let name = String::from_utf8_lossy(field[0]).into_owned();
        let value = field.get(1).copied().unwrap_or_default();
        if contains(value, BOUNDARY.as_bytes()) || name.contains(BOUNDARY) {
            return;
        }
        if kinds >> (number % 8) & 1 == 0 {
            let text = String::from_utf8_lossy(value).into_owned();
            expected.push((escaped(&name), None, None, text.clone().into()));
            form = form.text(name, text);
        } else {
            let r#type =
                if number % 2 == 0 { None } else { Some(String::from_utf8_lossy(value).into_owned()) };
            let mut file = FilePart::from_bytes(name.clone(), value.to_vec());
            file.content_type.clone_from(&r#type);
            let shown: String = file.media_type().chars().filter(|letter| !letter.is_control()).collect();
            expected.push((escaped(&name), Some(escaped(&name)), Some(shown), value.to_vec()));
            form = form.file(name, file);
        }
    }
    let encoded = form.encode(BOUNDARY);
    let mut body = Vec::new();
    for segment in encoded.segments() {
        match segment {
            Segment::Bytes(bytes) => body.extend_from_slice(bytes),
            Segment::File(path) => panic!("a file {path:?} out of nothing"),
        }
    }
    assert_eq!(encoded.len(|_| None), Some(body.len() as u64));
    assert_eq!(encoded.content_type(), format!("multipart/form-data; boundary={BOUNDARY}"));
    assert_eq!(parse(&body), expected);
    assert_eq!(form.encode(BOUNDARY), encoded, "a form can be sent again");
}

fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Where `part` begins in `bytes`.
fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .position(|window| window == part)
        .unwrap_or_else(|| panic!("{part:?} is not there"))
}

/// Reads a body as RFC 7578 says.
fn parse(body: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let delimiter = format!("\r\n--{BOUNDARY}");
    let mut rest =
        body.strip_prefix(format!("--{BOUNDARY}").as_bytes()).expect("it begins with the boundary");
    loop {
        if rest == b"--\r\n" {
            return parts;
        }
        rest = rest.strip_prefix(b"\r\n").expect("a line end behind the boundary");
        let end = find(rest, b"\r\n\r\n");
        let head = std::str::from_utf8(&rest[..end]).unwrap();
        let content = &rest[end + 4..];
        let len = find(content, delimiter.as_bytes());
        let mut lines = head.split("\r\n");
        let disposition =
            lines.next().and_then(|line| line.strip_prefix("Content-Disposition: form-data; name=\""));
        let disposition = disposition.and_then(|line| line.strip_suffix('"')).expect("a disposition");
        let (name, file) = match disposition.split_once("\"; filename=\"") {
            Some((name, file)) => (name, Some(file.to_owned())),
            None => (disposition, None),
        };
        assert!(!name.contains(['"', '\r', '\n']));
        let r#type = lines.next().map(|line| line.strip_prefix("Content-Type: ").expect("a type").to_owned());
        assert_eq!(lines.next(), None, "a header too many");
        parts.push((name.to_owned(), file, r#type, content[..len].to_vec()));
        rest = &content[len + delimiter.len()..];
    }
}
