//! `Access`: controls access to a service: the hosts it answers to, the pages that may call it, and tokens.
//!
//! Every page in a browser on a machine can send requests to a service on that machine. Such a page may cause a
//! request that spends a key and, if its own host name resolves to the machine, read the response. [`Access`]
//! accepts only requests from the service's own page and from programs. It is an actix-web middleware for any
//! application:
//!
//! ```no_run
//! use actix_web::{App, HttpRequest, HttpServer, web};
//! use actorstream::OpenAi;
//! use actorstream_web::access::Access;
//! use actorstream_web::{Relay, store::MemoryStore};
//!
//! async fn user(_: HttpRequest) -> actix_web::Result<String> {
//!     Ok("me".to_owned())
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let relay = Relay::new(OpenAi::from_env()?, MemoryStore::default(), user);
//!     let access = Access::new()
//!         .allow_host("chat.example.com".parse()?)
//!         .allow_origin("https://app.example.com".parse()?)
//!         .token(std::env::var("CHAT_TOKEN")?.parse()?);
//!     HttpServer::new(move || {
//!         let api = web::scope("/api").wrap(access.clone()).configure(|config| relay.configure(config));
//!         App::new().service(api)
//!     })
//!     .h1_allow_half_closed(false)
//!     .bind(("127.0.0.1", 8080))?
//!     .run()
//!     .await?;
//!     Ok(())
//! }
//! ```
//!
//! | check | default | to allow more |
//! |---|---|---|
//! | the host that the request was sent to (`Host`, the target) | `localhost`, and loopback addresses | [`bound_to`](Access::bound_to), [`allow_host`](Access::allow_host) |
//! | the page that sent it (`Origin`, `Sec-Fetch-Site`) | none, or one of this service | [`allow_origin`](Access::allow_origin), whose pages get CORS headers |
//! | whether it comes from this machine: a loopback address, and no header that a proxy adds | required | [`token`](Access::token), which every request must then present; [`authorized_elsewhere`](Access::authorized_elsewhere) |
//!
//! A refused request gets 400, 401 (`WWW-Authenticate: Bearer`) or 403 with an error object of the OpenAI API.

mod allowed;
mod authority;
mod middleware;
mod policy;

use std::net::SocketAddr;
use std::sync::Arc;

pub use allowed::{AllowedHost, AllowedOrigin, BearerToken, InvalidAccess};
pub use middleware::AccessMiddleware;
pub use policy::Refusal;

use policy::{Policy, Tokens};

/// Controls access to a service. See the [module](self).
#[derive(Debug, Clone)]
#[must_use]
pub struct Access(Arc<Policy>);

impl Access {
    /// Accepts programs on this machine, and pages that this service itself serves.
    pub fn new() -> Self {
        Self(Arc::new(Policy {
            hosts: Vec::new(),
            addresses: false,
            origins: Vec::new(),
            tokens: Tokens::LocalOnly,
            page: false,
            advice: |_| "",
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Accepts the address that the service listens on as a host. If it is unspecified (`0.0.0.0`, `::`), any IP
    /// address is accepted as a host: unlike a name, an address cannot be rebound.
    pub fn bound_to(self, address: SocketAddr) -> Self {
        self.with(|policy| match address.ip().to_canonical() {
            ip if ip.is_unspecified() => policy.addresses = true,
            ip => policy.hosts.push(AllowedHost::address(ip)),
        })
    }

    /// Accepts another host.
    pub fn allow_host(self, host: AllowedHost) -> Self {
        self.with(|policy| policy.hosts.push(host))
    }

    /// Lets the pages of another origin send requests and read the responses.
    pub fn allow_origin(self, origin: AllowedOrigin) -> Self {
        self.with(|policy| policy.origins.push(origin))
    }

    /// Accepts requests that present this token, from any machine, and no others.
    pub fn token(self, token: BearerToken) -> Self {
        self.with(|policy| policy.tokens = Tokens::Required(token))
    }

    /// Checks hosts and origins only: the application authenticates users itself, including requests from other
    /// machines.
    pub fn authorized_elsewhere(self) -> Self {
        self.with(|policy| policy.tokens = Tokens::Elsewhere)
    }

    /// Sets the advice to the operator that ends the message of a refusal, such as `allow it with …`. Default: none.
    pub fn advice(self, advice: fn(Refusal) -> &'static str) -> Self {
        self.with(|policy| policy.advice = advice)
    }

    /// Returns a variant for pages, which hold no secret and start nothing: everyone may load them, and other sites
    /// may link to them. Hosts and origins are still checked.
    pub fn page(&self) -> Self {
        self.clone().with(|policy| policy.page = true)
    }
}

impl Default for Access {
    fn default() -> Self {
        Self::new()
    }
}
