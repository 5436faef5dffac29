//! The types that users implement or hold (clients, targets, handles), and their connection to a connector.

pub(crate) mod clock;
pub(crate) mod delivery;
pub(crate) mod events;
pub(crate) mod handle;
pub(crate) mod output_client;
pub(crate) mod registry;
pub(crate) mod stream_event;
pub(crate) mod stream_ref;
pub(crate) mod streaming_client;
pub(crate) mod target;
