//! `GenerationId` and `Cursor`: identify a generation, and a viewer's position in it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The id of a generation. It cannot be guessed, and is never reused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GenerationId(Arc<str>);

/// The longest valid id, in bytes.
const LONGEST: usize = 64;

impl GenerationId {
    /// Returns a new id: 128 bits from the operating system's random number generator.
    ///
    /// # Panics
    /// If the operating system provides no random numbers.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
        Self(format!("gen_{:032x}", u128::from_be_bytes(bytes)).into())
    }

    /// The id as text: 1 to 64 letters, digits, `-` and `_`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GenerationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits { Ok(Self(text.into())) } else { Err(InvalidId) }
    }
}

impl TryFrom<String> for GenerationId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<GenerationId> for String {
    fn from(id: GenerationId) -> Self {
        id.0.as_ref().to_owned()
    }
}

/// An invalid id or cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id that this service gave out")
    }
}

impl std::error::Error for InvalidId {}

/// A viewer's position in a generation: `<generation>.<seq>`, the `id:` of the last event it received. If an entry
/// of the log becomes several events, the events before the last have the cursor `<generation>.<seq>.<k>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The generation.
    pub generation: GenerationId,
    /// The number of the entry.
    pub seq: u64,
    /// The number of the entry's events that the viewer has; `None` for all.
    pub frames: Option<u64>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.generation, self.seq)?;
        match self.frames {
            Some(frames) => write!(f, ".{frames}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Cursor {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let number = |text: &str| text.parse().map_err(|_| InvalidId);
        let mut parts = text.trim().splitn(3, '.');
        let generation = parts.next().unwrap_or_default().parse()?;
        let seq = number(parts.next().ok_or(InvalidId)?)?;
        let frames = parts.next().map(number).transpose()?;
        Ok(Self { generation, seq, frames })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_long_and_never_the_same() {
        let (one, two) = (GenerationId::random(), GenerationId::random());
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 36);
        assert_eq!(one.as_str().parse(), Ok(one.clone()));
    }

    #[test]
    fn a_malformed_id_is_refused() {
        for text in ["", "a.b", "a/b", "a b", "ü", &"x".repeat(65)] {
            assert_eq!(text.parse::<GenerationId>(), Err(InvalidId), "{text}");
        }
    }

    #[test]
    fn cursors_are_written_and_read() {
        let generation: GenerationId = "gen_1".parse().unwrap();
        let whole = Cursor { generation: generation.clone(), seq: 7, frames: None };
        let part = Cursor { generation, seq: 7, frames: Some(2) };
        assert_eq!((whole.to_string(), part.to_string()), ("gen_1.7".into(), "gen_1.7.2".into()));
        assert_eq!("gen_1.7".parse(), Ok(whole));
        assert_eq!("gen_1.7.2".parse(), Ok(part));
        for text in
            ["", "gen_1", "gen_1.", "gen_1.x", "gen_1.1.2.3", "gen_1.-1", ".1", "gen_1.99999999999999999999"]
        {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidId), "{text}");
        }
    }
}
