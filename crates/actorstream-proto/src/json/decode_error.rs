//! `DecodeError`: why a payload cannot be read.

/// Why a payload is no event: it is not JSON, and this is what the parser says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(pub String);
