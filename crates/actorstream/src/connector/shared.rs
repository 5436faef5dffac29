//! `Shared`: the state that all clones of a client and all its streams share.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use actorstream_proto::session::Settings;
use tokio::sync::Semaphore;

use crate::connector::backends::Backends;
use crate::connector::placement::Pool;
use crate::settings::options::Options;
use crate::stream::registry::Streams;
use crate::transport::connect::ConnectSettings;
use crate::transport::http::client::HttpClient;

/// The state that all clones of a client and all its streams share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Distinguishes clients, even one from a dropped one whose memory it reuses.
    pub(crate) id: u64,
    pub(crate) options: Arc<Options>,
    pub(crate) connect: Arc<ConnectSettings>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) pool: Pool,
    /// The servers that can answer in place of its own.
    pub(crate) backends: Backends<Arc<Shared>>,
    /// Those of the stream that was started last.
    pub(crate) settings: LastSettings,
}

impl Shared {
    /// The HTTP client of this thread.
    pub(super) fn http(&self) -> Rc<HttpClient> {
        HttpClient::of(self.id, &self.connect, &self.streams)
    }
}

/// The settings of the stream that was started last: most streams of a client have the same, and share them.
#[derive(Debug, Default)]
pub(crate) struct LastSettings(Mutex<Weak<Settings>>);

impl LastSettings {
    /// Returns these settings, shared with the last stream if it has the same.
    pub(crate) fn share(&self, settings: Settings) -> Arc<Settings> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = last.upgrade().filter(|last| **last == settings) {
            return same;
        }
        let settings = Arc::new(settings);
        *last = Arc::downgrade(&settings);
        settings
    }
}
