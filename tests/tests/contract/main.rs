//! The contract, through sockets: what `docs/runtime-semantics.md` promises, row by row.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod configuration;
mod ends;
mod media;
mod output;
mod placement;
mod requests;
mod responses;
mod resume;
mod retry;
mod targets;
mod time;
mod tools;
mod transport;
mod uploads;
