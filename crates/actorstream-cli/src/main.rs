//! `actorstream`: streams the OpenAI API, and every server that speaks it, to a terminal or to JSON lines.
//!
//! A thin user of the crate: [`arguments`] are made a [`request`] and a client ([`server`]), whose stream an actor, the
//! [`printer`], receives. [`output`] is what it writes, of the pieces in [`shown`], [`record`] and [`summary`]; images and sound go to an
//! [`out_file`].

mod arguments;
mod exit;
mod mock;
mod out_file;
mod output;
mod printer;
mod record;
mod request;
mod serve;
mod server;
mod shown;
mod source;
mod summary;

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use actix_rt::{Arbiter, System};
use actorstream::{Call, Custom, Endpoint, StreamRef, ToRequestBody};
use clap::Parser;
use tokio::sync::oneshot;

use arguments::{Arguments, Command, Display, Respond, StreamFormat};
use exit::{Exit, Failure};
use out_file::OutFile;
use output::Output;
use printer::Printer;
use server::Server;
use shown::Shown;

/// How long a server has to hear that a response in the background is not wanted any more.
const STOP: Duration = Duration::from_secs(2);

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
            print(&server.openai.chat(), body, None, &chat.display).await
        }
        Command::Complete(complete) => {
            let body = request::completion(&complete)?;
            let server = Server::new(&complete.connection)?;
            print(&server.openai.completions(), body, None, &complete.display).await
        }
        Command::Respond(respond) => {
            let Respond { resume, after, connection, display, .. } = &respond;
            let body = match resume {
                Some(_) => None,
                None => Some(request::response(&respond)?),
            };
            let server = Server::new(connection)?;
            let responses = server.openai.responses();
            let exit = match (resume, body) {
                (Some(id), _) => print(&responses.resume(id, *after), (), None, display).await,
                (None, body) => print(&responses, body.unwrap_or_default(), None, display).await,
            };
            // What stops a response in the background at the server may still be on its way.
            server.openai.shutdown(STOP).await;
            exit
        }
        Command::Image(image) => {
            let body = request::image(&image)?;
            let out = Some(OutFile::new(&image.out)?);
            let server = Server::new(&image.connection)?;
            match image.edit.is_empty() {
                true => print(&server.openai.images(), body, out, &image.display).await,
                false => print(&server.openai.image_edits(), body, out, &image.display).await,
            }
        }
        Command::Transcribe(transcribe) => {
            let form = request::transcription(&transcribe);
            let server = Server::new(&transcribe.connection)?;
            print(&server.openai.transcriptions(), form, None, &transcribe.display).await
        }
        Command::Speak(speak) => {
            let body = request::speech(&speak)?;
            let out = Some(OutFile::new(&speak.out)?);
            let server = Server::new(&speak.connection)?;
            match speak.stream_format {
                StreamFormat::Sse => print(&server.openai.speech(), body, out, &speak.display).await,
                StreamFormat::Audio => print(&server.openai.speech_audio(), body, out, &speak.display).await,
            }
        }
        Command::Stream(stream) => {
            let body = request::other(&stream)?;
            let endpoint: Custom = Custom::post(stream.path);
            let server = Server::new(&stream.connection)?;
            print(&server.openai.endpoint(endpoint), body, None, &stream.display).await
        }
        Command::Serve(serve) => serve::serve(&serve).await?,
        Command::Mock(mock) => mock::serve(&mock).await?,
    })
}

/// Streams the answer to a printer, and waits until it has printed the end, and written the file if there is to be one.
async fn print<P: Endpoint<Event: Shown>>(
    call: &Call<P>,
    request: impl ToRequestBody,
    out: Option<OutFile>,
    display: &Display,
) -> Exit {
    let (form, slow) = (display.form(), Duration::from_millis(display.slow));
    let (ended, end) = oneshot::channel();
    // A thread of its own: one that blocks, on a slow terminal or by `--slow`, keeps nobody from noticing Ctrl-C.
    let thread = Arbiter::new();
    let printer =
        Printer::start_on(&thread.handle(), move || Printer::new(Output::new(form), out, slow, ended));
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
