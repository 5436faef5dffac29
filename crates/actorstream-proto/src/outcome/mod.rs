//! How a stream ends: with a `Finish` or a `StreamError`, and the redaction of secrets.

pub mod api_error;
pub mod attempt;
pub mod credentials;
pub mod ending;
pub mod error;
pub(crate) mod error_signs;
pub mod finish;
pub mod identity;
pub mod rate_limits;
pub mod response_head;
pub mod round;
pub mod secret;
pub mod timeout;
pub mod timings;
pub mod tokens;
