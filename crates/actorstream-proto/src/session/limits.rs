//! `Limits`: bounds on input from servers.

/// Bounds on what a server can make a stream hold, all in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// One event. Default: 64 MiB; images in base64 of 28 MiB and more exist.
    pub event: usize,
    /// The response head. Default: 64 KiB; gateways add dozens of headers. The transport accepts at most 128 KiB,
    /// regardless of this setting.
    pub head: usize,
    /// How much of an error body is kept; a longer one is truncated, not refused. Default: 64 KiB.
    pub error_body: usize,
    /// The accumulated response: its text, and a fixed amount for each choice and tool call. Default: 128 MiB.
    pub response: usize,
    /// The body of an unstreamed response. Default: 64 MiB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event: 64 << 20, head: 64 << 10, error_body: 64 << 10, response: 128 << 20, body: 64 << 20 }
    }
}
