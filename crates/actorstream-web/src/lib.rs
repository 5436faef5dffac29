//! Brings a generation to its viewers: the log of a stream outlives the HTTP request that began it, and each viewer reads
//! it in a protocol of its own.

pub mod event;
pub mod id;
pub mod page;
pub mod protocol;
pub mod store;
pub mod ui_request;
