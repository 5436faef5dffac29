//! `RelayBuilder`: sets a relay up.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::HttpRequest;
use actorstream::proto::body::Body;
use actorstream::{ChatCompletionChunk, CompletionChunk, IntoTarget, OpenAi, ResponseEvent};

use super::{Authorize, Inner, Relay};
use crate::event::{Api, Failure};
use crate::log::Log;
use crate::settings::{OnLastViewer, Settings, Takeover};
use crate::store::Store;
use crate::viewers::Viewers;

/// Sets a relay up.
#[must_use]
pub struct RelayBuilder {
    openai: OpenAi,
    store: Arc<dyn Store>,
    authorize: Authorize,
    settings: Settings,
}

impl RelayBuilder {
    pub(super) fn new<S, A, F>(openai: OpenAi, store: S, authorize: A) -> Self
    where
        S: Store,
        A: Fn(HttpRequest) -> F + Send + Sync + 'static,
        F: Future<Output = actix_web::Result<String>> + 'static,
    {
        Self {
            openai,
            store: Arc::new(store),
            authorize: Arc::new(move |request| Box::pin(authorize(request))),
            settings: Settings::default(),
        }
    }

    /// The model that the chat route asks. Default: `gpt-4o-mini`.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.settings.model = model.into();
        self
    }

    /// Has the chat route ask `POST /responses` instead of `POST /chat/completions`.
    pub fn chat_over_responses(mut self) -> Self {
        self.settings.chat_api = Api::Responses;
        self
    }

    /// How long a producer is taken to live without a word to the store. Default: 15 s. Another instance takes over a
    /// second after that at the latest, if anybody watches there.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// What happens when the last viewer of a generation has left. Default: it goes on.
    pub fn on_last_viewer(mut self, on_last_viewer: OnLastViewer) -> Self {
        self.settings.on_last_viewer = on_last_viewer;
        self
    }

    /// What happens to a generation whose producer is gone. Default: [`Takeover::Resume`].
    pub fn takeover(mut self, takeover: Takeover) -> Self {
        self.settings.takeover = takeover;
        self
    }

    /// How often one generation is taken over before it fails. Default: 3.
    pub fn max_takeovers(mut self, most: u32) -> Self {
        self.settings.max_takeovers = most;
        self
    }

    /// How many viewers may watch at once in this process. Default: 10,000.
    pub fn max_viewers(mut self, most: usize) -> Self {
        self.settings.max_viewers = most;
        self
    }

    /// How many of them may watch one generation. Default: 5,000.
    pub fn max_viewers_of_one(mut self, most: usize) -> Self {
        self.settings.max_viewers_of_one = most;
        self
    }

    /// How many bytes the body of a request may have. Default: 16 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.settings.max_body = bytes;
        self
    }

    /// How long a viewer is sent nothing before it is sent what keeps its connection alive. Default: 15 s.
    pub fn ping_every(mut self, interval: Duration) -> Self {
        self.settings.ping_every = interval;
        self
    }

    /// Tells viewers the errors of upstream in upstream's own words. They may say more of the service than viewers should
    /// know, such as the name of its organization; a key is never in them. Default: no.
    pub fn tell_upstream_errors(mut self, tell: bool) -> Self {
        self.settings.tells_upstreams_words = tell;
        self
    }

    /// Puts an actor of your own, or another target, between upstream and the log, for chat completions. It is made for
    /// each stream, and writes to the log; see [`Generation`](crate::Generation).
    pub fn through_chat<T>(mut self, target: impl Fn(Log) -> T + Send + Sync + 'static) -> Self
    where
        T: IntoTarget<ChatCompletionChunk>,
    {
        self.settings.chat = Arc::new(move |log| target(log).into_target());
        self
    }

    /// The same for text completions.
    pub fn through_completions<T>(mut self, target: impl Fn(Log) -> T + Send + Sync + 'static) -> Self
    where
        T: IntoTarget<CompletionChunk>,
    {
        self.settings.completions = Arc::new(move |log| target(log).into_target());
        self
    }

    /// The same for responses.
    pub fn through_responses<T>(mut self, target: impl Fn(Log) -> T + Send + Sync + 'static) -> Self
    where
        T: IntoTarget<ResponseEvent>,
    {
        self.settings.responses = Arc::new(move |log| target(log).into_target());
        self
    }

    /// Looks at each request before it goes upstream, and may change or refuse it: this is where a system prompt is added,
    /// and where it is decided who may ask which model. It is given the owner.
    pub fn prepare(
        mut self,
        prepare: impl Fn(&str, Api, &mut Body) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.settings.prepare = Arc::new(prepare);
        self
    }

    /// The relay.
    pub fn build(self) -> Relay {
        let Self { openai, store, authorize, settings } = self;
        let hold = match settings.on_last_viewer {
            OnLastViewer::Continue => None,
            OnLastViewer::CancelAfter(hold) => Some(hold),
        };
        let attended = Arc::clone(&store);
        let viewers = Viewers::new(settings.max_viewers, settings.max_viewers_of_one, move |generation| {
            let Some(hold) = hold else { return };
            // Outside of a runtime nobody watches any more anyway.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                let (store, generation) = (Arc::clone(&attended), generation.clone());
                // The time runs from here on.
                runtime.spawn(async move { store.attend(&generation, hold).await });
            }
        });
        Relay(Arc::new(Inner {
            openai,
            store,
            authorize,
            settings,
            running: Mutex::default(),
            viewers,
            sweeps: false.into(),
        }))
    }
}

impl fmt::Debug for RelayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
