//! `OpenAi`: the client.

use std::env;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actorstream_proto::audio::{Speech, SpeechAudio, Transcriptions};
use actorstream_proto::budget::Budgets;
use actorstream_proto::chat::Chat;
use actorstream_proto::completions::Completions;
use actorstream_proto::endpoint::{Endpoint, segment};
use actorstream_proto::error::StreamError;
use actorstream_proto::images::{ImageEdits, Images};
use actorstream_proto::limits::Limits;
use actorstream_proto::responses::Responses;
use actorstream_proto::retry::RetryPolicy;
use actorstream_proto::session::OnMalformed;
use futures_util::future::select;
use tokio::sync::{Semaphore, oneshot};

use crate::call::Call;
use crate::options::{Options, option_setters};
use crate::placement::Pool;
use crate::streams::Streams;
use crate::transport::{ConnectSettings, Proxies, Proxy};

/// How many streams a client runs at once, unless told otherwise.
const MAX_STREAMS: usize = 10_000;

/// A client of the OpenAI API, or of a server that speaks it.
///
/// It is a handle: cloning it is cheap, all clones share their settings, and it can be used from any thread, as
/// `web::Data` for one. Connections are kept per thread. Streams that run go on when it is dropped.
#[derive(Debug, Clone)]
pub struct OpenAi {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    /// Tells clients apart, also one that is gone from one that took its memory.
    pub(crate) id: u64,
    pub(crate) options: Arc<Options>,
    pub(crate) connect: Arc<ConnectSettings>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) pool: Pool,
}

impl OpenAi {
    /// A client set up by the environment:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `OPENAI_API_KEY` | the key; needed unless a base URL is set |
    /// | `OPENAI_BASE_URL`, `OPENAI_API_URL`, `OPENAI_API_BASE` | the base URL |
    /// | `OPENAI_ORGANIZATION`, `OPENAI_ORG_ID`, `OPENAI_ORGANIZATION_KEY` | the organization |
    /// | `OPENAI_PROJECT_ID` | the project |
    /// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` | the proxy for `https` URLs, for `http` URLs, and for both |
    /// | `NO_PROXY` | hosts that are reached directly; see [`no_proxy`](OpenAiBuilder::no_proxy) |
    ///
    /// Those about proxies may be in lower case, which then counts first. `HTTP_PROXY` is not read where `REQUEST_METHOD`
    /// is set, as in a CGI program, where it is a header of whoever asks. This machine's own addresses (`localhost`,
    /// 127.0.0.0/8, ::1) are reached without the environment's proxies.
    ///
    /// Of several names the first one that is set counts; one that is set to nothing is not set.
    ///
    /// # Errors
    /// `Config`, when neither a key nor a base URL is set, or one of the values cannot be used.
    pub fn from_env() -> Result<Self, StreamError> {
        let builder = OpenAiBuilder::from_env();
        if !builder.names_a_server() {
            return Err(StreamError::config(
                "no API key: set OPENAI_API_KEY (and, for another server than OpenAI's, OPENAI_BASE_URL)",
            ));
        }
        builder.build()
    }

    /// Starts to set up a client by hand.
    pub fn builder() -> OpenAiBuilder {
        OpenAiBuilder::default()
    }

    /// Calls of `POST /chat/completions`.
    pub fn chat(&self) -> Call<Chat> {
        self.endpoint(Chat)
    }

    /// Calls of `POST /completions`.
    pub fn completions(&self) -> Call<Completions> {
        self.endpoint(Completions)
    }

    /// Calls of `POST /responses`. The stream of a response in background mode goes on by itself when it breaks; see also
    /// [`resume`](Call::resume).
    pub fn responses(&self) -> Call<Responses> {
        self.endpoint(Responses)
    }

    /// Calls of `POST /images/generations`. The stream is finished when as many images as were asked for are complete.
    pub fn images(&self) -> Call<Images> {
        self.endpoint(Images)
    }

    /// Calls of `POST /images/edits`, as [`images`](Self::images).
    pub fn image_edits(&self) -> Call<ImageEdits> {
        self.endpoint(ImageEdits)
    }

    /// Calls of `POST /audio/transcriptions`.
    pub fn transcriptions(&self) -> Call<Transcriptions> {
        self.endpoint(Transcriptions)
    }

    /// Calls of `POST /audio/speech`, streamed as events that carry the sound in base64. Not every model and server has
    /// them; [`speech_audio`](Self::speech_audio) works with all.
    pub fn speech(&self) -> Call<Speech> {
        self.endpoint(Speech)
    }

    /// Calls of `POST /audio/speech`, streamed as the sound alone, chunk by chunk as it comes.
    pub fn speech_audio(&self) -> Call<SpeechAudio> {
        self.endpoint(SpeechAudio)
    }

    /// Calls of any other endpoint: [`Custom`](crate::Custom) for a path, or an [`Endpoint`] of your own.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), actorstream::StreamError> {
    /// use actorstream::{Custom, OpenAi, StreamEvent};
    ///
    /// let openai = OpenAi::from_env()?;
    /// let request = serde_json::json!({"model": "gpt-5", "input": "Hello", "stream": true});
    /// openai.endpoint(Custom::post("/responses")).stream_fn(request, |event| {
    ///     if let StreamEvent::Data(data) = event {
    ///         println!("{}", data.payload.text());
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint<P: Endpoint>(&self, endpoint: P) -> Call<P> {
        Call::new(self.clone(), endpoint)
    }

    /// Ends all streams of this client: of all its clones, on all threads. Each ends as if it had been cancelled, with the
    /// partial response; a response in background mode is stopped at the server, too. A stream that is started from now on
    /// ends at once with [`ErrorKind::ShutDown`](crate::ErrorKind::ShutDown).
    ///
    /// This returns when all targets have been given their ends, or when `deadline` has passed, with the number of streams
    /// whose targets have not: these still have theirs in the mailbox, behind what they are busy with. It can be awaited on
    /// any runtime, or none, and more than once.
    ///
    /// ```no_run
    /// # async fn example(openai: actorstream::OpenAi) {
    /// use std::time::Duration;
    ///
    /// let left = openai.shutdown(Duration::from_secs(5)).await;
    /// if left > 0 {
    ///     eprintln!("{left} targets did not take the end of their streams");
    /// }
    /// # }
    /// ```
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let streams = &self.inner.streams;
        streams.close();
        if streams.running() > 0 {
            // A timer needs a runtime that the caller need not have.
            let (timer, passed) = oneshot::channel::<()>();
            self.inner.pool.run(move || {
                actix_rt::spawn(async move {
                    let mut timer = timer;
                    select(pin!(actix_rt::time::sleep(deadline)), pin!(timer.closed())).await;
                });
            });
            let ended = pin!(streams.ended());
            select(ended, passed).await;
        }
        streams.running()
    }

    /// How many more streams may run before the next one waits for a place.
    pub fn free_places(&self) -> usize {
        self.inner.places.available_permits()
    }
}

/// Sets up a client.
///
/// What is set wrong is told by [`build`](Self::build).
#[derive(Debug)]
#[must_use]
pub struct OpenAiBuilder {
    options: Options,
    connect: ConnectSettings,
    /// What was set wrong of how connections are made.
    connect_wrong: Option<String>,
    max_streams: usize,
    threads: usize,
}

impl Default for OpenAiBuilder {
    fn default() -> Self {
        Self {
            options: Options::default(),
            connect: ConnectSettings::default(),
            connect_wrong: None,
            max_streams: MAX_STREAMS,
            threads: 1,
        }
    }
}

impl OpenAiBuilder {
    /// What the environment says, as [`OpenAi::from_env`] reads it, to go on from.
    pub fn from_env() -> Self {
        let mut builder = Self::default();
        if let Some(key) = variable(&["OPENAI_API_KEY"]) {
            builder = builder.api_key(key);
        }
        if let Some(url) = variable(&["OPENAI_BASE_URL", "OPENAI_API_URL", "OPENAI_API_BASE"]) {
            builder = builder.base_url(url);
        }
        if let Some(name) = variable(&["OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_ORGANIZATION_KEY"]) {
            builder = builder.organization(name);
        }
        if let Some(project) = variable(&["OPENAI_PROJECT_ID"]) {
            builder = builder.project(project);
        }
        match Proxies::from_env(|name| variable(&[name])) {
            Ok(proxies) => builder.connect.proxies = proxies,
            Err(message) => builder.connect_wrong = Some(message),
        }
        builder
    }

    option_setters!(options);

    fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Whether a key or a base URL is set, without which there is nobody to talk to but the API itself, who would refuse.
    pub fn names_a_server(&self) -> bool {
        self.options.api_key.is_some() || self.options.base_url_set
    }

    /// Sends the key in this header instead of `Authorization: Bearer`.
    pub fn api_key_header(mut self, name: impl AsRef<str>) -> Self {
        self.options.set_api_key_header(name.as_ref());
        self
    }

    /// Sets the client up for a deployment of Azure OpenAI: the base URL, the header `api-key` and the parameter
    /// `api-version`. `resource` reads `https://NAME.openai.azure.com`.
    pub fn azure(
        self,
        resource: impl AsRef<str>,
        deployment: impl AsRef<str>,
        api_version: impl AsRef<str>,
    ) -> Self {
        let resource = resource.as_ref().trim_end_matches('/');
        self.base_url(format!("{resource}/openai/deployments/{}", segment(deployment.as_ref())))
            .api_key_header("api-key")
            .query("api-version", api_version)
    }

    /// Trusts the certificates in a PEM text beside the usual ones: for a server with a private CA.
    pub fn ca_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        if let Err(message) = self.connect.tls.add_pem(pem.as_ref()) {
            self.connect_wrong.get_or_insert(message);
        }
        self
    }

    /// Trusts no certificates but those given with [`ca_certificate`](Self::ca_certificate).
    pub fn only_ca_certificates(mut self) -> Self {
        self.connect.tls.only_extra();
        self
    }

    /// Sends all requests through a proxy: `http://user:password@host:port`, or `https://…` for one that is spoken to over
    /// TLS. Special characters in user and password are percent-encoded; both are shown nowhere. It takes the place of
    /// what the environment says.
    ///
    /// What goes to an `https` URL goes through a tunnel (`CONNECT`), in which the proxy sees neither key nor prompt. What
    /// goes to an `http` URL is passed on by the proxy, which many do not open tunnels for.
    pub fn proxy(mut self, url: impl AsRef<str>) -> Self {
        match Proxy::parse(url.as_ref()) {
            Ok(proxy) => self.connect.proxies.set(&proxy),
            Err(message) => drop(self.connect_wrong.get_or_insert(message)),
        }
        self
    }

    /// Reaches these hosts directly though there is a proxy; in place of what the environment says. The list has commas
    /// between its entries:
    ///
    /// | entry | which hosts |
    /// |---|---|
    /// | `example.com`, `.example.com`, `*.example.com` | that host and all below it |
    /// | `10.1.2.3`, `::1`, `10.0.0.0/8`, `fd00::/8` | those addresses, where a URL has one for its host |
    /// | `example.com:8080`, `[::1]:8080` | on that port alone |
    /// | `*` | all: no proxy is used |
    ///
    /// Names are not looked up for this. An entry that cannot be read matches nothing.
    pub fn no_proxy(mut self, hosts: impl AsRef<str>) -> Self {
        self.connect.proxies.set_direct(hosts.as_ref());
        self
    }

    /// Gives the addresses of a host, which is then not looked up; the ports stay those of the URLs. They are tried in this
    /// order, the two families in turns, each 250 ms after the one before it or as soon as that has failed, and the first
    /// connection that is made is used (RFC 8305). The name stays the one that a certificate must be valid for.
    pub fn resolve(mut self, host: impl AsRef<str>, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let (host, addresses) = (host.as_ref(), Vec::from_iter(addresses));
        if addresses.is_empty() {
            self.connect_wrong.get_or_insert(format!("no address is given for the host {host}"));
        }
        self.connect.hosts.give(host, addresses);
        self
    }

    /// How many streams may run at once; what is started beyond waits for a place, within its queue budget.
    /// Default: 10,000.
    ///
    /// # Panics
    /// Building panics when this is over `usize::MAX >> 3`.
    pub fn max_streams(mut self, max: usize) -> Self {
        self.max_streams = max;
        self
    }

    /// How many threads run the streams that are started outside of actix, where the caller's own cannot. They start
    /// with the first such stream and end with the last clone of the client. Default: 1; it serves thousands.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// `Config`, with the first thing that was set wrong.
    pub fn build(self) -> Result<OpenAi, StreamError> {
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        self.options.check()?;
        if let Some(message) = self.connect_wrong {
            return Err(StreamError::config(message));
        }
        let inner = Inner {
            id: CLIENTS.fetch_add(1, Ordering::Relaxed),
            options: Arc::new(self.options),
            connect: Arc::new(self.connect),
            streams: Arc::default(),
            places: Arc::new(Semaphore::new(self.max_streams)),
            pool: Pool::new(self.threads),
        };
        Ok(OpenAi { inner: Arc::new(inner) })
    }
}

/// The first of these variables that is set to something.
fn variable(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| env::var(name).ok().filter(|value| !value.trim().is_empty()))
}
