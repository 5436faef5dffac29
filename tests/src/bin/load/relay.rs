//! The relay with viewers, in a separate process.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use actix::prelude::*;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, StreamError, StreamRef, StreamingClient,
    streaming_client,
};
use actorstream_web::event::{Api, End, Event};
use actorstream_web::generation::wait_for_room;
use actorstream_web::store::MemoryStore;
use actorstream_web::{Failure as Refusal, Log, Relay, UpstreamRequest};
use serde::{Deserialize, Serialize};
use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::Failure;
use crate::crowd::client;
use crate::upstream::now;

/// The send buffer in bytes that the listener requests: the kernel's memory for a viewer that does not read. The
/// default on the loopback interface is up to several megabytes.
const SEND_BUFFER: usize = 256 << 10;

/// The maximum number of concurrent generations.
const MOST: usize = 10_000;

/// The numbers of viewers and of running generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) viewers: usize,
    pub(crate) running: usize,
}

#[derive(Debug, Deserialize)]
struct Begin {
    model: String,
}

/// Serves until the input ends. With `stamps`, each event contains the time when it was written to the log.
pub(crate) fn serve(upstream: &str, stamps: bool) -> Result<(), Failure> {
    System::new().block_on(async {
        let relay = Relay::builder(client(upstream, MOST)?, MemoryStore::default(), user);
        let relay = if stamps { relay.through_chat(|log| Stamping { log }.start()) } else { relay }.build();
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.set_send_buffer_size(SEND_BUFFER)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        listener.listen(4096)?;
        let server = HttpServer::new(move || {
            let routes = relay.clone();
            App::new().app_data(web::Data::new(relay.clone())).service(
                web::scope("/v1")
                    .route("/load/begin", web::post().to(begin))
                    .route("/load/counts", web::get().to(counts))
                    .configure(|config| routes.configure_openai(config)),
            )
        })
        .h1_allow_half_closed(false)
        .disable_signals()
        .listen(listener.into())?;
        println!("http://{}/v1", server.addrs()[0]);
        io::stdout().flush()?;
        let server = server.run();
        let handle = server.handle();
        thread::spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            // The stop command is sent at once; there is no need to await it.
            drop(handle.stop(false));
        });
        Ok(server.await?)
    })
}

async fn user(_: HttpRequest) -> actix_web::Result<String> {
    Ok("load".to_owned())
}

/// Starts a generation without viewers.
async fn begin(relay: web::Data<Relay>, begin: web::Json<Begin>) -> Result<HttpResponse, Refusal> {
    let request = UpstreamRequest::new(Api::Chat, &ChatRequest::new(&begin.model).user("x"))?;
    let id = relay.begin("load", request).await?;
    Ok(HttpResponse::Ok().json(json!({"id": id.as_str()})))
}

async fn counts(relay: web::Data<Relay>) -> web::Json<Counts> {
    web::Json(Counts { viewers: relay.viewers(), running: relay.running() })
}

/// Writes upstream's events to a log, with the current time.
struct Stamping {
    log: Log,
}

impl Actor for Stamping {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Stamping {
    fn handle_data(&mut self, chunk: ChatCompletionChunk, _: &StreamRef, ctx: &mut Self::Context) {
        let written = chunk.content().and_then(|content| content.parse::<u64>().ok());
        let stamped = written.and_then(|written| {
            let content = format!("{written} {}", now());
            let choice = json!({"index": 0, "delta": {"content": content}, "finish_reason": null});
            Event::upstream(&json!({"id": "c", "choices": [choice]})).ok()
        });
        match stamped {
            Some(event) => self.log.write(event),
            None => self.log.record(&chunk),
        };
        wait_for_room(&self.log, ctx);
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, ctx: &mut Self::Context) {
        self.log.fail(&error);
        ctx.stop();
    }

    fn handle_finish(&mut self, end: Finish<ChatCompletion>, _: &StreamRef, ctx: &mut Self::Context) {
        let reason = end.finish_reasons.first().map(ToString::to_string);
        self.log.end(End::Finish { reason });
        ctx.stop();
    }
}
