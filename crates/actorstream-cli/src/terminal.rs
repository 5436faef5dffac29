//! Keeps control characters from outside away from a terminal.
//!
//! A server's text, its messages and file names may contain escape sequences, which set a terminal's title, clear it,
//! write its clipboard (OSC 52) or hide text. On a terminal, each control character except line feed and tab is
//! replaced by a visible symbol, so a sequence becomes text. The command's own dimming is written separately.

use std::borrow::Cow;
use std::io::{self, Write};

/// Returns text from outside that is safe for a terminal.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    Screen::default().pass(text)
}

/// Filters text from outside that arrives in pieces.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    /// The previous piece ended in a carriage return, which may be half of a line end.
    pending: bool,
}

impl Screen {
    /// Filters the next piece. A carriage return at its end is held back until the next piece.
    pub(crate) fn next<'a>(&mut self, piece: &'a str) -> Cow<'a, str> {
        let (kept, end) = match piece.strip_suffix('\r') {
            Some(kept) => (kept, true),
            None => (piece, false),
        };
        if piece.is_empty() {
            return Cow::Borrowed("");
        }
        let before = std::mem::replace(&mut self.pending, end);
        let text = self.pass(kept);
        // `\r\n` is a line end, even in two pieces.
        match before && !kept.starts_with('\n') {
            true => Cow::Owned(format!("{}{text}", picture('\r'))),
            false => text,
        }
    }

    /// Returns the held character at the end of the text.
    pub(crate) fn end(&mut self) -> Option<char> {
        std::mem::take(&mut self.pending).then(|| picture('\r'))
    }

    fn pass<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !text.contains(is_control) {
            return Cow::Borrowed(text);
        }
        let mut harmless = String::with_capacity(text.len());
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\r' if letters.peek() == Some(&'\n') => {}
                letter if is_control(letter) => harmless.push(picture(letter)),
                letter => harmless.push(letter),
            }
        }
        Cow::Owned(harmless)
    }
}

/// Returns whether a terminal may interpret a character: C0 except line feed and tab, DEL, and C1.
fn is_control(letter: char) -> bool {
    letter.is_control() && letter != '\n' && letter != '\t'
}

/// Returns the visible symbol of a control character.
fn picture(control: char) -> char {
    match u32::from(control) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// Writes a line of JSON to a terminal, with DEL and C1, which serde does not escape, escaped. They can only occur in
/// strings.
pub(crate) fn write_json(to: &mut (impl Write + ?Sized), line: &[u8]) -> io::Result<()> {
    let mut rest = line;
    while let Some(at) = rest.iter().position(|byte| *byte == 0x7f || *byte == 0xc2) {
        to.write_all(&rest[..at])?;
        rest = match rest[at..] {
            [0x7f, ..] => {
                to.write_all(b"\\u007f")?;
                &rest[at + 1..]
            }
            [0xc2, second @ 0x80..0xa0, ..] => {
                write!(to, "\\u{second:04x}")?;
                &rest[at + 2..]
            }
            _ => {
                to.write_all(&rest[at..=at])?;
                &rest[at + 1..]
            }
        };
    }
    to.write_all(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sequence_of_any_kind_is_left() {
        for (text, shown) in [
            ("Plain\ttext\nin 2 lines é 漢 🦦\n", "Plain\ttext\nin 2 lines é 漢 🦦\n"),
            ("\x1b]0;title\x07x", "␛]0;title␇x"),
            ("\x1b[2J\x1b[H\x1b[31mred\x1b[0m", "␛[2J␛[H␛[31mred␛[0m"),
            ("\x1b]52;c;cm0gLXJm\x1b\\", "␛]52;c;cm0gLXJm␛\\"),
            ("\u{9b}2J\u{9d}0;t\u{9c}\u{85}", "\u{fffd}2J\u{fffd}0;t\u{fffd}\u{fffd}"),
            ("pass\rword\x08\x7f\0", "pass␍word␈␡␀"),
            ("a\r\nb\r\r\nc", "a\nb␍\nc"),
        ] {
            assert_eq!(harmless(text), shown, "{text:?}");
        }
        for code in (0..0x20).chain(0x7f..0xa0) {
            let letter = char::from_u32(code).unwrap();
            let shown = harmless(letter.encode_utf8(&mut [0; 4])).into_owned();
            assert!(!shown.contains(|shown: char| is_control(shown)), "{code:x}");
        }
    }

    #[test]
    fn a_line_end_may_come_in_two_pieces() {
        let shown = |pieces: &[&str]| {
            let mut screen = Screen::default();
            let mut shown: String = pieces.iter().map(|piece| screen.next(piece).into_owned()).collect();
            shown.extend(screen.end());
            shown
        };
        assert_eq!(shown(&["a\r", "\nb"]), "a\nb");
        assert_eq!(shown(&["a\r", "", "\nb\r", "c"]), "a\nb␍c");
        assert_eq!(shown(&["a\r", "\r", "\n"]), "a␍\n");
        assert_eq!(shown(&["a\r"]), "a␍");
    }

    #[test]
    fn json_stays_json() {
        let text = "{\"a\":\"\u{7f}\u{80}\u{9b}\u{a0}é\u{c2}\u{1f9a6}\"}\n";
        let mut written = Vec::new();
        write_json(&mut written, text.as_bytes()).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written, "{\"a\":\"\\u007f\\u0080\\u009b\u{a0}é\u{c2}\u{1f9a6}\"}\n");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&written), read(text));
    }
}
