//! `RedisStore` against Debian's redis-server, or the server in `REDIS_SERVER`, with and without faults. Each test
//! starts its own server.
#![allow(clippy::unwrap_used)]

mod cluster;
mod contract;
mod errors;
mod faults;
mod foreign;
mod instance;
mod owners;
mod proxy;
mod sentinel;
mod server;
mod store;
mod takeovers;
mod work;
