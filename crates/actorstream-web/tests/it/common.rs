//! Helpers of the tests: a service on a real socket, and a client of it.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::error::ErrorUnauthorized;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpRequest, HttpServer, web};
use actorstream::{OpenAi, RetryPolicy};
use actorstream_web::store::{MemoryStore, Store};
use actorstream_web::{GenerationId, Relay, RelayBuilder};
use awc::Client;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

/// A timeout that prevents a test from hanging; it measures nothing.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("the test hangs")
}

/// Returns a client of upstream without retries.
pub(crate) fn openai(base_url: &str) -> OpenAi {
    OpenAi::builder().base_url(base_url).api_key("sk-secret").retry(RetryPolicy::none()).build().unwrap()
}

/// Returns the user in the header `x-user`.
pub(crate) async fn user(request: HttpRequest) -> actix_web::Result<String> {
    let user = request.headers().get("x-user").and_then(|user| user.to_str().ok());
    user.map(str::to_owned).ok_or_else(|| ErrorUnauthorized("who are you?"))
}

pub(crate) fn builder(base_url: &str) -> RelayBuilder {
    with_store(base_url, MemoryStore::default())
}

pub(crate) fn with_store(base_url: &str, store: impl Store) -> RelayBuilder {
    Relay::builder(openai(base_url), store, user).model("m")
}

/// A service with all routes under `/api`.
pub(crate) struct Service {
    pub(crate) relay: Relay,
    url: String,
    handle: ServerHandle,
}

impl Service {
    pub(crate) fn start(relay: RelayBuilder) -> Self {
        let relay = relay.build();
        let mounted = relay.clone();
        let server = HttpServer::new(move || {
            let relay = mounted.clone();
            App::new()
                .app_data(web::Data::new(relay.clone()))
                .service(web::scope("/api").configure(|config| relay.configure(config)))
                .route("/own", web::post().to(own_handler))
        })
        .workers(2)
        .h1_allow_half_closed(false)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { relay, url, handle }
    }

    pub(crate) async fn post(&self, user: &str, path: &str, body: &Value) -> Answer {
        let request = client().post(format!("{}{path}", self.url)).insert_header(("x-user", user));
        Answer::of(within(request.send_json(body)).await.unwrap())
    }

    pub(crate) async fn get(&self, user: &str, path: &str) -> Answer {
        self.get_after(user, path, "").await
    }

    /// Sends a `GET` with `Last-Event-ID`.
    pub(crate) async fn get_after(&self, user: &str, path: &str, last: &str) -> Answer {
        let mut request = client().get(format!("{}{path}", self.url)).insert_header(("x-user", user));
        if !last.is_empty() {
            request = request.insert_header(("last-event-id", last));
        }
        Answer::of(within(request.send()).await.unwrap())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The stop command is sent at once; there is no need to await it.
        drop(self.handle.stop(false));
    }
}

/// A minimal handler.
async fn own_handler(
    relay: web::Data<Relay>,
    request: HttpRequest,
) -> actix_web::Result<actix_web::HttpResponse> {
    let story = actorstream::ChatRequest::new("m").user("Tell me a story");
    relay.stream(story).protocol(actorstream_web::Protocol::Text).respond_to(&request).await
}

pub(crate) fn client() -> Client {
    Client::builder().timeout(Duration::from_secs(20)).disable_redirects().finish()
}

/// A response that is read piece by piece.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, awc::error::PayloadError>>>>,
    pub(crate) text: String,
}

impl Answer {
    fn of<S>(response: awc::ClientResponse<S>) -> Self
    where
        S: futures_util::Stream<Item = Result<Bytes, awc::error::PayloadError>> + Unpin + 'static,
    {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, body: Box::pin(response), text: String::new() }
    }

    /// Reads until the text contains `what`.
    pub(crate) async fn until(&mut self, what: &str) -> &str {
        while !self.text.contains(what) {
            let bytes = within(self.body.next()).await;
            let Some(bytes) = bytes else { panic!("{what:?} is not in {:?}", self.text) };
            self.text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
        }
        &self.text
    }

    /// Reads to the end; a truncated response is an error.
    pub(crate) async fn try_rest(&mut self) -> Result<&str, awc::error::PayloadError> {
        while let Some(bytes) = within(self.body.next()).await {
            self.text.push_str(std::str::from_utf8(&bytes?).unwrap());
        }
        Ok(&self.text)
    }

    pub(crate) async fn rest(mut self) -> String {
        self.try_rest().await.unwrap();
        self.text
    }

    pub(crate) async fn json(self) -> Value {
        serde_json::from_str(&self.rest().await).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn generation(&self) -> GenerationId {
        self.header("x-generation-id").parse().unwrap()
    }
}

/// Returns the body of a `useChat` request.
pub(crate) fn ui(chat: &str, message: &str) -> Value {
    json!({"id": chat, "trigger": "submit-message",
           "messages": [{"id": message, "role": "user", "parts": [{"type": "text", "text": "Hello"}]}]})
}

/// Returns the ids and the data of the frames.
pub(crate) fn frames(text: &str) -> Vec<(String, String)> {
    let field = |frame: &str, name: &str| {
        frame.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    let frames = text.split("\n\n").filter(|frame| !frame.is_empty() && !frame.starts_with(':'));
    frames.map(|frame| (field(frame, "id: "), field(frame, "data: "))).collect()
}

/// Returns the text that the deltas of a UI message stream add up to.
pub(crate) fn ui_text(text: &str) -> String {
    let deltas = frames(text).into_iter().filter_map(|(_, data)| serde_json::from_str::<Value>(&data).ok());
    deltas
        .filter(|chunk| chunk["type"] == "text-delta")
        .map(|chunk| chunk["delta"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until a log has ended, and returns its entries as JSON.
pub(crate) async fn log(store: &dyn Store, id: &GenerationId) -> Vec<Value> {
    let mut watch = store.watch(id);
    let mut entries = Vec::new();
    loop {
        watch.borrow_and_update();
        let page = store.read(id, entries.len() as u64, usize::MAX).await.unwrap();
        entries.extend(page.entries.iter().map(|entry| serde_json::to_value(&entry.event).unwrap()));
        if page.ended {
            return entries;
        }
        within(watch.changed()).await.unwrap();
    }
}
