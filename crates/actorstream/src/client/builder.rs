//! `OpenAiBuilder`: configures a client.

use std::env;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::session::OnMalformed;
use actorstream_proto::session::limits::Limits;
use actorstream_proto::session::retry::RetryPolicy;
use actorstream_proto::session::timeouts::Timeouts;
use tokio::sync::Semaphore;

use super::OpenAi;
use super::backend::Backend;
use crate::connector::backends::{Backends, Order};
use crate::connector::placement::Pool;
use crate::connector::shared::{LastSettings, Shared};
use crate::settings::options::Options;
use crate::settings::quota::{Limiter, Quota};
use crate::settings::setters::option_setters;
use crate::transport::connect::ConnectSettings;
use crate::transport::connect::proxies::Proxies;
use crate::transport::connect::proxy::Proxy;

/// The default number of concurrent streams of a client.
const MAX_STREAMS: usize = 10_000;

/// Configures a client.
///
/// [`build`](Self::build) reports invalid settings.
#[derive(Debug)]
#[must_use]
pub struct OpenAiBuilder {
    options: Options,
    connect: ConnectSettings,
    /// The invalid connection setting, if any.
    connect_wrong: Option<String>,
    max_streams: usize,
    threads: usize,
    backends: Vec<Backend>,
    weight: u32,
    order: Order,
    hedge_after: Option<Duration>,
}

impl Default for OpenAiBuilder {
    fn default() -> Self {
        Self {
            options: Options::default(),
            connect: ConnectSettings::default(),
            connect_wrong: None,
            max_streams: MAX_STREAMS,
            threads: 1,
            backends: Vec::new(),
            weight: 1,
            order: Order::default(),
            hedge_after: None,
        }
    }
}

impl OpenAiBuilder {
    /// A builder with the settings from the environment, as [`OpenAi::from_env`] reads them.
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

    /// Returns whether a key or a base URL is set. Without either, requests go to the OpenAI API, which refuses them.
    pub fn names_a_server(&self) -> bool {
        self.options.api_key.is_some() || self.options.credentials.is_some() || self.options.base_url_set
    }

    /// Configures the client for a deployment of Azure OpenAI: the base URL, the header `api-key` and the parameter
    /// `api-version`. `resource` is a URL such as `https://NAME.openai.azure.com`.
    ///
    /// Chats, completions, images and audio are requested from the deployment. All other endpoints, such as
    /// `/responses`, use the v1 API below `/openai/v1`, which takes no dated `api-version` and takes the deployment's
    /// name as the request's model.
    pub fn azure(
        mut self,
        resource: impl AsRef<str>,
        deployment: impl AsRef<str>,
        api_version: impl AsRef<str>,
    ) -> Self {
        self.options.set_azure(resource.as_ref(), deployment.as_ref(), api_version.as_ref());
        self
    }

    /// Trusts the certificates in a PEM text in addition to the usual ones, for a server with a private CA.
    pub fn ca_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        if let Err(message) = self.connect.tls.add_pem(pem.as_ref()) {
            self.connect_wrong.get_or_insert(message);
        }
        self
    }

    /// Trusts only the certificates given with [`ca_certificate`](Self::ca_certificate).
    pub fn only_ca_certificates(mut self) -> Self {
        self.connect.tls.only_extra();
        self
    }

    /// Presents this certificate to servers that ask for one (mTLS): the certificate and its chain, and its private key, both
    /// in PEM. The key never appears in `Debug` output or errors.
    pub fn client_certificate(mut self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        if let Err(message) = self.connect.tls.set_identity(chain.as_ref(), key.as_ref()) {
            self.connect_wrong.get_or_insert(message);
        }
        self
    }

    /// Sends all requests through a proxy: `http://user:password@host:port`, or `https://…` for TLS to the proxy.
    /// Percent-encode special characters in user and password; neither appears in `Debug` output or errors. This
    /// replaces the environment's proxies.
    ///
    /// Requests to an `https` URL go through a tunnel (`CONNECT`), in which the proxy sees neither key nor prompt.
    /// Requests to an `http` URL are forwarded by the proxy, since many proxies do not open tunnels for them.
    pub fn proxy(mut self, url: impl AsRef<str>) -> Self {
        match Proxy::parse(url.as_ref()) {
            Ok(proxy) => self.connect.proxies.set(&proxy),
            Err(message) => drop(self.connect_wrong.get_or_insert(message)),
        }
        self
    }

    /// Reaches these hosts directly, without a proxy. This replaces the environment's list. Entries are separated by
    /// commas:
    ///
    /// | entry | hosts |
    /// |---|---|
    /// | `example.com`, `.example.com`, `*.example.com` | that host and all its subdomains |
    /// | `10.1.2.3`, `::1`, `10.0.0.0/8`, `fd00::/8` | URLs whose host is such an address |
    /// | `example.com:8080`, `[::1]:8080` | that host on that port only |
    /// | `*` | all hosts: no proxy is used |
    ///
    /// Names are not resolved for this comparison. An invalid entry matches nothing.
    pub fn no_proxy(mut self, hosts: impl AsRef<str>) -> Self {
        self.connect.proxies.set_direct(hosts.as_ref());
        self
    }

    /// Sets the addresses of a host, instead of a DNS lookup; ports are those of the URLs. The addresses are tried in
    /// this order, alternating between the families. Each attempt starts 250 ms after the previous one, or as soon as
    /// that one has failed. The first established connection is used (RFC 8305). Certificates must still be valid for
    /// the host's name.
    pub fn resolve(mut self, host: impl AsRef<str>, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let (host, addresses) = (host.as_ref(), Vec::from_iter(addresses));
        if addresses.is_empty() {
            self.connect_wrong.get_or_insert(format!("no address is given for the host {host}"));
        }
        self.connect.hosts.give(host, addresses);
        self
    }

    /// Sets how many streams may run concurrently. A stream beyond this number waits for a permit, for at most its
    /// queue timeout. Default: 10,000.
    ///
    /// # Panics
    /// Building panics if this is over `usize::MAX >> 3`.
    pub fn max_streams(mut self, max: usize) -> Self {
        self.max_streams = max;
        self
    }

    /// Limits the requests and tokens that are sent in a minute, and keeps the limits that the server states; see [`Quota`]. Default:
    /// no limits, and those of the server are not looked at.
    pub fn quota(mut self, quota: Quota) -> Self {
        self.options.limiter = Some(Arc::new(Limiter::new(quota)));
        self
    }

    /// Sets how many threads run the streams that are started outside of an actix arbiter. The threads start with the
    /// first such stream and end with the last clone of the client. Default: 1, which serves thousands of streams.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Adds a server that is asked where the client's own does not answer; see [`Backend`]. Several are asked in the order in which
    /// they were added.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backends.push(backend);
        self
    }

    /// Asks the client's own server and its backends first in turn, at random: each as often as its weight says. `weight` is that of
    /// the client's own server. The others remain for when the first one does not answer.
    pub fn balance(mut self, weight: u32) -> Self {
        (self.weight, self.order) = (weight, Order::Weighted);
        self
    }

    /// Asks the next backend, too, when there was no event for so long (hedging): for users who wait. The first event decides which
    /// response is delivered; the other request is cancelled and its connection closed, and its [`Attempt`](crate::Attempt) has the
    /// error `cancelled`, since it may have cost something. At most two are asked at the same time, and a call holds one permit. For
    /// an unstreamed call, the whole response decides. Default: never.
    pub fn hedge_after(mut self, time: Duration) -> Self {
        self.hedge_after = Some(time);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// `Config`, with the first invalid setting.
    pub fn build(self) -> Result<OpenAi, StreamError> {
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        self.options.check()?;
        if let Some(message) = self.connect_wrong {
            return Err(StreamError::config(message));
        }
        let mut options = self.options;
        options.seal();
        let others = self.backends.into_iter().map(Backend::build).collect();
        let mut backends = Backends::new(self.weight, others, self.order);
        backends.hedge_after = self.hedge_after;
        let inner = Shared {
            id: CLIENTS.fetch_add(1, Ordering::Relaxed),
            options: Arc::new(options),
            connect: Arc::new(self.connect),
            streams: Arc::default(),
            permits: Arc::new(Semaphore::new(self.max_streams)),
            pool: Pool::new(self.threads),
            backends,
            settings: LastSettings::default(),
        };
        Ok(OpenAi { inner: Arc::new(inner) })
    }
}

/// Returns the value of the first of these variables that is set and not empty.
fn variable(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| env::var(name).ok().filter(|value| !value.trim().is_empty()))
}
