//! The upstream's behaviour, observed by a raw client.
#![allow(clippy::unwrap_used)]

mod clock;
mod faults;
mod http;
mod media;
mod parse;
mod raw_client;
mod recorder;
mod splits;
mod story;
mod streams;
#[cfg(feature = "tls")]
mod tls;
mod unreachable;
mod watching;
