//! The relay, from the store to the socket.
#![allow(clippy::unwrap_used)]

mod memory_store;
