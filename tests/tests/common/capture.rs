//! Raw captured responses of real servers.

use std::fs;
use std::path::PathBuf;

use actorstream::proto::session::BodyEnd;
use actorstream::proto::session::head::Head;

/// Returns the folder of the captures.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures")
}

/// Reads a capture.
pub(crate) fn capture(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.http"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the head of a capture, its unchunked body, and whether the body is complete.
pub(crate) fn parse(capture: &[u8]) -> Option<(Head, Vec<u8>, BodyEnd)> {
    let end = capture.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&capture[..end]).into_owned();
    let status = text[9..12].parse().ok()?;
    let headers: Vec<(String, String)> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let head = Head::read(status, header);
    let mut rest = &capture[end..];
    if header("transfer-encoding").is_none() {
        return Some((head, rest.to_vec(), BodyEnd::Clean));
    }
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else {
            return Some((head, body, BodyEnd::Cut("cut".into())));
        };
        let len = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        if len == 0 {
            return Some((head, body, BodyEnd::Clean));
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + len]);
        rest = &rest[line + 2 + len + 2..];
    }
}
