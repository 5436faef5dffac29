//! `Timeout`: the timeouts of a stream.

use std::fmt;

/// A timeout of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// Waiting for a permit among the client's streams.
    Queue,
    /// DNS, connecting, the proxy and TLS.
    Connect,
    /// From the request to the first event.
    FirstEvent,
    /// Between two reads, once the body has begun; any byte counts, including those of comments.
    Idle,
    /// Between two events; comments and `keepalive` events do not count.
    Stall,
    /// From the last event of a stream in which every choice has its finish reason, to the end of its body. The
    /// response is complete by then: the expiry finishes the stream and is not an error.
    Tail,
    /// From an unstreamed request to the first byte of its response body; white space does not count.
    Response,
    /// The whole of an unstreamed `GET`, from the request to the end of its response.
    Lookup,
    /// From the break of a resumable stream to the next event.
    Resume,
    /// The whole stream, including retries and waits.
    Total,
}

impl Timeout {
    pub(crate) const ALL: [Self; 10] = [
        Self::Queue,
        Self::Connect,
        Self::FirstEvent,
        Self::Idle,
        Self::Stall,
        Self::Tail,
        Self::Response,
        Self::Lookup,
        Self::Resume,
        Self::Total,
    ];

    /// Returns the timeout's name in logs and in the command's output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Connect => "connect",
            Self::FirstEvent => "first_event",
            Self::Idle => "idle",
            Self::Stall => "stall",
            Self::Tail => "tail",
            Self::Response => "response",
            Self::Lookup => "lookup",
            Self::Resume => "resume",
            Self::Total => "total",
        }
    }

    /// Returns the error type for metrics: `timeout.` and the name.
    pub fn error_type(self) -> &'static str {
        match self {
            Self::Queue => "timeout.queue",
            Self::Connect => "timeout.connect",
            Self::FirstEvent => "timeout.first_event",
            Self::Idle => "timeout.idle",
            Self::Stall => "timeout.stall",
            Self::Tail => "timeout.tail",
            Self::Response => "timeout.response",
            Self::Lookup => "timeout.lookup",
            Self::Resume => "timeout.resume",
            Self::Total => "timeout.total",
        }
    }

    pub(crate) fn missed(self) -> &'static str {
        match self {
            Self::Queue => "no permit became available",
            Self::Connect => "no connection was made",
            Self::FirstEvent => "no event arrived",
            Self::Idle => "no byte arrived",
            Self::Stall => "no further event arrived",
            Self::Tail => "the body of a complete answer did not end",
            Self::Response => "no response arrived",
            Self::Lookup => "the response was not complete",
            Self::Resume => "the broken stream was not resumed",
            Self::Total => "the stream did not end",
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
