//! `Relay`: starts generations and connects viewers to them.

mod builder;
mod kept_request;
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
use crate::log::{Shared, promptly};
use crate::owners::Owners;
use crate::protocol::{Encoder, Protocol, encoder};
use crate::routes::Bodies;
use crate::settings::Settings;
use crate::store::{ChatKey, Generation, Store, StoreError};
use crate::viewer::Viewer;
use crate::viewers::{Admission, ViewerPermit, Viewers};

pub use builder::RelayBuilder;
pub(crate) use kept_request::encoder_of;
pub(crate) use request::PassedOn;
pub use request::{GenerationRequest, UpstreamRequest};
pub use responder::RelayedStream;
pub(crate) use start::Begun;

/// Identifies the user of a request. Returns the owner's name for everything that the request starts and finds, or
/// the error to respond with.
pub(crate) type Authorize =
    Arc<dyn Fn(HttpRequest) -> LocalBoxFuture<'static, actix_web::Result<String>> + Send + Sync>;

/// Starts generations and connects viewers to them.
///
/// This is a handle, for all workers of a server: clones share everything.
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
    pub(crate) owners: Arc<Owners>,
    /// The request bodies being received.
    pub(crate) bodies: Arc<Bodies>,
    sweeps: AtomicBool,
}

impl Relay {
    /// Creates a relay that sends requests with `openai`, keeps logs in `store`, and identifies users with
    /// `authorize`. `authorize` returns a name, such as a user's id; a generation can be found only under the name
    /// that started it. An error from `authorize` is the response to the request.
    pub fn new<S, A, F>(openai: OpenAi, store: S, authorize: A) -> Self
    where
        S: Store,
        A: Fn(HttpRequest) -> F + Send + Sync + 'static,
        F: Future<Output = actix_web::Result<String>> + 'static,
    {
        RelayBuilder::new(openai, store, authorize).build()
    }

    /// Returns a builder; the arguments are those of [`new`](Self::new).
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

    /// The client for upstream requests.
    pub fn openai(&self) -> &OpenAi {
        &self.0.openai
    }

    /// The number of generations with a producer in this process.
    pub fn running(&self) -> usize {
        self.0.running().len()
    }

    /// The number of viewers in this process.
    pub fn viewers(&self) -> usize {
        self.0.viewers.all()
    }

    /// Returns the owner of a request, as `authorize` identifies it.
    ///
    /// # Errors
    /// The error of `authorize`.
    pub async fn owner(&self, request: &HttpRequest) -> actix_web::Result<String> {
        (self.0.authorize)(request.clone()).await
    }

    /// Checks whether requests can be served: the store is available, and the relay is not shutting down.
    ///
    /// # Errors
    /// The failure that a request would receive.
    pub async fn ready(&self) -> Result<(), Failure> {
        if self.0.viewers.admission() != Admission::Open {
            return Err(Failure::shutdown());
        }
        let (store, nobody) = (&self.0.store, ChatKey::chat("", "ready"));
        promptly(|| store.current(&nobody)).await.map(drop).map_err(Failure::from)
    }

    /// Returns the state of a generation.
    ///
    /// # Errors
    /// [`Failure::not_found`], also if it belongs to another owner.
    pub async fn generation(&self, owner: &str, id: &GenerationId) -> Result<Generation, Failure> {
        let store = &self.0.store;
        match promptly(|| store.generation(id)).await {
            Ok(generation) if generation.owner == owner => Ok(generation),
            Ok(_) | Err(StoreError::NotFound) => Err(Failure::not_found()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a viewer of a generation in a protocol, starting after the viewer's position. An AI SDK message has
    /// the generation's id, whatever message it continues. The caller must check that the viewer has access. Must be
    /// called on an arbiter, such as an actix-web worker, where the relay starts a heartbeat for the generation.
    ///
    /// # Errors
    /// If there are too many viewers.
    pub fn viewer(
        &self,
        id: &GenerationId,
        api: Api,
        protocol: Protocol,
        after: Option<Cursor>,
    ) -> Result<Viewer, Failure> {
        let permit = self.0.viewers.permit(None, id)?;
        self.mind(id.clone());
        Ok(self.seated(permit, id, encoder(protocol, api, id.as_str())).after(after))
    }

    /// Acquires a permit for a viewer of a generation, and starts the generation's heartbeat.
    pub(crate) async fn permit(&self, owner: &str, id: &GenerationId) -> Result<ViewerPermit, Failure> {
        let permit = self.0.viewers.permit_of(owner, id).await?;
        self.mind(id.clone());
        Ok(permit)
    }

    /// Creates a viewer with its permit.
    pub(crate) fn seated(
        &self,
        permit: ViewerPermit,
        id: &GenerationId,
        encoder: Box<dyn Encoder>,
    ) -> Viewer {
        let viewer = Viewer::new(Arc::clone(&self.0.store), id.clone(), encoder);
        viewer.ping_every(self.0.settings.ping_every).seated(permit)
    }

    /// Asks the producer of a generation to stop, wherever it runs. The response so far is kept.
    ///
    /// # Errors
    /// [`Failure::not_found`].
    pub async fn stop(&self, id: &GenerationId, reason: &str) -> Result<(), Failure> {
        let store = &self.0.store;
        promptly(|| store.request_stop(id, reason)).await.map_err(Failure::from)
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
