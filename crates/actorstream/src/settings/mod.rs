//! The settings of a client, which each call can override.

pub(crate) mod azure;
pub(crate) mod base_url;
pub(crate) mod cost;
pub(crate) mod credentials;
pub(crate) mod framing;
pub(crate) mod observer;
pub(crate) mod options;
mod query;
pub(crate) mod quota;
pub(crate) mod secrets;
pub(crate) mod setters;
pub(crate) mod spending;
