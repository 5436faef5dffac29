//! `actorstream probe`.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actorstream_test::{ChatStream, Reply, Request, Script, Upstream};
use serde_json::{Value, json};

use crate::common::{KEY, Ran, at, run};

/// A server that keeps to the API in everything.
fn good(request: &Request) -> Reply {
    if request.path == "/v1/models" {
        return Reply::json(200, &json!({"object": "list", "data": [{"id": "m", "object": "model"}]}));
    }
    let body = request.json();
    if request.header("authorization") != Some(&format!("Bearer {KEY}")) {
        return Reply::error(401, "invalid_request_error", &format!("Incorrect key, not {KEY}"));
    }
    if body["model"] != "m" {
        return Reply::error(404, "invalid_request_error", "The model does not exist");
    }
    let stream = ChatStream::new().model("m");
    let stream = if body["tools"].is_array() {
        stream.tool_call("call_1", "get_weather", r#"{"city":"Paris"}"#).finish_reason("tool_calls")
    } else if body["n"] == 2 {
        stream.content("Hello").choice().content("Hi").finish_reason("stop")
    } else {
        stream.content("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20").finish_reason("stop")
    };
    let stream = if body["stream_options"]["include_usage"] == true { stream.usage(9, 5) } else { stream };
    // So that there is a time between events.
    stream.reply().header("x-request-id", "req_1").pace(Duration::from_millis(1))
}

fn probe(upstream: &Upstream, more: &[&str]) -> Ran {
    run(&[&["probe", &upstream.base_url(), "--api-key", KEY, "--pause", "0.01"], more].concat())
}

/// Probes and reads the JSON: the report, and the verdict of each request by its name.
fn report(script: impl Into<Script>, more: &[&str]) -> (Ran, Value) {
    let upstream = Upstream::start(script);
    let ran = probe(&upstream, &[&["--json"], more].concat());
    let report = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    (ran, report)
}

#[track_caller]
fn verdict<'a>(report: &'a Value, name: &str) -> (&'a str, &'a str) {
    let requests = report["requests"].as_array().unwrap();
    let request = requests.iter().find(|request| request["name"] == name).unwrap();
    (request["verdict"].as_str().unwrap(), request["reason"].as_str().unwrap())
}

#[test]
fn a_server_that_keeps_to_the_api_passes() {
    let upstream = Upstream::start(Script::with(good));
    let page = tempfile::tempdir().unwrap();
    let page = page.path().join("report.html");
    let ran = probe(&upstream, &["--out", page.to_str().unwrap()]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    for line in [
        "model m",
        "short      kept",
        "cancelled  kept",
        "streams end with [DONE]",
        "time between two events",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    // It is cheap.
    for request in upstream.requests().iter().filter(|request| request.method == "POST") {
        assert!(request.json()["max_tokens"].as_u64().unwrap() <= 200, "{:?}", request.json());
    }
    assert!(upstream.requests().len() <= 12);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && page.contains("prefers-color-scheme"), "{page}");
    for outside in ["http-equiv=\"refresh\"", "src=", "href=", "@import", "url(", "secret"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn the_report_is_json_with_each_end_and_its_times() {
    let (ran, report) = report(Script::with(good), &[]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    assert_eq!((&report["verdict"], &report["model"]), (&json!("kept"), &json!("m")));
    let short = &report["requests"][0];
    assert_eq!(short["end"], "finish (stop, [DONE])");
    assert!(short["events"].as_u64().unwrap() > 3 && short["first_event"].as_f64().unwrap() > 0.0);
    let counted: u64 = report["first_event"]["histogram"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["count"].as_u64().unwrap())
        .sum();
    assert_eq!(report["first_event"]["count"], counted);
    assert!(report["throughput"]["events_per_second"].as_f64().unwrap() > 0.0);
}

/// A reply to a request that has a body, or a good one.
fn changed(request: &Request, change: impl Fn(&Request) -> Option<Reply>) -> Reply {
    let reply = if request.method == "POST" { change(request) } else { None };
    reply.unwrap_or_else(|| good(request))
}

/// What is found at a server that is good but for one thing.
#[track_caller]
fn found(
    name: &str,
    change: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> (Ran, Value, String, String) {
    let (ran, report) = report(Script::with(move |request| changed(request, &change)), &[]);
    let (verdict, reason) = verdict(&report, name);
    let (verdict, reason) = (verdict.to_owned(), reason.to_owned());
    (ran, report, verdict, reason)
}

#[test]
fn one_choice_where_two_were_asked_for_deviates() {
    for reply in [
        || ChatStream::new().content("Hello").finish_reason("stop").reply(),
        || ChatStream::new().content("Hello").finish_reason("length").reply(),
    ] {
        let (ran, _, verdict, reason) = found("n = 2", move |request| (request.json()["n"] == 2).then(reply));
        assert_eq!((ran.status, verdict.as_str()), (Some(3), "deviates"), "{reason}");
        assert!(reason.starts_with("one choice"), "{reason}");
    }
}

#[test]
fn a_server_that_cuts_its_streams_fails() {
    let (ran, report, verdict, reason) = found("long", |request| {
        let is_long = request.json()["max_tokens"] == 200;
        is_long.then(|| {
            Reply::sse().event(json!({"choices": [{"index": 0, "delta": {"content": "1"}}]})).close()
        })
    });
    assert_eq!((ran.status, verdict.as_str()), (Some(1), "failed"), "{reason}");
    assert_eq!(report["verdict"], "failed");
    assert_eq!(report["requests"][1]["end"], "truncated");
}

#[test]
fn a_server_that_goes_on_with_what_is_cancelled_deviates() {
    let cancelled = AtomicBool::new(false);
    let longs = std::sync::atomic::AtomicUsize::new(0);
    let (ran, _, verdict, reason) = found("cancelled", move |request| {
        let is_long = request.json()["max_tokens"] == 200;
        // The first is to be read, the second to be cancelled.
        if is_long && longs.fetch_add(1, Ordering::Relaxed) == 1 {
            cancelled.store(true, Ordering::Relaxed);
            return Some(
                Reply::sse().event(json!({"choices": [{"index": 0, "delta": {"content": "1"}}]})).hold(),
            );
        }
        // What is asked next waits for it.
        let waits = !is_long && cancelled.swap(false, Ordering::Relaxed);
        waits.then(|| {
            Reply::raw().wait(Duration::from_millis(2500)).then(ChatStream::new().content("Hi").reply())
        })
    });
    assert_eq!((ran.status, verdict.as_str()), (Some(3), "deviates"), "{reason}");
    assert!(reason.contains("cancelled"), "{reason}");
}

#[test]
fn refusals_and_their_absence_are_told() {
    let (_, _, verdict, reason) = found("bad model", |request| {
        (request.json()["model"] != "m").then(|| ChatStream::new().content("Hello").reply())
    });
    assert_eq!(verdict, "deviates", "{reason}");
    let (_, _, verdict, reason) = found("bad key", |request| {
        let is_wrong = request.header("authorization") != Some(&format!("Bearer {KEY}"));
        is_wrong.then(|| ChatStream::new().content("Hello").reply())
    });
    assert_eq!(verdict, "deviates", "{reason}");
    let (_, _, verdict, reason) = found("tools", |request| {
        let has_tools = request.json()["tools"].is_array();
        has_tools.then(|| Reply::error(400, "invalid_request_error", "no tools\u{1b}[2J here"))
    });
    assert_eq!(verdict, "deviates", "{reason}");
    let (_, _, verdict, _) = found("usage", |request| {
        (!request.json()["stream_options"].is_null()).then(|| ChatStream::new().content("Hello").reply())
    });
    assert_eq!(verdict, "deviates");
}

#[test]
fn the_newer_name_of_the_limit_is_used_where_it_is_asked_for() {
    let (ran, report) = report(
        Script::with(|request| {
            if request.method == "POST" && !request.json()["max_tokens"].is_null() {
                let message = "Unsupported parameter: use 'max_completion_tokens' instead";
                return Reply::error(400, "invalid_request_error", message);
            }
            good(request)
        }),
        &[],
    );
    assert_eq!((ran.status, verdict(&report, "short").0), (Some(0), "kept"), "{report}");
}

#[test]
fn without_a_server_it_ends_at_once() {
    let refused = Upstream::refused_url();
    let ran = run(&at(&refused, &["probe", "--model", "m"]));
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.out.contains("short      failed") && ran.out.contains("long       skipped"), "{}", ran.out);
    // Silence is told in bounded time.
    let (ran, report) = report(Reply::raw().hold(), &["--limit", "0.2", "--model", "m"]);
    assert_eq!(ran.status, Some(1));
    assert_eq!(report["requests"][0]["end"], "timeout total", "{report}");
    assert_eq!(verdict(&report, "silence").0, "skipped");
}

#[test]
fn control_characters_and_markup_of_a_server_go_nowhere() {
    let page = tempfile::tempdir().unwrap();
    let page = page.path().join("report.html");
    let upstream = Upstream::start(Script::with(|request| {
        let evil = Reply::error(400, "x", "<script>alert(1)</script>\u{1b}]0;title\u{7}");
        let reply = changed(request, |request| request.json()["tools"].is_array().then(|| evil.clone()));
        reply.header("server", "<b>evil</b>")
    }));
    let ran = probe(&upstream, &["--out", page.to_str().unwrap()]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    let page = fs::read_to_string(page).unwrap();
    assert!(!page.contains("<script") && !page.contains("<b>") && page.contains("&lt;script&gt;"), "{page}");
    assert!(!ran.out.contains('\u{1b}') && !page.contains('\u{1b}'));
}

#[test]
fn a_server_that_does_not_stream_deviates() {
    let (ran, report, verdict, reason) = found("long", |_| {
        Some(Reply::json(
            200,
            &json!({"id": "a", "object": "chat.completion", "model": "m", "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
            ]}),
        ))
    });
    assert_eq!((ran.status, verdict.as_str()), (Some(3), "deviates"), "{reason}");
    assert!(reason.contains("does not stream"), "{reason}");
    let dialect = report["dialect"].to_string();
    assert!(!dialect.contains("[DONE]") && dialect.contains("are not streamed"), "{dialect}");
}

#[test]
fn a_key_that_cannot_be_replaced_is_not_tried() {
    let (ran, report) = report(Script::with(good), &["--header", "api-key: secret-0123456789"]);
    assert_eq!((ran.status, verdict(&report, "bad key").0), (Some(0), "skipped"), "{report}");
}

#[test]
fn failures_are_no_deviations() {
    let is_bad = |request: &Request| request.json()["model"] != "m";
    for reply in [
        || Reply::error(429, "rate_limit_error", "Slow down"),
        || Reply::error(500, "server_error", "boom"),
        || Reply::sse().event(json!({"error": {"message": "overloaded", "type": "server_error"}})).end(),
    ] {
        let (ran, _, verdict, reason) = found("bad model", move |request| is_bad(request).then(reply));
        assert_eq!((ran.status, verdict.as_str()), (Some(1), "failed"), "{reason}");
    }
    // A broken stream may have had two choices.
    let (_, _, verdict, reason) = found("n = 2", |request| {
        let choice = json!({"choices": [{"index": 0, "delta": {"content": "1"}}]});
        (request.json()["n"] == 2).then(|| Reply::sse().event(choice).reset())
    });
    assert_eq!(verdict, "failed", "{reason}");
}

#[test]
fn tokens_that_are_used_up_by_thoughts_decide_nothing() {
    let (ran, report) = report(
        Script::with(|request| {
            changed(request, |request| {
                let is_allowed = request.header("authorization") == Some(&format!("Bearer {KEY}"));
                (is_allowed && request.json()["model"] == "m" && request.json()["n"] != 2)
                    .then(|| ChatStream::new().content("").finish_reason("length").usage(5, 16).reply())
            })
        }),
        &[],
    );
    for name in ["short", "long", "tools", "silence"] {
        let (verdict, reason) = verdict(&report, name);
        assert!(verdict == "skipped" && reason.contains("tokens were used up"), "{name}: {verdict} {reason}");
    }
    assert_eq!(ran.status, Some(0), "{report}");
}

#[test]
fn an_answer_without_text_deviates_in_each_request() {
    let (_, report, verdict_of_silence, reason) = found("silence", |request| {
        (request.json()["model"] == "m").then(|| {
            let stream = ChatStream::new().finish_reason("stop");
            (if request.json()["n"] == 2 { stream.choice().finish_reason("stop") } else { stream }).reply()
        })
    });
    assert_eq!(verdict_of_silence, "deviates", "{reason}");
    assert_eq!(verdict(&report, "n = 2").0, "deviates", "{report}");
}

#[test]
fn a_refused_first_request_has_failed() {
    let (ran, report) = report(Reply::error(404, "invalid_request_error", "no"), &["--model", "m"]);
    assert_eq!((ran.status, verdict(&report, "short").0), (Some(1), "failed"), "{report}");
    let (verdict, reason) = verdict(&report, "long");
    assert!(verdict == "skipped" && reason.contains("--model"), "{reason}");
}

#[test]
fn a_model_for_texts_is_chosen() {
    let (ran, report) = report(
        Script::with(|request| match request.path.as_str() {
            "/v1/models" => Reply::json(
                200,
                &json!({"object": "list", "data": [{"id": "text-embedding-3-small"}, {"id": "m"}]}),
            ),
            _ => good(request),
        }),
        &[],
    );
    assert_eq!((ran.status, &report["model"]), (Some(0), &json!("m")));
}

#[test]
fn the_texts_of_a_server_stay_in_their_line_and_have_no_key() {
    let forged = format!("x\nlong       kept      FAKE\n{}{KEY}", "A".repeat(3000));
    let upstream = Upstream::start(Script::with(move |request: &Request| {
        if request.path == "/v1/models" {
            let model = format!("m\nshort      kept      FAKE {KEY}");
            return Reply::json(200, &json!({"object": "list", "data": [{"id": model}]}));
        }
        let stream = ChatStream::new().content("x").finish_reason(&*format!("{KEY} {forged}"));
        stream.reply().header("server", format!("srv {KEY}"))
    }));
    for json in [&[][..], &["--json"]] {
        // A run checks that it prints no key.
        let ran = probe(&upstream, json);
        assert!(
            !ran.out.lines().any(|line| line.contains("kept      FAKE") && line.starts_with(['s', 'l'])),
            "{}",
            ran.out
        );
        assert!(ran.out.lines().all(|line| json.len() == 1 || line.chars().count() < 600), "{}", ran.out);
    }
}

#[test]
fn the_options_of_the_connection_hold() {
    let (_, report) = report(Script::with(good), &["--max-event", "10", "--model", "m"]);
    let (verdict, reason) = verdict(&report, "short");
    assert!(verdict == "failed" && reason.contains("10"), "{verdict}: {reason}");
    let huge =
        run(&at(&Upstream::refused_url(), &["probe", "--limit", "1e19", "--pause", "1e19", "--model", "m"]));
    assert_eq!(huge.status, Some(1), "{}", huge.err);
}
