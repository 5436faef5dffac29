//! `Limits`: bounds on what comes from outside.

/// Bounds on what a server can make a stream hold, all in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// One event. Default: 16 MiB, which a partial image in base64 fits.
    pub event: usize,
    /// The head of the response. Default: 64 KiB; gateways add some dozens of headers. The transport takes no more
    /// than 128 KiB, whatever this says.
    pub head: usize,
    /// How much of an error's body is kept; what is longer is cut, not refused. Default: 64 KiB.
    pub error_body: usize,
    /// The accumulated response: its text, and some for each choice and tool call. Default: 64 MiB.
    pub response: usize,
    /// The body of an answer that is not streamed. Default: 64 MiB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event: 16 << 20, head: 64 << 10, error_body: 64 << 10, response: 64 << 20, body: 64 << 20 }
    }
}
