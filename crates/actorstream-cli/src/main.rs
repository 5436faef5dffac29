//! `actorstream`: streams the OpenAI API, and every server that speaks it, to a terminal or to JSON lines.
//!
//! A thin user of the crate: [`arguments`] are made a [`request`] and a client ([`server`]), whose stream an actor, the
//! [`printer`], receives. [`output`] is what it writes, of the pieces in [`shown`], [`record`] and [`summary`].

mod arguments;
mod exit;
mod mock;
mod output;
mod printer;
mod record;
mod request;
mod server;
mod shown;
mod source;
mod summary;

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use actix_rt::{Arbiter, System};
use actorstream::{Call, Custom, Endpoint, StreamRef};
use clap::Parser;
use serde::Serialize;
use tokio::sync::oneshot;

use arguments::{Arguments, Command, Display, Respond};
use exit::{Exit, Failure};
use output::Output;
use printer::Printer;
use server::Server;
use shown::Shown;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    System::new().block_on(run(arguments.command)).into()
}

async fn run(command: Command) -> Exit {
    let (name, form) = (command.name(), command.form());
    obey(command).await.unwrap_or_else(|failure| failure.tell(name, form))
}

/// Sets the client up, makes the call, and prints what comes.
async fn obey(command: Command) -> Result<Exit, Failure> {
    Ok(match command {
        Command::Chat(chat) => {
            let body = request::chat(&chat)?;
            let server = Server::new(&chat.connection)?;
            print(&server.openai.chat(), body, &chat.display).await
        }
        Command::Complete(complete) => {
            let body = request::completion(&complete)?;
            let server = Server::new(&complete.connection)?;
            print(&server.openai.completions(), body, &complete.display).await
        }
        Command::Respond(respond) => {
            let Respond { resume, after, connection, display, .. } = &respond;
            if let Some(id) = resume {
                let server = Server::new(connection)?;
                print(&server.openai.responses().resume(id, *after), (), display).await
            } else {
                let body = request::response(&respond)?;
                let server = Server::new(connection)?;
                print(&server.openai.responses(), body, display).await
            }
        }
        Command::Stream(stream) => {
            let body = request::other(&stream)?;
            let endpoint: Custom = Custom::post(stream.path);
            let server = Server::new(&stream.connection)?;
            print(&server.openai.endpoint(endpoint), body, &stream.display).await
        }
        Command::Mock(mock) => mock::serve(&mock).await?,
    })
}

/// Streams the answer to a printer, and waits until it has printed the end.
async fn print<P: Endpoint<Event: Shown>>(
    call: &Call<P>,
    request: impl Serialize,
    display: &Display,
) -> Exit {
    let (form, slow) = (display.form(), Duration::from_millis(display.slow));
    let (ended, end) = oneshot::channel();
    // A thread of its own: one that blocks, on a slow terminal or by `--slow`, keeps nobody from noticing Ctrl-C.
    let thread = Arbiter::new();
    let printer = Printer::start_on(&thread.handle(), move || Printer::new(Output::new(form), slow, ended));
    let handle = call.stream(request, printer);
    let interrupted = cancel_on_interrupt(handle.stream().clone());

    let outcome = handle.await;
    let exit = match (end.await, outcome) {
        (Ok(exit), _) => exit,
        // The printer is gone and has printed no end.
        (Err(_), Err(error)) => Output::new(form).error::<()>(&error).unwrap_or(Exit::Failed),
        (Err(_), Ok(_)) => Exit::Failed,
    };
    if interrupted.get() { Exit::Interrupted } else { exit }
}

/// Has the first Ctrl-C cancel the stream, and the second one kill the process. Tells whether there was one.
fn cancel_on_interrupt(stream: StreamRef) -> Rc<Cell<bool>> {
    let interrupted = Rc::new(Cell::new(false));
    let seen = Rc::clone(&interrupted);
    actix_rt::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        seen.set(true);
        stream.cancel();
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(u8::from(Exit::Interrupted)));
        }
    });
    interrupted
}
