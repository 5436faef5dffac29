//! The environment, and secrets that are never shown. The environment is global to a process, so each case runs in
//! its own.

use std::process::Command;

use actix::Actor;
use actorstream::{ErrorKind, OpenAi, OpenAiBuilder};
use actorstream_test::{ChatStream, Reply, Upstream};

use crate::common::{Noting, client, hello, within};

/// Runs a test in a separate process with only these variables and `ACTORSTREAM_CHILD`. Returns its output.
pub(crate) fn with_environment(test: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("ACTORSTREAM_CHILD", "1");
    for (name, _) in std::env::vars()
        .filter(|(name, _)| name.starts_with("OPENAI_") || name.to_ascii_uppercase().ends_with("_PROXY"))
    {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_variable_is_read() {
    if std::env::var_os("ACTORSTREAM_CHILD").is_some() {
        match OpenAi::from_env() {
            Ok(openai) => println!("client {openai:?}"),
            Err(error) => println!("error {error}"),
        }
        return;
    }
    let run =
        |variables: &[(&str, &str)]| with_environment("configuration::every_variable_is_read", variables);
    assert!(run(&[]).contains("error no API key: set OPENAI_API_KEY"));
    assert!(run(&[("OPENAI_API_KEY", "sk-1")]).contains("base_url: https://api.openai.com/v1"));
    assert!(run(&[("OPENAI_API_KEY", " ")]).contains("error no API key"));
    for name in ["OPENAI_BASE_URL", "OPENAI_API_URL", "OPENAI_API_BASE"] {
        assert!(
            run(&[(name, "http://127.0.0.1:1/v1")]).contains("base_url: http://127.0.0.1:1/v1"),
            "{name}"
        );
        assert!(run(&[(name, "nonsense")]).contains("error the base URL must begin with"), "{name}");
    }
    for name in ["OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_ORGANIZATION_KEY"] {
        let shown = run(&[("OPENAI_API_KEY", "sk-1"), (name, "org-9")]);
        assert!(shown.contains("organization: Some(\"org-9\")"), "{name}: {shown}");
    }
    let shown = run(&[("OPENAI_API_KEY", "sk-1"), ("OPENAI_PROJECT_ID", "proj-9")]);
    assert!(shown.contains("project: Some(\"proj-9\")"));
    let both = run(&[("OPENAI_BASE_URL", "http://first/v1"), ("OPENAI_API_BASE", "http://second/v1")]);
    assert!(both.contains("http://first/v1"));
}

#[test]
fn build_reports_wrong_settings() {
    for (builder, what) in [
        (OpenAi::builder().base_url("ftp://x"), "must begin with"),
        (OpenAi::builder().api_key("a\u{0}b"), "API key"),
        (OpenAi::builder().header("é", "x"), "no name of a header"),
        (OpenAi::builder().header("x", "\n"), ""),
        (OpenAi::builder().ca_certificate("nonsense"), "no BEGIN CERTIFICATE"),
        (OpenAi::builder().api_key_header("a b"), "no name of a header"),
        (OpenAi::builder().api_key_header("Host"), "set by the client itself"),
        (OpenAi::builder().api_key_header("transfer-encoding"), "set by the client itself"),
        (OpenAi::builder().header("Connection", "close"), "set by the client itself"),
        (OpenAi::builder().proxy("socks4://x"), "SOCKS4 proxies are not supported"),
        (OpenAi::builder().proxy("http://user:word@x:y"), "the port of the proxy URL is invalid"),
        (OpenAi::builder().resolve("api.test", []), "no address is given for the host api.test"),
    ] {
        let built: Result<OpenAi, _> = OpenAiBuilder::build(builder);
        if what.is_empty() {
            continue;
        }
        let error = built.unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[actix_rt::test]
async fn keys_are_never_shown() {
    const SECRETS: [&str; 5] = ["sk-SECRET-1", "SECRET-2", "SECRET-3", "SECRET-4", "U0VDUkVULT"];
    // The server repeats the refused key.
    let message = "Incorrect API key provided: sk-SECRET-1";
    let upstream = Upstream::start(Reply::error(401, "invalid_request_error", message));
    let builder = OpenAi::builder()
        .base_url(format!("{}?key=SECRET-3", upstream.base_url()))
        .api_key(SECRETS[0])
        .header("x-auth", SECRETS[1]);
    let mut shown = format!("{builder:?}");
    let openai = builder.build().unwrap();
    shown += &format!("{openai:?}");
    let call = openai.chat();
    shown += &format!("{call:?}");
    let handle = call.stream(hello(), Noting::default().start());
    shown += &format!("{handle:?}");
    let error = within(handle).await.unwrap_err();
    shown += &format!("{error} {error:?}");
    for base_url in [Upstream::refused_url(), "http://no-such-host.invalid".into()] {
        let call = openai.chat().base_url(base_url).retry(actorstream::RetryPolicy::none());
        let error = within(call.stream(hello(), Noting::default().start())).await.unwrap_err();
        shown += &format!("{error} {error:?}");
    }
    // The credentials of a proxy, plain and encoded.
    let builder = OpenAi::builder().base_url("https://api.test").retry(actorstream::RetryPolicy::none());
    for proxy in [Upstream::start(Reply::status(407)).addr(), Upstream::start(Reply::status(502)).addr()] {
        let builder =
            OpenAi::builder().base_url("https://api.test").proxy(format!("http://SECRET-4:x@{proxy}"));
        shown += &format!("{builder:?}");
        let openai = builder.retry(actorstream::RetryPolicy::none()).build().unwrap();
        let error = within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap_err();
        shown += &format!("{openai:?} {error} {error:?}");
    }
    let error = builder.proxy("http://SECRET-4:x@host:port").build().unwrap_err();
    shown += &format!("{error} {error:?}");
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(upstream.request(0).await.header("authorization"), Some("Bearer sk-SECRET-1"));
}

#[actix_rt::test]
async fn credentials_that_a_server_repeats_are_redacted() {
    let sent = [
        ("x-api-key", "HEADER-1"),
        ("proxy-authorization", "Basic BASE64-2"),
        ("cookie", "theme=dark; session=COOKIE-3"),
        ("x-trace", "trace-4"),
    ];
    let said = "sk-KEY-12 HEADER-1 BASE64-2 COOKIE-3 QUERY%2B5 QUERY+5 PARAM-6 trace-4";
    let body = serde_json::json!({"error": {"message": said, "code": said, "param": said, said: [said]}});
    let event = format!("data: {body}\n\n");
    for reply in [
        Reply::json(401, &body).header("x-request-id", "sk-KEY-12"),
        Reply::text(500, "text/html", said),
        Reply::text(200, "text/sk-KEY-12", said),
        Reply::sse().piece(event).end(),
        Reply::sse().event(format!("no JSON: {said}")).end(),
    ] {
        let upstream = Upstream::start(reply);
        let mut call = client(&upstream.base_url())
            .chat()
            .base_url(format!("{}?api-key=QUERY%2B5", upstream.base_url()))
            .api_key("sk-KEY-12")
            .query("access_token", "PARAM-6");
        for (name, value) in sent {
            call = call.header(name, value);
        }
        let error = within(call.stream(hello(), Noting::default().start())).await.unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.api());
        for secret in ["sk-KEY", "HEADER-1", "BASE64-2", "COOKIE-3", "QUERY", "PARAM-6"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(
            shown.contains("***") && shown.contains("trace-4"),
            "no more is taken out than that: {shown}"
        );
    }
}

#[actix_rt::test]
async fn a_dummy_key_redacts_nothing() {
    let said = "the token limit of none of the models, see ollama or EMPTY: k";
    let upstream = Upstream::start(Reply::error(400, "x", said));
    for key in ["k", "to", "limit", "models,", "none", "ollama", "EMPTY", "sk-no-key-required"] {
        let call = client(&upstream.base_url()).chat().api_key(key).header("x-api-key", "none");
        let error = within(call.stream(hello(), Noting::default().start())).await.unwrap_err();
        assert_eq!(error.api().map(|api| api.message.as_str()), Some(said), "{key}");
    }
}

#[actix_rt::test]
async fn the_password_of_a_proxy_is_taken_out_as_it_is_meant() {
    // The proxy answers itself, and repeats what it received.
    let said = "user:p@ss/word! may not do that, p@ss/word! is wrong, p%40ss%2Fword%21; dXNlcjpwQHNzL3dvcmQh";
    let proxy = Upstream::start(Reply::text(403, "text/html", said));
    let url = proxy.url().replace("http://", "http://user:p%40ss%2fword!@");
    let openai = OpenAi::builder().base_url("http://a.test").proxy(url).build().unwrap();
    let error = within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    for secret in ["p@ss", "p%40ss", "dXNlcjpw"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains("user:*** may not do that"), "{shown}");
}

#[actix_rt::test]
async fn a_key_does_not_follow_a_redirect() {
    let other = Upstream::start(ChatStream::new().content("stolen").reply());
    let upstream = Upstream::start(Reply::text(307, "text/plain", "").header("location", other.base_url()));
    within(client(&upstream.base_url()).chat().stream(hello(), Noting::default().start())).await.unwrap_err();
    assert_eq!(other.accepted(), 0);
}

#[actix_rt::test]
async fn a_refused_redirect_shows_scheme_host_and_path_alone() {
    for (location, shown) in [
        ("https://us3r:pa55@b.test:8443/v1/x?sig=s1gn&a=1#fr4g", "https://b.test:8443/v1/x"),
        ("https://b.test?token=t0k3n", "https://b.test"),
        ("//us3r@b.test/v1?key=k3y", "//b.test/v1"),
        ("us3r:pa55@b.test/v1", "b.test/v1"),
        ("https:us3r:pa55@b.test/v1", "b.test/v1"),
        ("https:\\us3r@b.test/v1", "https:/b.test/v1"),
        ("/v2/a@b?code=c0d3", "/v2/a@b"),
        ("?key=k3y", ""),
    ] {
        let upstream = Upstream::start(Reply::text(307, "text/plain", "").header("location", location));
        let call = client(&upstream.base_url()).chat();
        let error = within(call.stream(hello(), Noting::default().start())).await.unwrap_err();
        let ErrorKind::Refused(refused) = &error.kind else { panic!("{error}") };
        assert_eq!(refused.location.as_deref().unwrap_or_default(), shown);
        let all = format!("{error} {error:?}");
        for secret in ["us3r", "pa55", "s1gn", "fr4g", "t0k3n", "k3y", "c0d3"] {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
    }
}
