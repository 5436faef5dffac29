//! The transport: awc, set up so that a stream's truth survives it.
//!
//! What awc leaves out is done here, in the service that awc asks for connections and in the `Io` that it reads from:
//! proxies, several addresses side by side, TLS with ALPN `http/1.1`, `TCP_NODELAY` and keep-alive, a connect budget for
//! each call, the end of connections that are kept for nothing, whether a body was cut, and answers that HTTP/1.1 allows
//! and awc does not read. Redirects are not followed, since they would carry the key and
//! the prompt to another host.

mod base_url;
mod client;
mod connect;
mod exchange;
mod happy_eyeballs;
mod hosts;
mod io;
mod kept;
mod no_proxy;
mod proxies;
mod proxy;
mod response_head;
mod send;
mod stream;
mod tls;
mod tunnel;
mod upload;

pub(crate) use base_url::BaseUrl;
pub(crate) use client::HttpClient;
pub(crate) use connect::ConnectSettings;
pub(crate) use exchange::Exchange;
pub(crate) use hosts::Hosts;
pub(crate) use proxies::Proxies;
pub(crate) use proxy::Proxy;
pub(crate) use send::{Answer, Read, send};
pub(crate) use tls::TlsSettings;
