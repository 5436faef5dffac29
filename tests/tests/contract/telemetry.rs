//! The span of a call.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use actix::Actor;
use actorstream::{ChatRequest, FunctionDefinition, OpenAi, ResponseRequest, RetryPolicy, Tools};
use actorstream_test::{ChatStream, Reply, Script, Upstream};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument as _, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::common::{Noting, hello, within};

/// A span, with the texts of its fields and the events in it.
#[derive(Debug, Clone, Default)]
struct Seen {
    name: &'static str,
    parent: Option<String>,
    fields: BTreeMap<String, String>,
    events: Vec<String>,
    is_closed: bool,
}

impl Seen {
    fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }
}

/// Notes the spans of this thread.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<(u64, Seen)>>>);

impl Spans {
    fn edit(&self, id: &Id, edit: impl FnOnce(&mut Seen)) {
        let mut spans = self.0.lock().unwrap();
        if let Some((_, seen)) = spans.iter_mut().rev().find(|(other, _)| *other == id.into_u64()) {
            edit(seen);
        }
    }

    /// The spans of calls, in the order of their beginning.
    fn calls(&self) -> Vec<Seen> {
        let spans = self.0.lock().unwrap();
        let calls = spans.iter().filter(|(_, seen)| seen.name == "gen_ai.client.inference");
        calls.map(|(_, seen)| seen.clone()).collect()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).and_then(|span| Some(span.parent()?.name().to_owned()));
        let mut seen = Seen { name: attributes.metadata().name(), parent, ..Seen::default() };
        attributes.record(&mut seen);
        self.0.lock().unwrap().push((id.into_u64(), seen));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.edit(id, |seen| values.record(seen));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut noted = Seen::default();
        event.record(&mut noted);
        if let Some(span) = context.event_span(event) {
            self.edit(&span.id(), |seen| seen.events.extend(noted.get("message").map(str::to_owned)));
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.edit(&id, |seen| seen.is_closed = true);
    }
}

fn listen() -> (Spans, tracing::subscriber::DefaultGuard) {
    let spans = Spans::default();
    let guard = tracing::subscriber::set_default(Registry::default().with(spans.clone()));
    (spans, guard)
}

fn client(upstream: &Upstream) -> OpenAi {
    OpenAi::builder().base_url(upstream.base_url()).api_key("sk-test").build().unwrap()
}

#[actix_rt::test]
async fn a_call_has_a_span_below_the_callers() {
    let (spans, _guard) = listen();
    let reply = ChatStream::new().id("chat-1").model("m-2026").content("Hello").finish_reason("stop");
    let upstream = Upstream::start(reply.usage(7, 5).reply());
    let request = ChatRequest::new("m")
        .user("the prompt")
        .temperature(0.5)
        .field("max_tokens", 9)
        .field("stop", ["a", "b"]);
    let call = async {
        within(client(&upstream).chat().stream(request, Noting::default().start())).await.unwrap();
    };
    call.instrument(tracing::info_span!("caller")).await;
    let calls = spans.calls();
    let [span] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((span.parent.as_deref(), span.is_closed), (Some("caller"), true));
    let port = upstream.addr().port().to_string();
    for (field, value) in [
        ("otel.name", "chat m"),
        ("otel.kind", "client"),
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "m"),
        ("gen_ai.request.temperature", "0.5"),
        ("gen_ai.request.max_tokens", "9"),
        ("gen_ai.request.stop_sequences", r#"["a","b"]"#),
        ("gen_ai.request.stream", "true"),
        ("gen_ai.response.id", "chat-1"),
        ("gen_ai.response.model", "m-2026"),
        ("gen_ai.response.finish_reasons", r#"["stop"]"#),
        ("gen_ai.usage.input_tokens", "7"),
        ("gen_ai.usage.output_tokens", "5"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
    ] {
        assert_eq!(span.get(field), Some(value), "{field}: {span:?}");
    }
    let first = span.get("gen_ai.response.time_to_first_chunk").unwrap();
    assert!(first.parse::<f64>().unwrap() > 0.0, "{first}");
    // What is not asked for is not there: no error, no content, no key.
    for field in ["error.type", "otel.status_code", "gen_ai.request.top_p", "gen_ai.request.choice.count"] {
        assert_eq!(span.get(field), None, "{field}");
    }
    let shown = format!("{span:?}");
    assert!(
        !shown.contains("the prompt") && !shown.contains("Hello") && !shown.contains("sk-test"),
        "{shown}"
    );
}

#[actix_rt::test]
async fn a_failed_call_has_its_class_of_error_and_its_attempts_are_events() {
    tokio::time::pause();
    let (spans, _guard) = listen();
    let upstream = Upstream::spawn(Reply::error(429, "x", "slow down"));
    let chat = client(&upstream).chat();
    within(chat.clone().max_retries(1).stream_fn(hello(), |_| {})).await.unwrap_err();
    let cut = Upstream::spawn(Reply::sse().event(crate::common::chunk("a")).reset());
    within(chat.base_url(cut.base_url()).retry(RetryPolicy::none()).create(hello())).await.unwrap_err();
    let calls = spans.calls();
    let [refused, broken] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((refused.get("error.type"), refused.get("otel.status_code")), (Some("429"), Some("ERROR")));
    assert!(refused.get("otel.status_description").unwrap().contains("slow down"));
    assert_eq!(refused.events.iter().filter(|event| event.starts_with("sending again")).count(), 1);
    assert!(broken.get("error.type").is_some() && broken.is_closed, "{broken:?}");
    assert_eq!(broken.get("gen_ai.request.stream"), None);
}

#[actix_rt::test]
async fn every_end_of_a_call_closes_its_span() {
    let (spans, _guard) = listen();
    let upstream = Upstream::start(Reply::sse().event(crate::common::chunk("a")).hold());
    let openai = client(&upstream);
    // Cancelled, dropped, and of a request that cannot be sent.
    let handle = openai.chat().stream_fn(hello(), |_| {});
    handle.cancel();
    within(handle).await.unwrap_err();
    drop(openai.chat().create(hello()));
    within(openai.chat().header("bad header", "x").stream_fn(hello(), |_| {})).await.unwrap_err();
    within(async {
        while spans.calls().iter().any(|span| !span.is_closed) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let types: Vec<_> = spans.calls().iter().map(|span| span.get("error.type").map(str::to_owned)).collect();
    assert_eq!(types[0].as_deref(), Some("cancelled"));
    assert_eq!(types[2].as_deref(), Some("config"));
    assert_eq!(types.len(), 3);
}

#[actix_rt::test]
async fn a_tool_loop_is_one_span_with_its_rounds() {
    let (spans, _guard) = listen();
    let call = ChatStream::new().tool_call("a", "now", "{}").finish_reason("tool_calls").reply();
    let answer = ChatStream::new().content("Noon.").finish_reason("stop").reply();
    let upstream = Upstream::start(Script::sequence([call, answer]));
    let tools = Tools::new()
        .function(FunctionDefinition::new("now"), |_: serde_json::Value| async { Ok::<_, String>("noon") });
    within(client(&upstream).chat().tools(tools).stream_fn(hello(), |_| {})).await.unwrap();
    let calls = spans.calls();
    let [span] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!(span.get("gen_ai.response.finish_reasons"), Some(r#"["stop"]"#));
    assert!(span.events.iter().any(|event| event.contains("round of tools")), "{:?}", span.events);
}

#[actix_rt::test]
async fn other_endpoints_name_their_operation() {
    let (spans, _guard) = listen();
    let upstream = Upstream::start(Reply::json(200, &json!({"id": "resp_1", "model": "m", "output": []})));
    let openai = client(&upstream);
    within(openai.responses().create(ResponseRequest::new("m").input("Hi"))).await.unwrap();
    let names: Vec<_> = spans.calls().iter().map(|span| span.get("otel.name").map(str::to_owned)).collect();
    assert_eq!(names, [Some("chat m".to_owned())]);
    assert_eq!(spans.calls()[0].get("gen_ai.response.id"), Some("resp_1"));
}

#[actix_rt::test]
async fn messages_are_recorded_where_a_call_asks_for_them() {
    let (spans, _guard) = listen();
    let upstream = Upstream::start(Script::sequence([
        ChatStream::new().content("Hello").finish_reason("stop").reply(),
        Reply::sse().event(crate::common::chunk("Hel")).reset(),
    ]));
    let chat = client(&upstream).chat().record_messages(true).retry(RetryPolicy::none());
    within(chat.stream_fn(ChatRequest::new("m").user("the prompt"), |_| {})).await.unwrap();
    within(chat.stream_fn(ChatRequest::new("m").user("the prompt"), |_| {})).await.unwrap_err();
    let calls = spans.calls();
    let [whole, cut] = &calls[..] else { panic!("{calls:?}") };
    let field =
        |span: &Seen, name| serde_json::from_str::<serde_json::Value>(span.get(name).unwrap()).unwrap();
    let part = |text: &str| json!([{"type": "text", "content": text}]);
    for span in [whole, cut] {
        assert_eq!(
            field(span, "gen_ai.input.messages"),
            json!([{"role": "user", "parts": part("the prompt")}])
        );
    }
    let answer = |text: &str, reason: Option<&str>| json!([{"role": "assistant", "parts": part(text), "finish_reason": reason}]);
    assert_eq!(field(whole, "gen_ai.output.messages"), answer("Hello", Some("stop")));
    assert_eq!(field(cut, "gen_ai.output.messages"), answer("Hel", None));
    // Instructions outside the messages.
    let upstream = Upstream::start(Reply::json(200, &json!({"id": "resp_1", "model": "m", "output": []})));
    let responses = client(&upstream).responses().record_messages(true);
    within(responses.create(ResponseRequest::new("m").instructions("Be kind.").input("Hi"))).await.unwrap();
    assert_eq!(field(&spans.calls()[2], "gen_ai.system_instructions"), part("Be kind."));
}

#[actix_rt::test]
async fn an_observer_passes_the_trace_on_from_the_span_of_the_call() {
    let (spans, _guard) = listen();
    let upstream = Upstream::start(ChatStream::new().content("Hello").finish_reason("stop").reply());
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .observer(|request: &mut actorstream::ObservedRequest| {
            let span = tracing::Span::current().id().map_or(0, |id| id.into_u64());
            request.set_header("traceparent", format!("00-0af7651916cd43dd8448eb211c80319c-{span:016x}-01"));
            Ok(())
        })
        .build()
        .unwrap();
    within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap();
    let id =
        spans.0.lock().unwrap().iter().find(|(_, seen)| seen.name == "gen_ai.client.inference").unwrap().0;
    let sent = format!("00-0af7651916cd43dd8448eb211c80319c-{id:016x}-01");
    assert_eq!(upstream.request(0).await.header("traceparent"), Some(sent.as_str()));
}
