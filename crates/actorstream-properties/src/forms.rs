//! Streams whose events nearly repeat: shapes that take turns, in which some strings and numbers change, fields are added,
//! and some values are such as no server should send.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use fastrand::Rng;

use crate::shapes::{ALL, Shape};
use crate::template;

/// How many events a stream has.
const EVENTS: usize = 24;

/// Fields that servers add, with what makes them change.
const FIELDS: &[&str] = &[
    "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}",
    "\"usage\":{\"input_tokens\":3,\"output_tokens\":\"1\",\"cost\":0.5}",
    "\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0.5,\"total_tokens\":0}",
    "\"usage\":{\"cost\":0.000012}",
    "\"usage\":null",
    "\"x_groq\":{\"id\":\"r1\",\"usage\":{\"prompt_tokens\":5,\"queue_time\":0.1}}",
    "\"usage_metadata\":{\"promptTokenCount\":5}",
    "\"timings\":{\"n\":1,\"ms\":0.5,\"name\":\"abc\"}",
    "\"provider\":\"p\"",
    "\"annotations\":[{\"url\":\"a\"}]",
    "\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"t\",\"index\":0}]",
    "\"reasoning_details\":[]",
    "\"thinking\":\"t\"",
    "\"reasoning\":\"r\"",
    "\"reasoning_content\":\"r\"",
    "\"refusal\":\"n\"",
    "\"text\":\"x\"",
    "\"content\":\"c\"",
    "\"type\":\"x\"",
    "\"type\":\"ping\"",
    "\"error\":null",
    "\"status\":200",
    "\"code\":\"x\"",
    "\"stop_reason\":null",
    "\"stop_reason\":\"x\"",
    "\"finish_reason\":\"stop\"",
    "\"done_reason\":\"\"",
    "\"role\":\"assistant\"",
    "\"created\":5",
    "\"id\":\"i\"",
    "\"id\":\"\"",
    "\"model\":\"m\"",
    "\"object\":\"o\"",
    "\"service_tier\":\"default\"",
    "\"system_fingerprint\":\"f\"",
    "\"index\":1",
    "\"sequence_number\":7",
    "\"toolCalls\":[{\"index\":0,\"function\":{\"arguments\":\"a\"}}]",
    "\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"a\"}}]",
    "\"logprobs\":{\"content\":[{\"token\":\"t\",\"logprob\":-0.5,\"bytes\":[1],\"top_logprobs\":[]}]}",
    "\"message\":{\"content\":\"whole\"}",
    "\"x\":{\"y\":{\"annotations\":[1],\"n\":1}}",
    "\"x\":[1,\"a\",{\"b\":2}]",
    "\"\\u0063hoices\":[]",
    "\"moderation\":{\"results\":[]}",
];

/// What may stand in place of a string or a number.
const VALUES: &[&str] = &[
    "0",
    "-0",
    "1",
    "7",
    "12",
    "345678",
    "-1",
    "-2.5",
    "0.0",
    "0.5",
    "1.0",
    "3.75",
    "1e-5",
    "1E-07",
    "0.00012",
    "1e5",
    "1e999",
    "01",
    "999999999999999999",
    "18446744073709551616",
    "4294967296",
    "null",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"ab\"",
    "\"12\"",
    "\"error\"",
    "\"stop\"",
    "\"length\"",
    "\"\\n\"",
    "\"\\\"\"",
    "\"é\"",
    "\"😀\"",
    "\"\\ud83d\"",
    "\"\\ude00\"",
    "\"\u{1}\"",
    "\"abcdefghijklmnopqrstuvwxyz0123456789\"",
    "{}",
    "[]",
    "[1]",
    "{\"a\":1}",
];

/// See the module. The input is a seed.
pub fn check(input: &[u8]) {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let mut random = Rng::with_seed(hasher.finish());
    let api = ALL[random.usize(..ALL.len())].api;
    let of_api: Vec<&Shape> = ALL.iter().filter(|shape| shape.api == api).collect();
    let count = random.usize(1..=3);
    // Several of one shape are as frequent as several shapes.
    let same = random.bool().then(|| random.usize(..of_api.len()));
    let mut forms = Vec::new();
    for _ in 0..count {
        let shape = of_api[same.unwrap_or_else(|| random.usize(..of_api.len()))];
        forms.push(Varied::new(&mut random, shape));
    }
    let in_turn = random.bool();
    let mut stream = vec![api.number()];
    for number in 0..EVENTS {
        let form = if in_turn { number % forms.len() } else { random.usize(..forms.len()) };
        stream.extend_from_slice(&forms[form].event(&mut random));
        stream.push(b'\n');
    }
    template::check(&stream);
}

/// An event in which some values change.
struct Varied {
    payload: String,
    /// What changes, in order, and what may stand there.
    changes: Vec<(Range<usize>, Vec<Vec<u8>>)>,
}

impl Varied {
    fn new(random: &mut Rng, shape: &Shape) -> Self {
        let mut payload = (shape.payload)(random.usize(..20));
        for _ in 0..random.usize(..4) {
            let objects: Vec<usize> = payload.match_indices(['{', ',']).map(|(at, _)| at).collect();
            let at = objects[random.usize(..objects.len())];
            let field = FIELDS[random.usize(..FIELDS.len())];
            // In a list, or a string, this is no JSON, or no field.
            let (before, behind) = payload.split_at(at);
            payload = match before.len() {
                0 => format!("{{{field},{}", &behind[1..]),
                _ if behind.starts_with('{') => format!("{before}{{{field},{}", &behind[1..]),
                _ => format!("{before},{field}{behind}"),
            };
        }
        let scalars = scalars(&payload);
        let mut chosen: Vec<Range<usize>> =
            (0..random.usize(..6)).map(|_| scalars[random.usize(..scalars.len())].clone()).collect();
        chosen.sort_by_key(|at| at.start);
        chosen.dedup();
        let changes = chosen.into_iter().map(|at| {
            let values = (0..random.usize(1..=4)).map(|_| value(random, &payload[at.clone()])).collect();
            (at, values)
        });
        Self { changes: changes.collect(), payload }
    }

    fn event(&self, random: &mut Rng) -> Vec<u8> {
        let payload = self.payload.as_bytes();
        let mut event = Vec::new();
        let mut from = 0;
        for (at, values) in &self.changes {
            event.extend_from_slice(&payload[from..at.start]);
            event.extend_from_slice(&values[random.usize(..values.len())]);
            from = at.end;
        }
        event.extend_from_slice(&payload[from..]);
        // The text nearly always changes.
        let words = [" the", "", " a", "\\n", "é", " quantum"];
        let text = format!("\"content\":\"{}\"", words[random.usize(..words.len())]);
        let whole = String::from_utf8_lossy(&event).into_owned();
        if random.bool() && whole.as_bytes() == event {
            whole.replace("\"content\":\" the\"", &text).into()
        } else {
            event
        }
    }
}

/// Another value for a string or a number: mostly one of its kind.
fn value(random: &mut Rng, old: &str) -> Vec<u8> {
    match random.u8(..8) {
        0 => VALUES[random.usize(..VALUES.len())].into(),
        1 => old.into(),
        2 if random.u8(..4) == 0 => b"\"\xff\"".to_vec(),
        2 if old.starts_with('"') => b"\"\"".to_vec(),
        2 => b"0".to_vec(),
        _ if old.starts_with('"') => {
            let len = if random.bool() { old.len() - 2 } else { random.usize(..40) };
            let text: String = (0..len).map(|_| random.alphanumeric()).collect();
            format!("\"{text}\"").into()
        }
        _ => {
            let digits = random.usize(1..=19);
            let number = random.u64(..10_u64.saturating_pow(digits as u32));
            match random.u8(..6) {
                0 => format!("{number}.{}", random.u32(..)).into(),
                1 => format!("-{number}").into(),
                2 => format!("{number}e-{}", random.u8(..120)).into(),
                _ => number.to_string().into(),
            }
        }
    }
}

/// Where the values stand that are neither objects nor lists.
fn scalars(payload: &str) -> Vec<Range<usize>> {
    let bytes = payload.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                if bytes.get(at) != Some(&b':') {
                    found.push(start..at.min(bytes.len()));
                }
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => at += 1,
            _ => {
                while at < bytes.len() && !b"{}[],:".contains(&bytes[at]) {
                    at += 1;
                }
                found.push(start..at);
            }
        }
    }
    found
}

/// Inputs to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    (0..64_u32).map(|seed| seed.to_le_bytes().to_vec()).collect()
}
