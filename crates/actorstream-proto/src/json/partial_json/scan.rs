//! Where in the grammar of JSON a text stands, and the parts of that grammar that need no tree.

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum State {
    /// A value.
    #[default]
    Value,
    /// A value, or the end of the array that has just started.
    ValueOrEnd,
    /// A key.
    Key,
    /// A key, or the end of the object that has just started.
    KeyOrEnd,
    /// The rest of a key.
    InKey(Escape),
    /// The colon behind a key.
    Colon,
    /// The rest of a string.
    InString(Escape),
    /// The rest of a number.
    InNumber(Number),
    /// The rest of a literal, of which so many bytes have come.
    InLiteral(Literal, usize),
    /// What follows a value: a comma, an end, or nothing but white space if it was the outermost one.
    After,
}

/// `true`, `false` or `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    True,
    False,
    Null,
}

impl Literal {
    pub(super) fn word(self) -> &'static [u8] {
        match self {
            Self::True => b"true",
            Self::False => b"false",
            Self::Null => b"null",
        }
    }
}

/// Where a string stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// In plain text.
    Out,
    /// Behind a backslash.
    Start(Pending),
    /// Behind `\u` and so many digits, with their value.
    Hex(Pending, u8, u16),
    /// Behind the escape of the first half of a surrogate pair.
    Half(u16),
}

/// The first half of a surrogate pair, if its escape came just before.
pub(super) type Pending = Option<u16>;

/// What an escape that has become whole stands for.
pub(super) struct Decoded {
    /// Whether the first half of a pair that came before has turned out to stand alone.
    pub(super) lone: bool,
    /// The character, if it is whole.
    pub(super) char: Option<char>,
    /// Where the string stands now.
    pub(super) then: Escape,
}

/// Decodes `\u` with the four digits of `unit`, `pending` before it.
pub(super) fn decode_unit(pending: Pending, unit: u16) -> Decoded {
    match (pending, unit) {
        (Some(high), 0xdc00..=0xdfff) => {
            let code = 0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(unit) - 0xdc00);
            Decoded { lone: false, char: char::from_u32(code), then: Escape::Out }
        }
        (_, 0xd800..=0xdbff) => Decoded { lone: pending.is_some(), char: None, then: Escape::Half(unit) },
        // The second half of a pair without its first one is no character either.
        (_, _) => Decoded {
            lone: pending.is_some(),
            char: Some(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
            then: Escape::Out,
        },
    }
}

/// The character that a backslash and `byte` stand for.
pub(super) fn decode_short(byte: u8) -> Option<char> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte.into(),
        b'b' => '\x08',
        b'f' => '\x0c',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

/// How many bytes at the start of `text` stand for themselves in a string. Never ends within a character.
pub(super) fn plain_len(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte < b' ' || byte == b'"' || byte == b'\\').unwrap_or(text.len())
}

/// Where a number stands; named after what has come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Minus,
    /// A zero, which no digit may follow.
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

impl Number {
    /// Where a number stands after its first byte; `None` if no number starts so.
    pub(super) fn start(byte: u8) -> Option<Self> {
        match byte {
            b'-' => Some(Self::Minus),
            b'0' => Some(Self::Zero),
            b'1'..=b'9' => Some(Self::Integer),
            _ => None,
        }
    }

    /// Where it stands after one more byte; `None` if that is not the number's.
    pub(super) fn next(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0'..=b'9') => return Self::start(byte),
            (Self::Integer, b'0'..=b'9') => Self::Integer,
            (Self::Zero | Self::Integer, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::Sign,
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            _ => return None,
        })
    }

    /// Whether it may end here.
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::Exponent)
    }
}
