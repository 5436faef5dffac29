//! A chat page in the browser. Responses continue while the page is reloaded, in every tab that shows the chat,
//! until a user stops them.
//!
//! ```sh
//! cargo run -p actorstream-examples --example web_chat
//! ```
//!
//! Then open the URL that it prints. With `OPENAI_API_KEY` set it calls OpenAI, with `OPENAI_BASE_URL` another
//! server, and with neither a scripted upstream on this machine.

use std::env;
use std::error::Error;
use std::time::Duration;

use actix_web::error::ErrorUnauthorized;
use actix_web::{App, HttpRequest, HttpServer, web};
use actorstream_web::store::MemoryStore;
use actorstream_web::{Relay, page};

/// Identifies the user: an application checks its sessions here. This example has one user, the one at this machine.
async fn user(request: HttpRequest) -> actix_web::Result<String> {
    match request.peer_addr() {
        Some(peer) if peer.ip().is_loopback() => Ok("me".to_owned()),
        _ => Err(ErrorUnauthorized("only from this machine")),
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (openai, _upstream) = actorstream_examples::client()?;
    let port: u16 = match env::var("PORT") {
        Ok(port) => port.parse()?,
        Err(_) => 8080,
    };
    let relay = Relay::builder(openai, MemoryStore::default(), user).model("gpt-6-luna").build();
    let routes = relay.clone();
    let server = HttpServer::new(move || {
        let chat = web::scope("/api/chat").configure(|config| routes.configure_chat(config));
        App::new().service(chat).configure(page::configure)
    })
    // Detect disconnected viewers at once.
    .h1_allow_half_closed(false)
    .workers(2)
    .disable_signals()
    .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        eprintln!("listening on http://{address}");
    }
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            // Every response gets its end, so the server has nothing left to wait for.
            relay.shutdown(Duration::from_secs(5)).await;
            handle.stop(true).await;
        }
    });
    server.await?;
    Ok(())
}
