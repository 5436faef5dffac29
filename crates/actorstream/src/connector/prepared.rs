//! `Prepared`: a request that can be sent repeatedly.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::{ResumePoint, Session, Settings};
use awc::http::Uri;

use crate::settings::options::Options;
use crate::tools::Rounds;
use crate::transport::http::outgoing::Outgoing;

/// A request that can be sent repeatedly.
#[derive(Debug)]
pub(crate) struct Prepared<R> {
    pub(crate) first: Outgoing,
    pub(crate) settings: Arc<Settings>,
    pub(crate) starts_after: Option<u64>,
    pub(crate) recovery: Box<dyn Recovery>,
    /// The tool loop that follows a response.
    pub(crate) rounds: Option<Box<dyn Rounds<R>>>,
}

impl<R> Prepared<R> {
    /// What an attempt begins with.
    pub(super) fn carried(&self) -> Carried {
        Carried { secrets: Arc::clone(&self.settings.secrets), ..Carried::default() }
    }

    /// From now on, no error of an attempt shows these secrets.
    pub(super) fn conceal(&mut self, secrets: Arc<[Secret]>) {
        if !Arc::ptr_eq(&self.settings.secrets, &secrets) {
            Arc::make_mut(&mut self.settings).secrets = secrets;
        }
    }

    /// Creates the session of an attempt.
    pub(super) fn session<E: Event<Response = R>>(&self, started: Instant, attempt: u32) -> Session<E> {
        let mut session = Session::new(Arc::clone(&self.settings), started, attempt);
        if let Some(after) = self.starts_after {
            session.start_after(after);
        }
        session
    }
}

/// What comes of preparing a request, besides the request.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried {
    /// The secrets that no error may show, those that the request now carries included.
    pub(super) secrets: Arc<[Secret]>,
    /// How long the quota was waited for.
    pub(super) queued: Duration,
    /// Since when it is waited for.
    pub(super) queued_since: Option<Instant>,
}

/// Builds the requests that resume or cancel a response.
pub(crate) trait Recovery: fmt::Debug + Send {
    /// The request that resumes after this point.
    fn resume(&self, point: &ResumePoint) -> Option<Outgoing>;
    /// The request that cancels the response with this id.
    fn cancel(&self, id: &str) -> Option<Outgoing>;
    /// The URI of the request itself at another server.
    fn uri(&self, options: &Options) -> Result<Uri, String>;
    /// The same for another server.
    fn with(&self, options: &Arc<Options>) -> Box<dyn Recovery>;
}
