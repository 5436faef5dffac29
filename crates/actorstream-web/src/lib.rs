//! Serves generations to viewers. The log of a stream outlives the HTTP request that started it, and each viewer
//! reads it in its own protocol.
//!
//! [`Relay`] mounts everything in an actix-web application: routes for `useChat` of the AI SDK, and an
//! OpenAI-compatible gateway. Each part can also be used alone:
//!
//! * [`Log`] and [`Generation`] write the events of a stream to a [`store`]; [`store::MemoryStore`] keeps them in
//!   this process.
//! * [`Viewer`] reads a log from any position and encodes it in a [`protocol`]; it is the body of a response.
//! * [`event`] defines the content of a log, [`ui_request`] parses the requests of `useChat`, and [`page`] is a chat
//!   page.
//! * [`access`] is a middleware that controls access to a service.

pub mod access;
pub mod event;
mod failure;
pub mod generation;
pub mod id;
mod log;
mod owners;
pub mod page;
pub mod protocol;
mod relay;
mod routes;
mod settings;
pub mod store;
mod strict_json;
pub mod ui_request;
mod viewer;
mod viewers;

pub use event::{Api, Failure};
pub use generation::Generation;
pub use id::{Cursor, GenerationId, InvalidId};
pub use log::{Closed, Log, Recorded};
pub use protocol::Protocol;
pub use relay::{GenerationRequest, Relay, RelayBuilder, RelayedStream, UpstreamRequest};
pub use settings::{OnLastViewer, Takeover};
pub use viewer::{Cut, Viewer};
