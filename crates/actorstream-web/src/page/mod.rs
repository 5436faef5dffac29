//! The chat page: plain HTML, CSS and JavaScript, which talk to the relay's routes. Nothing is built, nothing is loaded from
//! elsewhere.
//!
//! Markdown is rendered by [marked](https://github.com/markedjs/marked) (MIT) and cleaned by
//! [DOMPurify](https://github.com/cure53/DOMPurify) (Apache-2.0); both are in `vendor`, with their licences.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, http};

/// What the page may do: run and show what comes from here, and talk to here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The files of the page: name, content type, content.
const FILES: [(&str, &str, &str); 7] = [
    ("chat.css", "text/css; charset=utf-8", include_str!("chat.css")),
    ("chat.js", JAVASCRIPT, include_str!("chat.js")),
    ("stream.js", JAVASCRIPT, include_str!("stream.js")),
    ("show.js", JAVASCRIPT, include_str!("show.js")),
    ("marked.js", JAVASCRIPT, include_str!("vendor/marked.js")),
    ("purify.js", JAVASCRIPT, include_str!("vendor/purify.js")),
    (
        "LICENSES.txt",
        "text/plain; charset=utf-8",
        concat!(
            "marked\n\n",
            include_str!("vendor/marked.LICENSE"),
            "\n\nDOMPurify\n\n",
            include_str!("vendor/purify.LICENSE")
        ),
    ),
];

/// Mounts the page at `/` and its files under `/page/`. It expects the routes of the relay under `api/chat` beside it.
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
