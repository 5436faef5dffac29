//! What becomes of a stream when nothing more comes of it, or too slowly.

use super::*;

const USAGE: &str = r#"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}

"#;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with<E: Event>(settings: Settings) -> Driven<E> {
    let mut driven = Driven::new(settings);
    driven.head(200, "text/event-stream");
    driven
}

#[test]
fn silence_after_every_finish_reason_is_a_finish_without_sentinel() {
    for choices in [1, 2] {
        let mut driven: Driven = with(Settings { choices, ..Settings::default() });
        driven.bytes(HELLO).bytes(STOP);
        if choices == 2 {
            // One of them has not ended.
            driven.after(20).bytes(&STOP.replace("\"index\":0", "\"index\":1"));
        }
        driven.after(4);
        assert!(driven.end.is_none());
        driven.after(1);
        let finish = driven.finish();
        assert!(!finish.sentinel);
        assert_eq!((finish.status, finish.finish_reasons.len()), (Status::Completed, choices));
        assert_eq!(finish.response.content(), Some("Hello"));
        assert_eq!(driven.session.deadline(), None);
    }
}

#[test]
fn comments_and_keepalives_do_not_extend_the_tail() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP);
    for _ in 0..4 {
        driven.after(1).bytes(": ping\n\n").bytes("data: : ping\n\n").bytes("event: ping\n");
    }
    assert!(driven.end.is_none());
    driven.after(1);
    assert!(!driven.finish().sentinel);
    let keepalive = "data: {\"type\":\"keepalive\"}\n\n";
    let mut driven: Driven<RawEvent> = with(Settings::default());
    driven.bytes(STOP).after(3).bytes(keepalive).after(2);
    assert!(!driven.finish().sentinel);
}

#[test]
fn events_within_the_tail_timeout_count() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).after(4).bytes(USAGE).after(4);
    assert!(driven.end.is_none(), "the usage is an event: silence begins after it");
    driven.after(1);
    assert_eq!(driven.finish().response.usage.as_ref().unwrap().total_tokens, 3);
    assert_eq!(driven.events.len(), 3);
    // The sentinel, also without its blank line; an error.
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).after(4).bytes(DONE);
    assert!(driven.finish().sentinel);
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).bytes("data: [DONE]").after(5);
    assert!(driven.finish().sentinel);
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).bytes(USAGE.trim_end()).after(5);
    assert_eq!((driven.finish().sentinel, driven.events.len()), (false, 3));
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).bytes("data: {\"error\":{\"message\":\"m\"}}").after(5);
    assert_eq!(driven.error().kind.name(), "provider");
    // A choice that nobody knew of.
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).after(4).bytes(&HELLO.replace("\"index\":0", "\"index\":1")).after(119);
    assert!(driven.end.is_none(), "the answer is not complete any more");
    driven.after(1);
    assert_eq!(driven.error().timeout(), Some(Timeout::Idle));
}

#[test]
fn a_complete_answer_is_no_timeout_whichever_timeout_runs_out() {
    for timeouts in [
        Timeouts::default().idle(seconds(2)),
        Timeouts::default().stall(seconds(2)),
        Timeouts::default().total(seconds(2)),
        Timeouts { tail: None, ..Timeouts::default().idle(seconds(2)) },
    ] {
        let mut driven: Driven = with(Settings { timeouts, ..Settings::default() });
        driven.bytes(HELLO).bytes(STOP).after(2);
        assert!(!driven.finish().sentinel);
    }
    let mut driven: Driven =
        with(Settings { timeouts: Timeouts::default().tail(seconds(1)), ..Settings::default() });
    driven.bytes(HELLO).bytes(STOP).after(1);
    assert!(!driven.finish().sentinel);
}

#[test]
fn the_tail_stands_still_while_the_target_is_behind() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP);
    driven.session.pause(driven.now);
    driven.after(1000);
    assert!(driven.end.is_none());
    driven.session.resume(driven.now);
    driven.after(4);
    assert!(driven.end.is_none());
    driven.after(1);
    assert!(!driven.finish().sentinel);
}

#[test]
fn a_cut_within_the_tail_is_a_cut() {
    let mut driven = chat();
    driven.bytes(HELLO).bytes(STOP).after(1).close(cut());
    assert_eq!(driven.error().kind.name(), "truncated");
}

#[test]
fn raw_events_have_a_tail_when_each_choice_has_ended() {
    let second = STOP.replace("\"index\":0", "\"index\":1");
    let mut driven: Driven<RawEvent> = with(Settings { choices: 2, ..Settings::default() });
    driven.bytes(STOP).after(20).bytes(USAGE).after(20).bytes(&second).bytes(USAGE).after(5);
    assert!(!driven.finish().sentinel);
    // An event about a choice that has ended, such as its usage, does not begin it anew.
    let mut driven: Driven<RawEvent> = with(Settings::default());
    driven.bytes(STOP).bytes("data: {\"choices\":[{\"index\":0,\"delta\":{}}],\"usage\":{}}\n\n").after(5);
    assert!(!driven.finish().sentinel);
    let mut driven: Driven<RawEvent> = with(Settings::default());
    driven.bytes(STOP).bytes(&second.replace("\"stop\"", "null")).after(5);
    assert!(driven.end.is_none(), "a second choice goes on");
}

#[test]
fn the_body_of_a_refusal_may_take_idle_in_all() {
    for framing in [Framing::Events, Framing::Bytes, Framing::Whole] {
        let timeouts = Timeouts::default().idle(seconds(2));
        let mut driven: Driven = Driven::new(Settings { timeouts, framing, ..Settings::default() });
        driven.head(429, "application/json");
        driven.bytes("{\"err").after(1).bytes("or\":").after(1);
        let ErrorKind::Refused(refused) = &driven.error().kind else { panic!("{:?}", driven.error()) };
        assert_eq!((refused.status, refused.body.as_str()), (429, "{\"error\":"));
    }
}

#[test]
fn an_unstreamed_answer_has_its_timeouts() {
    let timeouts = || Timeouts::default().first_event(seconds(1)).idle(seconds(5)).response(seconds(60));
    let start = || -> Driven {
        Driven::new(Settings { timeouts: timeouts(), framing: Framing::Whole, ..Settings::default() })
    };
    // The server may think before the head, and behind it.
    let mut silent = start();
    silent.after(59);
    assert!(silent.end.is_none());
    silent.head(200, "application/json").after(1);
    assert_eq!(silent.error().timeout(), Some(Timeout::Response));
    // White space, by which some keep the connection, is no answer.
    let mut blank = start();
    blank.head(200, "application/json");
    for _ in 0..15 {
        blank.after(4).bytes(" \n");
    }
    assert_eq!(blank.error().timeout(), Some(Timeout::Response));
    let mut idles = start();
    idles.head(200, "application/json").after(50).bytes("\n").after(5);
    assert_eq!(idles.error().timeout(), Some(Timeout::Idle));
    // An answer that has begun may go on for as long as something comes.
    let mut slow = start();
    slow.head(200, "application/json").after(50).bytes("\n\n{\"id\":\"c\",");
    for _ in 0..10 {
        slow.after(4).bytes(" ");
    }
    slow.bytes("\"choices\":[]}").close(BodyEnd::Clean);
    slow.finish();
    // What is looked up has one timeout for all of it.
    let mut lookup: Driven =
        Driven::new(Settings { framing: Framing::Whole, lookup: true, ..Settings::default() });
    lookup.head(200, "application/json").bytes("{").after(29).bytes("\"id\":");
    assert!(lookup.end.is_none());
    lookup.after(1);
    assert_eq!(lookup.error().timeout(), Some(Timeout::Lookup));
}
