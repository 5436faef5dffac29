//! The endpoints, one folder each: the request, the events, and the response that they add up to.

pub mod audio;
pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod files;
pub mod images;
pub mod models;
pub mod moderations;
pub mod responses;
