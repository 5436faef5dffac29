//! Brings a generation to its viewers: the log of a stream outlives the HTTP request that began it, and each viewer reads
//! it in a protocol of its own.
//!
//! [`Relay`] mounts all of it in an actix-web application: routes for `useChat` of the AI SDK, and an OpenAI-compatible
//! gateway. Each piece can be used on its own too:
//!
//! * [`Log`] and [`Generation`] take the events of a stream to a [`store`]; [`store::MemoryStore`] keeps them in this process.
//! * [`Viewer`] reads a log from any point on and writes it in a [`protocol`]; it is the body of an answer.
//! * [`event`] says what a log is made of, [`ui_request`] reads what `useChat` sends, and [`page`] is a page to chat on.

pub mod event;
mod failure;
pub mod generation;
pub mod id;
mod log;
pub mod page;
pub mod protocol;
mod relay;
mod routes;
mod settings;
pub mod store;
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
