//! A chat page in the browser. Answers go on while the page is reloaded, in every tab that shows the chat, and until
//! somebody stops them.
//!
//! `cargo run --example web_chat`, then open the address that it prints.

use std::env;
use std::error::Error;
use std::time::Duration;

use actix_web::error::ErrorUnauthorized;
use actix_web::{App, HttpRequest, HttpServer, web};
use actorstream_web::store::MemoryStore;
use actorstream_web::{Relay, page};

/// Who makes a request: this is where an application looks at its sessions. Here it is whoever sits at this machine.
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
    let relay = Relay::builder(openai, MemoryStore::default(), user).model("gpt-4o-mini").build();
    let routes = relay.clone();
    let server = HttpServer::new(move || {
        let chat = web::scope("/api/chat").configure(|config| routes.configure_chat(config));
        App::new().service(chat).configure(page::configure)
    })
    // A viewer that leaves is noticed at once.
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
            // Every answer gets its end, and then nothing is left to wait for.
            relay.shutdown(Duration::from_secs(5)).await;
            handle.stop(true).await;
        }
    });
    server.await?;
    Ok(())
}
