//! `Relay`: brings generations about, and viewers to them.

mod builder;
mod request;
mod responder;
mod shutdown;
mod start;
mod takeover;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use actix_web::HttpRequest;
use actorstream::OpenAi;
use futures_core::future::LocalBoxFuture;

use crate::event::{Api, Failure};
use crate::id::{Cursor, GenerationId};
use crate::log::{Shared, again};
use crate::protocol::{Encoder, Protocol, encoder};
use crate::settings::Settings;
use crate::store::{Generation, Store, StoreError};
use crate::viewer::Viewer;
use crate::viewers::Viewers;

pub use builder::RelayBuilder;
pub use request::{GenerationRequest, UpstreamRequest};
pub use responder::RelayedStream;

/// Says who makes a request: the name of the owner of what it begins and finds, or the error that it is answered with.
pub(crate) type Authorize =
    Arc<dyn Fn(HttpRequest) -> LocalBoxFuture<'static, actix_web::Result<String>> + Send + Sync>;

/// Brings generations about, and viewers to them.
///
/// It is a handle, for all workers of a server: clones share everything.
///
/// ```no_run
/// use actix_web::{App, HttpRequest, HttpServer, error::ErrorUnauthorized, web};
/// use actorstream::OpenAi;
/// use actorstream_web::{Relay, store::MemoryStore};
///
/// /// Who makes the request. This is where your sessions or tokens are looked at.
/// async fn user(request: HttpRequest) -> actix_web::Result<String> {
///     let name = request.headers().get("x-user").and_then(|name| name.to_str().ok());
///     name.map(str::to_owned).ok_or_else(|| ErrorUnauthorized("log in first"))
/// }
///
/// #[actix_web::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let relay = Relay::new(OpenAi::from_env()?, MemoryStore::default(), user);
///     HttpServer::new(move || App::new().service(web::scope("/api").configure(|config| relay.configure(config))))
///         .h1_allow_half_closed(false) // so that a viewer that leaves is noticed at once
///         .bind(("127.0.0.1", 8080))?
///         .run()
///         .await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Relay(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) openai: OpenAi,
    pub(crate) store: Arc<dyn Store>,
    authorize: Authorize,
    pub(crate) settings: Settings,
    /// The generations whose producer is in this process.
    running: Mutex<HashMap<GenerationId, Arc<Shared>>>,
    pub(crate) viewers: Arc<Viewers>,
    sweeps: AtomicBool,
}

impl Relay {
    /// A relay that asks `openai`, keeps logs in `store`, and has `authorize` say who makes a request: it gives a name,
    /// such as a user's id, and nobody finds what another name began. An error is what the request is answered with.
    pub fn new<S, A, F>(openai: OpenAi, store: S, authorize: A) -> Self
    where
        S: Store,
        A: Fn(HttpRequest) -> F + Send + Sync + 'static,
        F: Future<Output = actix_web::Result<String>> + 'static,
    {
        RelayBuilder::new(openai, store, authorize).build()
    }

    /// Starts to set up a relay; the parts are those of [`new`](Self::new).
    pub fn builder<S, A, F>(openai: OpenAi, store: S, authorize: A) -> RelayBuilder
    where
        S: Store,
        A: Fn(HttpRequest) -> F + Send + Sync + 'static,
        F: Future<Output = actix_web::Result<String>> + 'static,
    {
        RelayBuilder::new(openai, store, authorize)
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The client that upstream is asked with.
    pub fn openai(&self) -> &OpenAi {
        &self.0.openai
    }

    /// How many generations have their producer in this process.
    pub fn running(&self) -> usize {
        self.0.running().len()
    }

    /// How many viewers watch in this process.
    pub fn viewers(&self) -> usize {
        self.0.viewers.all()
    }

    /// Who makes a request, as `authorize` says.
    ///
    /// # Errors
    /// That of `authorize`.
    pub async fn owner(&self, request: &HttpRequest) -> actix_web::Result<String> {
        (self.0.authorize)(request.clone()).await
    }

    /// What is known of a generation.
    ///
    /// # Errors
    /// [`Failure::not_found`], also when it is another owner's.
    pub async fn generation(&self, owner: &str, id: &GenerationId) -> Result<Generation, Failure> {
        let store = &self.0.store;
        match again(|| store.generation(id)).await {
            Ok(generation) if generation.owner == owner => Ok(generation),
            Ok(_) | Err(StoreError::NotFound) => Err(Failure::not_found()),
            Err(error) => Err(error.into()),
        }
    }

    /// A viewer of a generation, in a protocol, after what it has. Whether it may watch is the caller's to see to. Needs an
    /// arbiter, such as a worker of actix-web: the relay looks after what is watched.
    ///
    /// # Errors
    /// When too many watch.
    pub fn viewer(
        &self,
        id: &GenerationId,
        api: Api,
        protocol: Protocol,
        after: Option<Cursor>,
    ) -> Result<Viewer, Failure> {
        self.viewer_with(id, encoder(protocol, api, id.as_str())).map(|viewer| viewer.after(after))
    }

    pub(crate) fn viewer_with(
        &self,
        id: &GenerationId,
        encoder: Box<dyn Encoder>,
    ) -> Result<Viewer, Failure> {
        let (seat, is_first) = self.0.viewers.seat(id)?;
        if is_first {
            self.mind(id.clone());
        }
        let viewer = Viewer::new(Arc::clone(&self.0.store), id.clone(), encoder);
        Ok(viewer.ping_every(self.0.settings.ping_every).seated(seat))
    }

    /// Asks the producer of a generation to stop, wherever it runs. What came until then is kept.
    ///
    /// # Errors
    /// [`Failure::not_found`].
    pub async fn stop(&self, id: &GenerationId, reason: &str) -> Result<(), Failure> {
        let store = &self.0.store;
        again(|| store.request_stop(id, reason)).await.map_err(Failure::from)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("store", &self.0.store)
            .field("settings", &self.0.settings)
            .field("running", &self.running())
            .field("viewers", &self.viewers())
            .finish_non_exhaustive()
    }
}
