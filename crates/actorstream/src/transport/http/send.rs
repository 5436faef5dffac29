//! Sends a request through awc, which reads the response head.

use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use actorstream_proto::endpoint::Framing;
use actorstream_proto::endpoint::Method;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::response_head::ResponseHead;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::head::{Head, LATER};
use awc::error::SendRequestError;
use awc::http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use awc::{ClientRequest, ClientResponse};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;

use crate::recording::exchange as recording;
use crate::recording::tape::Tape;
use crate::settings::credentials::KeyAnswer;
use crate::settings::options::Options;
use crate::settings::quota::Admission;
use crate::stream::clock::now;
use crate::transport::http::answer::Answer;
use crate::transport::http::client::HttpClient;
use crate::transport::http::content_coding;
use crate::transport::http::exchange::Exchange;
use crate::transport::http::outgoing::{Outgoing, OutgoingBody};
use crate::transport::http::request_body::RequestBody;
use crate::transport::http::sending::Sending;
use crate::transport::response_head::flaw;

/// Sends a request and returns the response when its head has arrived.
///
/// The request may use a pooled connection. If that connection ends without a byte of a response, the server had
/// closed it, or was about to; the request is then sent at once on a fresh one.
///
/// The future is boxed so that this crate compiles it, once, instead of each crate that has a connector of some type; and
/// so that a stream has no room for it once the head has arrived.
pub(crate) fn send<'a>(
    http: &'a HttpClient,
    options: &'a Arc<Options>,
    request: &'a Outgoing,
) -> LocalBoxFuture<'a, Result<(Head, Answer), ErrorKind>> {
    Box::pin(async {
        let (exchange, sent) = send_once(http, options, request, true).await?;
        if sent.is_err() && exchange.was_stale() {
            tracing::debug!("a connection that was kept has ended; the request goes out on a fresh one");
            // Boxed, so that a stream that waits for its head does not reserve room for both.
            return Box::pin(send_once(http, options, request, false)).await?.1;
        }
        sent
    })
}

/// The result of an attempt to send a request.
type Sent = (Rc<Exchange>, Result<(Head, Answer), ErrorKind>);

async fn send_once(
    http: &HttpClient,
    options: &Arc<Options>,
    request: &Outgoing,
    may_use_kept: bool,
) -> Result<Sent, ErrorKind> {
    let method = match request.method {
        Method::Get => awc::http::Method::GET,
        Method::Post => awc::http::Method::POST,
        Method::Delete => awc::http::Method::DELETE,
    };
    let proxy = http.settings.proxies.forwarding_to(&options.base_url);
    let uri =
        proxy.and_then(|_| options.base_url.absolute(&request.uri)).unwrap_or_else(|| request.uri.clone());
    let mut sending = http.awc.request(method, uri).no_decompress();
    for (name, value) in headers(options, request)? {
        sending.headers_mut().insert(name, value);
    }
    if let Some(proxy) = proxy {
        // Some proxies (tinyproxy) parse only the first request of a connection. They forward everything after it to
        // the same server unchanged, including `Proxy-Authorization`.
        sending = sending.force_close();
        if let Some(Ok(mut value)) = proxy.authorization().map(HeaderValue::from_str) {
            value.set_sensitive(true);
            sending.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
    }
    let body = match (request.method, &request.body) {
        (Method::Get | Method::Delete, _) => None,
        (Method::Post, OutgoingBody::Json(json)) => Some(RequestBody::bytes(request.body_to_send(json))),
        (Method::Post, OutgoingBody::Form(form)) => {
            // Boxed, so that a silent stream does not reserve room for it.
            let (content_type, body) = Box::pin(RequestBody::form(form)).await?;
            sending.headers_mut().insert(CONTENT_TYPE, content_type);
            Some(body)
        }
    };
    // Another value of its header replaces the key; then the response says nothing about it.
    let sent_key = request.key.as_ref().filter(|key| {
        let (name, value) = key_header(options, key);
        sending.headers().get(name).is_some_and(|sent| sent.as_bytes() == value.as_bytes())
    });
    let mut tape = options.recording.as_ref().map(|recording| {
        let secrets = options.secrets_with(http.settings.proxies.secrets_of(&options.base_url));
        Box::new(Tape::new(recording, recorded(&sending, request, &secrets), now()))
    });
    let exchange = Exchange::new(options, may_use_kept, Sending::new(body));
    let departure = Departure { exchange: &exchange, admission: request.admission.as_deref() };
    // For awc, the request has no body and no length.
    let sent = match exchange.run(sending.send_body(actix_http::body::None::new())).await {
        Ok(response) => match (proxy, response.status().as_u16()) {
            // Only a proxy sends this status.
            (Some(proxy), 407) => Err(proxy.refused(407, &options.base_url)),
            _ => {
                let mut head = head(&response);
                let decoder = content_coding::decoder(&mut head);
                if let Some(tape) = &mut tape {
                    tape.head(&exchange.head.borrow(), decoder.is_some());
                }
                if let (Some(source), Some(key)) = (&options.credentials, sent_key) {
                    source.report(key, judge(&head));
                }
                if let Some(admission) = &request.admission {
                    admission.learn(&head);
                }
                let connections = proxy.is_none().then(|| Rc::clone(&http.connections));
                Ok((head, Answer::new(&response, &exchange, decoder, connections, options, tape)))
            }
        },
        Err(error) => {
            if let Some(tape) = tape.as_mut().filter(|_| may_use_kept && exchange.was_stale()) {
                tape.discard();
            }
            Err(explain(&error, &exchange))
        }
    };
    drop(departure);
    Ok((exchange, sent))
}

/// Tells the quota, even if the future is dropped, that a part of the request may have been sent.
struct Departure<'a> {
    exchange: &'a Exchange,
    admission: Option<&'a Admission>,
}

impl Drop for Departure<'_> {
    fn drop(&mut self) {
        if let Some(admission) = self.admission.filter(|_| self.exchange.begun.get()) {
            admission.sent();
        }
    }
}

/// Returns the recorded parts of a request.
fn recorded(sending: &ClientRequest, request: &Outgoing, secrets: &[Secret]) -> recording::Request {
    let headers = sending.headers().iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), text, value.is_sensitive())
    });
    recording::Request {
        method: match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        },
        target: request.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: headers.collect(),
        body: match (request.method, &request.body) {
            (Method::Post, OutgoingBody::Json(json)) => Some(request.body_to_send(json)),
            (Method::Post, OutgoingBody::Form(_)) => None,
            (Method::Get | Method::Delete, _) => Some(Bytes::new()),
        },
        secrets: request.secrets().into_iter().chain(secrets.iter().cloned()).collect(),
    }
}

/// Returns what a response says about the key of its request.
fn judge(head: &Head) -> KeyAnswer {
    match head.status {
        401 | 403 => KeyAnswer::Refused,
        429 => KeyAnswer::RateLimited(head.retry_after),
        _ => KeyAnswer::Accepted,
    }
}

/// Extracts the relevant parts of a response head.
fn head<S>(response: &ClientResponse<S>) -> Head {
    let headers = response.headers();
    // Several header lines are equivalent to one comma-separated list.
    let codings: Vec<&str> =
        headers.get_all(CONTENT_ENCODING).filter_map(|value| value.to_str().ok()).collect();
    let codings = codings.join(",");
    let mut head = Head::read(response.status().as_u16(), |name| {
        if name == CONTENT_ENCODING.as_str() {
            return Some(&codings);
        }
        let value = headers.get(name)?.to_str();
        // An unreadable retry delay is not ignored.
        value.ok().or(name.starts_with("retry-after").then_some("unreadable"))
    });
    head.location = head.location.as_deref().map(shown_location).filter(|shown| !shown.is_empty());
    let texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    head.whole = Some(ResponseHead::new(response.status().as_u16(), SystemTime::now(), texts));
    if let (None, Some(date)) = (head.retry_after, &head.retry_after_date) {
        head.retry_after = Some(match httpdate::parse_http_date(date) {
            // A date in the past means now.
            Ok(date) => date.duration_since(SystemTime::now()).unwrap_or_default(),
            Err(_) => LATER,
        });
    }
    head
}

/// The target of a redirect for errors: scheme, host and path. A user name and a password, the query and the fragment may be secrets.
fn shown_location(location: &str) -> String {
    let shown = location.split(['?', '#']).next().unwrap_or_default().replace('\\', "/");
    let slash = shown.find('/').unwrap_or(shown.len());
    let is_path = slash == 0 && !shown.starts_with("//");
    if is_path {
        return shown;
    }
    // What is no URL may begin with a user name, too.
    let prefix = if slash == 0 || shown[..slash].ends_with(':') { slash } else { 0 };
    let authority = shown.len() - shown[prefix..].trim_start_matches('/').len();
    let path = shown[authority..].find('/').map_or(shown.len(), |at| authority + at);
    let host = shown[authority..path].rfind('@').map_or(authority, |at| authority + at + 1);
    [&shown[..authority], &shown[host..]].concat()
}

/// The header that carries a key.
fn key_header(options: &Options, key: &Secret) -> (HeaderName, String) {
    match options.key_header() {
        Some(name) => (name, key.reveal().to_owned()),
        None => (AUTHORIZATION, format!("Bearer {}", key.reveal())),
    }
}

fn headers(options: &Options, request: &Outgoing) -> Result<Vec<(HeaderName, HeaderValue)>, ErrorKind> {
    let wrong =
        |what: &str| ErrorKind::Config { message: format!("{what} cannot be sent in a header").into() };
    let value = |what: &str, text: &str| HeaderValue::from_str(text).map_err(|_| wrong(what));
    let accept = match request.framing {
        Framing::Events => "text/event-stream",
        Framing::Bytes => "*/*",
        // Also for endpoints that respond with text or audio.
        Framing::Whole => "application/json, */*;q=0.9",
    };
    let mut headers = vec![
        (HOST, value("the host", &options.base_url.authority())?),
        (USER_AGENT, HeaderValue::from_static(concat!("actorstream/", env!("CARGO_PKG_VERSION")))),
        (ACCEPT, HeaderValue::from_static(accept)),
        // A compressor on the way would delay events.
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ];
    if let Some(key) = request.key.as_ref().or(options.api_key.as_ref()) {
        let (name, text) = key_header(options, key);
        let mut value = value("the API key", &text)?;
        value.set_sensitive(true);
        headers.push((name, value));
    }
    if let Some(organization) = &options.organization {
        let name = HeaderName::from_static("openai-organization");
        headers.push((name, value("the organization", organization)?));
    }
    if let Some(project) = &options.project {
        headers.push((HeaderName::from_static("openai-project"), value("the project", project)?));
    }
    headers.extend(options.headers.iter().cloned());
    headers.extend(request.changes.iter().flat_map(|changes| changes.headers.iter().cloned()));
    Ok(headers)
}

/// Converts an awc error to our own.
fn explain(error: &SendRequestError, exchange: &Exchange) -> ErrorKind {
    if let Some(kind) = exchange.error.borrow_mut().take() {
        return kind;
    }
    let detail = match (exchange.broke.borrow().clone(), error) {
        (Some(broke), _) => broke,
        (None, SendRequestError::Response(error)) => match flaw(&exchange.head.borrow()) {
            Some(flaw) => format!("the head of the server's answer is wrong: {flaw}"),
            None => format!("the server's answer is not HTTP/1: {error}"),
        },
        (None, other) => other.to_string(),
    };
    ErrorKind::Transport { detail: detail.into(), unsent: false }
}
