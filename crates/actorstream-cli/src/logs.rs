//! The log of a server on stdout, one line per event. Messages for the operator are on stderr.

use std::env;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::arguments::LogForm;
use crate::exit::Failure;

/// The crates that log the content of requests, including tokens, or each turn of the event loop at their lowest
/// levels.
const TALKATIVE: [&str; 8] =
    ["actix_http", "actix_server", "actix_web", "awc", "h2", "mio", "rustls", "tokio"];

/// Writes the log until the guard is dropped. If its reader lags behind, lines are dropped rather than delaying
/// anything.
///
/// # Errors
/// If `RUST_LOG` is invalid.
pub(crate) fn start(form: Option<LogForm>) -> Result<WorkerGuard, Failure> {
    let said = env::var("RUST_LOG").ok().filter(|said| !said.trim().is_empty());
    let default = if form.is_some() { LevelFilter::INFO } else { LevelFilter::WARN };
    let targets = match said {
        None => Targets::new().with_default(default),
        Some(said) => said.parse::<Targets>().map_err(|error| {
            Failure::config(format!(
                "RUST_LOG is invalid: {error}; use a value such as info or actorstream_web=debug"
            ))
        })?,
    };
    let quiet = Targets::new()
        .with_default(LevelFilter::TRACE)
        .with_targets(TALKATIVE.map(|target| (target, LevelFilter::INFO)));
    let (writer, guard) = tracing_appender::non_blocking(std::io::stdout());
    let layer = fmt::layer().with_writer(writer);
    let layer = match form {
        Some(LogForm::Json) => layer.json().flatten_event(true).boxed(),
        Some(LogForm::Text) | None => layer.with_ansi(false).boxed(),
    };
    // One for the process; tests that call only this function would set it twice.
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets).with_filter(quiet)).try_init();
    Ok(guard)
}
