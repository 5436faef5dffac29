//! The messages published about a generation, which `scripts/common.lua` writes.

/// A change of a generation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// The generation was deleted.
    Gone,
    /// The generation's current state, and newly appended entries.
    GenerationState(GenerationState, Entries<'a>),
}

/// The state of a generation at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GenerationState {
    pub(super) tail: u64,
    pub(super) ended: bool,
    pub(super) stop: bool,
    pub(super) epoch: u64,
    pub(super) leased: bool,
}

/// The entries of an append; none if it was too large to be published, or nothing was appended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entries<'a> {
    /// The number of the first entry.
    pub(super) first: u64,
    pub(super) texts: Vec<&'a [u8]>,
}

/// Parses a message; `None` if it is invalid.
pub(super) fn parse(payload: &[u8]) -> Option<Message<'_>> {
    if payload == b"gone" {
        return Some(Message::Gone);
    }
    let (head, mut rest) = split(payload, b'\n')?;
    let mut numbers = std::str::from_utf8(head).ok()?.split(' ').map(|number| number.parse::<u64>().ok());
    let mut number = || numbers.next().flatten();
    let state = GenerationState {
        tail: number()?,
        ended: number()? == 1,
        stop: number()? == 1,
        epoch: number()?,
        leased: number()? == 1,
    };
    let (first, count) = (number()?, number()?);
    let mut texts = Vec::new();
    for _ in 0..count {
        let (length, text) = split(rest, b':')?;
        let length = std::str::from_utf8(length).ok()?.parse().ok()?;
        let (text, after) = text.split_at_checked(length)?;
        texts.push(text);
        rest = after;
    }
    rest.is_empty().then_some(Message::GenerationState(state, Entries { first, texts }))
}

/// Splits at the first occurrence of a byte.
fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..position], &bytes[position + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let state = GenerationState { tail: 9, ended: true, stop: false, epoch: 2, leased: false };
        let entries = Entries { first: 8, texts: vec![b"a\n:", b""] };
        assert_eq!(parse(b"9 1 0 2 0 8 2\n3:a\n:0:"), Some(Message::GenerationState(state, entries)));
        let none = Entries { first: 0, texts: Vec::new() };
        assert_eq!(parse(b"9 1 0 2 0 0 0\n"), Some(Message::GenerationState(state, none)));
        assert_eq!(parse(b"gone"), Some(Message::Gone));
    }

    #[test]
    fn an_invalid_message_is_none() {
        for payload in
            ["", "9 1 0 2 0 8\n", "9 1 0 2 0 8 1\n4:abc", "9 1 0 2 0 8 1\n2:abc", "x\n", "9 1 0 2 0 8 1\n-1:"]
        {
            assert_eq!(parse(payload.as_bytes()), None, "{payload}");
        }
    }
}
