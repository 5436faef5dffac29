//! Responses in background mode: a broken stream continues where it broke, without gaps or duplicates, and with one
//! end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actorstream::{OpenAi, ResponseEvent, StreamEvent};
use actorstream_test::{Recorder, Reply, Request, Script, Upstream};
use serde_json::json;

use crate::common::within;

/// Returns the events of a short response.
fn events() -> Vec<String> {
    let response = |status: &str| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "background": true, "status": status,
               "output": []})
    };
    let mut events = vec![
        json!({"type": "response.created", "response": response("queued")}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "m",
               "status": "in_progress", "role": "assistant", "content": []}}),
    ];
    for text in ["One", " two", " thrée"] {
        events.push(json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0,
                           "delta": text}));
    }
    events.push(json!({"type": "response.completed", "response": response("completed")}));
    let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
        event["sequence_number"] = number.into();
        event.to_string()
    });
    numbered.collect()
}

/// Returns the events after `starting_after`.
fn rest(request: &Request) -> Vec<String> {
    let query = request.query.clone().unwrap_or_default();
    let after = query.split('&').find_map(|pair| pair.strip_prefix("starting_after="));
    let from = after.map_or(0, |after| after.parse::<usize>().unwrap() + 1);
    events().split_off(from)
}

fn whole(events: Vec<String>) -> Reply {
    Reply::sse().events(events).end()
}

/// Streams from a script on the paused clock. Returns the numbers of the events, and a description of the end.
async fn play(script: Script) -> (Vec<u64>, String, Upstream) {
    let upstream = Upstream::spawn(script);
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let recorder: Recorder<StreamEvent<ResponseEvent>> = Recorder::new(StreamEvent::is_end);
    let handle =
        openai.responses().stream(json!({"model": "m", "input": "Hi", "background": true}), recorder.sink());
    let _ = handle.await;
    recorder.assert_one_end();
    let mut end = String::new();
    let mut numbers = Vec::new();
    for event in recorder.events() {
        match event {
            StreamEvent::Start(_) => {}
            StreamEvent::Data(event) => numbers.push(event.sequence_number().unwrap()),
            StreamEvent::Finish(finish) => {
                let output = serde_json::to_value(&finish.response.output).unwrap();
                end = format!("finish {}", output[0]["content"][0]["text"].as_str().unwrap_or_default());
            }
            StreamEvent::Error(error) => {
                let partial = error.partial::<actorstream::proto::api::responses::Response>().is_some();
                end = format!("{} {}", error.kind.name(), if partial { "with partial" } else { "" });
            }
        }
    }
    (numbers, end, upstream)
}

#[actix_rt::test]
async fn cut_at_every_event_in_turn() {
    tokio::time::pause();
    let all = events();
    for cut in 1..all.len() {
        for reset in [false, true] {
            let head = all[..cut].to_vec();
            let script = Script::with(move |request: &Request| match request.method.as_str() {
                "POST" if reset => Reply::sse().events(head.clone()).reset(),
                "POST" => Reply::sse().events(head.clone()).end(),
                _ => whole(rest(request)),
            });
            let (numbers, end, upstream) = play(script).await;
            assert_eq!(numbers, [0, 1, 2, 3, 4, 5], "cut after {cut} events");
            assert_eq!(end, "finish One two thrée");
            let asked = upstream.requests().last().unwrap().clone();
            assert_eq!(asked.path, "/v1/responses/resp_1");
            assert_eq!(asked.query.unwrap(), format!("stream=true&starting_after={}", cut - 1));
        }
    }
}

#[actix_rt::test]
async fn cut_at_every_byte() {
    tokio::time::pause();
    let body: String = events().iter().map(|event| format!("data: {event}\n\n")).collect();
    // An event that is complete except for its blank line counts.
    let first = body.find("\n\n").unwrap();
    for cut in 0..body.len() {
        let head = body.as_bytes()[..cut].to_vec();
        let script = Script::with(move |request: &Request| match request.method.as_str() {
            "POST" => Reply::sse().chunk(head.clone()).cut(),
            _ => whole(rest(request)),
        });
        let (numbers, end, _) = play(script).await;
        // Before the first event, the id to resume is unknown.
        let (seen, ended): (&[u64], _) =
            if cut < first { (&[], "truncated") } else { (&[0, 1, 2, 3, 4, 5], "finish One two thrée") };
        assert_eq!((numbers.as_slice(), end.trim()), (seen, ended), "cut at byte {cut}");
    }
}

#[actix_rt::test]
async fn cut_again_and_again_and_replayed_from_the_start() {
    tokio::time::pause();
    // Each connection sends one more event, after all earlier ones.
    let brought = Arc::new(AtomicUsize::new(1));
    let script = Script::with(move |_: &Request| {
        let many = brought.fetch_add(1, Ordering::Relaxed);
        let reply = Reply::sse().events(events().into_iter().take(many));
        if many < 6 { reply.reset() } else { reply.end() }
    });
    let (numbers, end, upstream) = play(script).await;
    assert_eq!((numbers.as_slice(), end.as_str()), ([0, 1, 2, 3, 4, 5].as_slice(), "finish One two thrée"));
    assert_eq!(upstream.request_count(), 6);
}

#[actix_rt::test]
async fn a_server_that_refuses_to_go_on_truncates() {
    tokio::time::pause();
    for status in [400, 404, 410] {
        let script = Script::with(move |request: &Request| match request.method.as_str() {
            "POST" => Reply::sse().events(events().into_iter().take(3)).reset(),
            _ => Reply::error(status, "not_found", "too old"),
        });
        let (numbers, end, upstream) = play(script).await;
        assert_eq!(
            (numbers.as_slice(), end.as_str()),
            ([0, 1, 2].as_slice(), "truncated with partial"),
            "{status}"
        );
        assert_eq!(upstream.request_count(), 2, "{status} is not asked again");
    }
}

#[actix_rt::test]
async fn a_server_in_trouble_is_asked_again_a_few_times() {
    tokio::time::pause();
    let script = Script::with(|request: &Request| match (request.method.as_str(), request.index) {
        ("POST", _) => Reply::sse().events(events().into_iter().take(3)).reset(),
        (_, 1..=3) => Reply::error(503, "server_error", "deploying"),
        _ => whole(rest(request)),
    });
    assert_eq!(play(script).await.1, "finish One two thrée");
    let script = Script::with(|request: &Request| match request.method.as_str() {
        "POST" => Reply::sse().events(events().into_iter().take(3)).reset(),
        _ => Reply::error(503, "server_error", "down"),
    });
    let (_, end, upstream) = play(script).await;
    assert_eq!((end.as_str(), upstream.request_count()), ("truncated with partial", 6));
}

#[actix_rt::test]
async fn a_gap_is_told() {
    tokio::time::pause();
    let script = Script::with(|request: &Request| match request.method.as_str() {
        "POST" => Reply::sse().events(events().into_iter().take(2)).reset(),
        _ => whole(events().split_off(3)),
    });
    let (numbers, end, _) = play(script).await;
    assert_eq!((numbers.as_slice(), end.as_str()), ([0, 1].as_slice(), "truncated with partial"));
}

#[actix_rt::test]
async fn without_background_mode_a_cut_stream_is_truncated() {
    tokio::time::pause();
    let foreground = events()
        .into_iter()
        .take(3)
        .map(|event| event.replace("\"background\":true", "\"background\":false"));
    let (_, end, upstream) = play(Script::from(Reply::sse().events(foreground).reset())).await;
    assert_eq!((end.as_str(), upstream.request_count()), ("truncated with partial", 1));
}

#[actix_rt::test]
async fn somebody_elses_stream() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Script::with(|request: &Request| whole(rest(request))));
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let recorder = Recorder::new(StreamEvent::is_end);
    openai.responses().resume("resp_1", 2).stream((), recorder.sink()).await.unwrap();
    assert_eq!(recorder.len(), 4);
    let all = Recorder::new(StreamEvent::is_end);
    openai.responses().resume("resp_1", None).stream((), all.sink()).await.unwrap();
    assert_eq!(all.len(), 7);
    assert_eq!(upstream.request(1).await.query.as_deref(), Some("stream=true"));
}

#[actix_rt::test]
async fn cancelling_stops_the_response_at_the_server() {
    let script = Script::with(|request: &Request| match request.path.as_str() {
        "/v1/responses" => Reply::sse().events(events().into_iter().take(3)).hold(),
        _ => Reply::json(200, &json!({"id": "resp_1", "status": "cancelled"})),
    });
    let upstream = Upstream::start(script);
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let recorder = Recorder::new(StreamEvent::is_end);
    let handle = openai.responses().stream(json!({"model": "m", "background": true}), recorder.sink());
    within(recorder.reached(3)).await;
    handle.cancel();
    assert_eq!(within(handle).await.unwrap_err().kind.name(), "cancelled");
    let stopped = within(upstream.request(1)).await;
    assert_eq!((stopped.method.as_str(), stopped.path.as_str()), ("POST", "/v1/responses/resp_1/cancel"));
}

#[actix_rt::test]
async fn leaving_a_stream_leaves_its_response_to_the_server() {
    let script = Script::with(|request: &Request| match request.method.as_str() {
        "POST" => Reply::sse().events(events().into_iter().take(3)).hold(),
        _ => whole(rest(request)),
    });
    let upstream = Upstream::start(script);
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let recorder = Recorder::new(StreamEvent::is_end);
    let handle = openai.responses().stream(json!({"model": "m", "background": true}), recorder.sink());
    within(recorder.reached(3)).await;
    handle.stream().leave();
    assert_eq!(within(handle).await.unwrap_err().kind.name(), "cancelled");
    within(upstream.all_closed()).await;
    // Another client resumes it.
    within(openai.responses().resume("resp_1", 2).stream_fn((), |_| {})).await.unwrap();
    let asked: Vec<_> = upstream.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, ["/v1/responses", "/v1/responses/resp_1"]);
}
