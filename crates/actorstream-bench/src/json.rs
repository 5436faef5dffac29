//! JSON in small pieces, whose value is wanted after each: parsed as it comes, and parsed again from its start.

use std::hint::black_box;

use actorstream_proto::json::partial_json::PartialJson;
use serde_json::Value;

use crate::Error;
use crate::corpus::{json, pieces};

/// How many bytes come at once: about a token.
pub const PIECE: usize = 4;

/// Looks at the value after each piece; gives how often.
///
/// # Errors
/// When the text is no JSON.
pub fn as_it_comes(text: &str) -> Result<usize, Error> {
    let pieces = pieces(text, PIECE);
    let mut json = PartialJson::new();
    for piece in &pieces {
        json.push(piece)?;
        black_box(json.value());
    }
    Ok(pieces.len())
}

/// The same by completing and parsing all that has come, after each `every`th piece; gives how often.
///
/// # Errors
/// When the text is no JSON.
pub fn again_and_again(text: &str, every: usize) -> Result<usize, Error> {
    let mut len = 0;
    let mut parsed = 0;
    for (number, piece) in pieces(text, PIECE).into_iter().enumerate() {
        len += piece.len();
        if number % every == every - 1 {
            parsed += 1;
            // Cut in a number, an escape or a word there is no value that is certain to be one; the last one stays.
            if let Ok(value) = serde_json::from_str::<Value>(&completed(&text[..len])) {
                black_box(value);
            }
        }
    }
    Ok(parsed)
}

/// The text with all that is open in it closed, as clients do it that parse again.
fn completed(text: &str) -> String {
    let mut open = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' => open.push('}'),
            b'[' => open.push(']'),
            b'}' | b']' => drop(open.pop()),
            _ => {}
        }
    }
    let mut whole = text.to_owned();
    if in_string {
        whole.push('"');
    }
    let cut = whole.trim_end_matches([',', ' ']).len();
    whole.truncate(cut);
    whole.extend(open.iter().rev());
    whole
}

/// A document for the guard, which [`as_it_comes`] takes in as many pieces as a block has events, about.
pub fn block() -> String {
    json(crate::corpus::BLOCK * PIECE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_end_with_the_value() {
        let text = json(5000);
        let value: Value = serde_json::from_str(&text).unwrap();
        let mut json = PartialJson::new();
        for piece in pieces(&text, PIECE) {
            json.push(piece).unwrap();
        }
        assert_eq!(json.finish().unwrap(), value);
        assert_eq!(completed(&text), text);
        assert_eq!(completed("{\"a\":[1,{\"b\":\"x"), "{\"a\":[1,{\"b\":\"x\"}]}");
        assert_eq!(as_it_comes(&text).unwrap(), again_and_again(&text, 1).unwrap());
    }
}
