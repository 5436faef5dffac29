//! Against serde_json: what is taken, what becomes of it, and what shows on the way there.

use std::fmt::Write;

use serde_json::Value;

use super::PartialJson;

/// Small numbers from a seed (xorshift).
struct Rng(u64);

impl Rng {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const NUMBERS: [&str; 16] = [
    "0",
    "-0",
    "1E+5",
    "0.30000000000000004",
    "18446744073709551615",
    "9223372036854775807",
    "-9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "0.1234567890123456789012345",
    "1.7976931348623157e308",
    "5e-324",
    "1e-400",
    "0e999999999999",
    "1e-99999999999",
    "100000000000000000000000000000e-10",
];

const TEXTS: [&str; 14] = [
    "a",
    "b c",
    "é",
    "😀",
    "\\n",
    "\\\"",
    "\\\\",
    "\\/",
    "\\u0041",
    "\\u00E9",
    "\\ud83d\\ude00",
    "\\u0000",
    "{",
    "],",
];

/// Writes a random document; no object has a key twice.
fn document(rng: &mut Rng, depth: usize, out: &mut String) {
    space(rng, out);
    match rng.below(if depth == 0 { 4 } else { 8 }) {
        0 => out.push_str(rng.pick(&["true", "false", "null"])),
        1 => out.push_str(rng.pick(&NUMBERS)),
        2 | 3 => string(rng, None, out),
        4 | 5 => {
            out.push('[');
            for item in 0..rng.below(4) {
                out.push_str(if item > 0 { "," } else { "" });
                document(rng, depth - 1, out);
            }
            space(rng, out);
            out.push(']');
        }
        _ => {
            out.push('{');
            for entry in 0..rng.below(4) {
                out.push_str(if entry > 0 { "," } else { "" });
                space(rng, out);
                string(rng, Some(entry), out);
                space(rng, out);
                out.push(':');
                document(rng, depth - 1, out);
            }
            space(rng, out);
            out.push('}');
        }
    }
    space(rng, out);
}

fn string(rng: &mut Rng, unique: Option<usize>, out: &mut String) {
    out.push('"');
    for _ in 0..rng.below(4) {
        out.push_str(rng.pick(&TEXTS));
    }
    if let Some(number) = unique {
        write!(out, "{number}").unwrap();
    }
    out.push('"');
}

fn space(rng: &mut Rng, out: &mut String) {
    out.push_str(rng.pick(&["", "", "", "", " ", "\n", "\t\r "]));
}

fn documents(count: u64, depth: usize) -> impl Iterator<Item = (u64, String)> {
    (0..count).map(move |seed| {
        let mut text = String::new();
        document(&mut Rng::new(seed), depth, &mut text);
        (seed, text)
    })
}

/// What comes of `text`, read in these pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Option<Value> {
    let mut json = PartialJson::new();
    for piece in pieces {
        json.push(piece).ok()?;
    }
    let shown = json.value().clone();
    let complete = json.is_complete();
    let value = json.finish().ok()?;
    assert!(complete && same(&shown, &value) || !complete && value.is_number());
    Some(value)
}

/// Equal, and zeros of equal sign.
fn same(a: &Value, b: &Value) -> bool {
    let text = Value::to_string;
    a == b && text(a) == text(b)
}

/// Whether `a` can be what has come of `b`.
fn is_prefix(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => b.starts_with(a.as_str()),
        (Value::Array(a), Value::Array(b)) => match a.split_last() {
            Some((last, rest)) => {
                b.starts_with(rest) && b.get(rest.len()).is_some_and(|b| is_prefix(last, b))
            }
            None => true,
        },
        (Value::Object(a), Value::Object(b)) => {
            let mut keys = b.keys();
            let in_order = a.keys().all(|key| keys.any(|other| other == key));
            let partial = a.iter().filter(|&(key, value)| b.get(key) != Some(value)).count();
            in_order && partial <= 1 && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_prefix(a, b)))
        }
        _ => a == b,
    }
}

/// What should show of the start of a document: what serde_json reads from as much of it as can be completed by
/// closing what is open.
fn expected(start: &str) -> Value {
    let in_number = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    for cut in (0..=start.len()).rev().filter(|&cut| start.is_char_boundary(cut)) {
        let head = &start[..cut];
        let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
        for byte in head.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'[' => open.push(']'),
                b'{' => open.push('}'),
                b']' | b'}' => drop(open.pop()),
                _ => {}
            }
        }
        let token = head.rsplit(|char: char| !char.is_ascii() || !in_number(char as u8)).next().unwrap_or("");
        let is_number = !quoted && token.starts_with(|char: char| char == '-' || char.is_ascii_digit());
        if is_number && start.as_bytes().get(cut).is_none_or(|&byte| in_number(byte)) {
            continue;
        }
        let closed: String =
            head.chars().chain(quoted.then_some('"')).chain(open.into_iter().rev()).collect();
        if let Ok(value) = serde_json::from_str(&closed) {
            return value;
        }
    }
    Value::Null
}

#[test]
fn every_start_of_a_document_shows_all_that_has_come() {
    for (seed, text) in documents(1_500, 3) {
        let whole: Value = serde_json::from_str(&text).unwrap();
        let mut json = PartialJson::new();
        for (at, char) in text.char_indices() {
            json.push(char.encode_utf8(&mut [0; 4])).unwrap();
            let start = &text[..at + char.len_utf8()];
            let shown = json.value();
            assert!(same(shown, &expected(start)), "seed {seed}: {start} shows {shown}");
            // Null also stands for nothing, and there is nothing of a number until it ends.
            assert!(shown.is_null() || is_prefix(shown, &whole), "seed {seed}: {start} shows {shown}");
        }
        assert!(same(&json.finish().unwrap(), &whole), "seed {seed}: {text}");
    }
}

#[test]
fn every_way_to_cut_a_document_gives_what_serde_json_gives() {
    for (seed, text) in documents(1_500, 4) {
        let whole: Value = serde_json::from_str(&text).unwrap();
        for cut in (0..=text.len()).filter(|&cut| text.is_char_boundary(cut)) {
            let (a, b) = text.split_at(cut);
            assert!(
                read([a, b]).is_some_and(|value| same(&value, &whole)),
                "seed {seed}: {text} cut at {cut}"
            );
        }
        let rng = &mut Rng::new(seed);
        for _ in 0..10 {
            let mut rest = &*text;
            let pieces = std::iter::from_fn(|| {
                let (piece, after) = rest.split_at(rest.ceil_char_boundary(1 + rng.below(9)));
                rest = after;
                (!piece.is_empty()).then_some(piece)
            });
            assert!(read(pieces).is_some_and(|value| same(&value, &whole)), "seed {seed}: {text}");
        }
    }
}

#[test]
fn numbers_are_what_serde_json_makes_of_them() {
    let rng = &mut Rng::new(1);
    let random = (0..20_000).map(|_| {
        let len = 1 + rng.below(8);
        (0..len)
            .map(|_| rng.pick(&["0", "1", "9", "-", "+", ".", "e", "E", "308", "4503599627370497"]))
            .collect()
    });
    for number in NUMBERS.map(String::from).into_iter().chain(random) {
        for text in [number.clone(), format!("[{number}]"), format!("{number} ")] {
            let value = serde_json::from_str::<Value>(&text).ok();
            let ours = read(text.split_inclusive(|_| true));
            assert_eq!(ours.map(|value| value.to_string()), value.map(|value| value.to_string()), "{text}");
        }
    }
}

/// Panics unless `text` is taken exactly if serde_json takes it, and with the same value.
fn compare(text: &str) {
    let theirs = serde_json::from_str::<Value>(text).ok();
    let at_once = read([text]);
    let in_chars = read(text.split_inclusive(|_| true));
    assert_eq!(at_once, in_chars, "{text}");
    // What serde_json does not take and this does: halves of surrogate pairs.
    if theirs.is_some() || !text.to_ascii_lowercase().contains("\\ud") {
        assert_eq!(at_once, theirs, "{text}");
    }
}

#[test]
fn takes_what_serde_json_takes() {
    const ALPHABET: [&str; 14] = ["{", "}", "[", "]", ",", ":", "\"", "\\", " ", "0", "1", "-", ".", "e"];
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        texts = texts.iter().flat_map(|text| ALPHABET.map(|more| text.clone() + more)).collect();
        for text in &texts {
            compare(text);
            compare(&format!("{{\"a\":{text}"));
            compare(&format!("[{text}]"));
        }
    }
    for char in '\0'..'\u{100}' {
        for text in [format!("\"{char}\""), format!("\"\\{char}\""), format!("[1{char}]"), format!("{char}1")]
        {
            compare(&text);
        }
    }
}

#[test]
fn takes_what_serde_json_takes_of_damaged_documents() {
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\x", "0", "-", ".", "e", "é", "\u{1}", "\n",
        "\u{a0}", "t", "true", "null", "NaN", "//", "'",
    ];
    for (seed, text) in documents(10_000, 3) {
        let rng = &mut Rng::new(seed);
        let mut text = text;
        for _ in 0..=rng.below(2) {
            let from = text.floor_char_boundary(rng.below(text.len() + 1));
            let to = text.ceil_char_boundary((from + rng.below(3)).min(text.len()));
            text.replace_range(from..to, rng.pick(&pieces));
        }
        compare(&text);
    }
}
