//! The server, the timeouts and the limits.

use std::path::PathBuf;
use std::time::Duration;

use actorstream::{Limits, Recording};
use clap::Args;

/// The server, and the timeouts. It holds keys, and so has no `Debug`.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// The base URL of the API, such as http://localhost:8000/v1
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The API key; prefer OPENAI_API_KEY, since other users can see a command line
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// The organization (OpenAI-Organization)
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<String>,
    /// The project (OpenAI-Project)
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// A header of the request; may be repeated
    #[arg(long = "header", value_name = "K: V")]
    pub(crate) headers: Vec<String>,
    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_certificate: Option<PathBuf>,
    /// The maximum number of retries; 0 also disables resuming a broken stream [default: 2]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    #[command(flatten)]
    pub(crate) timeouts: TimeoutOptions,
    #[command(flatten)]
    pub(crate) sizes: Sizes,
    /// Where exchanges are recorded.
    #[arg(skip)]
    pub(crate) recording: Option<Recording>,
}

#[derive(Args)]
#[command(next_help_heading = "Timeouts, in seconds (0: none)")]
pub(crate) struct TimeoutOptions {
    /// Until a connection is established [default: 10]
    #[arg(long = "connect-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) connect: Option<Duration>,
    /// From the request to the first event [default: 600]
    #[arg(long = "first-event-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) first_event: Option<Duration>,
    /// Between two reads, without a byte from the server [default: 120]
    #[arg(long = "idle-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) idle: Option<Duration>,
    /// Between two events [default: 300]
    #[arg(long = "stall-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) stall: Option<Duration>,
    /// For the end of the body, after every choice has its finish reason; its expiry is not an error [default: 5]
    #[arg(long = "tail-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) tail: Option<Duration>,
    /// With --no-stream, until the response begins [default: 600]
    #[arg(id = "response-timeout", long, value_name = "S", value_parser = timeout)]
    pub(crate) response: Option<Duration>,
    /// From the break of a response in background mode to its next event [default: 60]
    #[arg(id = "resume-timeout", long, value_name = "S", value_parser = timeout)]
    pub(crate) resume: Option<Duration>,
    /// For everything, including retries [default: 3600]
    #[arg(long = "total-timeout", value_name = "S", value_parser = timeout)]
    pub(crate) total: Option<Duration>,
}

#[derive(Args)]
#[command(next_help_heading = "Limits, in bytes (such as 500000, 64K, 32M or 1G)")]
pub(crate) struct Sizes {
    #[arg(long, value_name = "SIZE", value_parser = size, help = limit("One event of a stream, such as an image", Limits::default().event))]
    pub(crate) max_event: Option<usize>,
    #[arg(long, value_name = "SIZE", value_parser = size, help = limit("The accumulated response of a stream", Limits::default().response))]
    pub(crate) max_response: Option<usize>,
    #[arg(long, value_name = "SIZE", value_parser = size, help = limit("An unstreamed response", Limits::default().body))]
    pub(crate) max_body: Option<usize>,
    #[arg(long, value_name = "SIZE", value_parser = size, help = limit("The head of a response; at most 128K", Limits::default().head))]
    pub(crate) max_head: Option<usize>,
    #[arg(long, value_name = "SIZE", value_parser = size, help = limit("How much of an error body is kept", Limits::default().error_body))]
    pub(crate) max_error_body: Option<usize>,
}

/// The help of an option that sets a limit.
fn limit(about: &str, default: usize) -> String {
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let unit =
        units.into_iter().find(|(shift, _)| default >= 1 << shift && default.is_multiple_of(1 << shift));
    let (shift, unit) = unit.unwrap_or((0, ""));
    format!("{about} [default: {}{unit}]", default >> shift)
}

/// A number of seconds.
pub(crate) fn timeout(seconds: &str) -> Result<Duration, String> {
    let seconds: f64 =
        seconds.parse().map_err(|_| "it must be a number of seconds, such as 2.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// A number of bytes.
fn size(text: &str) -> Result<usize, String> {
    let wrong = || "it must be a number of bytes, such as 500000, 64K, 32M or 1G".to_owned();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        _ => return Err(wrong()),
    };
    let number: usize = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::arguments::Arguments;

    #[test]
    fn timeouts_are_seconds_and_fractions_of_them() {
        assert_eq!(timeout("2.5"), Ok(Duration::from_millis(2500)));
        assert_eq!(timeout("0"), Ok(Duration::ZERO));
        for wrong in ["-1", "soon", "nan", "1e300", ""] {
            assert!(timeout(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_bytes_and_powers_of_1024() {
        for (text, bytes) in [
            ("1", 1),
            ("500000", 500_000),
            ("64K", 64 << 10),
            ("32m", 32 << 20),
            ("2GiB", 2 << 30),
            ("7B", 7),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in
            ["0", "0K", "", "K", "1.5M", "-1", "1T", "99999999999999999999", "99999999999G", "K1", "1 M"]
        {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_help_tells_the_limits_that_hold() {
        let mut arguments = Arguments::command();
        let help = arguments.find_subcommand_mut("chat").unwrap().render_help().to_string();
        let Limits { event, head, error_body, response, body } = Limits::default();
        for (option, default) in [
            ("--max-event", event),
            ("--max-response", response),
            ("--max-body", body),
            ("--max-head", head),
            ("--max-error-body", error_body),
        ] {
            let told = help.split(option).nth(1).and_then(|rest| rest.split("[default: ").nth(1)).unwrap();
            let told = told.split(']').next().unwrap();
            assert_eq!(size(told), Ok(default), "{option}: {help}");
        }
    }
}
