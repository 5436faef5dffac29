//! `Aim`: a request as one server gets it.

use std::sync::Arc;
use std::time::Instant;

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::{Session, Settings};

use crate::connector::prepared::Recovery;
use crate::connector::shared::Shared;
use crate::settings::options::Options;
use crate::transport::http::outgoing::Outgoing;

/// A request as one server gets it, with that server's client and settings.
#[derive(Debug)]
pub(super) struct Aim {
    /// Which backend it is.
    pub(super) index: usize,
    /// Its name; `None` for the client's own server.
    pub(super) name: Option<Arc<str>>,
    pub(super) client: Arc<Shared>,
    pub(super) options: Arc<Options>,
    pub(super) first: Outgoing,
    /// Why it cannot be sent there, if it cannot.
    pub(super) flaw: Option<ErrorKind>,
    pub(super) settings: Arc<Settings>,
    pub(super) recovery: Box<dyn Recovery>,
}

impl Aim {
    /// Creates the session of an attempt.
    pub(super) fn session<E: Event>(&self, started: Instant, attempt: u32) -> Session<E> {
        Session::new(Arc::clone(&self.settings), started, attempt)
    }

    /// From now on, no error of an attempt shows these secrets.
    pub(super) fn conceal(&mut self, secrets: Arc<[Secret]>) {
        if !Arc::ptr_eq(&self.settings.secrets, &secrets) {
            Arc::make_mut(&mut self.settings).secrets = secrets;
        }
    }
}
