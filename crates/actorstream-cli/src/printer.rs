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

/// Prints one stream, and tells how it ended.
#[derive(Debug)]
pub(crate) struct Printer {
    output: Output,
    /// Where the images or the sound of the answer go.
    out: Option<OutFile>,
    slow: Duration,
    /// Taken when the end is printed, or nothing can be any more.
    ended: Option<oneshot::Sender<Exit>>,
}

impl Printer {
    /// A printer that sleeps for `slow` over each event.
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

    /// Writes the file, if there is to be one, and says so; a complete answer that does not get there is a failure.
    fn finish<E: Shown>(&mut self, finish: &Finish<E::Response>) -> io::Result<Exit> {
        let Some(out) = &self.out else { return self.output.finish(finish) };
        let written = E::file(&finish.response).and_then(|bytes| {
            let written = out.write(&bytes).map(|()| bytes.len());
            written.map_err(|error| {
                StreamError::config(format!("cannot write {}: {error}", out.path().display()))
            })
        });
        match written {
            Ok(length) => {
                let exit = self.output.finish(finish)?;
                self.output.note(format_args!("wrote {}, {length} bytes\n", out.path().display()));
                Ok(exit)
            }
            Err(error) => self.output.error::<E::Response>(&error),
        }
    }

    fn end(&mut self, printed: io::Result<Exit>) {
        let Some(ended) = self.ended.take() else { return };
        let exit = printed.unwrap_or_else(|error| {
            // A reader that has read enough (`| head`) is no news.
            if error.kind() != io::ErrorKind::BrokenPipe {
                tell(format_args!("error: the output cannot be written: {error}\n"));
            }
            Exit::Failed
        });
        // Nobody waits any more when the process is about to end.
        let _ = ended.send(exit);
    }
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
            let printed = self.output.error::<E::Response>(&error);
            self.end(printed);
        }
    }

    fn handle_finish(&mut self, finish: Finish<E::Response>, _: &StreamRef, _: &mut Self::Context) {
        let printed = self.finish::<E>(&finish);
        self.end(printed);
    }
}
