//! The chat page: plain HTML, CSS and JavaScript that use the relay's routes. It has no build step and loads nothing
//! from other hosts.
//!
//! Markdown is parsed by [markdown-it](https://github.com/markdown-it/markdown-it) (MIT), which is in `vendor`
//! together with its licence and those of its components.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, http};

/// The content security policy: the page may only run, show and contact what is served from its own origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The files of the page: name, content type, content.
const FILES: [(&str, &str, &str); 14] = [
    ("chat.css", "text/css; charset=utf-8", include_str!("chat.css")),
    ("chat.js", JAVASCRIPT, include_str!("chat.js")),
    ("answer.js", JAVASCRIPT, include_str!("answer.js")),
    ("relay.js", JAVASCRIPT, include_str!("relay.js")),
    ("stream.js", JAVASCRIPT, include_str!("stream.js")),
    ("storage.js", JAVASCRIPT, include_str!("storage.js")),
    ("token.js", JAVASCRIPT, include_str!("token.js")),
    ("show.js", JAVASCRIPT, include_str!("show.js")),
    ("view.js", JAVASCRIPT, include_str!("view.js")),
    ("patch.js", JAVASCRIPT, include_str!("patch.js")),
    ("blocks.js", JAVASCRIPT, include_str!("blocks.js")),
    ("markdown.js", JAVASCRIPT, include_str!("markdown.js")),
    ("markdown-it.js", JAVASCRIPT, include_str!("vendor/markdown-it.js")),
    ("LICENSES.txt", "text/plain; charset=utf-8", include_str!("vendor/markdown-it.LICENSES")),
];

/// Mounts the page at `/` and its files under `/page/`. It expects the relay's chat routes at `api/chat`, relative
/// to the page.
///
/// ```
/// use actix_web::{App, test};
///
/// # actix_web::rt::System::new().block_on(async {
/// let app = test::init_service(App::new().configure(actorstream_web::page::configure)).await;
/// let page = test::call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
/// assert!(page.status().is_success());
/// # });
/// ```
pub fn configure(config: &mut ServiceConfig) {
    config.route("/", web::get().to(async || answer("text/html; charset=utf-8", include_str!("index.html"))));
    for (name, content_type, content) in FILES {
        config.route(&format!("/page/{name}"), web::get().to(async move || answer(content_type, content)));
    }
}

fn answer(content_type: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((http::header::CONTENT_TYPE, content_type))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        // The files change with the program.
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(content)
}
