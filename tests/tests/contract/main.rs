//! The contract, tested over sockets: the promises of `docs/runtime-semantics.md`, row by row.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/compress.rs"]
mod compress;
#[path = "../common/relay.rs"]
mod relay;
#[path = "../common/socks.rs"]
mod socks;

mod addresses;
mod codings;
mod configuration;
mod credentials;
mod early;
mod ends;
mod failover;
mod heads;
mod hedging;
mod hedging_faults;
mod kept;
mod liveness;
mod loops;
mod media;
mod observers;
mod output;
mod placement;
mod pool;
mod proxies;
mod quota;
mod races;
mod recording;
mod requests;
mod responses;
mod resume;
mod retry;
mod rounds;
mod shutdown;
mod socks_proxies;
mod starts;
mod targets;
mod telemetry;
mod time;
mod tools;
mod transport;
mod unstreamed;
mod uploads;
mod waits;
