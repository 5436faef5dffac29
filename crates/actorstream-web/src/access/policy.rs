//! `Policy`: decides whether a request is accepted.

use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, HOST, HeaderMap, HeaderValue, ORIGIN,
};
use actix_web::http::{Method, StatusCode, Version};

use super::allowed::{AllowedHost, AllowedOrigin, BearerToken, Origin};
use super::authority::Authority;
use crate::event::Failure;

const SEC_FETCH_SITE: &str = "sec-fetch-site";
const SEC_FETCH_MODE: &str = "sec-fetch-mode";
const SEC_FETCH_DEST: &str = "sec-fetch-dest";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Headers that proxies add, in addition to all that begin with `x-forwarded`. A request with such a header may come
/// from another machine.
const PROXIES: [&str; 13] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-envoy-external-address",
    "x-proxyuser-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "client-ip",
];

/// The reason of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The host that the request was sent to.
    Host,
    /// The page that sent it.
    Origin,
    /// It comes from another machine, and no token is configured.
    Remote,
}

/// The requests that must present a token.
#[derive(Debug, Clone)]
pub(super) enum Tokens {
    /// No token is configured: requests from other machines are refused.
    LocalOnly,
    /// All requests.
    Required(BearerToken),
    /// No request: the application authenticates users.
    Elsewhere,
}

#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) hosts: Vec<AllowedHost>,
    /// Any IP address is accepted as a host: unlike a name, it cannot be rebound.
    pub(super) addresses: bool,
    pub(super) origins: Vec<AllowedOrigin>,
    pub(super) tokens: Tokens,
    /// The guarded resource is a page, which everyone may load.
    pub(super) page: bool,
    pub(super) advice: fn(Refusal) -> &'static str,
}

/// Whether a request is accepted, and the origin for CORS.
#[derive(Debug)]
pub(super) struct Decision {
    /// The origin, if it is another one that is allowed.
    pub(super) cross_origin: Option<HeaderValue>,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Pass,
    /// A CORS preflight.
    Preflight,
    Refuse(Failure),
    /// The request must present a token. `true` if it presented a wrong one.
    Unauthorized(bool),
}

impl Policy {
    pub(super) fn decide(&self, request: &ServiceRequest) -> Decision {
        let refuse = |failure| Decision { cross_origin: None, outcome: Outcome::Refuse(failure) };
        let authority = match self.host(request) {
            Ok(authority) => authority,
            Err(failure) => return refuse(failure),
        };
        let cross_origin = match self.origin(request, authority.as_ref()) {
            Ok(cross_origin) => cross_origin,
            Err(failure) => return refuse(failure),
        };
        let outcome = if cross_origin.is_some()
            && request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            Outcome::Preflight
        } else {
            self.token(request)
        };
        Decision { cross_origin, outcome }
    }

    /// Returns the host that a request was sent to; none for an HTTP/1.0 request without one, which no browser sends.
    fn host(&self, request: &ServiceRequest) -> Result<Option<Authority>, Failure> {
        let mut named: Option<Authority> = None;
        let target = request.uri().authority().map(|authority| authority.as_str().as_bytes());
        let headers = request.headers().get_all(HOST).map(HeaderValue::as_bytes);
        let mut count = 0;
        for text in target.into_iter().chain(headers) {
            let authority = std::str::from_utf8(text).ok().and_then(Authority::received);
            let authority = authority.ok_or_else(|| Failure::invalid("the Host header names no host"))?;
            if named.as_ref().is_some_and(|named| *named != authority) {
                return Err(Failure::invalid("the request names two hosts"));
            }
            named = Some(authority);
            count += 1;
        }
        if count > 1 + usize::from(target.is_some()) {
            return Err(Failure::invalid("the request has two Host headers"));
        }
        let Some(named) = named else {
            return match request.version() {
                Version::HTTP_09 | Version::HTTP_10 => Ok(None),
                _ => Err(Failure::invalid("the request names no host: the Host header is missing")),
            };
        };
        let is_address = matches!(named.host, super::authority::HostName::Address(_));
        if named.host.is_local()
            || (self.addresses && is_address)
            || self.hosts.iter().any(|host| host.allows(&named))
        {
            return Ok(Some(named));
        }
        let message = format!("this service does not answer to the host {}", named.host);
        Err(self.refusal(Refusal::Host, "host_not_allowed", message))
    }

    /// Returns the page's origin, if it is another one that is allowed.
    fn origin(
        &self,
        request: &ServiceRequest,
        authority: Option<&Authority>,
    ) -> Result<Option<HeaderValue>, Failure> {
        let refused = |message: String| self.refusal(Refusal::Origin, "origin_not_allowed", message);
        let headers = request.headers();
        let origin = match single(headers, ORIGIN.as_str()) {
            Ok(None) => None,
            Ok(Some(value)) => {
                let origin = value.to_str().ok().and_then(Origin::received);
                let unknown =
                    || refused("requests from pages that do not say where they are from are refused".into());
                Some((origin.ok_or_else(unknown)?, value))
            }
            Err(()) => {
                return Err(refused("the request has two Origin headers".into()));
            }
        };
        if let Some((origin, value)) = &origin
            && self.origins.iter().any(|allowed| allowed.0.is(origin))
        {
            return Ok(Some((*value).clone()));
        }
        if let Some((origin, _)) = &origin
            && !authority.is_some_and(|authority| self.serves(origin, authority, request))
        {
            return Err(refused(format!(
                "requests from pages of other sites are refused, and {origin} is one"
            )));
        }
        let site = single(headers, SEC_FETCH_SITE).map(|site| site.map(HeaderValue::as_bytes));
        match site {
            Ok(None | Some(b"same-origin" | b"none")) => Ok(None),
            // A user follows a link to the page.
            Ok(Some(_)) if self.page && origin.is_none() && is_visit(request) => Ok(None),
            _ => Err(refused("requests from pages of other sites are refused".into())),
        }
    }

    /// Returns whether an origin is this service's own.
    fn serves(&self, origin: &Origin, authority: &Authority, request: &ServiceRequest) -> bool {
        let says_https = single(request.headers(), X_FORWARDED_PROTO)
            .is_ok_and(|value| value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https")));
        let secure = says_https || request.app_config().secure();
        // A proxy that terminates TLS for a host need not declare it; a local host has no proxy.
        let unsaid = !authority.host.is_local() && self.hosts.iter().any(|host| host.allows(authority));
        let https = (secure || unsaid) && origin.is_served("https", authority);
        let http = (!secure || unsaid) && origin.is_served("http", authority);
        https || http
    }

    fn token(&self, request: &ServiceRequest) -> Outcome {
        match &self.tokens {
            _ if self.page => Outcome::Pass,
            Tokens::Elsewhere => Outcome::Pass,
            Tokens::LocalOnly if is_local(request) => Outcome::Pass,
            Tokens::LocalOnly => {
                let message = "only programs on this machine may use this service, and the request comes from another one or \
                               through a proxy";
                Outcome::Refuse(self.refusal(Refusal::Remote, "token_not_set_up", message.to_owned()))
            }
            Tokens::Required(token) => match bearer(request.headers()) {
                Some(shown) if token.is(shown) => Outcome::Pass,
                shown => Outcome::Unauthorized(shown.is_some()),
            },
        }
    }

    fn refusal(&self, refusal: Refusal, code: &str, message: String) -> Failure {
        let advice = (self.advice)(refusal);
        let message = if advice.is_empty() { message } else { format!("{message}; {advice}") };
        Failure::new(StatusCode::FORBIDDEN.as_u16(), "permission_error", message).with_code(code)
    }
}

/// Returns the value of a header that may occur at most once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(()),
    }
}

/// Returns whether a user navigates to a page in a top-level window.
fn is_visit(request: &ServiceRequest) -> bool {
    let is = |name, value: &str| {
        single(request.headers(), name).is_ok_and(|found| found.is_some_and(|found| found == value))
    };
    *request.method() == Method::GET && is(SEC_FETCH_MODE, "navigate") && is(SEC_FETCH_DEST, "document")
}

/// Returns whether a client is on this machine and not a proxy.
fn is_local(request: &ServiceRequest) -> bool {
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    let is_proxied = request.headers().keys().any(|name| {
        let name = name.as_str();
        name.starts_with("x-forwarded") || PROXIES.contains(&name)
    });
    !is_proxied && request.peer_addr().is_some_and(|peer| is_loopback(peer.ip()))
}

/// Returns the token that a request presents.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = single(headers, AUTHORIZATION.as_str()).ok()??.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
