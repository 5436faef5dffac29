//! The tests of actorstream that need more than one crate.

/// The programs in the documents, compiled, and run where they can be.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../docs/streaming.md")]
    struct Streaming;
}
