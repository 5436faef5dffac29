//! The relay as a server: a chat page, the routes that `useChat` talks to, and an OpenAI-compatible gateway.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::error::ErrorForbidden;
use actix_web::http::header::{HOST, HeaderName, ORIGIN};
use actix_web::{App, HttpRequest, HttpServer, web};
use actorstream::OpenAi;
use actorstream_web::store::{MemoryStore, RedisConnectError, RedisStore};
use actorstream_web::{OnLastViewer, Relay, RelayBuilder, Takeover, page};

use crate::arguments::{Endpoint, LastViewer, Serve, WhenGone};
use crate::exit::{Exit, Failure, tell};
use crate::server::Server;

/// How long streams and their viewers have to end when the server is told to stop.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The header that tells the users of this machine apart.
const USER: HeaderName = HeaderName::from_static("x-user");

/// Serves until Ctrl-C or SIGTERM.
pub(crate) async fn serve(serve: &Serve) -> Result<Exit, Failure> {
    let server = Server::new(&serve.connection)?;
    let mut relay = builder(serve, server.openai.clone())
        .await?
        .on_last_viewer(match serve.on_last_viewer {
            LastViewer::Continue => OnLastViewer::Continue,
            LastViewer::CancelAfter(time) => OnLastViewer::CancelAfter(time),
        })
        // Whoever may use it is a user of this machine, and wants to know what is wrong.
        .tell_upstream_errors(true);
    if let Some(lease) = serve.lease {
        relay = relay.lease(lease);
    }
    if let Some(takeover) = serve.takeover {
        relay = relay.takeover(match takeover {
            WhenGone::Resume => Takeover::Resume,
            WhenGone::Restart => Takeover::Restart,
            WhenGone::Fail => Takeover::Fail,
        });
    }
    if let Some(model) = &serve.model {
        relay = relay.model(model);
    }
    if serve.endpoint == Endpoint::Responses {
        relay = relay.chat_over_responses();
    }
    let relay = relay.build();

    let address = (serve.host.as_str(), serve.port);
    let cannot = |error: std::io::Error| {
        Failure::Other(format!("cannot listen on {}:{}: {error}", serve.host, serve.port))
    };
    let listener = TcpListener::bind(address).map_err(cannot)?;
    let listening = listener.local_addr().map_err(cannot)?;
    let routes = relay.clone();
    let running = HttpServer::new(move || {
        App::new()
            .service(web::scope("/api/chat").configure(|config| routes.configure_chat(config)))
            .service(web::scope("/v1").configure(|config| routes.configure_openai(config)))
            .configure(page::configure)
    })
    // A viewer that leaves is noticed at once.
    .h1_allow_half_closed(false)
    .disable_signals()
    .listen(listener)
    .map_err(cannot)?
    .run();
    let handle = running.handle();
    let served = actix_rt::spawn(running);
    tell(format_args!("listening on http://{listening}\n"));
    asked_to_stop().await;
    relay.shutdown(SHUTDOWN).await;
    handle.stop(true).await;
    let failed = |error: &dyn std::fmt::Display| Failure::Other(format!("the server failed: {error}"));
    served.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    Ok(Exit::Finished)
}

/// A relay that keeps its logs where the options say. A Redis that is not there is no reason not to serve; one that refuses
/// is, since somebody meant it.
async fn builder(serve: &Serve, openai: OpenAi) -> Result<RelayBuilder, Failure> {
    let Some(url) = &serve.redis else { return Ok(Relay::builder(openai, MemoryStore::default(), user)) };
    match RedisStore::connect(url).await {
        Ok(store) => Ok(Relay::builder(openai, store, user)),
        Err(error @ RedisConnectError::Absent(_)) => {
            tell(format_args!("{error}: answers are kept in this process alone, and end with it\n"));
            Ok(Relay::builder(openai, MemoryStore::default(), user))
        }
        Err(error) => Err(Failure::config(error.to_string())),
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn asked_to_stop() {
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    interrupted.await;
}

/// Who makes a request: somebody on this machine, told apart by a header if it is there. Requests that a page of another
/// site has a browser make are refused: they would spend the key.
async fn user(request: HttpRequest) -> actix_web::Result<String> {
    if !request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        return Err(ErrorForbidden(
            "only this machine may use this server; put your own authorization before it",
        ));
    }
    let header = |name: &HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let origin = header(&ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    if origin.is_some_and(|origin| header(&HOST) != Some(origin)) {
        return Err(ErrorForbidden("requests from pages of other sites are refused"));
    }
    Ok(header(&USER).filter(|name| !name.is_empty()).unwrap_or("local").to_owned())
}
