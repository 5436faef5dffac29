//! What a relay is set up with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor;
use actorstream::proto::body::Body;
use actorstream::{ChatCompletionChunk, CompletionChunk, IntoTarget, ResponseEvent, Target};

use crate::event::{Api, Failure};
use crate::generation::Generation;
use crate::log::Log;

/// What happens when the last viewer of a generation has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnLastViewer {
    /// The generation goes on; whoever comes back finds all of it.
    #[default]
    Continue,
    /// The generation is stopped when nobody has watched for so long; it is noticed within a quarter of that time.
    CancelAfter(Duration),
}

/// What happens to a generation whose producer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Takeover {
    /// It goes on where it was, if upstream has kept the response (Responses in background mode), or if nothing of it is
    /// in the log yet. Any other fails.
    #[default]
    Resume,
    /// The same, and what cannot go on is generated again from its beginning: viewers are told that what they have is
    /// void. But once a tool has run, it fails.
    Restart,
    /// It fails.
    Fail,
}

/// Makes the target of a stream from the log that it is to write to.
type Through<E> = Arc<dyn Fn(Log) -> Target<E> + Send + Sync>;

/// Looks at a request before it goes upstream.
type Prepare = Arc<dyn Fn(&str, Api, &mut Body) -> Result<(), Failure> + Send + Sync>;

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
    pub(crate) max_body: usize,
    pub(crate) ping_every: Duration,
    pub(crate) tells_upstreams_words: bool,
    pub(crate) chat: Through<ChatCompletionChunk>,
    pub(crate) completions: Through<CompletionChunk>,
    pub(crate) responses: Through<ResponseEvent>,
    pub(crate) prepare: Prepare,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: "gpt-4o-mini".to_owned(),
            chat_api: Api::Chat,
            lease: Duration::from_secs(15),
            on_last_viewer: OnLastViewer::default(),
            takeover: Takeover::default(),
            max_takeovers: 3,
            max_viewers: 10_000,
            max_viewers_of_one: 5_000,
            max_body: 16 << 20,
            ping_every: Duration::from_secs(15),
            tells_upstreams_words: false,
            chat: Arc::new(|log| Generation::new(log).start().into_target()),
            completions: Arc::new(|log| Generation::new(log).start().into_target()),
            responses: Arc::new(|log| Generation::new(log).start().into_target()),
            prepare: Arc::new(|_, _, _| Ok(())),
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
            .field("max_body", &self.max_body)
            .field("ping_every", &self.ping_every)
            .field("tells_upstreams_words", &self.tells_upstreams_words)
            .finish_non_exhaustive()
    }
}
