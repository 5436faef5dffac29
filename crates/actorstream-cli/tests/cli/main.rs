//! The command-line client, run as a process against scripted upstreams.

// Nothing but tests is here, also where a function is no test itself.
#![allow(clippy::unwrap_used)]

mod captures;
mod chat;
mod common;
mod ends;
mod interrupt;
mod media;
mod mock;
mod models;
mod probe;
mod recording;
mod respond;
mod serve;
mod serve_access;
mod serve_life;
mod stream;
mod unstreamed;
mod usage;
mod words;
