//! The synchronization primitives of `signal`, `handoff`, `decision` and `incarnation`. `tests/loom` compiles those
//! files with its own.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicU8, Ordering};

pub(crate) use futures_util::task::AtomicWaker;
