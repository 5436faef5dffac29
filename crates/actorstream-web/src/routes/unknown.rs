//! Responses for paths and methods that are not served.

use actix_web::http::header::ALLOW;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::event::Failure;

const CHAT: &str = "POST to the chat itself, GET {chat}/stream, POST {chat}/stop";

const OPENAI: &str = "chat/completions, completions, embeddings, responses, responses/{id}, responses/{id}/cancel, \
                      responses/{id}/input_items, responses/input_tokens, generations/{id}/stream, generations/{id}/stop, models, \
                      models/{id}";

pub(super) async fn chat(request: HttpRequest) -> HttpResponse {
    not_served(&request, CHAT)
}

pub(super) async fn openai(request: HttpRequest) -> HttpResponse {
    not_served(&request, OPENAI)
}

fn not_served(request: &HttpRequest, served: &str) -> HttpResponse {
    let message = format!("{} {} is not served here; what is: {served}", request.method(), request.path());
    Failure::new(404, "invalid_request_error", message).with_code("unknown_url").error_response()
}

/// Responds for a path that exists, but not for this method.
pub(super) fn method(request: &HttpRequest, methods: &'static str) -> HttpResponse {
    let message = format!("{} does not take {}; it takes {methods}", request.path(), request.method());
    let failure = Failure::new(405, "invalid_request_error", message).with_code("method_not_allowed");
    let mut response = failure.error_response();
    response.headers_mut().insert(ALLOW, actix_web::http::header::HeaderValue::from_static(methods));
    response
}
