//! The middleware: accepts or refuses requests, and handles CORS.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap,
    HeaderName, HeaderValue, VARY, WWW_AUTHENTICATE,
};
use actix_web::{Error, HttpResponse, ResponseError};
use futures_core::future::LocalBoxFuture;

use super::Access;
use super::policy::{Decision, Outcome, Policy};
use crate::event::Failure;

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The response headers that a page of another origin may read besides the default ones.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-generation-id, x-request-id, x-upstream-request-id, retry-after, retry-after-ms, openai-processing-ms, openai-version, \
     x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, \
     x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, x-vercel-ai-ui-message-stream",
);

/// The service that [`Access`] creates.
#[derive(Debug)]
pub struct AccessMiddleware<S> {
    service: Rc<S>,
    policy: Arc<Policy>,
}

impl<S, B> Transform<S, ServiceRequest> for Access
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AccessMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AccessMiddleware { service: Rc::new(service), policy: Arc::clone(&self.0) }))
    }
}

impl<S, B> Service<ServiceRequest> for AccessMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Decision { cross_origin, outcome } = self.policy.decide(&request);
        let answer = match outcome {
            Outcome::Pass => {
                let service = Rc::clone(&self.service);
                return Box::pin(async move {
                    let mut response = service.call(request).await?.map_into_left_body();
                    admit(response.headers_mut(), cross_origin.as_ref());
                    Ok(response)
                });
            }
            Outcome::Preflight => preflight(request.headers()),
            Outcome::Refuse(failure) => failure.error_response(),
            Outcome::Unauthorized(shown) => unauthorized(shown),
        };
        tracing::debug!(status = answer.status().as_u16(), path = request.path(), "not let in");
        let mut response = request.into_response(answer).map_into_right_body();
        admit(response.headers_mut(), cross_origin.as_ref());
        Box::pin(ready(Ok(response)))
    }
}

/// Lets the page of another origin read a response, if allowed, and marks the response as dependent on the origin
/// for caches.
fn admit(headers: &mut HeaderMap, cross_origin: Option<&HeaderValue>) {
    let origin = HeaderValue::from_static("origin");
    if !headers.get_all(VARY).any(|vary| vary.as_bytes().eq_ignore_ascii_case(b"origin")) {
        headers.append(VARY, origin);
    }
    if let Some(origin) = cross_origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

/// Responds to the preflight request of a browser.
fn preflight(asked: &HeaderMap) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "600"));
    if let Some(headers) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, headers.clone()));
    }
    if asked.get(REQUEST_PRIVATE_NETWORK).is_some_and(|value| value == "true") {
        response.insert_header((ALLOW_PRIVATE_NETWORK, "true"));
    }
    response.finish()
}

/// Responds with 401.
fn unauthorized(shown: bool) -> HttpResponse {
    let (code, message, challenge) = if shown {
        ("invalid_token", "the token is not the one of this service", r#"Bearer error="invalid_token""#)
    } else {
        ("missing_token", "this service requires a token: send it as Authorization: Bearer …", "Bearer")
    };
    let failure = Failure::new(401, "authentication_error", message).with_code(code);
    let mut response = failure.error_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
