//! Streams of the Responses API, tested over sockets.

use actix::Actor;
use actorstream::output::{Call, Position, Tokens};
use actorstream::proto::api::responses::Response;
use actorstream::{
    Finish, OutputClient, ResponseEvent, ResponseRequest, Status, StreamError, StreamRef, output_client,
};
use actorstream_test::{Recorder, ResponseStream, Upstream};
use serde_json::Value;

use crate::common::{client, within};

/// Records its calls.
struct Noting(Recorder<String>);

impl Actor for Noting {
    type Context = actix::Context<Self>;
}

#[output_client]
impl OutputClient<ResponseEvent> for Noting {
    fn text_done(&mut self, at: Position, text: &str, _: &StreamRef, _: &mut Self::Context) {
        self.0.push(format!("{} text {text}", at.output));
    }

    fn refusal_done(&mut self, at: Position, refusal: &str, _: &StreamRef, _: &mut Self::Context) {
        self.0.push(format!("{} refusal {refusal}", at.output));
    }

    fn reasoning_done(&mut self, at: Position, reasoning: &str, _: &StreamRef, _: &mut Self::Context) {
        self.0.push(format!("{} reasoning {reasoning}", at.output));
    }

    fn tool_call_done(
        &mut self,
        call: Call<'_>,
        parsed: Result<&Value, &actorstream::proto::json::partial_json::PartialJsonError>,
        _: &StreamRef,
        _: &mut Self::Context,
    ) {
        self.0.push(format!("{} {} {} {}", call.output, call.id, call.name, parsed.unwrap()));
    }

    fn usage(&mut self, tokens: Tokens, _: &StreamRef, _: &mut Self::Context) {
        self.0.push(format!("{} tokens", tokens.total));
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
        self.0.push(format!("end {}", error.kind.name()));
    }

    fn handle_finish(&mut self, _: Finish<Response>, _: &StreamRef, _: &mut Self::Context) {
        self.0.push("end".into());
    }
}

fn stream() -> ResponseStream {
    ResponseStream::new()
        .reasoning("Let me think about it.")
        .text("It is sunny. \u{1f31e}")
        .refusal("But I will not say where.")
        .function_call("call_1", "get_weather", r#"{"city":"Paris"}"#)
        .usage(3, 4)
}

#[actix_rt::test]
async fn a_response_adds_up_to_what_the_server_says_it_is() {
    let stream = stream();
    let upstream = Upstream::start(stream.reply());
    let recorder = Recorder::new(|line: &String| line.starts_with("end"));
    let request = ResponseRequest::new("gpt-5").input("Hi");
    let handle = client(&upstream.base_url()).responses().stream(request, Noting(recorder.clone()).start());
    let finish = within(handle).await.unwrap();
    recorder.assert_one_end();
    assert_eq!(
        recorder.events(),
        [
            "0 reasoning Let me think about it.",
            "1 text It is sunny. \u{1f31e}",
            "2 refusal But I will not say where.",
            "3 call_1 get_weather {\"city\":\"Paris\"}",
            "7 tokens",
            "end"
        ]
    );
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), stream.response());
}

#[actix_rt::test]
async fn an_incomplete_response_is_a_finish_that_says_so() {
    for reason in ["max_output_tokens", "max_messages", "content_filter", "steered", "a_new_reason"] {
        let upstream = Upstream::start(stream().incomplete(reason).reply());
        let request = ResponseRequest::new("gpt-5").input("Hi");
        let finish =
            within(client(&upstream.base_url()).responses().stream_fn(request, |_| {})).await.unwrap();
        assert_eq!((finish.status, finish.finish_reasons), (Status::Incomplete, vec![reason.into()]));
    }
}
