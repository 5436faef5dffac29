//! The recorded answers of real servers.

use std::collections::BTreeMap;
use std::fs;

use actorstream_test::Reply;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::common::ask;

/// Captures of real servers, and how each ends: the table of the tests that replay them.
const CAPTURES: &[(&str, &str, usize, &str)] = include!("../../../../tests/tests/captures.table");

#[test]
fn every_capture_ends_as_the_table_says() {
    for (name, path, events, end) in CAPTURES {
        let file = format!("{}/../../tests/fixtures/captures/{name}.http", env!("CARGO_MANIFEST_DIR"));
        let capture = fs::read(file).unwrap();
        let arguments: &[&str] = match *path {
            "/chat/completions" => &["chat", "hi", "--jsonl", "--retries", "0"],
            "/completions" => &["complete", "hi", "--jsonl", "--retries", "0"],
            "/responses" => &["respond", "hi", "--jsonl", "--retries", "0"],
            path => &["stream", path, "--body", "{}", "--jsonl", "--retries", "0"],
        };
        let (ran, _upstream) = ask(Reply::recorded(capture), arguments);
        let lines: Vec<&str> = ran.out.lines().collect();
        let (last, data) = lines.split_last().unwrap();
        assert_eq!(data.len(), *events, "{name}");
        for line in data {
            // The payload as it came may hold half a surrogate pair, which no `Value` can.
            let fields: BTreeMap<&str, &RawValue> = serde_json::from_str(line).unwrap();
            assert!(
                fields["raw"].get().starts_with('{') && fields["data"].get().starts_with('{'),
                "{name}: {line}"
            );
        }
        let last: Value = serde_json::from_str(last).unwrap();
        let got = match (last.get("finish"), last.get("error")) {
            (Some(finish), None) => {
                let reasons: Vec<&str> = finish["finish_reasons"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|reason| reason.as_str().unwrap())
                    .collect();
                let sentinel = if finish["sentinel"] == true { "sentinel" } else { "no sentinel" };
                format!("{} {} ({sentinel})", finish["status"].as_str().unwrap(), reasons.join(","))
            }
            (None, Some(error)) => {
                let status = error["status"].as_u64().map(|status| format!(" {status}")).unwrap_or_default();
                format!("{}{status}", error["kind"].as_str().unwrap())
            }
            _ => panic!("{name}: {last}"),
        };
        let failed = last.get("error").is_some();
        // The table tells the message of an error too.
        assert!(
            if failed { end.split(": ").next() == Some(&got) } else { *end == got },
            "{name}: {got}, not {end}"
        );
        let early = ["incomplete ", "completed length ", "completed content_filter "];
        let status = match early.iter().any(|start| got.starts_with(start)) {
            true => 3,
            false => i32::from(failed),
        };
        assert_eq!(ran.status, Some(status), "{name}: {got}");
    }
}
