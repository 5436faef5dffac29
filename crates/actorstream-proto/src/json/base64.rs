//! Base64 as servers write it: with or without padding, possibly with line breaks.
//!
//! Nothing is decoded until requested: an event keeps its base64 as it arrived.

use std::borrow::Cow;
use std::fmt;

use base64::DecodeError;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An invalid base64 text, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base64Error(String);

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server sent invalid base64: {}", self.0)
    }
}

impl std::error::Error for Base64Error {}

/// Decodes base64 in the standard alphabet. Padding may be missing, and white space is ignored.
///
/// # Errors
/// If the text contains anything else, or ends within a byte.
///
/// ```
/// use actorstream_proto::json::base64::decode;
///
/// assert_eq!(decode("SGVsbG8=")?, "Hello");
/// assert_eq!(decode("SGVs\r\nbG8")?, "Hello");
/// assert!(decode("<html>").is_err());
/// # Ok::<(), actorstream_proto::json::base64::Base64Error>(())
/// ```
pub fn decode(text: &str) -> Result<Bytes, Base64Error> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let text = match text.as_bytes().iter().any(is_space) {
        true => Cow::Owned(text.bytes().filter(|byte| !is_space(byte)).collect()),
        false => Cow::Borrowed(text.as_bytes()),
    };
    LENIENT.decode(&*text).map(Bytes::from).map_err(|error| Base64Error(explain(&error)))
}

/// Encodes bytes as base64 in the standard alphabet, with padding.
pub fn encode(bytes: &[u8]) -> String {
    LENIENT.encode(bytes)
}

fn explain(error: &DecodeError) -> String {
    match error {
        DecodeError::InvalidByte(at, byte) => {
            format!("it has {:?} as character {}", char::from(*byte), at + 1)
        }
        DecodeError::InvalidLength(length) => format!("it is cut off after {length} characters"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_servers_write_it() {
        let bytes: Vec<u8> = (0..=255).collect();
        let padded = encode(&bytes);
        assert_eq!(decode(&padded).unwrap(), bytes);
        assert_eq!(decode(padded.trim_end_matches('=')).unwrap(), bytes);
        let lines: Vec<&str> =
            padded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        assert_eq!(decode(&(lines.join("\r\n") + "\n")).unwrap(), bytes);
        assert_eq!(decode(" \t").unwrap(), "");
        // The last bits mean nothing, whatever they are.
        assert_eq!(decode("SGVsbG9=").unwrap(), "Hello");
    }

    #[test]
    fn malformed_base64_says_why() {
        let why = |text: &str| decode(text).unwrap_err().to_string();
        assert_eq!(why("<html>"), "the server sent invalid base64: it has '<' as character 1");
        assert_eq!(why("SGVsb"), "the server sent invalid base64: it is cut off after 5 characters");
        assert!(why("SG=VsbG8").contains("'=' as character 3"), "{}", why("SG=VsbG8"));
    }
}
