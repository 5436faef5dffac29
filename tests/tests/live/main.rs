//! Tests against a third-party server (`@copilotkit/aimock`): plain, behind nginx, and over TLS; and the relay
//! behind nginx. `tests/live/with-servers.sh` runs them.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod failover;
mod nginx;

use actix::Actor;
use actorstream::{
    ChatRequest, FilePart, FunctionDefinition, ImageEditRequest, ImageRequest, OpenAi, OpenAiBuilder,
    RetryPolicy, SpeechRequest, StreamEvent, Tools, TranscriptionRequest,
};

use common::{Noting, one_stream, within};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: see tests/live"))
}

/// Returns a builder for a client of one of the servers.
fn builder(server: &str) -> OpenAiBuilder {
    let ca = std::fs::read(variable("ACTORSTREAM_LIVE_CA")).unwrap();
    OpenAi::builder()
        .base_url(variable(&format!("ACTORSTREAM_LIVE_{server}")))
        .api_key("sk-test")
        .ca_certificate(ca)
        .retry(RetryPolicy::none())
}

fn client(server: &str) -> OpenAi {
    builder(server).build().unwrap()
}

/// Streams the response to a message. Returns its text, and a description of its end.
async fn ask(server: &str, message: &str) -> (String, String) {
    ask_with(&client(server), message).await
}

async fn ask_with(openai: &OpenAi, message: &str) -> (String, String) {
    let actor = Noting::default();
    let log = actor.chat.clone();
    let handle = openai.chat().stream(ChatRequest::new("gpt-4o").user(message), actor.start());
    let id = handle.id();
    let outcome = within(handle).await;
    let (_, text, end) = one_stream(&log, id);
    let end = match end {
        StreamEvent::Finish(finish) => {
            assert_eq!(finish.response.content().unwrap_or_default(), text);
            format!("finish {}", finish.finish_reasons[0])
        }
        StreamEvent::Error(error) => {
            assert_eq!(error.kind, outcome.unwrap_err().kind);
            match error.status() {
                Some(status) => format!("{} {status}", error.kind.name()),
                None => error.kind.name().to_owned(),
            }
        }
        StreamEvent::Start(_) | StreamEvent::Data(_) => unreachable!(),
    };
    (text, end)
}

#[actix_rt::test]
async fn complete_streams() {
    for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
        let (hello, end) = ask(server, "hello").await;
        assert!(hello.contains('😀') && end == "finish stop", "{server}: {hello:?} {end}");
        assert!(!hello.contains('\u{fffd}'), "{server}: {hello:?}");
        let (long, end) = ask(server, "long").await;
        assert!(long.len() > 5000 && end == "finish stop", "{server}: {} {end}", long.len());
        assert_eq!(ask(server, "weather").await.1, "finish tool_calls", "{server}");
        assert_eq!(ask(server, "reason").await.1, "finish stop", "{server}");
        assert_eq!(ask(server, "slow").await.1, "finish stop", "{server}");
    }
}

#[actix_rt::test]
async fn cut_streams() {
    for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
        for message in ["disconnect", "truncate"] {
            assert_eq!(ask(server, message).await.1, "truncated", "{server} {message}");
        }
    }
}

#[actix_rt::test]
async fn refusals_and_answers_that_are_no_streams() {
    for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
        for (message, end) in [
            ("ratelimit", "refused 429"),
            ("boom", "refused 500"),
            ("badjson", "not_a_stream"),
            ("nothing matches this", "refused 404"),
        ] {
            assert_eq!(ask(server, message).await.1, end, "{server} {message}");
        }
    }
    assert_eq!(ask("502", "hello").await.1, "refused 502");
    assert_eq!(ask("413", &"hello ".repeat(1000)).await.1, "refused 413");
}

#[actix_rt::test]
async fn a_server_that_stalls_is_left_in_time() {
    use actorstream::{Timeout, Timeouts};
    let url = std::env::var("ACTORSTREAM_LIVE_HTTP").unwrap();
    let timeouts = Timeouts::default().idle(std::time::Duration::from_millis(300));
    let openai = OpenAi::builder().base_url(url).timeouts(timeouts).build().unwrap();
    let request = ChatRequest::new("gpt-4o").user("stall");
    let error = within(openai.chat().stream(request, Noting::default().start())).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Idle));
    assert!(error.partial::<actorstream::ChatCompletion>().is_some());
}

#[actix_rt::test]
async fn through_a_proxy() {
    for proxy in ["ACTORSTREAM_LIVE_PROXY", "ACTORSTREAM_LIVE_PROXY_AUTH"].map(variable) {
        // Forwarded, and through a tunnel.
        for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
            let openai = builder(server).proxy(&proxy).build().unwrap();
            let (hello, end) = ask_with(&openai, "hello").await;
            assert!(hello.contains('😀') && end == "finish stop", "{server}: {hello:?} {end}");
            assert_eq!(ask_with(&openai, "long").await.1, "finish stop", "{server}");
            for message in ["disconnect", "truncate"] {
                assert_eq!(ask_with(&openai, message).await.1, "truncated", "{server} {message}");
            }
            assert_eq!(ask_with(&openai, "ratelimit").await.1, "refused 429", "{server}");
        }
        // A server that does not exist: the proxy reports it.
        let openai = builder("HTTP").base_url("https://127.0.0.1:1/v1").proxy(&proxy).build().unwrap();
        let error =
            within(openai.chat().stream_fn(ChatRequest::new("m").user("hello"), |_| {})).await.unwrap_err();
        assert!(error.to_string().contains("the proxy http://127.0.0.1"), "{error}");
    }
}

#[actix_rt::test]
async fn through_a_socks_proxy() {
    let (open, locked) = (variable("ACTORSTREAM_LIVE_SOCKS"), variable("ACTORSTREAM_LIVE_SOCKS_AUTH"));
    let (open, locked) = (open.as_str(), locked.as_str());
    for proxy in [
        format!("socks5://{open}"),
        format!("socks5h://{open}"),
        format!("socks5://user:passw0rd@{locked}"),
        format!("socks5h://user:passw0rd@{locked}"),
    ] {
        for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
            let openai = builder(server).proxy(&proxy).build().unwrap();
            let (hello, end) = ask_with(&openai, "hello").await;
            assert!(hello.contains('😀') && end == "finish stop", "{proxy} {server}: {hello:?} {end}");
            assert_eq!(ask_with(&openai, "long").await.1, "finish stop", "{proxy} {server}");
            assert_eq!(ask_with(&openai, "disconnect").await.1, "truncated", "{proxy} {server}");
        }
        // A server that does not exist: the proxy reports it.
        let openai = builder("HTTP").base_url("https://127.0.0.1:1/v1").proxy(&proxy).build().unwrap();
        let request = ChatRequest::new("m").user("hello");
        let error = within(openai.chat().stream_fn(request, |_| {})).await.unwrap_err();
        assert!(error.to_string().contains("the proxy socks5"), "{error}");
    }
    for (user, what) in
        [("", "asks for a user and password"), ("user:wrong@", "does not accept the user and password")]
    {
        let proxy = format!("socks5h://{user}{locked}");
        let openai = builder("HTTP").proxy(&proxy).build().unwrap();
        let request = ChatRequest::new("m").user("hello");
        let error = within(openai.chat().stream_fn(request, |_| {})).await.unwrap_err();
        assert!(error.kind.name() == "config" && error.to_string().contains(what), "{error}");
    }
}

#[actix_rt::test]
async fn a_proxy_that_asks_for_a_password() {
    let proxy = variable("ACTORSTREAM_LIVE_PROXY_AUTH");
    for (server, user, kind, what) in [
        ("HTTP", "", "config", "asks for a user and password"),
        ("TLS", "", "config", "asks for a user and password"),
        ("TLS", "user:wr0ng@", "config", "does not accept the user and password"),
        // This proxy responds with 401, as the server might.
        ("HTTP", "user:wr0ng@", "refused", "the server answered 401"),
    ] {
        let proxy = proxy.replace("user:passw0rd@", user);
        let openai = builder(server).proxy(&proxy).build().unwrap();
        let request = ChatRequest::new("gpt-4o").user("hello");
        let error = within(openai.chat().stream_fn(request, |_| {})).await.unwrap_err();
        let said = error.to_string();
        assert!(error.kind.name() == kind && said.contains(what) && !said.contains("wr0ng"), "{said}");
    }
}

#[actix_rt::test]
async fn responses() {
    for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
        for (message, end) in [
            ("hello", "finish"),
            ("long", "finish"),
            ("reason", "finish"),
            ("weather", "finish"),
            ("disconnect", "truncated"),
            ("truncate", "truncated"),
            ("ratelimit", "refused"),
            ("boom", "refused"),
        ] {
            let mut text = String::new();
            let mut events =
                client(server).responses().events(actorstream::ResponseRequest::new("gpt-4o").input(message));
            let got = loop {
                match within(futures_util::StreamExt::next(&mut events)).await.unwrap() {
                    StreamEvent::Start(_) => {}
                    StreamEvent::Data(event) => text.push_str(event.text().unwrap_or_default()),
                    StreamEvent::Finish(finish) => {
                        let output = serde_json::to_string(&finish.response.output).unwrap();
                        let written = serde_json::to_string(&text).unwrap();
                        assert!(
                            output.contains(written.trim_matches('"')),
                            "{server} {message}: {text} in {output}"
                        );
                        break "finish";
                    }
                    StreamEvent::Error(error) => break error.kind.name(),
                }
            };
            assert_eq!(got, end, "{server} {message}");
            assert!(message != "hello" || text.contains('😀'), "{server}: {text}");
        }
    }
}

#[actix_rt::test]
async fn tools_run_over_chat_and_responses() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Weather {
        location: String,
        unit: Option<String>,
    }
    let tools = || {
        Tools::new()
            .typed("get_weather", |ask: Weather| async move {
                Ok::<_, String>(format!("18 {} in {}", ask.unit.unwrap_or_default(), ask.location))
            })
            .function(FunctionDefinition::new("get_time"), |_: serde_json::Value| async {
                Err::<(), _>("no clock")
            })
    };
    for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
        let openai = client(server);
        let request = ChatRequest::new("gpt-4o").user("weather");
        let finish = within(openai.chat().tools(tools()).stream_fn(request, |_| {})).await.unwrap();
        assert_eq!(
            finish.response.content(),
            Some("It is 18 °C in San Francisco and 14:00 there."),
            "{server}"
        );
        let outputs = |round: &[actorstream::ToolResult]| {
            round.iter().map(|result| result.output.clone()).collect::<Vec<_>>()
        };
        let expected = ["18 celsius in San Francisco", "error: no clock"];
        assert_eq!(finish.rounds.len(), 1, "{server}");
        assert_eq!(outputs(&finish.rounds[0].results), expected, "{server}");

        let request = actorstream::ResponseRequest::new("gpt-4o").input("weather");
        let finish = within(openai.responses().tools(tools()).stream_fn(request, |_| {})).await.unwrap();
        let text = finish.response.text();
        assert_eq!(text.as_deref(), Some("It is 18 °C in San Francisco and 14:00 there."), "{server}");
        assert_eq!(finish.rounds.len(), 1, "{server}");
        assert_eq!(outputs(&finish.rounds[0].results), expected, "{server}");
    }
}

/// A file that is removed on drop.
struct Recording(std::path::PathBuf);

impl Recording {
    fn new(length: u64) -> Self {
        let path = std::env::temp_dir().join(format!("actorstream-live-{}-{length}.mp3", std::process::id()));
        std::fs::File::create(&path).unwrap().set_len(length).unwrap();
        Self(path)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[actix_rt::test]
async fn transcriptions() {
    let recording = Recording::new(500_000);
    for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
        let call = client(server).transcriptions();
        let mut events = call.events(TranscriptionRequest::new("gpt-4o-transcribe", recording.0.as_path()));
        let mut text = String::new();
        let finish = loop {
            match within(futures_util::StreamExt::next(&mut events)).await.unwrap() {
                StreamEvent::Start(_) => {}
                StreamEvent::Data(event) => text.push_str(event.text().unwrap_or_default()),
                StreamEvent::Finish(finish) => break finish,
                StreamEvent::Error(error) => panic!("{server}: {error}"),
            }
        };
        assert_eq!(text, "Somebody hums 😀, and then the sea 😀.", "{server}");
        assert_eq!(finish.response.text, text, "{server}");
        let whole =
            within(call.create(TranscriptionRequest::new("whisper-1", recording.0.as_path()))).await.unwrap();
        assert_eq!(whole.response.text, text, "{server}");

        let cut = TranscriptionRequest::new("transcribe-truncate", recording.0.as_path());
        let error = within(call.stream_fn(cut, |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), "truncated", "{server}");
        // The only model that does not stream sends an unstreamed response, which is also accepted.
        let unstreamed = TranscriptionRequest::new("whisper-1", recording.0.as_path());
        let finish = within(call.stream_fn(unstreamed, |_| {})).await.unwrap();
        assert_eq!((finish.response.text.as_str(), finish.timings.events), (text.as_str(), 1), "{server}");
    }
    let call = client("413").transcriptions();
    let long = Recording::new(64 << 20);
    let error =
        within(call.stream_fn(TranscriptionRequest::new("m", long.0.as_path()), |_| {})).await.unwrap_err();
    assert_eq!(error.status(), Some(413), "{error}");
}

#[actix_rt::test]
async fn speech_and_images() {
    for server in ["HTTP", "NGINX", "TLS", "GZIP"] {
        let openai = client(server);
        let request = SpeechRequest::new("tts-1", "good morning").voice("alloy");
        let streamed = within(openai.speech_audio().stream_fn(&request, |_| {})).await.unwrap();
        assert_eq!(streamed.response.audio().unwrap(), &b"\xff\xfb\0sound\xfe"[..], "{server}");
        let whole = within(openai.speech().create(&request)).await.unwrap();
        assert_eq!(whole.response.audio().unwrap(), streamed.response.audio().unwrap(), "{server}");
        // The server has no speech events.
        let error = within(openai.speech().stream_fn(&request, |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), "not_a_stream", "{server}");

        let drawn = within(openai.images().create(ImageRequest::new("an otter"))).await.unwrap();
        assert_eq!(drawn.response.images()[0].image().unwrap().unwrap(), "a picture", "{server}");
        let request = ImageEditRequest::new("an otter").image(FilePart::from_bytes("1.png", "png"));
        let edited = within(openai.image_edits().create(request)).await.unwrap();
        assert_eq!(edited.response.images()[0].image().unwrap().unwrap(), "a picture", "{server}");
        // It does not stream images either, but sends an unstreamed response.
        let finish = within(openai.images().stream_fn(ImageRequest::new("an otter"), |_| {})).await.unwrap();
        assert_eq!(finish.response.images()[0].image().unwrap().unwrap(), "a picture", "{server}");
    }
}
