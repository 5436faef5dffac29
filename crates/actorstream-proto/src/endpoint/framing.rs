//! `Framing`: the format of a response body.

/// The format of a response body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// An event stream.
    #[default]
    Events,
    /// Bytes; each read is an event.
    Bytes,
    /// One JSON object, or another format of the endpoint, read as a whole.
    Whole,
}
