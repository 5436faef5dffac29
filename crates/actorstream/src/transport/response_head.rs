//! Makes the head of a response one that awc reads as it is meant.

use std::io;

/// What became of a head that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// Its end has not arrived.
    More,
    /// It is whole, and awc may have it.
    Whole,
}

/// Looks at the start of an answer. Heads of interim answers (1xx), which awc would take for the answer, are removed;
/// `removed` counts the bytes of heads that were removed so far.
///
/// # Errors
/// When the head, and those that were removed before it, are longer than `limit`.
pub(super) fn look(bytes: &mut Vec<u8>, removed: &mut usize, limit: usize) -> io::Result<Looked> {
    loop {
        let limit = limit.saturating_sub(*removed);
        let Some(end) = head_end(bytes) else {
            if bytes.len() > limit {
                return Err(io::Error::other("the head of the response is over its limit"));
            }
            return Ok(Looked::More);
        };
        if end > limit {
            return Err(io::Error::other("the head of the response is over its limit"));
        }
        let Some(status) = status(bytes) else {
            // No HTTP/1: awc says so.
            return Ok(Looked::Whole);
        };
        if (100..200).contains(&status) && status != 101 {
            bytes.drain(..end);
            *removed += end;
            continue;
        }
        return Ok(Looked::Whole);
    }
}

/// Whether an answer is a refusal, after which a server need not read the rest of a request.
pub(super) fn refuses(head: &[u8]) -> bool {
    status(head).is_some_and(|status| status >= 300)
}

/// Whether a head that has ended is not whole: its connection ended in it, or before it.
pub(super) fn is_cut(head: &[u8]) -> bool {
    head_end(head).is_none()
}

/// Where the head ends, its empty line included.
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
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
pub(super) fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let [b'0' | b'1', b' ', digits @ ..] = rest else { return None };
    std::str::from_utf8(digits.get(..3)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(head: &str) -> (Looked, String) {
        let mut bytes = head.as_bytes().to_vec();
        let looked = look(&mut bytes, &mut 0, 200).unwrap();
        (looked, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn interim_answers_are_removed() {
        let (state, rest) =
            looked("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2");
        assert_eq!((state, rest.as_str()), (Looked::More, "HTTP/1.1 2"));
    }

    #[test]
    fn refusals_are_told_from_answers() {
        assert!(refuses(b"HTTP/1.1 413 x\r\n\r\n") && refuses(b"HTTP/1.1 302 x\r\n\r\n"));
        assert!(!refuses(b"HTTP/1.1 200 OK\r\n\r\n") && !refuses(b""));
    }

    #[test]
    fn a_head_has_a_limit() {
        let mut endless = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
        endless.resize(300, b'x');
        look(&mut endless, &mut 0, 200).unwrap_err();
        let mut whole = endless.clone();
        whole.extend_from_slice(b"\r\n\r\n");
        look(&mut whole, &mut 0, 200).unwrap_err();
        // Heads of interim answers count, whether they come at once or one by one.
        const INTERIM: &[u8] = b"HTTP/1.1 103 x\r\nlink: x\r\n\r\n";
        look(&mut INTERIM.repeat(10), &mut 0, 200).unwrap_err();
        let mut removed = 0;
        let fitting = (0..10).take_while(|_| look(&mut INTERIM.to_vec(), &mut removed, 200).is_ok());
        assert_eq!(fitting.count(), 200 / INTERIM.len());
        assert_eq!(looked("SSH-2.0-x\r\n\r\n").0, Looked::Whole);
    }
}
