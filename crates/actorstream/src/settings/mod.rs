//! The settings of a client, which each call can override.

pub(crate) mod azure;
pub(crate) mod base_url;
pub(crate) mod credentials;
pub(crate) mod head_observer;
pub(crate) mod options;
mod query;
