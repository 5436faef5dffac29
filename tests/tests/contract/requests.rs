//! The requests that are sent, and their limits.

use actix::Actor;
use actorstream::{Call, Chat, ChatRequest, CompletionRequest, Custom, ErrorKind, OpenAi};
use actorstream_test::{ChatStream, CompletionStream, Reply, ResponseStream, Script, Upstream};
use serde_json::json;

use crate::common::{Noting, client, hello, within};

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

#[actix_rt::test]
async fn the_crates_own_request() {
    let upstream = Upstream::start(good());
    let request = ChatRequest::new("gpt-4o").system("Be brief.").user("Hi").temperature(0.2).include_usage();
    within(client(&upstream.base_url()).chat().stream(request, Noting::default().start())).await.unwrap();
    let sent = upstream.request(0).await;
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(
        sent.json(),
        json!({"model": "gpt-4o", "temperature": 0.2, "stream": true, "stream_options": {"include_usage": true},
               "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]})
    );
    assert_eq!(sent.header("authorization"), Some("Bearer sk-test"));
    assert_eq!(sent.header("accept"), Some("text/event-stream"));
    assert_eq!(sent.header("accept-encoding"), Some("identity"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("host"), Some(upstream.addr().to_string().as_str()));
}

#[actix_rt::test]
async fn json_and_another_crates_types() {
    use async_openai::types::chat::{ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequestArgs};
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    let body = json!({"model": "m", "messages": [], "stream": false, "top_k": 5});
    within(openai.chat().stream(&body, Noting::default().start())).await.unwrap();
    assert_eq!(
        upstream.request(0).await.json(),
        json!({"model": "m", "messages": [], "stream": true, "top_k": 5})
    );

    let message = ChatCompletionRequestUserMessageArgs::default().content("Hi").build().unwrap();
    let request = CreateChatCompletionRequestArgs::default()
        .model("gpt-4o")
        .temperature(0.7)
        .messages([message.into()])
        .build()
        .unwrap();
    within(openai.chat().stream(request, Noting::default().start())).await.unwrap();
    let sent = upstream.request(1).await;
    assert_eq!(sent.json()["messages"], json!([{"role": "user", "content": "Hi"}]));
    assert_eq!(sent.json()["stream"], true);
    assert!(sent.text().contains("\"temperature\":0.7"), "{}", sent.text());
}

#[actix_rt::test]
async fn a_request_that_is_no_object_is_told_to_the_target() {
    let upstream = Upstream::start(good());
    let handle = client(&upstream.base_url()).chat().stream("text", Noting::default().start());
    let error = within(handle).await.unwrap_err();
    assert_eq!(error.kind.name(), "config");
    assert!(error.to_string().contains("JSON object"));
    assert_eq!((error.attempts, upstream.accepted()), (0, 0));
}

#[actix_rt::test]
async fn text_completions() {
    let stream = CompletionStream::new().text("Once upon").finish_reason("length").usage(1, 2);
    let whole = stream.completion();
    let upstream = Upstream::start(stream.reply());
    let mut text = String::new();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let mut sender = Some(sender);
    let request = CompletionRequest::new("gpt-3.5-turbo-instruct", "Tell me a story").include_usage();
    let handle = client(&upstream.base_url()).completions().stream_fn(request, move |event| match event {
        actorstream::StreamEvent::Start(_) => {}
        actorstream::StreamEvent::Data(chunk) => text.push_str(chunk.text().unwrap_or_default()),
        _ => sender.take().unwrap().send(text.clone()).unwrap(),
    });
    let finish = within(handle).await.unwrap();
    assert_eq!(receiver.await.unwrap(), "Once upon");
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), whole);
    assert_eq!(upstream.request(0).await.path, "/v1/completions");
}

#[actix_rt::test]
async fn unstreamed_calls() {
    let whole = ChatStream::new().content("Hello").finish_reason("stop").usage(1, 1).completion();
    let upstream = Upstream::start(Reply::json(200, &whole).header("x-request-id", "req-1"));
    let openai = client(&upstream.base_url());
    let finish = within(openai.chat().create(hello().include_usage())).await.unwrap();
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), whole);
    assert_eq!((finish.request_id.as_deref(), finish.finish_reasons[0].as_str()), (Some("req-1"), "stop"));
    let sent = upstream.request(0).await.json();
    assert_eq!((sent.get("stream"), sent.get("stream_options")), (None, None));

    let upstream = Upstream::start(Reply::error(404, "not_found", "no model"));
    let error = within(client(&upstream.base_url()).chat().create(hello())).await.unwrap_err();
    assert_eq!(error.status(), Some(404));

    // A fixed response of another test server.
    use wiremock::matchers::{body_partial_json, header, method, path};
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(method("POST"))
        .and(path("/v1/completions"))
        .and(header("authorization", "Bearer sk-test"))
        .and(body_partial_json(json!({"model": "m", "prompt": "p"})))
        .respond_with(
            wiremock::ResponseTemplate::new(200)
                .set_body_json(json!({"id": "c", "object": "text_completion",
            "created": 1, "model": "m", "choices": [{"text": "t", "index": 0, "finish_reason": "stop"}]})),
        )
        .expect(1)
        .mount(&server)
        .await;
    let openai = client(&format!("{}/v1", server.uri()));
    let finish = within(openai.completions().create(CompletionRequest::new("m", "p"))).await.unwrap();
    assert_eq!(finish.response.text(), Some("t"));
}

#[actix_rt::test]
async fn dropping_an_unstreamed_call_cancels_it() {
    let upstream = Upstream::start(Reply::raw().hold());
    let call = client(&upstream.base_url()).chat().create(hello());
    within(upstream.request(0)).await;
    drop(call);
    within(upstream.peer_closed(0)).await;
}

#[actix_rt::test]
async fn any_other_endpoint() {
    let reply = Reply::sse()
        .event(r#"{"type":"x"}"#)
        .named_event("response.completed", r#"{"type":"response.completed"}"#)
        .end();
    let upstream = Upstream::start(reply);
    let openai = client(&upstream.base_url());
    let log = Noting::default();
    let raw = log.raw.clone();
    let handle = openai.endpoint(Custom::post("responses?x=1")).stream(json!({"a": 1}), log.start());
    within(handle).await.unwrap();
    let sent = upstream.request(0).await;
    assert_eq!((sent.path.as_str(), sent.query.as_deref()), ("/v1/responses", Some("x=1")));
    assert_eq!(sent.json(), json!({"a": 1}), "the request goes out as it is");
    assert_eq!(raw.lock().unwrap().len(), 3);

    let upstream = Upstream::start(Reply::sse().event("{}").end());
    let openai = client(&upstream.base_url());
    let get = Custom::get("/events").ends_on_close();
    within(openai.endpoint(get).stream_fn((), |_| {})).await.unwrap();
    let sent = upstream.request(0).await;
    assert_eq!((sent.method.as_str(), sent.body.len()), ("GET", 0));
}

#[actix_rt::test]
async fn settings_of_a_call_hold_for_it_alone() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    let call = openai
        .chat()
        .api_key("sk-other")
        .organization("org-2")
        .project("proj-2")
        .header("x-trace", "7")
        .header("accept", "text/event-stream, */*")
        .query("debug", "a b&c");
    within(call.stream(hello(), Noting::default().start())).await.unwrap();
    within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap();
    let first = upstream.request(0).await;
    assert_eq!(first.header("authorization"), Some("Bearer sk-other"));
    assert_eq!(first.header("openai-organization"), Some("org-2"));
    assert_eq!(first.header("openai-project"), Some("proj-2"));
    assert_eq!(
        (first.header("x-trace"), first.header("accept")),
        (Some("7"), Some("text/event-stream, */*"))
    );
    assert_eq!(first.query.as_deref(), Some("debug=a+b%26c"));
    let second = upstream.request(1).await;
    assert_eq!((second.header("authorization"), second.query.as_deref()), (Some("Bearer sk-test"), None));

    let other = Upstream::start(good());
    within(openai.chat().base_url(other.base_url()).stream(hello(), Noting::default().start()))
        .await
        .unwrap();
    assert_eq!(other.request_count(), 1);
}

#[actix_rt::test]
async fn a_wrong_setting_of_a_call_is_its_error() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    for call in [
        openai.chat().header("x", "a\r\nx-injected: 1"),
        openai.chat().header("bad name", "1"),
        openai.chat().header("content-length", "1"),
        openai.chat().base_url("nonsense"),
        openai.chat().api_key("sk\n-secret"),
        openai.chat().organization("a\nb"),
    ] {
        let error = within(call.stream(hello(), Noting::default().start())).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Config { .. }), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
    assert_eq!(upstream.accepted(), 0);
}

#[actix_rt::test]
async fn azure() {
    let upstream = Upstream::start(good());
    let openai =
        OpenAi::builder().azure(upstream.url(), "my-gpt", "2024-10-21").api_key("azure-key").build().unwrap();
    within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap();
    let sent = upstream.request(0).await;
    assert_eq!(sent.path, "/openai/deployments/my-gpt/chat/completions");
    assert_eq!(sent.query.as_deref(), Some("api-version=2024-10-21"));
    assert_eq!((sent.header("api-key"), sent.header("authorization")), (Some("azure-key"), None));
}

#[actix_rt::test]
async fn azures_responses_are_below_the_v1_api() {
    let upstream = Upstream::start(Script::with(|request| match request.method.as_str() {
        "GET" => Reply::error(404, "x", "gone"),
        _ => ResponseStream::new().text("Hello").reply(),
    }));
    let azure = |version: &str| {
        OpenAi::builder()
            .azure(format!("{}/", upstream.url()), "my-gpt", version)
            .api_key("azure-key")
            .build()
            .unwrap()
    };
    let request = json!({"model": "my-gpt", "input": "Hi"});
    within(azure("2025-04-01-preview").responses().stream_fn(&request, |_| {})).await.unwrap();
    let sent = upstream.request(0).await;
    assert_eq!((sent.path.as_str(), sent.query.as_deref()), ("/openai/v1/responses", None));
    assert_eq!((sent.header("api-key"), sent.header("authorization")), (Some("azure-key"), None));

    // A response that was started earlier, and any other endpoint.
    let resumed = azure("preview").responses().resume("resp_1", 3);
    within(resumed.stream_fn((), |_| {})).await.unwrap_err();
    let sent = upstream.request(1).await;
    assert_eq!(sent.path, "/openai/v1/responses/resp_1");
    assert_eq!(sent.query.as_deref(), Some("stream=true&starting_after=3&api-version=preview"));
    let other = azure("2024-10-21").endpoint(Custom::post("/evals?x=1")).query("api-version", "latest");
    let _ = within(other.stream_fn(&request, |_| {})).await;
    let sent = upstream.request(2).await;
    assert_eq!(
        (sent.path.as_str(), sent.query.as_deref()),
        ("/openai/v1/evals", Some("x=1&api-version=latest"))
    );
}

#[actix_rt::test]
async fn a_call_to_another_server_takes_nothing_of_azures_along() {
    let other = Upstream::start(good());
    let azure = OpenAi::builder()
        .azure(Upstream::refused_url(), "my-gpt", "2024-10-21")
        .api_key("azure-key")
        .build()
        .unwrap();
    let call = azure.chat().base_url(other.base_url());
    within(call.stream(hello(), Noting::default().start())).await.unwrap();
    for call in [
        azure.chat().api_key("sk-own").base_url(other.base_url()),
        azure.chat().base_url(other.base_url()).api_key("sk-own"),
    ] {
        within(call.stream(hello(), Noting::default().start())).await.unwrap();
    }
    let call = azure.chat().base_url(other.base_url()).api_key("sk-own").api_key_header("x-key");
    within(call.stream(hello(), Noting::default().start())).await.unwrap();
    for (number, authorization) in
        [None, Some("Bearer sk-own"), Some("Bearer sk-own"), None].into_iter().enumerate()
    {
        let sent = other.request(number).await;
        assert_eq!((sent.path.as_str(), sent.query.as_deref()), ("/v1/chat/completions", None));
        assert_eq!((sent.header("api-key"), sent.header("authorization")), (None, authorization), "{number}");
        assert!(!format!("{sent:?}").contains("azure-key"));
    }
    assert_eq!(other.request(3).await.header("x-key"), Some("sk-own"));
}

#[actix_rt::test]
async fn a_parameter_of_a_call_replaces_the_clients() {
    let upstream = Upstream::start(good());
    let openai = OpenAi::builder()
        .base_url(format!("{}?api-version=1&keep=%20", upstream.base_url()))
        .query("debug", "client")
        .query("include[]", "a")
        .query("include[]", "b")
        .build()
        .unwrap();
    let ask = async |call: Call<Chat>| within(call.stream(hello(), Noting::default().start())).await.unwrap();
    ask(openai.chat()).await;
    ask(openai.chat().query("debug", "call").query("api-version", "2").query("include[]", "c")).await;
    ask(openai.chat()).await;
    let client = Some("api-version=1&keep=%20&debug=client&include%5B%5D=a&include%5B%5D=b");
    for (number, query) in
        [client, Some("keep=%20&debug=call&api-version=2&include%5B%5D=c"), client].into_iter().enumerate()
    {
        assert_eq!(upstream.request(number).await.query.as_deref(), query);
    }
}

#[actix_rt::test]
async fn empty_settings_are_not_sent() {
    let upstream = Upstream::start(good());
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .api_key("sk-test")
        .api_key_header("x-key")
        .organization("org")
        .project("proj")
        .build()
        .unwrap();
    let call = openai.chat().organization("").project("").api_key_header("");
    within(call.stream(hello(), Noting::default().start())).await.unwrap();
    within(openai.chat().api_key("").stream(hello(), Noting::default().start())).await.unwrap();
    let first = upstream.request(0).await;
    assert_eq!(first.header("authorization"), Some("Bearer sk-test"));
    let second = upstream.request(1).await;
    assert_eq!(
        (second.header("openai-organization"), second.header("openai-project")),
        (Some("org"), Some("proj"))
    );
    for name in ["openai-organization", "openai-project", "x-key"] {
        assert_eq!(first.header(name), None, "{name}");
    }
    assert_eq!((second.header("x-key"), second.header("authorization")), (None, None));
}

#[actix_rt::test]
async fn a_deployment_is_one_segment_of_the_path_whatever_it_is_called() {
    let upstream = Upstream::start(good());
    for (number, (deployment, segment)) in
        [("../../x?y#z", "..%2F..%2Fx%3Fy%23z"), ("..", "%2E%2E"), ("a b\r\n", "a%20b%0D%0A")]
            .into_iter()
            .enumerate()
    {
        let openai =
            OpenAi::builder().azure(upstream.url(), deployment, "v&x=1").api_key("k").build().unwrap();
        within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap();
        let sent = upstream.request(number).await;
        assert_eq!(sent.path, format!("/openai/deployments/{segment}/chat/completions"));
        assert_eq!(sent.query.as_deref(), Some("api-version=v%26x%3D1"));
    }
}

#[actix_rt::test]
async fn instructions_stand_before_the_conversation() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    let request = ChatRequest::new("m").user("Hi");
    let answer = within(openai.chat().stream(request.clone(), Noting::default().start())).await.unwrap();
    let next = request.message(&answer).user("And?").system("Be brief.").developer("Be kind.");
    within(openai.chat().stream(next, Noting::default().start())).await.unwrap();
    assert_eq!(
        upstream.request(1).await.json()["messages"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "And?"},
        ])
    );
}

#[actix_rt::test]
async fn a_body_that_is_no_answer_is_reported_as_what_it_is() {
    let page = "<!doctype html><title>Log in</title>";
    for (reply, why) in [
        (Reply::json(200, &json!({})), "the answer is no chat completion: it has no `choices`: {}"),
        (Reply::json(200, &json!({"choices": null})), "its `choices` is null"),
        (
            Reply::json(200, &json!({"object": "list", "data": []})),
            "has no `choices`, and says that it is \"list\"",
        ),
        (Reply::json(200, &json!([{"choices": []}])), "the answer is no chat completion: it is a list"),
        (Reply::status(204), "the server answered 204, without content"),
        (Reply::text(200, "application/json", ""), "the answer is empty (status 200)"),
        (
            Reply::text(200, "text/html", page),
            "the server sent an HTML page (text/html); check the base URL: <!doctype html>",
        ),
        (Reply::text(200, "application/json", "{\"choices\": ["), "the answer is not JSON ("),
    ] {
        let upstream = Upstream::start(reply);
        let error = within(client(&upstream.base_url()).chat().create(json!({}))).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Malformed { .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains(why), "{why}: {told}");
        assert!(!told.contains("partial") && !told.contains("an event"), "{told}");
    }
    for (kind, missing) in
        [("completions", "choices"), ("responses", "output"), ("images", "data"), ("audio", "text")]
    {
        let upstream = Upstream::start(Reply::json(200, &json!({"object": "list"})));
        let openai = client(&upstream.base_url());
        let error = match kind {
            "completions" => within(openai.completions().create(json!({}))).await.unwrap_err(),
            "responses" => within(openai.responses().create(json!({}))).await.unwrap_err(),
            "images" => within(openai.images().create(json!({}))).await.unwrap_err(),
            _ => within(openai.transcriptions().create(json!({}))).await.unwrap_err(),
        };
        assert!(error.to_string().contains(&format!("it has no `{missing}`")), "{kind}: {error}");
    }
    // A response that is cut before its first byte has no partial response.
    let upstream = Upstream::start(Reply::status(200).header("content-length", 9).bytes("{").close());
    let error = within(client(&upstream.base_url()).chat().create(json!({}))).await.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Truncated { .. }) && !error.to_string().contains("partial"),
        "{error}"
    );
}

#[actix_rt::test]
async fn a_transcription_is_text_where_its_content_type_says_so() {
    let looks = r#"{"error": {"message": "says the recording"}}"#;
    for (content_type, body) in [
        ("text/plain; charset=utf-8", looks),
        ("text/vtt", looks),
        ("application/x-subrip", "[1, 2]"),
        ("text/plain", "<html>, said the speaker"),
        ("TEXT/Plain", ""),
    ] {
        let upstream = Upstream::start(Reply::text(200, content_type, body));
        let answer = within(client(&upstream.base_url()).transcriptions().create(json!({}))).await.unwrap();
        assert_eq!(answer.response.text, body, "{content_type}");
    }
    for (content_type, body, provider) in
        [("application/json", looks, true), ("text/html", "<html>", false), ("application/json", "", false)]
    {
        let upstream = Upstream::start(Reply::text(200, content_type, body));
        let error =
            within(client(&upstream.base_url()).transcriptions().create(json!({}))).await.unwrap_err();
        assert_eq!(matches!(error.kind, ErrorKind::Provider(_)), provider, "{error}");
    }
}
