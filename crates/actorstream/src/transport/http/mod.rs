//! One exchange: the head and the body of a request out, the head and the body of its response in.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod client;
mod content_coding;
mod exchange;
mod io;
pub(crate) mod outgoing;
mod request_body;
pub(crate) mod send;
mod sending;
mod service;
