//! `StreamEvent`: what a closure or a puller gets.

use actorstream_proto::error::StreamError;
use actorstream_proto::event::Event;
use actorstream_proto::finish::{Finish, Outcome};

/// What a stream delivers: any number of `Data`, then exactly one of the others, then nothing.
#[derive(Debug)]
pub enum StreamEvent<E: Event> {
    /// An event.
    Data(E),
    /// The stream has failed; this is the end.
    Error(StreamError),
    /// The stream is complete; this is the end.
    Finish(Finish<E::Response>),
}

impl<E: Event> StreamEvent<E> {
    /// Whether this is the end.
    pub fn is_end(&self) -> bool {
        !matches!(self, Self::Data(_))
    }

    pub(crate) fn end(outcome: Outcome<E::Response>) -> Self {
        match outcome {
            Ok(finish) => Self::Finish(finish),
            Err(error) => Self::Error(error),
        }
    }
}

impl<E: Event + Clone> Clone for StreamEvent<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Data(event) => Self::Data(event.clone()),
            Self::Error(error) => Self::Error(error.clone()),
            Self::Finish(finish) => Self::Finish(finish.clone()),
        }
    }
}
