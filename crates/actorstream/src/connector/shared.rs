//! `Shared`: the state that all clones of a client and all its streams share.

use std::rc::Rc;
use std::sync::Arc;

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
}

impl Shared {
    /// The HTTP client of this thread.
    pub(super) fn http(&self) -> Rc<HttpClient> {
        HttpClient::of(self.id, &self.connect, &self.streams)
    }
}
