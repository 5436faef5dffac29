//! The transport: awc, configured so that a stream's outcome is reported truthfully.
//!
//! awc writes and reads heads. What it leaves out is done here, in the service that it asks for connections and in the `Io`
//! that it writes to and reads from: proxies, several addresses side by side, TLS with ALPN `http/1.1`, `TCP_NODELAY` and
//! keep-alive, a connect timeout for each call. It would send all of a request before it reads an answer: the bodies of
//! requests are sent here, side by side with that. When it has read a head the connection is taken from under it, since it
//! would keep 16 KiB of buffers for each and take a body that was cut for a complete one: bodies are read here, and
//! connections kept here, and content codings decoded here. Redirects are not followed, since they would carry the key and the
//! prompt to another host.

pub(crate) mod connect;
pub(crate) mod http;
mod response_head;
