//! The contract, through sockets: what `docs/runtime-semantics.md` promises, row by row.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/relay.rs"]
mod relay;

mod addresses;
mod configuration;
mod ends;
mod media;
mod output;
mod placement;
mod pool;
mod proxies;
mod races;
mod requests;
mod responses;
mod resume;
mod retry;
mod shutdown;
mod targets;
mod time;
mod tools;
mod transport;
mod uploads;
