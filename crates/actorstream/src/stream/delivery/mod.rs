//! The path from a connector to its target: the state they share, and which side decides the outcome.

pub(crate) mod decision;
pub(crate) mod handoff;
pub(crate) mod incarnation;
pub(crate) mod link;
pub(crate) mod signal;
pub(crate) mod sync;
