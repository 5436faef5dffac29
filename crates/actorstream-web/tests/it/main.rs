//! The relay, from the store to the socket.
#![allow(clippy::unwrap_used)]

mod access;
mod bodies;
mod chat_routes;
mod common;
mod costs;
mod faulty_store;
mod gateway;
mod memory_store;
mod takeover;
mod truth;
mod viewers;
mod writing;
