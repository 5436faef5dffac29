//! The headers with which the client frames a request, so that nobody else sets them.

use awc::http::header::HeaderName;

const FRAMING: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "expect"];

/// Returns whether the client sets this header itself.
pub(super) fn is_framing(name: &HeaderName) -> bool {
    FRAMING.contains(&name.as_str())
}
