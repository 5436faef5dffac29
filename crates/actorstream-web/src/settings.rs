//! The settings of a relay.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor;
use actorstream::proto::request::body::Body;
use actorstream::{ChatCompletionChunk, CompletionChunk, IntoTarget, ResponseEvent, Target};

use crate::event::{Api, Failure};
use crate::generation::Generation;
use crate::log::Log;
use crate::owners::OwnerCaps;

/// What happens when the last viewer of a generation has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnLastViewer {
    /// The generation continues; a viewer that reconnects finds all of it.
    #[default]
    Continue,
    /// The generation is stopped after this time without viewers. The absence is detected at most a quarter of that
    /// time late.
    CancelAfter(Duration),
}

/// What happens to a generation whose producer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Takeover {
    /// It is resumed if upstream has kept the response (Responses in background mode), or started again if its log is
    /// still empty. Any other generation fails.
    #[default]
    Resume,
    /// Like `Resume`, but a generation that cannot be resumed is generated again from its beginning, and viewers are
    /// told to discard everything shown so far. Once a tool has run, it fails instead.
    Restart,
    /// It fails.
    Fail,
}

/// Creates the target of a stream from the log that it writes to.
type Through<E> = Arc<dyn Fn(Log) -> Target<E> + Send + Sync>;

/// A hook that sees a request before it is sent upstream.
type Prepare = Arc<dyn Fn(&str, Api, &mut Body) -> Result<(), Failure> + Send + Sync>;

/// A hook that sees an embeddings request before it is sent upstream.
type PrepareEmbeddings = Arc<dyn Fn(&str, &mut Body) -> Result<(), Failure> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) model: String,
    pub(crate) chat_api: Api,
    pub(crate) lease: Duration,
    pub(crate) on_last_viewer: OnLastViewer,
    pub(crate) takeover: Takeover,
    pub(crate) max_takeovers: u32,
    pub(crate) max_viewers: usize,
    pub(crate) max_viewers_of_one: usize,
    pub(crate) of_owner: OwnerCaps,
    pub(crate) passed_on_headers: Vec<String>,
    pub(crate) passes_queries_on: bool,
    pub(crate) max_body: usize,
    pub(crate) max_bodies: usize,
    pub(crate) body_silence: Duration,
    pub(crate) body_time: Duration,
    pub(crate) ping_every: Duration,
    pub(crate) tells_upstreams_words: bool,
    pub(crate) chat: Through<ChatCompletionChunk>,
    pub(crate) completions: Through<CompletionChunk>,
    pub(crate) responses: Through<ResponseEvent>,
    pub(crate) prepare: Prepare,
    pub(crate) prepare_embeddings: PrepareEmbeddings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: actorstream::models::CHAT.to_owned(),
            chat_api: Api::Chat,
            lease: Duration::from_secs(15),
            on_last_viewer: OnLastViewer::default(),
            takeover: Takeover::default(),
            max_takeovers: 3,
            max_viewers: 10_000,
            max_viewers_of_one: 5_000,
            of_owner: OwnerCaps::default(),
            passed_on_headers: Vec::new(),
            passes_queries_on: false,
            max_body: 16 << 20,
            max_bodies: 256 << 20,
            body_silence: Duration::from_secs(10),
            body_time: Duration::from_secs(60),
            ping_every: Duration::from_secs(15),
            tells_upstreams_words: false,
            chat: Arc::new(|log| Generation::new(log).start().into_target()),
            completions: Arc::new(|log| Generation::new(log).start().into_target()),
            responses: Arc::new(|log| Generation::new(log).start().into_target()),
            prepare: Arc::new(|_, _, _| Ok(())),
            prepare_embeddings: Arc::new(|_, _| Ok(())),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("model", &self.model)
            .field("chat_api", &self.chat_api)
            .field("lease", &self.lease)
            .field("on_last_viewer", &self.on_last_viewer)
            .field("takeover", &self.takeover)
            .field("max_takeovers", &self.max_takeovers)
            .field("max_viewers", &self.max_viewers)
            .field("max_viewers_of_one", &self.max_viewers_of_one)
            .field("of_owner", &self.of_owner)
            .field("passed_on_headers", &self.passed_on_headers)
            .field("passes_queries_on", &self.passes_queries_on)
            .field("max_body", &self.max_body)
            .field("max_bodies", &self.max_bodies)
            .field("body_silence", &self.body_silence)
            .field("body_time", &self.body_time)
            .field("ping_every", &self.ping_every)
            .field("tells_upstreams_words", &self.tells_upstreams_words)
            .finish_non_exhaustive()
    }
}
