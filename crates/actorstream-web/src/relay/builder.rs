//! `RelayBuilder`: configures a relay.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::HttpRequest;
use actorstream::proto::request::body::Body;
use actorstream::{ChatCompletionChunk, CompletionChunk, IntoTarget, OpenAi, ResponseEvent};

use super::{Authorize, Inner, Relay};
use crate::event::{Api, Failure};
use crate::log::Log;
use crate::owners::Owners;
use crate::settings::{OnLastViewer, Settings, Takeover};
use crate::store::Store;
use crate::viewers::Viewers;

/// Headers that belong to the client or frame its request.
const NOT_PASSED_ON: [&str; 14] = [
    "accept",
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Configures a relay.
#[must_use]
pub struct RelayBuilder {
    openai: OpenAi,
    store: Arc<dyn Store>,
    authorize: Authorize,
    settings: Settings,
    prepares_embeddings: bool,
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
            prepares_embeddings: false,
        }
    }

    /// Sets the model for the chat route. Default: `gpt-6-luna`.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.settings.model = model.into();
        self
    }

    /// Makes the chat route call `POST /responses` instead of `POST /chat/completions`.
    pub fn chat_over_responses(mut self) -> Self {
        self.settings.chat_api = Api::Responses;
        self
    }

    /// Sets how long a producer counts as alive without contacting the store. Default: 15 s. An instance with a
    /// viewer of the generation takes over at most a second later.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// Sets what happens when the last viewer of a generation has left. Default: it continues.
    pub fn on_last_viewer(mut self, on_last_viewer: OnLastViewer) -> Self {
        self.settings.on_last_viewer = on_last_viewer;
        self
    }

    /// Sets what happens to a generation whose producer is gone. Default: [`Takeover::Resume`].
    pub fn takeover(mut self, takeover: Takeover) -> Self {
        self.settings.takeover = takeover;
        self
    }

    /// Sets the maximum number of takeovers of one generation, after which it fails. Default: 3.
    pub fn max_takeovers(mut self, most: u32) -> Self {
        self.settings.max_takeovers = most;
        self
    }

    /// Sets the maximum number of concurrent viewers in this process. Default: 10,000.
    pub fn max_viewers(mut self, most: usize) -> Self {
        self.settings.max_viewers = most;
        self
    }

    /// Sets the maximum number of concurrent viewers of one generation. Default: 5,000.
    pub fn max_viewers_of_one(mut self, most: usize) -> Self {
        self.settings.max_viewers_of_one = most;
        self
    }

    /// Sets the maximum number of concurrent generations of one owner, in all processes that share the store. Beyond
    /// this, the response is 429. Default: 1,000.
    pub fn max_generations_of_owner(mut self, most: usize) -> Self {
        self.settings.of_owner.generations = most;
        self
    }

    /// Sets the maximum number of concurrent viewers of one owner, in all processes that share the store. Beyond
    /// this, the response is 429. Default: 2,000.
    pub fn max_viewers_of_owner(mut self, most: usize) -> Self {
        self.settings.of_owner.viewers = most;
        self
    }

    /// Sets the maximum total size of one owner's logs in bytes, including those kept after their end. Bytes written
    /// by other processes that share the store count too; they are read when the owner begins a generation, and
    /// every 20 s. Default: 256 MiB.
    pub fn max_bytes_of_owner(mut self, most: u64) -> Self {
        self.settings.of_owner.bytes = most;
        self
    }

    /// Forwards these headers from clients of the OpenAI routes to upstream, such as `OpenAI-Beta`,
    /// `OpenAI-Organization`, `Idempotency-Key` and `X-Client-Request-Id`. Default: none. A client's key is never
    /// forwarded.
    pub fn pass_headers_on<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(|name| name.as_ref().to_ascii_lowercase());
        self.settings.passed_on_headers = names.filter(|name| !NOT_PASSED_ON.contains(&&**name)).collect();
        self
    }

    /// Sets whether the queries of clients of the OpenAI routes are forwarded to upstream. Default: no.
    pub fn pass_queries_on(mut self, pass: bool) -> Self {
        self.settings.passes_queries_on = pass;
        self
    }

    /// Sets the maximum size of a request body in bytes. Default: 16 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.settings.max_body = bytes;
        self
    }

    /// Sets the maximum size in bytes of all request bodies being received in this process. Beyond this, the response
    /// is 503. Default: 256 MiB.
    pub fn max_bodies(mut self, bytes: usize) -> Self {
        self.settings.max_bodies = bytes;
        self
    }

    /// Sets how long a request body may take: at most `silence` without a byte, and at most `whole` in total.
    /// Otherwise the response is 408. Default: 10 s and 60 s.
    pub fn body_timeouts(mut self, silence: Duration, whole: Duration) -> Self {
        self.settings.body_silence = silence;
        self.settings.body_time = whole;
        self
    }

    /// Sets how long a connection to a viewer may be silent before a keep-alive is sent. Default: 15 s.
    pub fn ping_every(mut self, interval: Duration) -> Self {
        self.settings.ping_every = interval;
        self
    }

    /// Sets whether viewers receive upstream's own error messages. They may reveal more about the service than
    /// viewers should know, such as the name of its organization; they never contain a key. Default: no.
    pub fn expose_upstream_errors(mut self, tell: bool) -> Self {
        self.settings.tells_upstreams_words = tell;
        self
    }

    /// Puts a custom actor, or another target, between upstream and the log, for chat completions. It is created for
    /// each stream and writes to the log; see [`Generation`](crate::Generation).
    pub fn through_chat<T>(mut self, target: impl Fn(Log) -> T + Send + Sync + 'static) -> Self
    where
        T: IntoTarget<ChatCompletionChunk>,
    {
        self.settings.chat = Arc::new(move |log| target(log).into_target());
        self
    }

    /// Like [`through_chat`](Self::through_chat), for text completions.
    pub fn through_completions<T>(mut self, target: impl Fn(Log) -> T + Send + Sync + 'static) -> Self
    where
        T: IntoTarget<CompletionChunk>,
    {
        self.settings.completions = Arc::new(move |log| target(log).into_target());
        self
    }

    /// Like [`through_chat`](Self::through_chat), for responses.
    pub fn through_responses<T>(mut self, target: impl Fn(Log) -> T + Send + Sync + 'static) -> Self
    where
        T: IntoTarget<ResponseEvent>,
    {
        self.settings.responses = Arc::new(move |log| target(log).into_target());
        self
    }

    /// Sets a hook that sees each request before it is sent upstream, and may change or refuse it. Use it to add a
    /// system prompt, or to decide which owner may use which model. It also receives the owner. With this hook,
    /// embeddings requests are refused unless [`prepare_embeddings`](Self::prepare_embeddings) is set.
    pub fn prepare(
        mut self,
        prepare: impl Fn(&str, Api, &mut Body) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.settings.prepare = Arc::new(prepare);
        if !self.prepares_embeddings {
            self.settings.prepare_embeddings = Arc::new(|_, _| {
                let message = "embeddings are not served here: the service does not say who may ask for them";
                Err(Failure::new(403, "permission_error", message).with_code("embeddings_not_allowed"))
            });
        }
        self
    }

    /// Sets a hook that sees each embeddings request before it is sent upstream, like [`prepare`](Self::prepare) for
    /// the others. Default: all are forwarded, unless `prepare` is set.
    pub fn prepare_embeddings(
        mut self,
        prepare: impl Fn(&str, &mut Body) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.prepares_embeddings = true;
        self.settings.prepare_embeddings = Arc::new(prepare);
        self
    }

    /// Builds the relay.
    pub fn build(self) -> Relay {
        let Self { openai, store, authorize, settings, .. } = self;
        let hold = match settings.on_last_viewer {
            OnLastViewer::Continue => None,
            OnLastViewer::CancelAfter(hold) => Some(hold),
        };
        let attended = Arc::clone(&store);
        let owners = Owners::new(settings.of_owner.clone(), Arc::clone(&store));
        let (most, most_of_one) = (settings.max_viewers, settings.max_viewers_of_one);
        let viewers = Viewers::new(most, most_of_one, Arc::clone(&owners), move |generation| {
            let Some(hold) = hold else { return };
            // Outside a runtime, there are no viewers left.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                let (store, generation) = (Arc::clone(&attended), generation.clone());
                // The time without viewers starts here.
                runtime.spawn(async move { store.attend(&generation, hold).await });
            }
        });
        Relay(Arc::new(Inner {
            openai,
            store,
            authorize,
            settings,
            running: Mutex::default(),
            bodies: Arc::default(),
            owners,
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
