//! The view of events as output, tested over sockets.

use actix::{Actor, AsyncContext as _, Context, WrapFuture as _};
use actorstream::output::{Call, Position, Tokens};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Finish, OutputClient, PartialAnswer, StreamError, StreamEvent,
    StreamRef, output_client,
};
use actorstream_test::{ChatStream, Recorder, Upstream};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::common::{client, hello, within};

/// Records its calls, and waits after each text.
pub(crate) struct Noting(pub(crate) Recorder<String>);

impl Actor for Noting {
    type Context = Context<Self>;
}

#[output_client]
impl OutputClient<ChatCompletionChunk> for Noting {
    fn text_delta(
        &mut self,
        _: Position,
        delta: &str,
        snapshot: &str,
        _: &StreamRef,
        ctx: &mut Context<Self>,
    ) {
        self.0.push(format!("{delta}|{snapshot}"));
        ctx.wait(tokio::task::yield_now().into_actor(self));
    }

    fn text_done(&mut self, _: Position, text: &str, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("done {text}"));
    }

    fn tool_call_started(&mut self, call: Call<'_>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("{} calls {}", call.id, call.name));
    }

    fn tool_call_done(
        &mut self,
        call: Call<'_>,
        parsed: Result<&Value, &actorstream::proto::json::partial_json::PartialJsonError>,
        _: &StreamRef,
        _: &mut Context<Self>,
    ) {
        self.0.push(format!("{} done {}", call.id, parsed.unwrap()));
    }

    fn usage(&mut self, tokens: Tokens, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("{} tokens", tokens.total));
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("end {}", error.kind.name()));
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push("end".into());
    }
}

#[actix_rt::test]
async fn an_actor_is_told_texts_and_tool_calls() {
    let stream = ChatStream::new()
        .content("Hello")
        .delta_chars(3)
        .tool_call("call_1", "get_weather", r#"{"city":"Paris"}"#)
        .finish_reason("tool_calls")
        .usage(1, 2);
    let upstream = Upstream::start(stream.reply());
    let recorder = Recorder::new(|line: &String| line.starts_with("end"));
    let handle = client(&upstream.base_url()).chat().stream(hello(), Noting(recorder.clone()).start());
    within(handle).await.unwrap();
    recorder.assert_one_end();
    assert_eq!(
        recorder.events(),
        [
            "Hel|Hel",
            "lo|Hello",
            "call_1 calls get_weather",
            "3 tokens",
            "done Hello",
            "call_1 done {\"city\":\"Paris\"}",
            "end"
        ]
    );
}

#[actix_rt::test]
async fn a_cut_text_is_not_complete() {
    let upstream = Upstream::start(actorstream_test::Reply::sse().event(crate::common::chunk("Hel")).reset());
    let recorder = Recorder::new(|line: &String| line.starts_with("end"));
    let handle = client(&upstream.base_url()).chat().stream(hello(), Noting(recorder.clone()).start());
    within(handle).await.unwrap_err();
    assert_eq!(recorder.events(), ["Hel|Hel", "end truncated"]);
}

/// Records the values that it receives.
struct Values(Recorder<Value>);

impl Actor for Values {
    type Context = Context<Self>;
}

#[output_client]
impl OutputClient<ChatCompletionChunk> for Values {
    fn value_delta(&mut self, _: Position, value: &Value, _: &StreamRef, ctx: &mut Context<Self>) {
        self.0.push(value.clone());
        ctx.wait(tokio::task::yield_now().into_actor(self));
    }

    fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(Value::Null);
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(Value::Null);
    }
}

/// Returns a response in pieces, and its values.
fn structured() -> (ChatStream, [Value; 4]) {
    let mut stream = ChatStream::new();
    for piece in ["Sure:\n", "```json\n{\"why\":", " [\"a", "\"], \"n\"", ": 7}", "\n```"] {
        stream = stream.content(piece);
    }
    let whole = json!({"why": ["a"], "n": 7});
    (stream.delta_chars(1000), [json!({}), json!({"why": ["a"]}), json!({"why": ["a"]}), whole])
}

#[actix_rt::test]
async fn an_actor_is_told_the_json_of_a_text_while_it_comes() {
    let (stream, values) = structured();
    let upstream = Upstream::start(stream.finish_reason("stop").reply());
    let recorder = Recorder::new(Value::is_null);
    let handle = client(&upstream.base_url()).chat().stream(hello(), Values(recorder.clone()).start());
    within(handle).await.unwrap();
    recorder.assert_one_end();
    let told = recorder.events();
    assert_eq!(told[..4], values);
    assert!(told[4..told.len() - 1].iter().all(|value| *value == values[3]), "{told:?}");
}

#[actix_rt::test]
async fn a_closure_and_a_puller_read_a_value_while_it_comes() {
    let (stream, values) = structured();
    let upstream = Upstream::start(stream.finish_reason("stop").reply());
    let openai = client(&upstream.base_url());
    let (told, seen) = std::sync::mpsc::channel();
    let mut answer = PartialAnswer::new();
    let handle = openai.chat().stream_fn(hello(), move |event| {
        if let StreamEvent::Data(chunk) = event
            && let Some(value) = answer.push(&chunk)
        {
            told.send(value.clone()).unwrap();
        }
    });
    within(handle).await.unwrap();
    assert_eq!(seen.iter().take(4).collect::<Vec<_>>(), values);

    let mut events = openai.chat().events(hello());
    let (mut answer, mut seen) = (PartialAnswer::new(), Vec::new());
    while let Some(StreamEvent::Data(chunk)) = within(events.next()).await {
        seen.extend(answer.push(&chunk).cloned());
    }
    assert_eq!(seen[..4], values);
    assert!(answer.is_complete());
}
