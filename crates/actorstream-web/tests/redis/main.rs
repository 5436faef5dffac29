//! `RedisStore` against Debian's redis-server, or the server that `REDIS_SERVER` names, whole and broken. Each test starts a
//! server of its own.
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
