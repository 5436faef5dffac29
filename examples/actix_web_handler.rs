//! An actix-web service that forwards a response to its own client as it arrives.
//!
//! ```sh
//! PORT=8080 cargo run -p actorstream-examples --example actix_web_handler
//! curl -N 'http://127.0.0.1:8080/?prompt=Hello'
//! ```
//!
//! When the client disconnects, actix-web drops the body, which drops the `EventStream`, which closes the connection
//! to the upstream, so an unread response costs nothing. While the client does not read, nothing is read from the
//! upstream either.
//!
//! With `OPENAI_API_KEY` set it calls OpenAI, with `OPENAI_BASE_URL` another server, and with neither a scripted
//! upstream on this machine.

use std::env;
use std::error::Error;
use std::future::ready;

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, get, web};
use actorstream::{ChatCompletionChunk, ChatRequest, OpenAi, StreamError, StreamEvent};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;

#[derive(Deserialize)]
struct Question {
    prompt: String,
}

#[get("/")]
async fn answer(openai: web::Data<OpenAi>, question: web::Query<Question>) -> HttpResponse {
    let request = ChatRequest::new("gpt-6-luna").user(question.into_inner().prompt);
    // The text is sent as it arrives and is not needed again at the end.
    let events = openai.chat().keep_response(false).events(request);
    let mut texts = Box::pin(events.filter_map(|event| ready(text(event))).peekable());

    // Before the first text, the status can still report an error.
    if let Some(Err(error)) = texts.as_mut().peek().await {
        return HttpResponse::BadGateway().content_type(ContentType::plaintext()).body(format!("{error}\n"));
    }
    // From here on it cannot. An error in the body makes actix-web close the connection without ending the body,
    // so that the client sees that the response is truncated.
    HttpResponse::Ok().content_type(ContentType::plaintext()).streaming(texts)
}

/// Returns what to send to the client for an event, if anything.
fn text(event: StreamEvent<ChatCompletionChunk>) -> Option<Result<Bytes, StreamError>> {
    match event {
        StreamEvent::Start(_) => None,
        StreamEvent::Data(chunk) => {
            let text = chunk.content().filter(|text| !text.is_empty())?;
            Some(Ok(Bytes::copy_from_slice(text.as_bytes())))
        }
        StreamEvent::Error(error) => {
            eprintln!("{error}");
            Some(Err(error))
        }
        StreamEvent::Finish(_) => None,
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (openai, _upstream) = actorstream_examples::client()?;
    let port: u16 = match env::var("PORT") {
        Ok(port) => port.parse()?,
        Err(_) => 8080,
    };
    let openai = web::Data::new(openai);
    let server = HttpServer::new(move || App::new().app_data(openai.clone()).service(answer))
        // Otherwise a client that closes its side counts as one that still reads, until a write to it fails.
        .h1_allow_half_closed(false)
        .workers(2)
        .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        eprintln!("listening on http://{address}");
    }
    server.run().await?;
    Ok(())
}
