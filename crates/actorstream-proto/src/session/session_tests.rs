use std::time::Duration;

use super::*;
use crate::api::chat::ChatCompletionChunk;
use crate::endpoint::raw::RawEvent;
use crate::session::limits::Limits;
use crate::session::timeouts::Timeouts;

/// A session driven by hand: bytes and seconds in, what came out at hand.
struct Driven<E: Event = ChatCompletionChunk> {
    session: Session<E>,
    start: Instant,
    now: Instant,
    events: Vec<E>,
    end: Option<End<E>>,
}

impl<E: Event> Driven<E> {
    fn new(settings: Settings) -> Self {
        let start = Instant::now();
        let mut session = Session::new(settings, start, 1);
        session.on_sent(start);
        Self { session, start, now: start, events: Vec::new(), end: None }
    }

    fn head(&mut self, status: u16, content_type: &str) -> &mut Self {
        self.headers(status, &[("content-type", content_type)])
    }

    fn headers(&mut self, status: u16, headers: &[(&str, &str)]) -> &mut Self {
        let head =
            Head::read(status, |name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value));
        self.session.on_head(head, self.now);
        self
    }

    fn bytes(&mut self, bytes: &str) -> &mut Self {
        let end = self.session.on_bytes(Bytes::copy_from_slice(bytes.as_bytes()), self.now, &mut self.events);
        self.ended(end)
    }

    fn close(&mut self, end: BodyEnd) -> &mut Self {
        let end = self.session.on_body_end(&end, self.now, &mut self.events);
        self.ended(end)
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        let end = self.session.on_timeout(self.now, &mut self.events);
        self.ended(end)
    }

    fn ended(&mut self, end: Option<End<E>>) -> &mut Self {
        if let Some(end) = end {
            assert!(self.end.is_none(), "a second end: {end:?}");
            assert!(self.session.has_ended());
            self.end = Some(end);
        }
        self
    }

    #[track_caller]
    fn error(&self) -> &StreamError {
        self.end.as_ref().expect("no end").as_ref().expect_err("finished")
    }

    #[track_caller]
    fn finish(&self) -> &Finish<E::Response> {
        self.end.as_ref().expect("no end").as_ref().expect("failed")
    }
}

fn chat() -> Driven {
    let mut driven = Driven::new(Settings::default());
    driven.head(200, "text/event-stream; charset=utf-8");
    driven
}

fn cut() -> BodyEnd {
    BodyEnd::Cut("the connection was reset".into())
}

const HELLO: &str = r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hello"}}]}

"#;
const STOP: &str = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

"#;
const DONE: &str = "data: [DONE]\n\n";

#[test]
fn done_finishes_and_nothing_follows() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).bytes(DONE);
    let finish = driven.finish();
    assert!(finish.sentinel);
    assert_eq!(finish.status, Status::Completed);
    assert_eq!(finish.finish_reasons, ["stop"]);
    assert_eq!(finish.response.content(), Some("Hello"));
    driven.bytes(HELLO).bytes(DONE).close(cut()).after(100_000);
    assert_eq!(driven.events.len(), 2);
    assert_eq!(driven.session.deadline(), None);
}

#[test]
fn done_without_a_finish_reason_finishes() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes("data:[DONE]\r\n\r\n");
    assert!(driven.finish().sentinel && driven.finish().finish_reasons.is_empty());
    // Without its blank line, too.
    let mut driven = chat();
    driven.bytes(HELLO).bytes("data: [DONE]").close(BodyEnd::Clean);
    assert!(driven.finish().sentinel);
}

#[test]
fn clean_end_with_every_finish_reason_finishes_without_sentinel() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).close(BodyEnd::Clean);
    assert!(!driven.finish().sentinel);
    assert_eq!(driven.finish().response.content(), Some("Hello"));
}

#[test]
fn every_way_a_body_ends_early_is_truncated() {
    let partial = |driven: &Driven| {
        assert_eq!(driven.error().kind.name(), "truncated");
        driven
            .error()
            .partial::<crate::api::chat::ChatCompletion>()
            .and_then(|chat| chat.content().map(str::to_owned))
    };
    // A clean close with no finish_reason: a proxy's way to say that its upstream died.
    let mut driven = chat();
    driven.bytes(HELLO).close(BodyEnd::Clean);
    assert_eq!(partial(&driven).as_deref(), Some("Hello"));
    // Cut, even when every choice had ended.
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).close(cut());
    assert_eq!(partial(&driven).as_deref(), Some("Hello"));
    assert!(driven.error().to_string().contains("the connection was reset"));
    // Inside an event.
    let mut driven = chat();
    driven.bytes(HELLO).bytes("data: {\"choices\":[{\"ind").close(BodyEnd::Clean);
    assert_eq!(partial(&driven).as_deref(), Some("Hello"));
    // One of two choices.
    let mut driven = Driven::new(Settings { choices: 2, ..Settings::default() });
    driven.head(200, "text/event-stream").bytes(HELLO).bytes(STOP).close(BodyEnd::Clean);
    assert_eq!(partial(&driven).as_deref(), Some("Hello"));
    // Before the first event: nothing arrived, so there is no partial response.
    let mut driven = chat();
    driven.bytes(": hi\n\n").close(BodyEnd::Clean);
    assert_eq!(partial(&driven), None);
    let mut driven = chat();
    driven.close(cut());
    assert_eq!(partial(&driven), None);
    // Before it can be told what it is.
    let mut driven = chat();
    driven.bytes("dat").close(cut());
    assert_eq!(partial(&driven), None);
}

#[test]
fn every_shape_of_an_error_in_the_stream_is_provider() {
    for (event, message, code) in [
        (
            "data: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":429,\"param\":null}}\n\n",
            "m",
            Some("429"),
        ),
        ("data: {\"error\":\"bare\"}\n\n", "bare", None),
        ("data: {\"type\":\"error\",\"message\":\"m\",\"code\":\"c\"}\n\n", "m", Some("c")),
        ("data: {\"object\":\"error\",\"message\":\"m\",\"code\":400}\n\n", "m", Some("400")),
        ("event: error\ndata: {\"message\":\"m\"}\n\n", "m", None),
        ("event: error\ndata: out of memory\n\n", "out of memory", None),
    ] {
        let mut driven = chat();
        driven.headers(200, &[("content-type", "text/event-stream"), ("x-request-id", "req-9")]);
        driven.bytes(HELLO).bytes(event).bytes(DONE);
        let api = driven.error().api().unwrap();
        assert_eq!(
            (driven.error().kind.name(), api.message.as_str(), api.code.as_deref()),
            ("provider", message, code)
        );
        assert_eq!(driven.error().request_id.as_deref(), Some("req-9"));
        assert!(driven.error().partial::<crate::api::chat::ChatCompletion>().is_some());
        assert_eq!(driven.events.len(), 1, "the error is no data");
    }
}

#[test]
fn unterminated_error_event_is_provider() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes("data: {\"error\":{\"message\":\"m\"}}").close(BodyEnd::Clean);
    assert_eq!(driven.error().api().unwrap().message, "m");
    let mut driven = chat();
    driven.bytes(HELLO).bytes("event: error\ndata: {\"message\":\"m\"}\n").close(cut());
    assert_eq!(driven.error().api().unwrap().message, "m");
    let mut driven = chat();
    driven.bytes(HELLO).bytes("event: error\ndata: {\"mess").close(cut());
    assert_eq!(driven.error().kind.name(), "truncated");
}

#[test]
fn error_null_is_none() {
    let mut driven = chat();
    driven.bytes("data: {\"error\":null,\"choices\":[]}\n\n").bytes(DONE);
    assert_eq!(driven.events.len(), 1);
    driven.finish();
}

#[test]
fn a_status_outside_2xx_is_refused_whatever_the_body() {
    for (status, content_type, body, message) in [
        (429, "application/json", r#"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#, Some("m")),
        (404, "application/json", r#"{"detail":"Not Found"}"#, Some("Not Found")),
        (502, "text/html", "<html>502</html>", None),
        (500, "text/event-stream", "data: {\"error\":{\"message\":\"m\"}}\n\ndata: [DONE]\n\n", Some("m")),
        (503, "text/plain", "", None),
        (302, "text/html", "moved", None),
    ] {
        let mut driven: Driven = Driven::new(Settings::default());
        let headers = [("content-type", content_type), ("x-request-id", "req-1"), ("retry-after", "3")];
        driven.headers(status, &headers);
        driven.bytes(body).close(BodyEnd::Clean);
        let error = driven.error();
        assert_eq!((error.kind.name(), error.status()), ("refused", Some(status)));
        assert_eq!(error.api().map(|api| api.message.as_str()), message);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(error.request_id.as_deref(), Some("req-1"));
        assert!(driven.events.is_empty());
    }
}

#[test]
fn a_refusal_is_told_even_if_its_body_hangs_breaks_or_floods() {
    let mut hangs: Driven = Driven::new(Settings::default());
    hangs.head(500, "application/json").bytes("{\"err").after(121);
    assert_eq!(hangs.error().status(), Some(500));
    let mut breaks: Driven = Driven::new(Settings::default());
    breaks.head(500, "application/json").bytes("{\"err").close(cut());
    assert_eq!(breaks.error().status(), Some(500));
    let mut floods: Driven = Driven::new(Settings::default());
    floods.head(500, "text/plain").bytes(&"x".repeat(70 << 10));
    let ErrorKind::Refused(refused) = &floods.error().kind else { panic!("{:?}", floods.error()) };
    assert_eq!(refused.body.len(), 64 << 10);
}

#[test]
fn success_that_is_no_stream() {
    for (content_type, body) in [
        ("text/html", "<html>log in</html>"),
        ("application/json", r#"{"object":"chat.completion","choices":[]}"#),
        ("application/json", "{malformed json: <<<chaos>>>"),
        ("text/event-stream", "Internal Server Error"),
        ("text/event-stream", ""),
    ] {
        let mut driven: Driven = Driven::new(Settings::default());
        driven.head(200, content_type).bytes(body).close(BodyEnd::Clean);
        let ErrorKind::NotAStream { content_type: got, body: head } = &driven.error().kind else {
            panic!("{:?}", driven.error())
        };
        assert_eq!((got.as_deref(), &**head), (Some(content_type), body));
    }
    let mut driven: Driven = Driven::new(Settings::default());
    driven.head(200, "application/json").bytes(r#"{"error":{"message":"m"}}"#).close(BodyEnd::Clean);
    assert_eq!(driven.error().kind.name(), "provider");
    let mut driven: Driven = Driven::new(Settings::default());
    driven.headers(200, &[("content-type", "text/event-stream"), ("content-encoding", "gzip")]);
    driven.bytes("\u{1f}").close(BodyEnd::Clean);
    assert!(driven.error().to_string().contains("gzip"), "{}", driven.error());
}

/// By their first bytes: gateways leave the header of what they have unpacked.
#[test]
fn a_body_that_is_plain_is_read_whatever_coding_its_head_names() {
    for coding in ["gzip", "br", "x"] {
        let headers = [("content-type", "text/event-stream"), ("content-encoding", coding)];
        let mut driven: Driven = Driven::new(Settings::default());
        driven.headers(200, &headers).bytes("da").bytes(&HELLO[2..]).bytes(DONE);
        assert_eq!(driven.finish().response.content(), Some("Hello"), "{coding}");
        let mut driven: Driven = Driven::new(Settings::default());
        driven.headers(200, &headers).bytes(r#"{"error":{"message":"m"}}"#).close(BodyEnd::Clean);
        assert_eq!(driven.error().kind.name(), "provider");
        let whole = || Settings { framing: Framing::Whole, ..Settings::default() };
        let mut driven: Driven = Driven::new(whole());
        driven.headers(200, &headers).bytes(r#"{"choices":[{"message":{"content":"Hello"}}]}"#);
        driven.close(BodyEnd::Clean);
        assert_eq!(driven.finish().response.content(), Some("Hello"), "{coding}");
        // What is in the coding is none of these, and is not shown.
        for (settings, status, kind) in [
            (Settings::default(), 200, "not_a_stream"),
            (whole(), 200, "not_a_stream"),
            (Settings { framing: Framing::Bytes, ..Settings::default() }, 200, "not_a_stream"),
            (Settings::default(), 429, "refused"),
        ] {
            let mut driven: Driven = Driven::new(settings);
            driven.headers(status, &headers).bytes("\u{1f}\u{8}\0").close(BodyEnd::Clean);
            assert_eq!(driven.error().kind.name(), kind);
            let message = driven.error().to_string();
            assert!(message.contains(&format!("[3 bytes in {coding}]")), "{message}");
        }
    }
}

#[test]
fn an_event_stream_under_another_content_type_is_one() {
    for content_type in ["text/plain", "application/json", "application/octet-stream"] {
        let mut driven: Driven = Driven::new(Settings::default());
        driven.head(200, content_type).bytes("da").bytes(&HELLO[2..]).bytes(DONE);
        assert_eq!(driven.finish().response.content(), Some("Hello"), "{content_type}");
    }
}

#[test]
fn an_event_that_is_not_json_is_malformed_or_skipped() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes("data: {oops\n\n");
    let ErrorKind::Malformed { payload, .. } = &driven.error().kind else { panic!("{:?}", driven.error()) };
    assert_eq!(&**payload, "{oops");
    let mut driven: Driven = Driven::new(Settings { on_malformed: OnMalformed::Skip, ..Settings::default() });
    driven.head(200, "text/event-stream").bytes(HELLO).bytes("data: {oops\n\n").bytes(STOP).bytes(DONE);
    assert_eq!((driven.events.len(), driven.finish().timings.skipped), (2, 1));
}

#[test]
fn unknown_events_are_data_with_their_payload() {
    let mut driven = chat();
    driven.bytes("data: {\"type\":\"new.thing\",\"x\":[1]}\n\ndata: 7\n\n").bytes(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\",\"new\":1},\"finish_reason\":\"new_reason\"}]}\n\n",
    );
    driven.bytes(DONE);
    let [thing, seven, last] = &*driven.events else { panic!("{:?}", driven.events) };
    assert_eq!(thing.raw.json().unwrap()["x"][0], 1);
    assert_eq!(&*seven.raw.text(), "7");
    assert_eq!(last.choices[0].delta.extra.get("new").unwrap(), 1);
    assert_eq!(last.finish_reason().unwrap(), "new_reason");
}

#[test]
fn data_that_is_a_comment_is_none() {
    let mut driven = chat();
    driven.bytes("data: : keepalive\n\n").bytes(HELLO).bytes(DONE);
    assert_eq!(driven.events.len(), 1);
}

#[test]
fn silence_names_the_timeout() {
    let timeouts = || {
        let seconds = Duration::from_secs;
        Timeouts::unlimited().first_event(seconds(10)).idle(seconds(5)).stall(seconds(8)).total(seconds(100))
    };
    let start = || -> Driven { Driven::new(Settings { timeouts: timeouts(), ..Settings::default() }) };
    let mut silent = start();
    silent.after(9);
    assert!(silent.end.is_none());
    assert_eq!(silent.session.deadline(), Some(silent.start + Duration::from_secs(10)));
    silent.after(1);
    assert_eq!(silent.error().timeout(), Some(Timeout::FirstEvent));
    assert!(silent.error().partial::<crate::api::chat::ChatCompletion>().is_none());

    // Comments keep a stream from idling, not from stalling, and are no first event.
    let mut comments = start();
    comments.head(200, "text/event-stream");
    comments.bytes(": a\n").after(4).bytes(": b\n").after(4).bytes(": c\n").after(2);
    assert_eq!(comments.error().timeout(), Some(Timeout::FirstEvent));
    let mut stalls = start();
    stalls.head(200, "text/event-stream").bytes(HELLO).after(4).bytes(": b\n").after(4);
    assert_eq!(stalls.error().timeout(), Some(Timeout::Stall));
    assert!(stalls.error().partial::<crate::api::chat::ChatCompletion>().is_some());

    let mut idles = start();
    idles.head(200, "text/event-stream").bytes(HELLO).after(5);
    assert_eq!(idles.error().timeout(), Some(Timeout::Idle));

    let mut drips = start();
    drips.head(200, "text/event-stream");
    while drips.end.is_none() {
        drips.bytes(HELLO).after(4);
    }
    assert_eq!(drips.error().timeout(), Some(Timeout::Total));
    assert_eq!(drips.error().timings.total, Duration::from_secs(100));
}

#[test]
fn keepalive_events_reset_idle_but_not_stall() {
    let timeouts = Timeouts::unlimited().idle(Duration::from_secs(5)).stall(Duration::from_secs(8));
    let mut driven = Driven::<RawEvent>::new(Settings { timeouts, ..Settings::default() });
    driven.head(200, "text/event-stream").bytes("data: {\"type\":\"x\"}\n\n");
    let keepalive = "data: {\"type\":\"keepalive\"}\n\n";
    driven.after(4).bytes(keepalive).after(4);
    assert_eq!(driven.error().timeout(), Some(Timeout::Stall));
    assert_eq!(driven.events.len(), 2, "a keepalive event is data");
}

#[test]
fn a_slow_target_is_not_the_servers_silence() {
    let timeouts = Timeouts::unlimited().idle(Duration::from_secs(5)).stall(Duration::from_secs(8));
    let mut driven: Driven = Driven::new(Settings { timeouts, ..Settings::default() });
    driven.head(200, "text/event-stream").bytes(HELLO);
    driven.session.pause(driven.now);
    driven.after(1000);
    assert!(driven.end.is_none());
    driven.session.resume(driven.now);
    driven.after(4);
    assert!(driven.end.is_none());
    driven.after(1);
    assert_eq!(driven.error().timeout(), Some(Timeout::Idle));
}

#[test]
fn waiting_for_a_place_has_its_own_timeout() {
    let start = Instant::now();
    let settings =
        Settings { timeouts: Timeouts::default().queue(Duration::from_secs(2)), ..Settings::default() };
    let mut session = Session::<ChatCompletionChunk>::new(settings, start, 1);
    session.on_queued(start);
    let end = session.on_timeout(start + Duration::from_secs(2), &mut Vec::new()).unwrap();
    assert_eq!(end.unwrap_err().timeout(), Some(Timeout::Queue));
}

#[test]
fn limits_end_the_stream() {
    let limits = Limits { event: 100, response: 100 << 10, ..Limits::default() };
    let mut driven: Driven = Driven::new(Settings { limits: limits.clone(), ..Settings::default() });
    driven.head(200, "text/event-stream").bytes("data: ").bytes(&"x".repeat(200));
    assert_eq!(driven.error().kind, ErrorKind::Limit { limit: Limit::Event, max: 100 });

    let settings = Settings { limits: Limits { event: 1 << 20, ..limits }, ..Settings::default() };
    let mut driven: Driven = Driven::new(settings.clone());
    driven.head(200, "text/event-stream");
    let big = HELLO.replace("Hello", &"x".repeat(50 << 10));
    driven.bytes(&big).bytes(&big);
    assert_eq!(driven.error().kind, ErrorKind::Limit { limit: Limit::Response, max: 100 << 10 });
    assert!(driven.error().partial::<crate::api::chat::ChatCompletion>().is_some());

    let mut driven: Driven = Driven::new(Settings { keep_response: false, ..settings });
    driven.head(200, "text/event-stream");
    driven.bytes(&big).bytes(&big).bytes(&big).bytes(DONE);
    driven.finish();
}

#[test]
fn cancelling_keeps_the_partial_response() {
    let mut driven = chat();
    driven.bytes(HELLO);
    let error = driven.session.fail(ErrorKind::Cancelled, driven.now).unwrap_err();
    assert_eq!(error.partial::<crate::api::chat::ChatCompletion>().unwrap().content(), Some("Hello"));
    driven.bytes(HELLO).close(BodyEnd::Clean);
    assert_eq!(driven.events.len(), 1);
}

#[test]
fn an_unstreamed_answer_is_one_object() {
    let settings = || Settings { framing: Framing::Whole, ..Settings::default() };
    let whole = r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
    let mut driven: Driven = Driven::new(settings());
    driven.head(200, "application/json").bytes(&whole[..20]).bytes(&whole[20..]).close(BodyEnd::Clean);
    assert_eq!(driven.finish().response.content(), Some("Hi"));
    assert_eq!(driven.finish().finish_reasons, ["stop"]);

    for (body, end, kind) in [
        (whole, cut(), "truncated"),
        ("<html>", BodyEnd::Clean, "malformed"),
        (r#"{"error":{"message":"m"}}"#, BodyEnd::Clean, "provider"),
    ] {
        let mut driven: Driven = Driven::new(settings());
        driven.head(200, "application/json").bytes(body).close(end);
        assert_eq!(driven.error().kind.name(), kind);
    }
    let limits = Limits { body: 10, ..Limits::default() };
    let mut driven: Driven = Driven::new(Settings { limits, ..settings() });
    driven.head(200, "application/json").bytes(whole);
    assert_eq!(driven.error().kind, ErrorKind::Limit { limit: Limit::Body, max: 10 });
}

#[test]
fn what_is_no_stream_ends_alike_however_it_is_split() {
    for body in ["\n{\"a\":1}", " \n<html>", "   ", "{}", "<"] {
        for (error_body, most) in (0..4).flat_map(|error_body| (0..9).map(move |most| (error_body, most))) {
            let kind = |at: usize| {
                let limits = Limits { error_body, body: most, ..Limits::default() };
                let mut driven: Driven = Driven::new(Settings { limits, ..Settings::default() });
                driven.head(200, "text/html").bytes(&body[..at]).bytes(&body[at..]).close(BodyEnd::Clean);
                driven.error().kind.name()
            };
            for at in 1..body.len() {
                assert_eq!(kind(at), kind(0), "{body:?} at {at}, limits {error_body} and {most}");
            }
        }
    }
}

#[test]
fn raw_streams_end_as_their_events_say() {
    let raw = |body: &str, ends_on_close: bool| {
        let mut driven = Driven::<RawEvent>::new(Settings { ends_on_close, ..Settings::default() });
        driven.head(200, "text/event-stream").bytes(body).close(BodyEnd::Clean);
        driven.end.unwrap().map(|finish| (finish.status, finish.sentinel)).map_err(|error| error.kind.name())
    };
    assert_eq!(raw("data: {\"type\":\"response.completed\"}\n\n", false), Ok((Status::Completed, true)));
    assert_eq!(raw("data: {\"type\":\"response.incomplete\"}\n\n", false), Ok((Status::Incomplete, true)));
    assert_eq!(raw("data: {\"a\":1}\n\n", false), Err("truncated"));
    assert_eq!(raw("data: {\"a\":1}\n\n", true), Ok((Status::Completed, false)));
    assert_eq!(raw(": only a comment\n\n", true), Err("truncated"));
    assert_eq!(raw(STOP, false), Ok((Status::Completed, false)));
    assert_eq!(
        raw("data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"message\":\"m\"}}}\n\n", false),
        Err("provider")
    );
}

#[test]
fn any_split_of_the_same_bytes_gives_the_same_events_and_end() {
    let body = format!("\u{feff}: hi\r\n\r\n{HELLO}{}{STOP}{DONE}", HELLO.replace("Hello", "é你😀"));
    let run = |cuts: &[usize]| {
        let mut driven = chat();
        let mut from = 0;
        for to in cuts.iter().copied().chain([body.len()]) {
            let read = Bytes::copy_from_slice(&body.as_bytes()[from..to]);
            let end = driven.session.on_bytes(read, driven.now, &mut driven.events);
            driven.ended(end);
            from = to;
        }
        (driven.events.clone(), driven.finish().response.clone())
    };
    let whole = run(&[]);
    assert_eq!(whole.1.content(), Some("Helloé你😀"));
    for cut in 0..=body.len() {
        assert_eq!(run(&[cut]), whole, "cut at {cut}");
    }
    assert_eq!(run(&(0..body.len()).collect::<Vec<_>>()), whole, "byte by byte");
}

#[test]
fn timings_count_from_the_start() {
    let mut driven: Driven = Driven::new(Settings::default());
    driven
        .after(1)
        .head(200, "text/event-stream")
        .after(1)
        .bytes(HELLO)
        .after(1)
        .bytes(STOP)
        .after(1)
        .bytes(DONE);
    let timings = driven.finish().timings;
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!((timings.head, timings.first_event, timings.last_event), (seconds(1), seconds(2), seconds(3)));
    assert_eq!((timings.total, timings.events), (Duration::from_secs(4), 2));
}

#[test]
fn a_key_that_the_server_repeats_is_not_shown_however_the_refusal_ends() {
    let settings = || Settings { secrets: [Secret::new("sk-12345")].into(), ..Settings::default() };
    for hangs in [false, true] {
        let mut driven: Driven = Driven::new(settings());
        driven.head(401, "text/plain").bytes("bad key sk-12345");
        if hangs {
            driven.after(121);
        } else {
            driven.close(BodyEnd::Clean);
        }
        let shown = format!("{} {:?}", driven.error(), driven.error());
        assert!(!shown.contains("sk-1") && shown.contains("bad key ***"), "{shown}");
    }
}

#[test]
fn a_body_that_begins_with_many_line_ends_is_told_by_its_first_bytes() {
    let body = "\n".repeat(5000) + "<html>";
    let end = |reads: &[&str]| {
        let mut driven = chat();
        for read in reads {
            driven.bytes(read);
        }
        driven.close(BodyEnd::Clean);
        driven.error().kind.clone()
    };
    let (first, rest) = body.split_at(4200);
    assert_eq!(end(&[&body]), end(&[first, rest]));
    assert_eq!(end(&[&body]).name(), "truncated");
}

#[test]
fn everything_that_a_response_holds_counts_towards_its_limit() {
    const LIMIT: usize = 64 << 10;
    let limits = Limits { response: LIMIT, ..Limits::default() };
    let long = "x".repeat(1000);
    let deltas = [
        format!(r#"{{"choices":[{{"index":0,"delta":{{"unknownNUMBER":"{long}"}}}}]}}"#),
        format!(r#"{{"choices":[{{"index":0,"unknownNUMBER":"{long}"}}]}}"#),
        format!(r#"{{"choices":[],"unknownNUMBER":["{long}"]}}"#),
        format!(r#"{{"choices":[{{"index":0,"delta":{{"annotations":["{long}"]}}}}]}}"#),
        format!(
            r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"name":"NUMBER{long}"}}}}]}}}}]}}"#
        ),
        format!(
            r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":NUMBER,"id":"NUMBER{long}"}}]}}}}]}}"#
        ),
        format!(r#"{{"choices":[{{"index":NUMBER,"delta":{{"role":"{long}"}}}}]}}"#),
        format!(r#"{{"choices":[{{"index":0,"logprobs":{{"content":[{{"token":"{long}"}}]}}}}]}}"#),
        format!(
            r#"{{"choices":[{{"index":0,"logprobs":{{"content":[{{"bytes":[{}1]}}]}}}}]}}"#,
            "1,".repeat(500)
        ),
    ];
    for delta in deltas {
        let mut driven: Driven = Driven::new(Settings { limits: limits.clone(), ..Settings::default() });
        driven.head(200, "text/event-stream");
        for number in 0..100 {
            driven.bytes(&format!("data: {}\n\n", delta.replace("NUMBER", &number.to_string())));
        }
        assert_eq!(driven.error().kind, ErrorKind::Limit { limit: Limit::Response, max: LIMIT }, "{delta}");
    }
    let texts = [
        r#"{"type":"response.output_text.delta","output_index":7NUMBER,"content_index":0,"delta":"LONG"}"#,
        r#"{"type":"response.output_text.done","output_index":0,"content_index":7NUMBER,"text":"LONG"}"#,
        r#"{"type":"response.reasoning_text.delta","output_index":18446744073709551615,"content_index":NUMBER,"delta":"LONG"}"#,
    ];
    for text in texts {
        let mut driven = Driven::<crate::api::responses::ResponseEvent>::new(Settings {
            limits: limits.clone(),
            ..Settings::default()
        });
        driven.head(200, "text/event-stream");
        for number in 0..100 {
            let event = text.replace("NUMBER", &number.to_string()).replace("LONG", &long);
            driven.bytes(&format!("data: {event}\n\n"));
        }
        assert_eq!(driven.error().kind, ErrorKind::Limit { limit: Limit::Response, max: LIMIT }, "{text}");
    }
}

#[test]
fn nested_errors_take_bounded_time() {
    // Every level has wrong fields behind the next one, and each of them would have all before it read again.
    let wrong = r#""status":[],"summary":7,"text":{},"type2":1"#;
    let annotations =
        vec![r#"{"type":"url_citation","end_index":[],"start_index":{},"title":7,"url":[]}"#; 50].join(",");
    let part = format!(r#"{{"type":"output_text","annotations":[{annotations}],"logprobs":7,"text":{{}}}}"#);
    let item = format!(
        r#"{{"type":"message","content":[{}],"id":7,"role":[],"status":[]}}"#,
        vec![part; 20].join(",")
    );
    let event = format!(
        r#"{{"type":"response.completed","response":{{"id":"r","output":[{}],"parallel_tool_calls":"x","temperature":[],"tool_choice":7,"top_p":[],"truncation":[],"usage":{{"input_tokens":[],"output_tokens":{{}},"total_tokens":"x"}},{wrong}}}}}"#,
        vec![item; 5].join(",")
    );
    let mut driven = Driven::<crate::api::responses::ResponseEvent>::new(Settings::default());
    driven.head(200, "text/event-stream");
    let begun = Instant::now();
    driven.bytes(&format!("data: {event}\n\n"));
    let taken = begun.elapsed();
    println!("{} bytes took {taken:?}", event.len());
    assert!(taken < Duration::from_secs(30), "{taken:?}");
    // What is as wrong as that is not read; it is the last event all the same.
    let finish = driven.finish();
    assert_eq!((finish.status, finish.sentinel), (Status::Completed, true));
    assert_eq!(driven.events.len(), 1);
}

#[test]
fn a_last_event_that_cannot_be_read_ends_with_what_came_before() {
    let unreadable = |r#type: &str| {
        let wrong: Vec<String> = (0..40).map(|_| r#"{"type":"message","content":7}"#.into()).collect();
        let fields = r#""id":[],"model":{},"created_at":[],"metadata":7,"tools":{},"usage":[],"text":7,"error":7,"reasoning":7"#;
        format!(
            r#"{{"type":"{type}","response":{{{fields},"output":[{}]}},"sequence_number":[]}}"#,
            wrong.join(",")
        )
    };
    for (r#type, status) in
        [("response.completed", Status::Completed), ("response.incomplete", Status::Incomplete)]
    {
        let mut driven = Driven::<crate::api::responses::ResponseEvent>::new(Settings::default());
        driven.head(200, "text/event-stream");
        driven.bytes("data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\"}}\n\n");
        driven.bytes(concat!(
            r#"data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hello"}"#,
            "\n\n"
        ));
        driven.bytes(&format!("data: {}\n\n", unreadable(r#type)));
        let finish = driven.finish();
        assert_eq!((finish.status, finish.sentinel), (status, true));
        let response = serde_json::to_value(&*finish.response).unwrap();
        let ended = r#type.strip_prefix("response.").unwrap();
        assert_eq!((&response["id"], &response["status"]), (&"resp_1".into(), &ended.into()));
        assert_eq!(response["output"][0]["content"][0]["text"], "Hello");
    }
    let mut driven = Driven::<crate::api::responses::ResponseEvent>::new(Settings::default());
    driven.head(200, "text/event-stream");
    driven.bytes(&format!("data: {}\n\n", unreadable("response.failed")));
    assert_eq!(driven.error().kind.name(), "provider");
}

#[test]
fn an_index_that_is_none_touches_no_other() {
    for index in [
        "4294967296",
        "-1",
        "-0.5",
        "18446744073709551616",
        "1e300",
        r#""4294967296""#,
        r#""-1""#,
        r#""x""#,
        "true",
        "[]",
    ] {
        let mut driven = chat();
        driven.bytes(&format!("data: {}\n\n", chunk_at("0", "near")));
        driven.bytes(&format!("data: {}\n\n", chunk_at(index, "far")));
        driven.bytes(&format!(
            r#"data: {{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"id":"a","function":{{"name":"f","arguments":"1"}}}},{{"index":{index},"function":{{"arguments":"2"}}}}]}}}}]}}"#
        ));
        driven.bytes("\n\ndata: [DONE]\n\n");
        let response = &driven.finish().response;
        let indices: Vec<u32> = response.choices.iter().map(|choice| choice.index).collect();
        assert_eq!(indices, [0, u32::MAX], "{index}");
        assert_eq!(response.content(), Some("near"), "{index}");
        assert_eq!(response.choices[1].message.content.as_deref(), Some("far"), "{index}");
        let arguments =
            response.tool_calls().iter().map(|call| call.function.as_ref().unwrap().arguments.as_str());
        assert_eq!(arguments.collect::<Vec<_>>(), ["1", "2"], "{index}");

        let mut driven = Driven::<crate::api::responses::ResponseEvent>::new(Settings::default());
        driven.head(200, "text/event-stream");
        for (output, content, delta) in [("0", "0", "near"), (index, "0", "far"), ("0", index, "far")] {
            driven.bytes(&format!(
                "data: {{\"type\":\"response.output_text.delta\",\"output_index\":{output},\"content_index\":{content},\"delta\":\"{delta}\"}}\n\n"
            ));
        }
        driven.bytes("data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\"}}\n\n");
        let response = serde_json::to_value(&*driven.finish().response).unwrap();
        let output = response["output"].as_array().unwrap();
        let parts = output[0]["content"].as_array().unwrap();
        assert_eq!((output.len(), parts.len(), &parts[0]["text"]), (1, 1, &"near".into()), "{index}");
    }
}

fn chunk_at(index: &str, content: &str) -> String {
    format!(r#"{{"choices":[{{"index":{index},"delta":{{"content":"{content}"}}}}]}}"#)
}

#[path = "session_timeout_tests.rs"]
mod timeouts;

#[test]
fn an_event_named_as_a_keep_alive_is_none_even_if_its_data_is_like_the_last_event() {
    let chunk = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let ping = format!("event: ping\n{}", chunk("x"));
    let done =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let body = [chunk("a"), chunk("b"), chunk("c"), ping.clone(), ping, chunk("d"), done.to_owned()].concat();
    let mut driven = Driven::<ChatCompletionChunk>::new(Settings::default());
    driven.head(200, "text/event-stream").bytes(&body);
    let finish = driven.end.unwrap().unwrap();
    assert_eq!(finish.response.choices[0].message.content.as_deref(), Some("abcd"));
}
