//! Inputs to begin with: the answers of real servers in `tests/fixtures/captures`, and what has been found since.

use std::fs;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/captures")
}

/// The captures as they came: names and bytes.
fn captures() -> Vec<(String, Vec<u8>)> {
    let folder = fixtures();
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// The bodies of the captures, unchunked.
fn bodies_by_name() -> Vec<(String, Vec<u8>)> {
    let captures = captures().into_iter();
    captures
        .filter_map(|(name, capture)| Some((name, body(&capture)?)))
        .filter(|(_, body)| !body.is_empty())
        .collect()
}

fn body(capture: &[u8]) -> Option<Vec<u8>> {
    let end = capture.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&capture[..end]).to_ascii_lowercase();
    let mut rest = &capture[end..];
    if !head.contains("\r\ntransfer-encoding:") {
        return Some(rest.to_vec());
    }
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let len = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        let Some(chunk) = rest.get(line + 2..line + 2 + len) else { break };
        if len == 0 {
            break;
        }
        body.extend_from_slice(chunk);
        rest = rest.get(line + 4 + len..).unwrap_or_default();
    }
    Some(body)
}

/// The number of the endpoint that a capture is of, in the order of the properties: chat, completions, responses.
fn endpoint(name: &str) -> u8 {
    match name {
        name if name.contains("completions") => 1,
        name if name.contains("responses") => 2,
        _ => 0,
    }
}

fn behind(choices: &[u8], rest: &[u8]) -> Vec<u8> {
    [choices, rest].concat()
}

/// Bodies for the decoder.
pub fn bodies() -> Vec<Vec<u8>> {
    bodies_by_name().iter().map(|(_, body)| behind(&[0], body)).collect()
}

/// Bodies for a session, each with how it is played.
pub fn sessions() -> Vec<Vec<u8>> {
    let plain =
        bodies_by_name().into_iter().map(|(name, body)| behind(&[endpoint(&name), 0, 0, 0, 0, 0, 0], &body));
    let mut seeds: Vec<Vec<u8>> = plain.collect();
    for body in [
        "\n".repeat(80) + "<html>",
        "data: {\"error\":\"sk-SECRET\"}\n\n".into(),
        "data: {\"choices\":[{\"index\":4000000000,\"delta\":{\"x\":\"a\"}}]}\n\n".into(),
        "event: error\ndata: no json\n\n".into(),
        "data: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"background\":true}}\n\n".into(),
    ] {
        for endpoint in 0..4 {
            seeds.push(behind(&[endpoint, 0, 0, 0, 0, 1, 192], body.as_bytes()));
        }
    }
    seeds
}

/// The payloads of the events of each capture, a line each.
pub fn events() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (name, body) in bodies_by_name() {
        let lines = body.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
        let payloads: Vec<&[u8]> = lines.map(<[u8]>::trim_ascii).collect();
        if payloads.len() > 2 {
            seeds.push(behind(&[endpoint(&name)], &payloads.join(&b'\n')));
        }
    }
    seeds
}

/// JSON documents: single events, and others.
pub fn json() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for (_, body) in bodies_by_name() {
        let mut lines = body.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
        seeds.extend(lines.nth(1).map(|line| behind(&[0], line.trim_ascii())));
    }
    for text in [
        r#"{"city": "Paris", "days": [1, 2.5e3, -0], "ok": true, "no": null, "é": "\u00e9\ud83d\ude00\n"}"#,
        r#"[[[[[[]]]]], {"a": {"a": {"a": "b"}}}, "\ud83d", 1e999, 18446744073709551616]"#,
        r#"{"a": 1, "a": {"b": "c"}, "a": "x"}"#,
        "  12  ",
    ] {
        seeds.push(behind(&[0], text.as_bytes()));
    }
    seeds
}

/// Forms: names and values.
pub fn forms() -> Vec<Vec<u8>> {
    vec![
        b"\x02model\0whisper-1\0file\0RIFF....".to_vec(),
        b"\xffa\"; x=\"b\r\nEvil: 1\r\n\r\nbody\0text/plain\r\nEvil: 1\0talk.mp3\0\xff\xd8".to_vec(),
        b"\x00\xc3\xa9\0line\r\n--a-boundary\r\n\0\0".to_vec(),
    ]
}
