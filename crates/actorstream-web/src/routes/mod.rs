//! The routes, for an existing actix-web application.

mod chat;
mod openai;
mod respond;

use actix_web::web::{self, ServiceConfig};

use crate::relay::Relay;

impl Relay {
    /// Mounts all routes: those of [`configure_chat`](Self::configure_chat) under `/chat`, and those of
    /// [`configure_openai`](Self::configure_openai) under `/v1`. Under a prefix:
    /// `web::scope("/prefix").configure(|config| relay.configure(config))`.
    pub fn configure(&self, config: &mut ServiceConfig) {
        config.service(web::scope("/chat").configure(|config| self.configure_chat(config)));
        config.service(web::scope("/v1").configure(|config| self.configure_openai(config)));
    }

    /// Mounts the routes that `useChat` of the AI SDK talks to:
    ///
    /// | route | what it does |
    /// |---|---|
    /// | `POST` (the prefix itself) | begins an answer and sends it; the same last user message begins nothing twice |
    /// | `GET /{chat}/stream` | the answer that runs, from its beginning, or after `Last-Event-ID` or `?after=`; 204 if none runs |
    /// | `POST /{chat}/stop` | stops it: 202 |
    ///
    /// `?protocol=text` or `?protocol=openai` answers in another protocol than the UI message stream.
    pub fn configure_chat(&self, config: &mut ServiceConfig) {
        self.sweep();
        config
            .app_data(web::Data::new(self.clone()))
            .route("", web::post().to(chat::begin))
            .route("/{chat}/stream", web::get().to(chat::stream))
            .route("/{chat}/stop", web::post().to(chat::stop));
    }

    /// Mounts the routes that any client of the OpenAI API talks to, with the prefix as its base URL:
    ///
    /// | route | what it does |
    /// |---|---|
    /// | `POST /chat/completions`, `/completions`, `/responses` | answers, streamed or not |
    /// | `GET /responses/{id}` | the response; with `?stream=true&starting_after=N` its events |
    /// | `POST /responses/{id}/cancel` | stops it, and answers with it |
    /// | `GET /generations/{id}/stream` | any answer, from its beginning, or after `Last-Event-ID` or `?after=`; its id is in the header `x-generation-id` of the answer that began it |
    /// | `POST /generations/{id}/stop` | stops it: 202 |
    /// | `GET /models` | upstream's list of models |
    pub fn configure_openai(&self, config: &mut ServiceConfig) {
        self.sweep();
        config
            .app_data(web::Data::new(self.clone()))
            .route("/chat/completions", web::post().to(openai::chat_completions))
            .route("/completions", web::post().to(openai::completions))
            .route("/responses", web::post().to(openai::responses))
            .route("/responses/{id}", web::get().to(openai::response))
            .route("/responses/{id}/cancel", web::post().to(openai::cancel_response))
            .route("/generations/{id}/stream", web::get().to(openai::stream))
            .route("/generations/{id}/stop", web::post().to(openai::stop))
            .route("/models", web::get().to(openai::models));
    }
}
