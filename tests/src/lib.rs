//! The tests of actorstream that need more than one crate.
