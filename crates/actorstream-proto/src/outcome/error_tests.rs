use super::*;

#[test]
fn a_partial_response_has_the_type_it_was_put_in_with() {
    let error = StreamError::new(ErrorKind::Cancelled).with_partial(Arc::new(7_u8));
    assert_eq!(error.partial::<u8>(), Some(&7));
    assert_eq!(error.clone().partial::<u16>(), None);
}

#[test]
fn a_key_that_the_server_repeats_is_not_shown() {
    let error = ApiError {
        message: "bad key sk-12345".into(),
        raw: serde_json::json!({"k": ["sk-12345"], "sk-12345": 1}),
        ..ApiError::default()
    };
    let refused = Refused {
        status: 401,
        error: Some(error),
        body: "sk-12345!".into(),
        retry_after: None,
        should_retry: None,
        url: Some("http://host/sk-1".into()),
        location: Some("http://sk-1/".into()),
    };
    for kind in [
        ErrorKind::Refused(Arc::new(refused.clone())),
        ErrorKind::Provider(Arc::new(refused.error.unwrap())),
        ErrorKind::NotAStream { content_type: Some("sk-12345".into()), body: "sk-12345".into() },
        ErrorKind::Truncated { detail: "sk-12345".into() },
        ErrorKind::Malformed { payload: "sk-12345".into(), detail: "sk-12345".into() },
    ] {
        let mut error = StreamError::new(kind);
        error.kind.redact(&Secret::new("sk-12345"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("sk-12345") && shown.contains("***"), "{shown}");
    }
}

#[test]
fn messages_say_what_happened_and_what_to_do() {
    let refusal = |status, url: &str, location: Option<&str>| Refused {
        status,
        error: None,
        body: String::new(),
        retry_after: None,
        should_retry: None,
        url: Some(url.into()),
        location: location.map(Into::into),
    };
    let refused = |status, body: &str, error| {
        let refused = Refused { error, body: body.into(), ..refusal(status, "http://host/v1/x", None) };
        ErrorKind::Refused(Arc::new(refused)).to_string()
    };
    assert_eq!(refused(502, " ", None), "the server answered 502 with an empty body");
    let error = ApiError { message: "no".into(), code: Some("429".into()), ..ApiError::default() };
    assert_eq!(refused(401, "", Some(error)), "the server answered 401: no (code 429); check the API key");
    assert!(refused(302, "", None).contains("set the base URL"));
    assert_eq!(
        refusal(308, "http://host/v1/x", Some("https://api.example.com/v1/x")).to_string(),
        "the server answered 308 with an empty body; it redirects to https://api.example.com/v1/x, and redirects are \
         not followed; set the base URL accordingly"
    );
    let not_found = |url: &str| refusal(404, url, None).to_string();
    assert_eq!(
        not_found("http://host:1/chat/completions"),
        "the server answered 404 with an empty body; the URL is http://host:1/chat/completions, and most base URLs end in /v1"
    );
    for versioned in
        ["http://host/v1/chat", "https://host/api/v3/chat?x=1", "https://host/v1beta/openai/chat"]
    {
        assert!(not_found(versioned).ends_with(versioned), "{versioned}");
    }
    let long = ErrorKind::Malformed { payload: "é".repeat(1000).into(), detail: "x".into() };
    assert!(long.to_string().len() < 700 && long.to_string().ends_with("… (1400 bytes more)"), "{long}");
    let not_a_stream = |content_type: Option<&str>, body: &str| {
        ErrorKind::NotAStream { content_type: content_type.map(Into::into), body: body.into() }.to_string()
    };
    assert_eq!(not_a_stream(None, " "), "the server sent an empty body; check the base URL");
    assert_eq!(
        not_a_stream(Some("text/event-stream"), ""),
        "the server sent an empty body (text/event-stream); check the base URL"
    );
    assert_eq!(
        not_a_stream(Some("text/event-stream"), "Internal Server Error"),
        "the server sent text/event-stream, but the body is not an event stream; it begins: Internal Server Error"
    );
    assert_eq!(
        not_a_stream(Some("text/html"), "<html>"),
        "the server sent text/html instead of an event stream; check the base URL; it begins: <html>"
    );
    let limit = ErrorKind::Limit { limit: Limit::Event, max: 7 }.to_string();
    assert_eq!(
        limit,
        "an event of the stream exceeds its limit of 7 bytes; `Limits::event` raises the limit"
    );
}
