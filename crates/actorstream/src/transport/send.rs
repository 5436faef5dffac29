//! Sends a request over awc, which reads the head of the answer.

use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use actorstream_proto::endpoint::Method;
use actorstream_proto::error::ErrorKind;
use actorstream_proto::head::Head;
use actorstream_proto::session::Framing;
use awc::ClientResponse;
use awc::error::{ConnectError, SendRequestError};
use awc::http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    USER_AGENT,
};

use super::answer::Answer;
use super::upload::Upload;
use super::{Exchange, HttpClient};
use crate::call::{Outgoing, OutgoingBody};
use crate::options::Options;

/// Sends a request; gives the answer when its head has arrived.
pub(crate) async fn send(
    http: &HttpClient,
    exchange: &Rc<Exchange>,
    options: &Arc<Options>,
    request: &Outgoing,
) -> Result<(Head, Answer), ErrorKind> {
    let method = match request.method {
        Method::Get => awc::http::Method::GET,
        Method::Post => awc::http::Method::POST,
    };
    let proxy = http.settings.proxies.forwarding_to(&options.base_url);
    let uri =
        proxy.and_then(|_| options.base_url.absolute(&request.uri)).unwrap_or_else(|| request.uri.clone());
    let mut sending = http.awc.request(method, uri).no_decompress();
    for (name, value) in headers(options, request.framing)? {
        sending.headers_mut().insert(name, value);
    }
    if let Some(proxy) = proxy {
        // Some proxies (tinyproxy) read one request of a connection and hand all that follows to the same server as it
        // is, `Proxy-Authorization` included.
        sending = sending.force_close();
        if let Some(Ok(mut value)) = proxy.authorization().map(HeaderValue::from_str) {
            value.set_sensitive(true);
            sending.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
    }
    let sent = match (request.method, &request.body) {
        (Method::Get, _) => sending.send(),
        (Method::Post, OutgoingBody::Json(json)) => sending.send_body(json.clone()),
        (Method::Post, OutgoingBody::Form(form)) => {
            // In a box, since a silent stream should not keep the room for it.
            let (content_type, upload) = Box::pin(Upload::open(form, exchange)).await?;
            sending.headers_mut().insert(CONTENT_TYPE, content_type);
            sending.send_body(upload)
        }
    };
    match exchange.run(sent).await {
        Ok(response) => match (proxy, response.status().as_u16()) {
            // None but a proxy answers that.
            (Some(proxy), 407) => Err(proxy.refused(407, &options.base_url)),
            _ => {
                let head = head(&response);
                let connections = proxy.is_none().then(|| Rc::clone(&http.connections));
                Ok((head, Answer::new(&response, exchange, connections, options)))
            }
        },
        Err(error) => Err(explain(&error, exchange)),
    }
}

/// What matters of the head of an answer.
fn head<S>(response: &ClientResponse<S>) -> Head {
    let headers = response.headers();
    let mut head = Head::read(response.status().as_u16(), |name| headers.get(name)?.to_str().ok());
    if let (None, Some(date)) = (head.retry_after, &head.retry_after_date) {
        let date = httpdate::parse_http_date(date).ok();
        head.retry_after = date.map(|date| date.duration_since(SystemTime::now()).unwrap_or_default());
    }
    head
}

fn headers(options: &Options, framing: Framing) -> Result<Vec<(HeaderName, HeaderValue)>, ErrorKind> {
    let wrong =
        |what: &str| ErrorKind::Config { message: format!("{what} cannot be sent in a header").into() };
    let value = |what: &str, text: &str| HeaderValue::from_str(text).map_err(|_| wrong(what));
    let accept = match framing {
        Framing::Events => "text/event-stream",
        Framing::Bytes => "*/*",
        // Also for the endpoints that answer with text or sound.
        Framing::Whole => "application/json, */*;q=0.9",
    };
    let mut headers = vec![
        (HOST, value("the host", &options.base_url.authority())?),
        (USER_AGENT, HeaderValue::from_static(concat!("actorstream/", env!("CARGO_PKG_VERSION")))),
        (ACCEPT, HeaderValue::from_static(accept)),
        // A compressor in between would hold events back.
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ];
    if let Some(key) = &options.api_key {
        let (name, text) = match &options.api_key_header {
            Some(name) => (name.clone(), key.reveal().to_owned()),
            None => (AUTHORIZATION, format!("Bearer {}", key.reveal())),
        };
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
    Ok(headers)
}

/// An awc error in our words.
fn explain(error: &SendRequestError, exchange: &Exchange) -> ErrorKind {
    if let Some(kind) = exchange.error.borrow_mut().take() {
        return kind;
    }
    // A connection that was kept alive and ends without a byte was closed by the server before the request came.
    let stale = !exchange.connected.get() && !exchange.answered.get();
    let detail = match error {
        SendRequestError::Connect(ConnectError::Disconnected) => {
            "the server closed the connection before it answered".to_owned()
        }
        SendRequestError::Send(error) => format!("the connection broke before the server answered: {error}"),
        SendRequestError::Response(error) => format!("the server's answer is not HTTP/1: {error}"),
        other => other.to_string(),
    };
    ErrorKind::Transport { detail: detail.into(), unsent: stale }
}
