//! `Server`: the server to call: from options and environment, or a scripted upstream in this process.

use std::fs;
use std::time::Duration;

use actorstream::{Limits, OpenAi, OpenAiBuilder, RetryPolicy, Timeouts};
use actorstream_test::Upstream;

use crate::arguments::{Connection, Sizes, TimeoutOptions};
use crate::exit::{Failure, tell};

/// The server to call.
#[derive(Debug)]
pub(crate) struct Server {
    /// The client.
    pub(crate) openai: OpenAi,
    /// The scripted upstream, if there is no other server.
    _upstream: Option<Upstream>,
}

impl Server {
    /// Sets up the client.
    pub(crate) fn new(connection: &Connection) -> Result<Self, Failure> {
        let builder = builder(connection)?;
        if builder.names_a_server() {
            return Ok(Self { openai: builder.build()?, _upstream: None });
        }
        tell("no OPENAI_API_KEY and no OPENAI_BASE_URL: a built-in scripted server answers\n");
        let upstream = Upstream::builder()
            .record_requests(false)
            .start(actorstream_test::story())
            .map_err(|error| Failure::Other(format!("the scripted server cannot start: {error}")))?;
        let openai = builder.base_url(upstream.base_url()).build()?;
        Ok(Self { openai, _upstream: Some(upstream) })
    }
}

/// Returns a builder with the settings from options and environment.
fn builder(connection: &Connection) -> Result<OpenAiBuilder, Failure> {
    let mut builder =
        OpenAiBuilder::from_env().timeouts(timeouts(&connection.timeouts)).retry(retry(connection.retries));
    builder = builder.limits(limits(&connection.sizes));
    for header in &connection.headers {
        let (name, value) = split_header(header)?;
        builder = builder.header(name, value);
    }
    if let Some(url) = &connection.base_url {
        builder = builder.base_url(url);
    }
    if let Some(key) = &connection.api_key {
        builder = builder.api_key(key);
    }
    if let Some(organization) = &connection.organization {
        builder = builder.organization(organization);
    }
    if let Some(project) = &connection.project {
        builder = builder.project(project);
    }
    if let Some(path) = &connection.ca_certificate {
        let pem = fs::read(path)
            .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
        builder = builder.ca_certificate(pem);
    }
    if let Some(recording) = &connection.recording {
        builder = builder.record(recording.clone());
    }
    Ok(builder)
}

/// Splits `K: V` into the name and the value. The error message does not contain it, since it may hold a key.
fn split_header(header: &str) -> Result<(&str, &str), Failure> {
    header
        .split_once(':')
        .ok_or_else(|| Failure::Usage("a --header has the form 'K: V', and this one has no colon".to_owned()))
}

/// Returns the timeouts that the options set, and the defaults.
pub(crate) fn timeouts(options: &TimeoutOptions) -> Timeouts {
    let default = Timeouts::default();
    let or = |given: Option<Duration>, default| {
        given.map_or(default, |given| Some(given).filter(|s| !s.is_zero()))
    };
    Timeouts {
        connect: or(options.connect, default.connect),
        first_event: or(options.first_event, default.first_event),
        idle: or(options.idle, default.idle),
        stall: or(options.stall, default.stall),
        tail: or(options.tail, default.tail),
        response: or(options.response, default.response),
        resume: or(options.resume, default.resume),
        total: or(options.total, default.total),
        ..default
    }
}

/// Returns the limits that the options set, and the defaults.
pub(crate) fn limits(sizes: &Sizes) -> Limits {
    let default = Limits::default();
    Limits {
        event: sizes.max_event.unwrap_or(default.event),
        head: sizes.max_head.unwrap_or(default.head),
        error_body: sizes.max_error_body.unwrap_or(default.error_body),
        response: sizes.max_response.unwrap_or(default.response),
        body: sizes.max_body.unwrap_or(default.body),
    }
}

fn retry(retries: Option<u32>) -> RetryPolicy {
    match retries {
        None => RetryPolicy::default(),
        // Without retries, a broken stream is not resumed either.
        Some(0) => RetryPolicy::none(),
        Some(retries) => RetryPolicy::default().max_retries(retries),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn connection(options: &[&str]) -> Connection {
        let line = [&["actorstream", "chat", "x"], options].concat();
        match Arguments::try_parse_from(line).ok().unwrap().command {
            Command::Chat(chat) => chat.connection,
            _ => panic!("no chat"),
        }
    }

    #[test]
    fn timeouts_become_timeouts() {
        assert_eq!(timeouts(&connection(&[]).timeouts), Timeouts::default());
        let line = "--connect-timeout 1 --first-event-timeout 2.5 --idle-timeout 0 --stall-timeout 4 \
                    --tail-timeout 0.5 --response-timeout 6 --resume-timeout 0 --total-timeout 5";
        let line: Vec<_> = line.split(' ').collect();
        let expected = Timeouts {
            connect: Some(Duration::from_secs(1)),
            first_event: Some(Duration::from_millis(2500)),
            idle: None,
            stall: Some(Duration::from_secs(4)),
            tail: Some(Duration::from_millis(500)),
            response: Some(Duration::from_secs(6)),
            resume: None,
            total: Some(Duration::from_secs(5)),
            ..Timeouts::default()
        };
        assert_eq!(timeouts(&connection(&line).timeouts), expected);
    }

    #[test]
    fn sizes_become_limits() {
        assert_eq!(limits(&connection(&[]).sizes), Limits::default());
        let line = "--max-event 1K --max-head 2 --max-error-body 3M --max-response 4 --max-body 5";
        let line: Vec<_> = line.split(' ').collect();
        let expected = Limits { event: 1 << 10, head: 2, error_body: 3 << 20, response: 4, body: 5 };
        assert_eq!(limits(&connection(&line).sizes), expected);
    }

    #[test]
    fn retries() {
        assert_eq!(retry(connection(&[]).retries), RetryPolicy::default());
        assert_eq!(retry(connection(&["--retries", "7"]).retries), RetryPolicy::default().max_retries(7));
        assert_eq!(retry(connection(&["--retries", "0"]).retries), RetryPolicy::none());
    }

    #[test]
    fn headers() {
        assert_eq!(split_header("x-a: b: c").unwrap(), ("x-a", " b: c"));
        let Err(Failure::Usage(message)) = split_header("Authorization Bearer sk-1") else { panic!() };
        assert!(!message.contains("sk-1"));
    }

    #[test]
    fn a_client_shows_no_key() {
        let connection =
            connection(&["--api-key", "sk-1", "--header", "api-key: sk-1", "--organization", "o"]);
        let server = Server::new(&connection).unwrap();
        assert!(!format!("{server:?}").contains("sk-1"));
    }

    #[test]
    fn unusable_settings_are_a_failure() {
        for options in [
            ["--base-url", "localhost"],
            ["--api-key", "a\nb"],
            ["--header", "a b: c"],
            ["--ca-certificate", "/nowhere/at all"],
            ["--ca-certificate", "Cargo.toml"],
        ] {
            let mut connection = connection(&options);
            connection.base_url.get_or_insert("http://localhost/v1".to_owned());
            let failure = Server::new(&connection).unwrap_err();
            assert!(matches!(failure, Failure::Config(_)), "{options:?}: {failure:?}");
        }
    }
}
