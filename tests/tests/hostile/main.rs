//! Malicious servers and malicious user input: each stream ends as the contract says, in bounded memory.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/compress.rs"]
mod compress;

mod bodies;
mod heads;
mod input;
mod json;
mod play;
mod sizes;

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
