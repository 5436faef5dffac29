//! The log, one line per event: of a server on stdout, beside the messages for its operator on stderr; of other commands on
//! stderr, beside the response on stdout.

use std::env;
use std::io::Write;

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

/// Writes the log of a server until the guard is dropped. If its reader lags behind, lines are dropped rather than delaying
/// anything.
///
/// # Errors
/// If `RUST_LOG` is invalid.
pub(crate) fn start_server(form: Option<LogForm>) -> Result<WorkerGuard, Failure> {
    let default = if form.is_some() { LevelFilter::INFO } else { LevelFilter::WARN };
    let targets = from_environment()?.unwrap_or_else(|| Targets::new().with_default(default));
    Ok(write(targets, form, std::io::stdout()))
}

/// Writes the log of any other command, if `RUST_LOG` asks for it.
///
/// # Errors
/// If `RUST_LOG` is invalid.
pub(crate) fn start() -> Result<Option<WorkerGuard>, Failure> {
    let targets = from_environment()?;
    Ok(targets.map(|targets| write(targets, None, std::io::stderr())))
}

/// What `RUST_LOG` says.
fn from_environment() -> Result<Option<Targets>, Failure> {
    let said = env::var("RUST_LOG").ok().filter(|said| !said.trim().is_empty());
    let targets = said.map(|said| said.parse::<Targets>()).transpose();
    targets.map_err(|error| {
        Failure::config(format!(
            "RUST_LOG is invalid: {error}; use a value such as info or actorstream_web=debug"
        ))
    })
}

fn write(targets: Targets, form: Option<LogForm>, to: impl Write + Send + 'static) -> WorkerGuard {
    let quiet = Targets::new()
        .with_default(LevelFilter::TRACE)
        .with_targets(TALKATIVE.map(|target| (target, LevelFilter::INFO)));
    let (writer, guard) = tracing_appender::non_blocking(to);
    let layer = fmt::layer().with_writer(writer);
    let layer = match form {
        Some(LogForm::Json) => layer.json().flatten_event(true).boxed(),
        Some(LogForm::Text) | None => layer.with_ansi(false).boxed(),
    };
    // One for the process; tests that call only this function would set it twice.
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets).with_filter(quiet)).try_init();
    guard
}
