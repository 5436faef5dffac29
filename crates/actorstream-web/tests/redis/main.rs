//! `RedisStore` against Debian's redis-server, whole and broken. Each test starts a server of its own.
#![allow(clippy::unwrap_used)]

mod contract;
mod errors;
mod faults;
mod instance;
mod proxy;
mod server;
mod store;
mod takeovers;
mod work;
