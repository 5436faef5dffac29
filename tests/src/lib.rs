//! The tests of actorstream that need more than one crate.

/// The programs in the documents: all are compiled, and those that need no server are run.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../docs/streaming.md")]
    struct Streaming;

    #[doc = include_str!("../../docs/runtime-semantics.md")]
    struct RuntimeSemantics;

    #[doc = include_str!("../../docs/reliability.md")]
    struct Reliability;

    #[doc = include_str!("../../docs/operations.md")]
    struct Operations;

    #[doc = include_str!("../../docs/web.md")]
    struct Web;

    #[doc = include_str!("../../docs/scale-out.md")]
    struct ScaleOut;

    #[doc = include_str!("../../README.md")]
    struct Readme;
}
