//! The transport: awc, configured so that a stream's outcome is reported truthfully.
//!
//! awc writes request heads and reads response heads. This module does everything else, in the service from which
//! awc obtains connections and in the `Io` that awc writes to and reads from: proxies, parallel connection attempts
//! to several addresses, TLS with ALPN `http/1.1`, `TCP_NODELAY` and keep-alive, and a connect timeout for each
//! call.
//!
//! It also sends request bodies, because awc would send all of a request before it reads the response. Once awc has
//! read a head, the connection is taken from it: awc would keep 16 KiB of buffers for each connection, and treat a
//! truncated body as complete. Response bodies are therefore read, content codings decoded, and connections pooled
//! here. Redirects are not followed, since they would carry the key and the prompt to another host.

pub(crate) mod connect;
pub(crate) mod http;
mod response_head;
