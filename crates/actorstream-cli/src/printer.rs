//! `Printer`: the actor that receives the stream.

use std::io;
use std::thread;
use std::time::Duration;

use actix::{Actor, Addr, Context};
use actix_rt::ArbiterHandle;
use actorstream::{Finish, StreamError, StreamRef, StreamingClient, streaming_client};
use tokio::sync::oneshot;

use crate::exit::{Exit, tell};
use crate::out_file::OutFile;
use crate::output::Output;
use crate::shown::Shown;

/// Prints one stream, and reports how it ended.
#[derive(Debug)]
pub(crate) struct Printer {
    output: Output,
    /// The output file for images or audio.
    out: Option<OutFile>,
    slow: Duration,
    /// Taken when the end is printed, or cannot be printed any more.
    ended: Option<oneshot::Sender<Exit>>,
}

impl Printer {
    /// Creates a printer that sleeps for `slow` on each event.
    pub(crate) fn new(
        output: Output,
        out: Option<OutFile>,
        slow: Duration,
        ended: oneshot::Sender<Exit>,
    ) -> Self {
        Self { output, out, slow, ended: Some(ended) }
    }

    /// Starts the printer that `make` makes on another thread.
    pub(crate) fn start_on(
        thread: &ArbiterHandle,
        make: impl FnOnce() -> Self + Send + 'static,
    ) -> Addr<Self> {
        Self::start_in_arbiter(thread, |_| make())
    }

    fn end(&mut self, printed: io::Result<Exit>) {
        let Some(ended) = self.ended.take() else { return };
        let exit = status_of(printed);
        // The process may be about to end.
        let _ = ended.send(exit);
    }
}

/// Writes the output file, if any, and the end, which reports it. A complete response that cannot be written is a
/// failure.
pub(crate) fn finish_with<E: Shown>(
    output: &mut Output,
    out: Option<&OutFile>,
    finish: &Finish<E::Response>,
) -> io::Result<Exit> {
    let Some(out) = out else { return output.finish::<E>(finish) };
    let written = E::file(&finish.response)
        .and_then(|bytes| out.write(&bytes).map(|()| bytes.len()).map_err(StreamError::config));
    match written {
        Ok(length) => {
            let exit = output.finish::<E>(finish)?;
            output.note(format_args!("wrote {}, {length} bytes\n", out.path().display()));
            Ok(exit)
        }
        Err(error) => output.failure(&error),
    }
}

/// Returns the exit status of the printed end, or of the failure to print it.
pub(crate) fn status_of(printed: io::Result<Exit>) -> Exit {
    printed.unwrap_or_else(|error| {
        // A reader that closes early (`| head`) is not an error.
        if error.kind() != io::ErrorKind::BrokenPipe {
            tell(format_args!("error: the output cannot be written: {error}\n"));
        }
        Exit::Failed
    })
}

impl Actor for Printer {
    type Context = Context<Self>;
}

#[streaming_client]
impl<E: Shown> StreamingClient<E> for Printer {
    fn handle_data(&mut self, event: E, stream: &StreamRef, _: &mut Self::Context) {
        if !self.slow.is_zero() {
            thread::sleep(self.slow);
        }
        if let Err(error) = self.output.data(&event) {
            stream.cancel();
            self.end(Err(error));
        }
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
        if self.ended.is_some() {
            let printed = self.output.error::<E>(&error);
            self.end(printed);
        }
    }

    fn handle_finish(&mut self, finish: Finish<E::Response>, _: &StreamRef, _: &mut Self::Context) {
        let printed = finish_with::<E>(&mut self.output, self.out.as_ref(), &finish);
        self.end(printed);
    }
}
