//! `actorstream models`: the models of a server, and when they are shut down.

use std::io::{self, IsTerminal, Write, stdout};

use actorstream::{ErrorKind, Model, ModelList};

use crate::arguments::Models;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Style};
use crate::server::Server;
use crate::stop_signals::interrupted;
use crate::terminal::{harmless, write_json};

/// Lists the models of a server.
pub(crate) async fn list(models: &Models, style: Style) -> Result<Exit, Failure> {
    let server = Server::new(&models.connection)?;
    let models_call = server.openai.models();
    let listed = tokio::select! {
        listed = models_call.list() => listed,
        () = interrupted() => {
            let _ = Output::new(style).failure(&ErrorKind::Cancelled.into());
            return Ok(Exit::Interrupted);
        }
    };
    match listed {
        Ok(finish) => {
            let mut to = stdout().lock();
            let written = if models.jsonl {
                write_lines(&mut to, &finish.response, stdout().is_terminal())
            } else {
                write_table(&mut to, &finish.response, stdout().is_terminal())
            };
            // Whoever reads may have read enough.
            Ok(if written.is_ok() { Exit::Finished } else { Exit::Failed })
        }
        Err(error) => Ok(Output::new(style).failure(&error).unwrap_or_else(|_| Exit::of(&error))),
    }
}

/// A line for each model: its id and its shutdown date, if it has one.
fn write_table(to: &mut impl Write, list: &ModelList, terminal: bool) -> io::Result<()> {
    let shown = |text: &str| if terminal { harmless(text).into_owned() } else { text.to_owned() };
    let width = list.data.iter().map(|model| model.id.chars().count()).max().unwrap_or_default();
    for Model { id, shutdown_date, .. } in &list.data {
        let id = shown(id);
        match shutdown_date {
            Some(date) => writeln!(to, "{id:width$}  shut down on {}", shown(date))?,
            None => writeln!(to, "{id}")?,
        }
    }
    to.flush()
}

/// A line of JSON for each model, with all that the server says of it.
fn write_lines(to: &mut impl Write, list: &ModelList, terminal: bool) -> io::Result<()> {
    for model in &list.data {
        let line = serde_json::to_vec(model)?;
        if terminal {
            write_json(to, &line)?;
        } else {
            to.write_all(&line)?;
        }
        to.write_all(b"\n")?;
    }
    to.flush()
}
