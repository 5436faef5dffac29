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
        message: "bad key sk-1".into(),
        raw: serde_json::json!({"k": ["sk-1"], "sk-1": 1}),
        ..ApiError::default()
    };
    let refused = Refused {
        status: 401,
        error: Some(error),
        body: "sk-1!".into(),
        retry_after: None,
        should_retry: None,
    };
    for kind in [
        ErrorKind::Refused(Arc::new(refused.clone())),
        ErrorKind::Provider(Arc::new(refused.error.unwrap())),
        ErrorKind::NotAStream { content_type: Some("sk-1".into()), body: "sk-1".into() },
        ErrorKind::Truncated { detail: "sk-1".into() },
        ErrorKind::Malformed { payload: "sk-1".into(), detail: "sk-1".into() },
    ] {
        let mut error = StreamError::new(kind);
        error.kind.redact(&Secret::new("sk-1"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("sk-1") && shown.contains("***"), "{shown}");
    }
}

#[test]
fn messages_say_what_happened_and_what_to_do() {
    let refused = |status, body: &str, error| {
        ErrorKind::Refused(Arc::new(Refused {
            status,
            error,
            body: body.into(),
            retry_after: None,
            should_retry: None,
        }))
        .to_string()
    };
    assert_eq!(refused(502, " ", None), "the server answered 502 with an empty body");
    let error = ApiError { message: "no".into(), code: Some("429".into()), ..ApiError::default() };
    assert_eq!(refused(401, "", Some(error)), "the server answered 401: no (code 429); check the API key");
    assert!(refused(302, "", None).contains("set the base URL"));
    let long = ErrorKind::Malformed { payload: "é".repeat(1000).into(), detail: "x".into() };
    assert!(long.to_string().len() < 400);
}
