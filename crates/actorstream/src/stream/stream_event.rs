//! `StreamEvent`: what a closure or an event stream receives.

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::outcome::finish::{Finish, Outcome};
use actorstream_proto::outcome::response_head::ResponseHead;

/// What a stream delivers: any number of `Data`, then exactly one of `Error` and `Finish`, then nothing. `Start` comes before the
/// first `Data` where the call asks for it ([`with_start`](crate::Call::with_start)).
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the events of this crate are about as large, and a box would be one more allocation for each stream"
)]
pub enum StreamEvent<E: Event> {
    /// A response has begun: its first event follows, or its end if it has no events. Only delivered
    /// [where asked for](crate::Call::with_start), once for each response. A stream that fails before that has no `Start`; its
    /// error has the head.
    Start(ResponseHead),
    /// An event.
    Data(E),
    /// The stream has failed; this is the end.
    Error(StreamError),
    /// The stream is complete; this is the end.
    Finish(Finish<E::Response>),
}

impl<E: Event> StreamEvent<E> {
    /// Returns whether this is the end.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Error(_) | Self::Finish(_))
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
            Self::Start(head) => Self::Start(head.clone()),
            Self::Data(event) => Self::Data(event.clone()),
            Self::Error(error) => Self::Error(error.clone()),
            Self::Finish(finish) => Self::Finish(finish.clone()),
        }
    }
}
