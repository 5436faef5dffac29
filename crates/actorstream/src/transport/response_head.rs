//! Normalizes a response head so that awc reads it correctly.

use actorstream_proto::outcome::error::{ErrorKind, Limit};
use actorstream_proto::session::head::Head;

/// The maximum number of headers in a head.
const MAX_HEADERS: usize = 256;

/// The maximum number of headers that awc reads.
const READ_HEADERS: usize = 96;

/// The state of a response head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadState {
    /// Its end has not arrived.
    More,
    /// It is complete, and may be passed to awc.
    Whole,
}

/// Examines the start of a response. Heads of interim responses (1xx), which awc would take for the response, are
/// removed; `removed` counts the bytes of heads removed so far.
///
/// # Errors
/// If the head, together with those removed before it, is longer than `max`.
pub(crate) fn look(bytes: &mut Vec<u8>, removed: &mut usize, max: usize) -> Result<HeadState, ErrorKind> {
    let over = || Err(ErrorKind::Limit { limit: Limit::Head, max });
    loop {
        let limit = max.saturating_sub(*removed);
        let Some(end) = head_end(bytes) else {
            if bytes.len() > limit {
                return over();
            }
            return Ok(HeadState::More);
        };
        if end > limit {
            return over();
        }
        let Some(status) = status(bytes) else {
            // Not HTTP/1: awc reports it.
            return Ok(HeadState::Whole);
        };
        if (100..200).contains(&status) && status != 101 {
            bytes.drain(..end);
            *removed += end;
            continue;
        }
        return Ok(HeadState::Whole);
    }
}

/// Returns whether a response is a refusal, after which a server need not read the rest of a request.
pub(crate) fn refuses(head: &[u8]) -> bool {
    status(head).is_some_and(|status| status >= 300)
}

/// Removes headers that the client does not use, if there are more than awc can read.
///
/// # Errors
/// If there are more than any server needs.
pub(crate) fn tame(head: &mut Vec<u8>) -> Result<(), ErrorKind> {
    let count = headers(head).count();
    if count > MAX_HEADERS {
        return Err(ErrorKind::Limit { limit: Limit::Headers, max: MAX_HEADERS });
    }
    if count <= READ_HEADERS || status(head).is_none() {
        return Ok(());
    }
    let mut tamed = head.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
    for line in headers(head) {
        let name =
            String::from_utf8_lossy(name_and_value(line).map_or(line, |(name, _)| name)).to_ascii_lowercase();
        // Headers that frame the response count as often as they occur.
        if Head::reads(&name) || FRAMING.contains(&&*name) {
            tamed.extend_from_slice(line);
            tamed.extend_from_slice(b"\r\n");
        }
    }
    tamed.extend_from_slice(b"\r\n");
    *head = tamed;
    Ok(())
}

/// The headers that frame a response.
const FRAMING: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

/// Returns the lines of a complete head between the first and the empty one, without their ends.
fn headers(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.skip(1).take_while(|line| !line.is_empty())
}

fn name_and_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

/// Returns what is wrong with a head that awc rejects, if that can be determined.
pub(crate) fn flaw(head: &[u8]) -> Option<String> {
    status(head)?;
    let is_token = |name: &[u8]| {
        !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
    };
    let (mut lengths, mut codings) = (0, 0);
    for line in headers(head) {
        let shown =
            |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).escape_debug().to_string();
        let Some((name, value)) = name_and_value(line).filter(|(name, _)| is_token(name)) else {
            return Some(format!("a line of it is not a header: \"{}\"", shown(line)));
        };
        if name.eq_ignore_ascii_case(b"content-length") {
            lengths += 1;
            let length = std::str::from_utf8(value)
                .ok()
                .filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
            if length.and_then(|length| length.parse::<u64>().ok()).is_none() {
                return Some(format!("its Content-Length is not a length: \"{}\"", shown(value)));
            }
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            codings += 1;
            if !value.eq_ignore_ascii_case(b"chunked") && !value.eq_ignore_ascii_case(b"identity") {
                return Some(format!(
                    "its Transfer-Encoding is one that was not asked for: \"{}\"",
                    shown(value)
                ));
            }
        }
        for (count, name) in [(lengths, "Content-Length"), (codings, "Transfer-Encoding")] {
            if count > 1 {
                return Some(format!("it has more than one {name}"));
            }
        }
        if value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Some(format!("a value in it holds control characters: \"{}\"", shown(line)));
        }
    }
    None
}

/// Returns the end of the head, including its empty line.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        let next = from + at + 1;
        match bytes[next..] {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => from = next,
        }
    }
    None
}

/// The status of an HTTP/1 response.
pub(crate) fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let [b'0' | b'1', b' ', digits @ ..] = rest else { return None };
    std::str::from_utf8(digits.get(..3)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(head: &str) -> (HeadState, String) {
        let mut bytes = head.as_bytes().to_vec();
        let looked = look(&mut bytes, &mut 0, 200).unwrap();
        (looked, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn interim_answers_are_removed() {
        let (state, rest) =
            looked("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2");
        assert_eq!((state, rest.as_str()), (HeadState::More, "HTTP/1.1 2"));
    }

    #[test]
    fn refusals_are_told_from_answers() {
        assert!(refuses(b"HTTP/1.1 413 x\r\n\r\n") && refuses(b"HTTP/1.1 302 x\r\n\r\n"));
        assert!(!refuses(b"HTTP/1.1 200 OK\r\n\r\n") && !refuses(b""));
    }

    #[test]
    fn excess_headers_keep_those_that_are_read() {
        let head = |count: usize| {
            let padding: String = (0..count - 4).map(|n| format!("x-{n}: y\r\n")).collect();
            let headers = format!(
                "Content-Type: a/b\n{padding}Connection: close\r\nX-Request-Id:r\r\ntransfer-encoding: chunked\r\n"
            );
            format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes()
        };
        for count in [4, 96, 97, 256] {
            let mut tamed = head(count);
            tame(&mut tamed).unwrap();
            if count <= 96 {
                assert_eq!(tamed, head(count));
            } else {
                assert_eq!(
                    String::from_utf8(tamed).unwrap(),
                    "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nConnection: close\r\nX-Request-Id:r\r\n\
                     transfer-encoding: chunked\r\n\r\n"
                );
            }
        }
        let error = tame(&mut head(257)).unwrap_err();
        assert_eq!(error.to_string(), "the number of headers of the response exceeds its limit of 256");
    }

    #[test]
    fn a_malformed_head_is_reported() {
        for (headers, named) in [
            (
                "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n",
                "more than one Transfer-Encoding",
            ),
            ("Content-Length: 3\r\ncontent-length: 3\r\n", "more than one Content-Length"),
            ("content-length: -1\r\n", "Content-Length is not a length: \"-1\""),
            ("content-length: 3, 3\r\n", "Content-Length is not a length: \"3, 3\""),
            ("content-length: 99999999999999999999999\r\n", "Content-Length is not a length"),
            (
                "transfer-encoding: gzip, chunked\r\n",
                "Transfer-Encoding is one that was not asked for: \"gzip, chunked\"",
            ),
            ("no header\r\n", "a line of it is not a header: \"no header\""),
            ("a b: c\r\n", "a line of it is not a header"),
            ("a: b\0c\r\n", "control characters"),
        ] {
            let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
            let told = flaw(head.as_bytes()).unwrap();
            assert!(told.contains(named), "{headers}: {told}");
        }
        assert_eq!(flaw(b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"), None);
    }

    #[test]
    fn a_head_has_a_limit() {
        let mut endless = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
        endless.resize(300, b'x');
        look(&mut endless, &mut 0, 200).unwrap_err();
        let mut whole = endless.clone();
        whole.extend_from_slice(b"\r\n\r\n");
        look(&mut whole, &mut 0, 200).unwrap_err();
        // Heads of interim responses count, whether they arrive at once or one by one.
        const INTERIM: &[u8] = b"HTTP/1.1 103 x\r\nlink: x\r\n\r\n";
        look(&mut INTERIM.repeat(10), &mut 0, 200).unwrap_err();
        let mut removed = 0;
        let fitting = (0..10).take_while(|_| look(&mut INTERIM.to_vec(), &mut removed, 200).is_ok());
        assert_eq!(fitting.count(), 200 / INTERIM.len());
        assert_eq!(looked("SSH-2.0-x\r\n\r\n").0, HeadState::Whole);
    }
}
