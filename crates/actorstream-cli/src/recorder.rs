//! `actorstream record`: runs another command and records its exchanges with the server.

use std::ffi::OsString;
use std::fs;
use std::iter::once;
use std::time::Duration;

use actorstream::Recording;
use clap::Parser;
use tokio::time::timeout;

use crate::arguments::{Arguments, Record};
use crate::exit::{Exit, Failure, tell};

/// How long to wait for the rest of responses to arrive and to be written.
const FLUSH: Duration = Duration::from_secs(3);

/// Runs the command. A recording that fails is reported and does not change its exit status.
pub(crate) async fn record(record: Record) -> Result<Exit, Failure> {
    let Record { out, command } = record;
    let line = once(OsString::from("actorstream")).chain(command);
    let mut command = Arguments::parse_from(line).command;
    let style = command.style();
    let Some(connection) = command.connection_mut() else {
        return Err(Failure::Usage(format!(
            "{} calls no server; record chat, serve or another command",
            style.command
        )));
    };
    fs::create_dir_all(&out)
        .map_err(|error| Failure::config(format!("cannot create {}: {error}", out.display())))?;
    let recording = Recording::new(&out);
    connection.recording = Some(recording.clone());
    let exit = crate::log_and_obey(command, style).await.unwrap_or_else(|failure| failure.tell(style));
    let out = out.display();
    match timeout(FLUSH, recording.flush()).await {
        Ok(Ok(1)) => tell(format_args!("recorded 1 exchange in {out}\n")),
        Ok(Ok(count)) => tell(format_args!("recorded {count} exchanges in {out}\n")),
        Ok(Err(error)) => tell(format_args!("error: cannot record in {out}: {error}\n")),
        Err(_) => tell(format_args!("warning: responses that go on are not recorded in {out}\n")),
    }
    if recording.is_full() {
        tell("warning: the recording is full; what came after its first 256 MiB is missing\n");
    }
    Ok(exit)
}
