//! Error messages for the user of the command, with the option that helps.

use actorstream::{ErrorKind, Limit, StreamError};
use clap::CommandFactory;

use crate::arguments::Arguments;

/// Returns what happened and what to do. `command` is the command's name; `streamed` is whether a stream was
/// requested.
pub(crate) fn explain(error: &StreamError, command: &str, streamed: bool) -> String {
    let mut words = match &error.kind {
        // The partial response is printed above.
        ErrorKind::Truncated { detail } => format!("the answer is cut off: {detail}"),
        // The library's message names its own setting.
        ErrorKind::Limit { limit, max } => format!("{limit} exceeds its limit of {max} bytes"),
        kind => kind.to_string(),
    };
    match &error.kind {
        ErrorKind::NotAStream { .. } => name_option(&mut words, "; check the base URL", "--base-url"),
        ErrorKind::Refused(refused) if refused.status == 401 => {
            name_option(&mut words, "; check the API key", "--api-key or OPENAI_API_KEY");
        }
        _ => {}
    }
    let hint = setting(error).filter(|option| has_option(command, option)).map(|option| match &error.kind {
        ErrorKind::Limit { .. } => format!("{option} raises the limit"),
        _ => format!("{option} extends it"),
    });
    let hint = hint.or_else(|| unstreamed(error, command, streamed).map(str::to_owned));
    let hint = hint.or_else(|| unknown_model(error, command).map(str::to_owned));
    if let Some(hint) = hint {
        words.push_str("; ");
        words.push_str(&hint);
    }
    words
}

/// Adds the option after the library's hint about a setting. The hint follows the server's own message, which is
/// unchanged.
fn name_option(words: &mut String, setting: &str, option: &str) {
    if let Some(at) = words.rfind(setting) {
        words.insert_str(at + setting.len(), &format!(" ({option})"));
    }
}

/// Returns the option for the timeout that expired or the limit that was exceeded.
fn setting(error: &StreamError) -> Option<String> {
    match &error.kind {
        ErrorKind::Timeout { .. } => {
            let name = error.timeout()?.name().replace('_', "-");
            Some(format!("--{name}-timeout"))
        }
        ErrorKind::Limit { limit, .. } => {
            let name = match limit {
                Limit::Event => "event",
                Limit::Head => "head",
                Limit::Response => "response",
                Limit::Body => "body",
                _ => return None,
            };
            Some(format!("--max-{name}"))
        }
        _ => None,
    }
}

/// Returns whether the command has this option.
fn has_option(command: &str, option: &str) -> bool {
    let arguments = Arguments::command();
    let command = arguments.find_subcommand(command);
    command.is_some_and(|command| {
        command.get_arguments().any(|known| known.get_long() == option.strip_prefix("--"))
    })
}

/// Returns what to do if the model or the server does not stream.
fn unstreamed(error: &StreamError, command: &str, streamed: bool) -> Option<&'static str> {
    if !streamed || !is_about_streaming(error) {
        return None;
    }
    match command {
        "speak" => {
            Some("--stream-format audio requests the audio alone, which every model and server supports")
        }
        command if has_option(command, "--no-stream") => {
            Some("--no-stream requests the whole response at once")
        }
        _ => None,
    }
}

/// What to do where the server has no such model, perhaps since it was shut down.
fn unknown_model(error: &StreamError, command: &str) -> Option<&'static str> {
    let is_unknown = error.api()?.code.as_deref() == Some("model_not_found");
    (is_unknown && has_option(command, "--model")).then_some(
        "`actorstream models` lists the models of the server and their shutdown dates; --model names another",
    )
}

fn is_about_streaming(error: &StreamError) -> bool {
    match &error.kind {
        ErrorKind::NotAStream { content_type: Some(content_type), .. } => {
            ["json", "audio/", "image/", "octet-stream"].iter().any(|kind| content_type.contains(kind))
        }
        ErrorKind::Refused(refused) if (400..500).contains(&refused.status) => match &refused.error {
            Some(error) => {
                let param = error.param.as_deref().unwrap_or_default();
                ["stream", "stream_format", "partial_images"].contains(&param)
                    || error.message.to_ascii_lowercase().contains("stream")
            }
            None => refused.body.to_ascii_lowercase().contains("stream"),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actorstream::Timeout;

    use super::*;

    fn words(kind: ErrorKind, command: &str) -> String {
        explain(&StreamError::new(kind), command, true)
    }

    #[test]
    fn an_error_names_the_option_that_allows_for_more() {
        for (limit, option) in [
            (Limit::Event, "--max-event"),
            (Limit::Head, "--max-head"),
            (Limit::Response, "--max-response"),
            (Limit::Body, "--max-body"),
        ] {
            let words = words(ErrorKind::Limit { limit, max: 7 }, "chat");
            assert!(words.ends_with(&format!("; {option} raises the limit")), "{words}");
        }
        for (timeout, option) in [
            (Timeout::Connect, "--connect-timeout"),
            (Timeout::FirstEvent, "--first-event-timeout"),
            (Timeout::Idle, "--idle-timeout"),
            (Timeout::Stall, "--stall-timeout"),
            (Timeout::Total, "--total-timeout"),
        ] {
            let words = words(ErrorKind::Timeout { timeout, after: Duration::from_secs(1) }, "image");
            assert!(words.ends_with(&format!("; {option} extends it")), "{words}");
        }
        // There is no option for the queue, in which a single request does not wait.
        let words = words(ErrorKind::Timeout { timeout: Timeout::Queue, after: Duration::ZERO }, "chat");
        assert!(!words.contains("--"), "{words}");
    }

    #[test]
    fn a_cut_answer_is_not_told_of_a_partial_response() {
        let words = words(ErrorKind::truncated("the connection was reset"), "chat");
        assert_eq!(words, "the answer is cut off: the connection was reset");
    }

    #[test]
    fn a_body_that_is_no_stream_suggests_the_option_to_use() {
        let not = |content_type: &str| ErrorKind::NotAStream {
            content_type: Some(content_type.into()),
            body: "x".into(),
        };
        for (command, content_type, option) in [
            ("image", "application/json", Some("--no-stream")),
            ("transcribe", "application/json; charset=utf-8", Some("--no-stream")),
            ("chat", "application/json", Some("--no-stream")),
            ("speak", "audio/mpeg", Some("--stream-format audio")),
            ("image", "text/html", None),
            ("stream", "application/json", None),
        ] {
            let words = words(not(content_type), command);
            match option {
                Some(option) => assert!(words.contains(option), "{words}"),
                None => assert!(!words.contains("stream-format") && !words.contains("--no-"), "{words}"),
            }
        }
        let whole = explain(&StreamError::new(not("application/json")), "image", false);
        assert!(!whole.contains("--no-stream"), "{whole}");
    }
}
