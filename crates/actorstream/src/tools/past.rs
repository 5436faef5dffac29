//! The previous rounds of a stream, which its end reports.

use std::sync::Arc;

use actorstream_proto::answer::tools::Round;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use actorstream_proto::outcome::finish::{Finish, Outcome};

use super::running::Progress;
use crate::stream::delivery::link::replace_kind;

/// The rounds of a stream. All of them are reported, however the stream ends: a tool may have done something
/// irreversible.
#[derive(Debug)]
pub(crate) struct Past<E: Event> {
    rounds: Vec<Round<E::Response>>,
    /// The response whose tools are running.
    running: Option<(Box<Finish<E::Response>>, Progress)>,
}

impl<E: Event> Default for Past<E> {
    fn default() -> Self {
        Self { rounds: Vec::new(), running: None }
    }
}

impl<E: Event> Past<E> {
    /// Records that the tools of a response start.
    pub(crate) fn begin(&mut self, answer: Box<Finish<E::Response>>, progress: Progress) {
        self.running = Some((answer, progress));
    }

    /// Returns whether tools are running.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Records that the tools are done and their response is not the last. Returns the round.
    pub(crate) fn end_round(&mut self) -> Option<&Round<E::Response>> {
        let (answer, progress) = self.running.take()?;
        self.rounds.push(round::<E>(answer.response, &progress));
        self.rounds.last()
    }

    /// Records that the tools are done and their response is the last. Returns the end of the stream.
    pub(crate) fn end_stream(&mut self) -> Option<Box<Finish<E::Response>>> {
        let (mut answer, progress) = self.running.take()?;
        answer.results = progress.take().0;
        Some(answer)
    }

    /// Ends the stream while tools run. Returns `None` if none are running.
    pub(crate) fn fail(&mut self, kind: ErrorKind) -> Option<StreamError> {
        let (answer, progress) = self.running.take()?;
        let response = Arc::clone(&answer.response);
        let error = replace_kind::<E>(kind, Ok(*answer));
        let round = round::<E>(response, &progress);
        // A response of which no tool has started is only the partial response.
        if !round.results.is_empty() || !round.unfinished.is_empty() {
            self.rounds.push(round);
        }
        Some(error)
    }

    /// Adds the rounds to the end of the stream.
    pub(crate) fn tell(&mut self, end: &mut Outcome<E::Response>) {
        if self.rounds.is_empty() {
            return;
        }
        let rounds = std::mem::take(&mut self.rounds);
        match end {
            Ok(finish) => finish.add_rounds(rounds),
            Err(error) => error.add_rounds(rounds),
        }
    }
}

fn round<E: Event>(response: Arc<E::Response>, progress: &Progress) -> Round<E::Response> {
    let (results, unfinished) = progress.take();
    let usage = E::tokens(&response);
    Round { response, results, unfinished, usage }
}
