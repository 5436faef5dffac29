//! The relay, from the store to the socket.
#![allow(clippy::unwrap_used)]

mod chat_routes;
mod common;
mod faulty_store;
mod gateway;
mod memory_store;
mod takeover;
mod viewers;
mod writing;
