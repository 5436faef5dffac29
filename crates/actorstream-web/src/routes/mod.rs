//! The routes, for an existing actix-web application.

mod body;
mod chat;
mod openai;
mod respond;
mod unknown;
mod unstreamed;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, Resource, Route};

use crate::relay::Relay;

pub(crate) use body::Bodies;

/// Returns a resource whose path has only these methods.
fn only(path: &str, methods: &'static str, route: Route) -> Resource {
    let other = web::to(move |request: HttpRequest| async move { unknown::method(&request, methods) });
    web::resource(path).route(route).default_service(other)
}

impl Relay {
    /// Mounts all routes: those of [`configure_chat`](Self::configure_chat) under `/chat`, and those of
    /// [`configure_openai`](Self::configure_openai) under `/v1`. Under a prefix:
    /// `web::scope("/prefix").configure(|config| relay.configure(config))`.
    pub fn configure(&self, config: &mut ServiceConfig) {
        config.service(web::scope("/chat").configure(|config| self.configure_chat(config)));
        config.service(web::scope("/v1").configure(|config| self.configure_openai(config)));
    }

    /// Mounts the routes for `useChat` of the AI SDK:
    ///
    /// | route | what it does |
    /// |---|---|
    /// | `POST` (the prefix itself) | starts a response and streams it; sending the same last user message again does not start a second one |
    /// | `GET /{chat}/stream` | the running response, from its beginning, or after `Last-Event-ID` or `?after=`; 204 if none is running |
    /// | `POST /{chat}/stop` | stops it: 202 |
    ///
    /// `?protocol=text` or `?protocol=openai` selects another protocol than the UI message stream.
    pub fn configure_chat(&self, config: &mut ServiceConfig) {
        self.sweep();
        config
            .app_data(web::Data::new(self.clone()))
            .service(only("", "POST", web::post().to(chat::begin)))
            .service(only("/{chat}/stream", "GET", web::get().to(chat::stream)))
            .service(only("/{chat}/stop", "POST", web::post().to(chat::stop)))
            .default_service(web::to(unknown::chat));
    }

    /// Mounts the routes for any client of the OpenAI API, with the prefix as its base URL:
    ///
    /// | route | what it does |
    /// |---|---|
    /// | `POST /chat/completions`, `/completions`, `/responses` | responds, streamed or not |
    /// | `GET /responses/{id}` | the response; with `?stream=true&starting_after=N`, its events |
    /// | `POST /responses/{id}/cancel` | cancels the response and returns it |
    /// | `DELETE /responses/{id}` | deletes it, at upstream too |
    /// | `GET /responses/{id}/input_items` | forwarded upstream |
    /// | `GET /generations/{id}/stream` | any generation, from its beginning, or after `Last-Event-ID` or `?after=`; its id is in the header `x-generation-id` of the response that started it |
    /// | `POST /generations/{id}/stop` | stops it: 202 |
    /// | `POST /embeddings`, `POST /responses/input_tokens`, `GET /models`, `GET /models/{id}` | forwarded upstream |
    ///
    /// Another path gets 404, another method 405. All errors are JSON in the API's format.
    pub fn configure_openai(&self, config: &mut ServiceConfig) {
        self.sweep();
        config
            .app_data(web::Data::new(self.clone()))
            .service(only("/chat/completions", "POST", web::post().to(openai::chat_completions)))
            .service(only("/completions", "POST", web::post().to(openai::completions)))
            .service(only("/embeddings", "POST", web::post().to(openai::embeddings)))
            .service(only("/responses", "POST", web::post().to(openai::responses)))
            .service(only("/responses/input_tokens", "POST", web::post().to(openai::input_tokens)))
            .service(
                only("/responses/{id}", "GET, DELETE", web::get().to(openai::response))
                    .route(web::delete().to(openai::delete_response)),
            )
            .service(only("/responses/{id}/cancel", "POST", web::post().to(openai::cancel_response)))
            .service(only("/responses/{id}/input_items", "GET", web::get().to(openai::input_items)))
            .service(only("/generations/{id}/stream", "GET", web::get().to(openai::stream)))
            .service(only("/generations/{id}/stop", "POST", web::post().to(openai::stop)))
            .service(only("/models", "GET", web::get().to(openai::models)))
            .service(only("/models/{id:.+}", "GET", web::get().to(openai::model)))
            .default_service(web::to(unknown::openai));
    }
}
