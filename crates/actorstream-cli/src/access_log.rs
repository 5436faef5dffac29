//! `AccessLog`: a log line for each request, when its response has ended; and a request id.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

/// The request id for the client: upstream's, or else our own.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Our id of the request.
const OWN_ID: HeaderName = HeaderName::from_static("x-actorstream-request-id");
const GENERATION: HeaderName = HeaderName::from_static("x-generation-id");

/// Gives each request an id, and writes a line when its response has ended. A query may hold secrets, so it is not
/// logged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessLog;

#[derive(Debug)]
pub(crate) struct AccessLogMiddleware<S> {
    service: S,
}

impl<S, B> Transform<S, ServiceRequest> for AccessLog
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = AccessLogMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AccessLogMiddleware { service }))
    }
}

impl<S, B> Service<ServiceRequest> for AccessLogMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let mut line = Line {
            id: format!("req_{:032x}", fastrand::u128(..)),
            method: request.method().to_string(),
            path: request.path().to_owned(),
            peer: request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default(),
            started: Instant::now(),
            status: 0,
            bytes: 0,
            upstream_request: String::new(),
            generation: String::new(),
            complete: false,
        };
        let answering = self.service.call(request);
        Box::pin(async move {
            let mut response = answering.await?;
            line.status = response.status().as_u16();
            let headers = response.headers_mut();
            line.upstream_request = text(headers, &REQUEST_ID);
            line.generation = text(headers, &GENERATION);
            if let Ok(id) = HeaderValue::from_str(&line.id) {
                if !headers.contains_key(REQUEST_ID) {
                    headers.insert(REQUEST_ID, id.clone());
                }
                headers.insert(OWN_ID, id);
            }
            Ok(response.map_body(|_, body| {
                line.complete = matches!(body.size(), BodySize::None | BodySize::Sized(0));
                BoxBody::new(Logged { body: Box::pin(body), line })
            }))
        })
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// A line, which is written when it is dropped.
struct Line {
    id: String,
    method: String,
    path: String,
    peer: String,
    started: Instant,
    status: u16,
    bytes: u64,
    upstream_request: String,
    generation: String,
    complete: bool,
}

impl Drop for Line {
    fn drop(&mut self) {
        tracing::info!(
            target: "actorstream::access",
            method = self.method,
            path = self.path,
            status = self.status,
            bytes = self.bytes,
            ms = self.started.elapsed().as_millis() as u64,
            complete = self.complete,
            peer = self.peer,
            request = self.id,
            upstream_request = self.upstream_request,
            generation = self.generation,
            "answered"
        );
    }
}

/// A body, and the line that is written when it has ended or its client has disconnected.
struct Logged<B> {
    body: Pin<Box<B>>,
    line: Line,
}

impl<B: MessageBody> MessageBody for Logged<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        let next = self.body.as_mut().poll_next(cx);
        match &next {
            Poll::Ready(Some(Ok(bytes))) => {
                self.line.bytes += bytes.len() as u64;
                if let BodySize::Sized(size) = self.body.size() {
                    self.line.complete = self.line.bytes >= size;
                }
            }
            Poll::Ready(None) => self.line.complete = true,
            _ => {}
        }
        next
    }
}
