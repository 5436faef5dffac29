//! The view above the events, through sockets.

use actix::{Actor, AsyncContext as _, Context, WrapFuture as _};
use actorstream::output::{Call, Place, Tokens};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Finish, OutputClient, StreamError, StreamRef, output_client,
};
use actorstream_test::{ChatStream, Recorder, Upstream};
use serde_json::Value;

use crate::common::{client, hello, within};

/// Notes what it is told, and waits after each text.
pub(crate) struct Noting(pub(crate) Recorder<String>);

impl Actor for Noting {
    type Context = Context<Self>;
}

#[output_client]
impl OutputClient<ChatCompletionChunk> for Noting {
    fn text_delta(&mut self, _: Place, delta: &str, snapshot: &str, _: &StreamRef, ctx: &mut Context<Self>) {
        self.0.push(format!("{delta}|{snapshot}"));
        ctx.wait(tokio::task::yield_now().into_actor(self));
    }

    fn text_done(&mut self, _: Place, text: &str, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("done {text}"));
    }

    fn tool_call_started(&mut self, call: Call<'_>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("{} calls {}", call.id, call.name));
    }

    fn tool_call_done(
        &mut self,
        call: Call<'_>,
        parsed: Result<&Value, &actorstream::proto::partial_json::PartialJsonError>,
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
            "done Hello",
            "call_1 done {\"city\":\"Paris\"}",
            "3 tokens",
            "end"
        ]
    );
}

#[actix_rt::test]
async fn what_is_cut_is_not_done() {
    let upstream = Upstream::start(actorstream_test::Reply::sse().event(crate::common::chunk("Hel")).reset());
    let recorder = Recorder::new(|line: &String| line.starts_with("end"));
    let handle = client(&upstream.base_url()).chat().stream(hello(), Noting(recorder.clone()).start());
    within(handle).await.unwrap_err();
    assert_eq!(recorder.events(), ["Hel|Hel", "end truncated"]);
}
