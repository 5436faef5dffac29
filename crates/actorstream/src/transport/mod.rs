//! The transport: awc, set up so that a stream's truth survives it.
//!
//! awc writes requests and reads heads. What it leaves out is done here, in the service that it asks for connections and
//! in the `Io` that it reads from: proxies, several addresses side by side, TLS with ALPN `http/1.1`, `TCP_NODELAY` and
//! keep-alive, a connect budget for each call. When it has read a head the connection is taken from under it, since it
//! would keep 16 KiB of buffers for each and take a body that was cut for a complete one: bodies are read here, and
//! connections kept here. Redirects are not followed, since they would carry the key and the prompt to another host.

mod answer;
mod base_url;
mod body;
mod client;
mod connect;
mod connections;
mod exchange;
mod happy_eyeballs;
mod hosts;
mod io;
mod no_proxy;
mod proxies;
mod proxy;
mod response_head;
mod send;
mod stream;
mod tls;
mod tunnel;
mod upload;

pub(crate) use answer::{Answer, Piece};
pub(crate) use base_url::BaseUrl;
pub(crate) use client::HttpClient;
pub(crate) use connect::ConnectSettings;
pub(crate) use exchange::Exchange;
pub(crate) use hosts::Hosts;
pub(crate) use proxies::Proxies;
pub(crate) use proxy::Proxy;
pub(crate) use send::send;
pub(crate) use tls::TlsSettings;
