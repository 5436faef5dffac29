//! `actorstream`: streams responses from the OpenAI API, and from every server that speaks it, to a terminal or to
//! JSON lines.
//!
//! A thin user of the crate: [`arguments`] become a [`request`] and a client ([`server`]), whose stream an actor, the
//! [`printer`], receives. It writes to the [`output`], which consists of the parts in [`shown`], [`answer`],
//! [`record`] and [`summary`]; images and audio go to an [`out_file`]. [`words`] adds the command's options to
//! errors, and [`terminal`] keeps control characters from outside away from a terminal.

mod access_log;
mod answer;
mod arguments;
mod exit;
mod logs;
mod metrics;
mod mock;
mod models;
mod out_file;
mod output;
mod printer;
mod probe;
mod record;
mod recorder;
mod request;
mod serve;
mod server;
mod shown;
mod source;
mod stop_signals;
mod summary;
mod terminal;
mod words;

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use actix_rt::{Arbiter, System};
use actorstream::{Call, Custom, Endpoint, ErrorKind, StreamRef, ToRequestBody};
use clap::Parser;
use tokio::sync::oneshot;

use arguments::{Arguments, Command, Respond, StreamFormat};
use exit::{Exit, Failure};
use out_file::OutFile;
use output::{Output, Style};
use printer::{Printer, finish_with, status_of};
use server::Server;
use shown::Shown;
use source::check_file;
use stop_signals::interrupted;

/// How long to wait for the server to be told that a response in background mode is cancelled.
const STOP: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    System::new().block_on(run(arguments.command)).into()
}

async fn run(command: Command) -> Exit {
    let style = command.style();
    let result = match command {
        Command::Record(record) => recorder::record(record).await,
        command => log_and_obey(command, style).await,
    };
    result.unwrap_or_else(|failure| failure.tell(style))
}

/// Obeys with a log, if `RUST_LOG` asks for one.
async fn log_and_obey(command: Command, style: Style) -> Result<Exit, Failure> {
    let _log = match &command {
        Command::Serve(serve) => Some(logs::start_server(serve.log)?),
        _ => logs::start()?,
    };
    obey(command, style).await
}

/// Creates the client, makes the call, and prints the output.
async fn obey(command: Command, style: Style) -> Result<Exit, Failure> {
    Ok(match command {
        Command::Chat(chat) => {
            let body = request::chat(&chat)?;
            let server = Server::new(&chat.connection)?;
            print(&server.openai.chat(), body, None, style, chat.display.slow).await
        }
        Command::Complete(complete) => {
            let body = request::completion(&complete)?;
            let server = Server::new(&complete.connection)?;
            print(&server.openai.completions(), body, None, style, complete.display.slow).await
        }
        Command::Respond(respond) => {
            let Respond { resume, after, connection, display, .. } = &respond;
            let slow = display.slow;
            let body = match resume {
                Some(_) => None,
                None => Some(request::response(&respond)?),
            };
            let server = Server::new(connection)?;
            let responses = server.openai.responses();
            let exit = match (resume, body) {
                (Some(id), _) => print(&responses.resume(id, *after), (), None, style, slow).await,
                (None, body) => print(&responses, body.unwrap_or_default(), None, style, slow).await,
            };
            // The request that cancels a response in background mode may still be in flight.
            server.openai.shutdown(STOP).await;
            exit
        }
        Command::Image(image) => {
            for image in &image.edit {
                check_file("--edit", image)?;
            }
            let body = request::image(&image)?;
            let out = Some(OutFile::new(&image.out)?);
            let server = Server::new(&image.connection)?;
            match image.edit.is_empty() {
                true => print(&server.openai.images(), body, out, style, image.display.slow).await,
                false => print(&server.openai.image_edits(), body, out, style, image.display.slow).await,
            }
        }
        Command::Transcribe(transcribe) => {
            check_file("FILE", &transcribe.file)?;
            let form = request::transcription(&transcribe);
            let server = Server::new(&transcribe.connection)?;
            print(&server.openai.transcriptions(), form, None, style, transcribe.display.slow).await
        }
        Command::Speak(speak) => {
            let body = request::speech(&speak)?;
            let out = Some(OutFile::new(&speak.out)?);
            let server = Server::new(&speak.connection)?;
            match speak.stream_format {
                StreamFormat::Sse => {
                    print(&server.openai.speech(), body, out, style, speak.display.slow).await
                }
                StreamFormat::Audio => {
                    print(&server.openai.speech_audio(), body, out, style, speak.display.slow).await
                }
            }
        }
        Command::Models(models) => models::list(&models, style).await?,
        Command::Stream(stream) => {
            let body = request::other(&stream)?;
            let endpoint: Custom = Custom::post(stream.path);
            let endpoint = if stream.ends_on_close { endpoint.ends_on_close() } else { endpoint };
            let server = Server::new(&stream.connection)?;
            print(&server.openai.endpoint(endpoint), body, None, style, stream.display.slow).await
        }
        Command::Serve(serve) => serve::serve(&serve).await?,
        Command::Probe(probe) => probe::probe(probe).await?,
        Command::Record(_) => return Err(Failure::Usage("a recording cannot be recorded".to_owned())),
        Command::Mock(mock) => mock::serve(&mock).await?,
    })
}

/// Prints the response, and waits until the end is printed and the output file, if any, is written.
async fn print<P: Endpoint<Event: Shown>>(
    call: &Call<P>,
    request: impl ToRequestBody,
    out: Option<OutFile>,
    style: Style,
    slow: u64,
) -> Exit {
    match style.streamed {
        true => stream(call, request, out, style, Duration::from_millis(slow)).await,
        false => create(call, request, out, style).await,
    }
}

/// Streams the response to a printer, which sleeps for `slow` on each event.
async fn stream<P: Endpoint<Event: Shown>>(
    call: &Call<P>,
    request: impl ToRequestBody,
    out: Option<OutFile>,
    style: Style,
    slow: Duration,
) -> Exit {
    let (ended, end) = oneshot::channel();
    // Its own thread: a printer that blocks, on a slow terminal or because of `--slow`, does not delay Ctrl-C.
    let thread = Arbiter::new();
    let printer =
        Printer::start_on(&thread.handle(), move || Printer::new(Output::new(style), out, slow, ended));
    let handle = call.stream(request, printer);
    let interrupted = cancel_on_interrupt(handle.stream().clone());

    let outcome = handle.await;
    let exit = match (end.await, outcome) {
        (Ok(exit), _) => exit,
        // The printer ended without printing an end.
        (Err(_), Err(error)) => Output::new(style).failure(&error).unwrap_or(Exit::Failed),
        (Err(_), Ok(_)) => Exit::Failed,
    };
    if interrupted.get() { Exit::Interrupted } else { exit }
}

/// Requests the whole response. A signal to stop drops the request.
async fn create<P: Endpoint<Event: Shown>>(
    call: &Call<P>,
    request: impl ToRequestBody,
    out: Option<OutFile>,
    style: Style,
) -> Exit {
    let outcome = tokio::select! {
        outcome = call.create(request) => Some(outcome),
        () = interrupted() => None,
    };
    let mut output = Output::new(style);
    match outcome {
        Some(Ok(finish)) => status_of(finish_with::<P::Event>(&mut output, out.as_ref(), &finish)),
        Some(Err(error)) => status_of(output.error::<P::Event>(&error)),
        None => {
            let _ = output.failure(&ErrorKind::Cancelled.into());
            Exit::Interrupted
        }
    }
}

/// Cancels the stream on the first signal to stop, and kills the process on the second. Returns whether there was one.
fn cancel_on_interrupt(stream: StreamRef) -> Rc<Cell<bool>> {
    let was_interrupted = Rc::new(Cell::new(false));
    let seen = Rc::clone(&was_interrupted);
    actix_rt::spawn(async move {
        interrupted().await;
        seen.set(true);
        stream.cancel();
        interrupted().await;
        std::process::exit(i32::from(u8::from(Exit::Interrupted)));
    });
    was_interrupted
}
