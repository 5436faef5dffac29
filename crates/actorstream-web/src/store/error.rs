//! `StoreError`: why a store operation failed.

use std::fmt;
use std::sync::Arc;

/// Why a store operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// Another producer has taken over; this one must not write any more.
    Fenced,
    /// The entries do not follow the last one in the log.
    Gap {
        /// The number of the last entry in the log.
        tail: u64,
    },
    /// The log has ended.
    Closed,
    /// A limit would be exceeded.
    Full(StoreLimit),
    /// There is no such generation, or it has expired.
    NotFound,
    /// The id is already in use.
    Exists,
    /// The arguments are invalid.
    Invalid(&'static str),
    /// The store is unavailable. The operation may still have taken effect.
    Unavailable(Arc<str>),
}

/// The subject of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreLimit {
    /// The bytes of one log.
    Bytes,
    /// The entries of one log.
    Events,
    /// How long a generation may run.
    Age,
    /// The number of concurrent generations.
    Generations,
    /// The bytes of all logs together.
    Memory,
}

impl StoreError {
    /// Creates an [`Unavailable`](Self::Unavailable) error.
    pub fn unavailable(detail: impl Into<Arc<str>>) -> Self {
        Self::Unavailable(detail.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced => f.write_str("another producer has taken the generation over"),
            Self::Gap { tail } => {
                write!(f, "the entries do not follow entry {tail}, the last one of the log")
            }
            Self::Closed => f.write_str("the generation has ended"),
            Self::Full(limit) => write!(f, "{limit}"),
            Self::NotFound => f.write_str("there is no such generation, or it has expired"),
            Self::Exists => f.write_str("there is a generation of this id"),
            Self::Invalid(detail) => f.write_str(detail),
            Self::Unavailable(detail) => write!(f, "the store cannot be reached: {detail}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl fmt::Display for StoreLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "the response exceeds the bytes that are stored for one",
            Self::Events => "the answer has outgrown the events that are kept of one",
            Self::Age => "the answer took longer than one may",
            Self::Generations => "too many answers are being written; try again later",
            Self::Memory => "the answers that are kept have outgrown the memory for them; try again later",
        })
    }
}
