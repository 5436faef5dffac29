//! Secrets are shown nowhere: streams with every kind of end run at trace level, and all output, logs and panic
//! messages are searched for secrets.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{self, Debug, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::Actor;
use actorstream::{Limits, OpenAi, RetryPolicy, StreamError, Timeouts};
use actorstream_test::{ChatStream, Reply, Script, TestCa, Upstream};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

use common::{Noting, chunk, hello, stop, within};

/// A unique key, with characters that are encoded differently in a URL, in JSON and in base64.
const KEY: &str = "sk-KEY+one/1234567890=";
const HEADER: &str = "HEADER-two-1234567890";
const PASSWORD: &str = "PASSWORD-three";
const TOKEN: &str = "VE9LRU4tc2V2ZW4tMTIzNDU2Nzg5MA==";
/// `user:PASSWORD-three` in base64, as a proxy receives it.
const BASIC: &str = "dXNlcjpQQVNTV09SRC10aHJlZQ==";
const COOKIE: &str = "COOKIE-four-1234567890";
const QUERY: &str = "QUERY+five/1234567890";
const PARAMETER: &str = "PARAMETER six 1234567890";

/// The message of the only intended panic.
const MEANT: &str = "the panic that is meant";

/// Returns all encodings of all secrets.
fn needles() -> Vec<String> {
    let mut needles = Vec::new();
    for secret in [KEY, HEADER, PASSWORD, BASIC, TOKEN, COOKIE, QUERY, PARAMETER] {
        let percent = |upper: bool| -> String {
            let bytes = secret.bytes().map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => {
                    char::from(byte).to_string()
                }
                byte if upper => format!("%{byte:02X}"),
                byte => format!("%{byte:02x}"),
            });
            bytes.collect()
        };
        let form = percent(true).replace("%20", "+");
        needles.extend([secret.to_owned(), percent(true), percent(false), form, secret.replace('/', "\\/")]);
        needles.push(base64(secret));
        // However it was truncated: a revealing start of it.
        needles.push(secret.chars().take(12).collect());
    }
    needles
}

/// Base64 without the last group, which depends on what follows.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = text.as_bytes().chunks_exact(3).flat_map(|group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift & 63) as usize]))
    });
    groups.collect()
}

/// All logs and panic messages.
static SHOWN: Mutex<String> = Mutex::new(String::new());

fn show(what: impl fmt::Display) {
    let mut shown = SHOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    writeln!(shown, "{what}").unwrap();
}

/// Records every span and event of every target.
struct Everything(AtomicU64);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?} {value:#?}").unwrap();
    }
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(format!("span {}", span.metadata().target()));
        span.record(&mut fields);
        show(fields.0);
        Id::from_u64(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields("record".into());
        values.record(&mut fields);
        show(fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(format!("event {}", event.metadata().target()));
        event.record(&mut fields);
        show(fields.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Records the logs of crates that do not use tracing.
struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        show(format_args!("log {} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

fn show_debug(what: &dyn Debug) {
    show(format_args!("{what:?} {what:#?}"));
}

fn show_error(error: &StreamError) {
    show(format_args!("{error} {error:#} {:?} {:?}", error.kind, error.api()));
    show_debug(error);
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(error) = source {
        show(format_args!("caused by {error} {error:?}"));
        source = error.source();
    }
}

/// Returns a client with a secret in every place that can have one.
fn set_up(base_url: &str) -> actorstream::OpenAiBuilder {
    OpenAi::builder()
        .base_url(format!("{base_url}?api-key=QUERY%2Bfive%2F1234567890"))
        .api_key(KEY)
        .header("x-api-key", HEADER)
        .header("x-authorization", format!("Basic {TOKEN}"))
        .header("cookie", format!("session={COOKIE}; theme=dark"))
        .query("access_token", PARAMETER)
        .retry(RetryPolicy::none())
}

/// Returns a message that repeats everything that the server, or its proxy, received.
fn all(proxied: bool) -> String {
    let proxy_authorization = if proxied { BASIC } else { "" };
    format!(
        "{KEY} {HEADER} {proxy_authorization} {TOKEN} {COOKIE} {QUERY} {PARAMETER} /v1?api-key=QUERY%2Bfive%2F1234567890&access_token=PARAMETER+six+1234567890"
    )
}

fn answers(proxied: bool) -> Vec<Script> {
    let all = all(proxied);
    let escaped = all.replace('/', "\\/");
    let error = |message: &str| json!({"error": {"message": message, "type": message, "code": message, "param": message, message: [message]}});
    let cut = format!("{}{KEY}", "x".repeat(Limits::default().error_body - 15));
    vec![
        ChatStream::new().content("Hello").finish_reason("stop").reply().into(),
        Reply::json(401, &error(&all)).header("x-request-id", KEY).into(),
        Reply::json(429, &error(&all)).header("retry-after", KEY).into(),
        Reply::text(500, "text/html", all.clone()).into(),
        Reply::text(404, "application/json", format!("{{\"detail\":\"{escaped}\"}}")).into(),
        Reply::text(400, "text/plain", cut).into(),
        Reply::text(302, "text/plain", "").header("location", format!("http://127.0.0.1:1/{KEY}")).into(),
        Reply::json(200, &error(&all)).into(),
        Reply::text(200, "text/html", all.clone()).into(),
        Reply::text(200, &format!("text/{KEY}"), all.clone()).header("content-encoding", HEADER).into(),
        Reply::sse().event(chunk("a")).event(error(&all)).end().into(),
        Reply::sse().event(chunk("a")).named_event("error", &all).end().into(),
        Reply::sse().event(chunk("a")).event(format!("no JSON {all}")).end().into(),
        Reply::sse().event(chunk("a")).event(format!("{{\"created\": {KEY:?} x")).end().into(),
        Reply::sse().event(chunk("a")).cut().into(),
        Reply::sse().event(chunk("a")).event(stop()).end().into(),
        Reply::raw().reset().into(),
        Reply::raw().bytes(format!("SSH-2.0 {all}\r\n\r\n")).close().into(),
        Reply::raw().bytes(format!("HTTP/1.1 200 OK\r\n{all}\r\n\r\n")).close().into(),
        Reply::sse().event(chunk("a")).hold().into(),
        Script::on_accept(Reply::raw().hold()),
    ]
}

#[actix_rt::test]
async fn no_secret_is_shown_logged_or_panicked_with() {
    tracing::subscriber::set_global_default(Everything(AtomicU64::new(0))).unwrap();
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        show(format_args!("{panic} {panic:?}"));
        // Print unintended panics.
        if !panic.to_string().contains(MEANT) {
            usual(panic);
        }
    }));

    let short = Duration::from_millis(200);
    let timeouts = Timeouts::default().first_event(short).idle(short).total(2 * short);
    for script in answers(false) {
        let upstream = Upstream::start(script);
        run(set_up(&upstream.base_url()).timeouts(timeouts.clone())).await;
        if let Some(request) = upstream.requests().first() {
            assert_eq!(
                request.header("authorization"),
                Some(&*format!("Bearer {KEY}")),
                "it is sent all the same"
            );
        }
    }
    for url in
        [Upstream::refused_url(), "http://no-such-host.invalid/v1".into(), "https://127.0.0.1:1/v1".into()]
    {
        run(set_up(&url)).await;
    }
    let ca = TestCa::new();
    let upstream =
        Upstream::builder().tls(&ca.identity(&["127.0.0.1"])).start(answers(false)[0].clone()).unwrap();
    run(set_up(&upstream.base_url())).await;
    run(set_up(&upstream.base_url()).ca_certificate(ca.pem())).await;
    // Through a proxy that repeats what it received, to a server that does the same.
    for script in answers(true) {
        let upstream = Upstream::start(script);
        let proxy = format!("http://user:{PASSWORD}@{}", upstream.addr());
        run(set_up("http://host.test/v1").proxy(&proxy).no_proxy("").timeouts(timeouts.clone())).await;
        if let Some(request) = upstream.requests().first() {
            assert_eq!(request.header("proxy-authorization"), Some(&*format!("Basic {BASIC}")));
        }
        run(set_up("https://host.test/v1").proxy(&proxy).no_proxy("").timeouts(timeouts.clone())).await;
    }
    // Invalid configurations.
    for builder in [
        set_up("http://host").api_key(format!("{KEY}\n{HEADER}")),
        set_up("http://host").header("x-api-key", format!("{HEADER}\n{KEY}")),
        set_up("http://host").header("connection", HEADER),
        set_up("http://host").base_url(format!("ftp://{KEY}@host")),
        set_up("http://host").base_url(format!("http://user:{HEADER}@host/v1")),
        set_up("http://host").organization("org\n"),
        set_up("http://host").proxy(format!("socks4://user:{PASSWORD}@host")),
        set_up("http://host").proxy(format!("http://{PASSWORD}:{KEY}@:")),
    ] {
        show_debug(&builder);
        show_error(&builder.build().unwrap_err());
    }

    drop(std::panic::take_hook());
    let shown = SHOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let targets: BTreeSet<_> = shown
        .lines()
        .filter(|line| ["event ", "span ", "log "].iter().any(|kind| line.starts_with(kind)))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    println!("{} bytes were shown, and these were heard: {targets:?}", shown.len());
    assert!(
        targets.iter().any(|target| target.starts_with("actix")),
        "the subscriber hears nothing: {targets:?}"
    );
    assert!(shown.contains(MEANT), "the hook hears nothing");
    assert!(shown.contains("***"), "nothing was repeated");
    for needle in needles() {
        let found = shown.find(&needle).map(|at| {
            &shown[shown.floor_char_boundary(at.saturating_sub(300))..shown.floor_char_boundary(at + 100)]
        });
        assert!(found.is_none(), "{needle}: {}", found.unwrap_or_default());
    }
}

/// Streams to every kind of target, and formats everything available.
async fn run(builder: actorstream::OpenAiBuilder) {
    show_debug(&builder);
    let openai = builder.build().unwrap();
    show_debug(&openai);
    let call = openai.chat();
    show_debug(&call);
    show_debug(&openai.responses().resume("resp_1", 7));
    let handle = call.stream(hello(), Noting::with(|_, stream, _| show_debug(stream)).start());
    show_debug(&handle);
    let mut outcomes = vec![within(handle).await];
    outcomes.push(within(call.create(hello())).await);
    outcomes.push(within(call.stream_fn(hello(), |_| panic!("{MEANT}"))).await);
    let cancelled = call.stream_fn(hello(), |_| {});
    cancelled.cancel();
    outcomes.push(within(cancelled).await);
    for outcome in &outcomes {
        match outcome {
            Ok(finish) => show_debug(finish),
            Err(error) => show_error(error),
        }
    }
    show_debug(&openai.chat().events(hello()));
}
