//! `ObservedEnd`: how a call has ended, as its observers see it.

use std::any::Any;
use std::fmt;

use actorstream_proto::outcome::attempt::Attempt;
use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::outcome::timings::Timings;
use actorstream_proto::outcome::tokens::Tokens;

use crate::settings::cost::Amount;

/// How a call has ended.
#[non_exhaustive]
pub struct ObservedEnd<'a> {
    /// The error, unless the call has finished.
    pub error: Option<&'a StreamError>,
    /// The id of the response, as far as one has arrived.
    pub response_id: Option<&'a str>,
    /// The model that answered, which may be more precise than the requested one.
    pub model: Option<&'a str>,
    /// The usage of all rounds together, as far as it is reported.
    pub usage: Option<Tokens>,
    /// What the usage costs by the [`prices`](crate::OpenAiBuilder::prices) of the client, as far as the models have prices.
    /// What an [observer answered](crate::ObservedRequest::answer) in place of the server costs nothing.
    pub cost: Option<Amount>,
    /// The times of the phases.
    pub timings: Timings,
    /// How often the request was sent; that of the last round, if there were several.
    pub attempts: u32,
    /// What became of each request, if there were several, the client has backends, or an observer answered.
    pub tried: &'a [Attempt],
    pub(crate) response: Option<&'a (dyn Any + Send + Sync)>,
}

impl<'a> ObservedEnd<'a> {
    /// Returns the response, or what had arrived of it (`end.response::<ChatCompletion>()`); `None` if nothing had, or if it is of
    /// another type.
    pub fn response<R: 'static>(&self) -> Option<&'a R> {
        self.response?.downcast_ref()
    }

    /// Returns the name of the backend that answered, or failed last; `None` for the client's own server.
    pub fn backend(&self) -> Option<&'a str> {
        self.tried.last()?.backend.as_deref()
    }
}

impl fmt::Debug for ObservedEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedEnd")
            .field("error", &self.error)
            .field("model", &self.model)
            .field("usage", &self.usage)
            .field("cost", &self.cost)
            .field("timings", &self.timings)
            .field("tried", &self.tried)
            .finish_non_exhaustive()
    }
}
