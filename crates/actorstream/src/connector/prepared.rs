//! `Prepared`: a request that can be sent repeatedly.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::timeouts::Timeout;
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
    /// Directs the request to another server, with its settings and its names of models.
    ///
    /// # Errors
    /// If its URL cannot be made.
    pub(super) fn direct(
        &mut self,
        options: &Arc<Options>,
        secrets: Arc<[Secret]>,
        models: &Arc<BTreeMap<String, String>>,
    ) -> Result<(), String> {
        self.first.uri = self.recovery.uri(options)?;
        self.first.key = None;
        self.first.models = Some(Arc::clone(models)).filter(|models| !models.is_empty());
        self.recovery = self.recovery.with(options);
        let total = self.settings.timeouts.get(Timeout::Total);
        let mut timeouts = options.timeouts.clone();
        timeouts.total = total;
        let url = self.first.shown_url();
        self.settings = Arc::new(Settings { timeouts, secrets, url, ..Settings::clone(&self.settings) });
        Ok(())
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
