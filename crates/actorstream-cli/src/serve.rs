//! The relay as a server: a chat page, the routes that `useChat` talks to, and an OpenAI-compatible gateway.

use std::env;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::http::header::HeaderName;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, ResponseError, web};
use actorstream::{OpenAi, models};
use actorstream_web::access::{Access, Refusal};
use actorstream_web::store::{MemoryStore, RedisConnectError, RedisStore};
use actorstream_web::{OnLastViewer, Relay, RelayBuilder, Takeover, page};

use tokio::time::timeout;

use crate::access_log::AccessLog;
use crate::arguments::{Endpoint, LastViewer, Serve, WhenGone};
use crate::exit::{Exit, Failure, tell};
use crate::metrics::Metrics;
use crate::request::text_model;
use crate::server::Server;
use crate::stop_signals::StopSignals;

/// How long the server may take to end after it was told to stop.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The variable that holds the token.
const TOKEN: &str = "ACTORSTREAM_TOKEN";

/// The header that identifies users.
const USER: HeaderName = HeaderName::from_static("x-user");

/// The part of it for the relay's shutdown.
const HAND_OVER: Duration = Duration::from_secs(4);

/// The client headers that are forwarded upstream.
const PASSED_ON: [&str; 5] =
    ["openai-beta", "openai-organization", "openai-project", "idempotency-key", "x-client-request-id"];

/// Serves until Ctrl-C or SIGTERM; a second one ends the process at once.
pub(crate) async fn serve(serve: &Serve) -> Result<Exit, Failure> {
    let metrics = serve.metrics.then(Metrics::start).transpose()?;
    let server = Server::new(&serve.connection)?;
    let (builder, store) = builder(serve, server.openai.clone()).await?;
    let relay = set_up(builder, serve).build();

    let address = (serve.host.as_str(), serve.port);
    let cannot = |error: std::io::Error| {
        Failure::Other(format!("cannot listen on {}:{}: {error}", serve.host, serve.port))
    };
    let listener = TcpListener::bind(address).map_err(cannot)?;
    let listening = listener.local_addr().map_err(cannot)?;
    let (access, open) = access(serve, listening)?;
    let routes = relay.clone();
    let running = HttpServer::new(move || {
        let guarded = |path: &str| web::scope(path).wrap(access.clone());
        let ready = routes.clone();
        let metrics = metrics.clone();
        App::new()
            .service(guarded("/api/chat").configure(|config| routes.configure_chat(config)))
            .service(guarded("/v1").configure(|config| routes.configure_openai(config)))
            .route("/healthz", web::get().to(async || "ok\n"))
            .route("/readyz", web::get().to(move || is_ready(ready.clone())))
            .configure(|config| {
                if let Some(metrics) = metrics {
                    config.service(guarded("/metrics").configure(|config| metrics.configure(config)));
                }
            })
            .configure(page::configure)
            .wrap(access.page())
            .wrap(AccessLog)
    })
    // A disconnected viewer is noticed at once.
    .h1_allow_half_closed(false)
    .disable_signals()
    .listen(listener)
    .map_err(cannot)?
    .run();
    let handle = running.handle();
    let served = actix_rt::spawn(running);
    // Before the announcement, so that an early signal is not lost.
    let mut stop =
        StopSignals::new().map_err(|error| Failure::Other(format!("cannot listen for signals: {error}")))?;
    tell(format_args!("listening on http://{listening}\n"));
    tell(format_args!(
        "model {} over {}, responses kept in {store}, accessible to {open}
",
        model(serve),
        match serve.endpoint {
            Endpoint::Chat => "chat completions",
            Endpoint::Responses => "responses",
        }
    ));
    stop.next().await;
    // Nothing delays the exit: neither viewers, nor half-sent bodies, nor an unresponsive Redis.
    actix_rt::spawn(async move {
        stop.next().await;
        std::process::exit(i32::from(u8::from(Exit::Interrupted)));
    });
    let stopping = async {
        relay.shutdown(HAND_OVER).await;
        handle.stop(true).await;
        served.await
    };
    match timeout(SHUTDOWN, stopping).await {
        Ok(Ok(Ok(()))) => Ok(Exit::Finished),
        Ok(Ok(Err(error))) => Err(Failure::Other(format!("the server failed: {error}"))),
        Ok(Err(error)) => Err(Failure::Other(format!("the server failed: {error}"))),
        Err(_) => {
            tracing::warn!("some clients did not receive their end in time");
            Ok(Exit::Finished)
        }
    }
}

/// The model of the chat page.
fn model(serve: &Serve) -> String {
    serve.model.clone().unwrap_or_else(|| text_model(models::CHAT))
}

/// Applies the options to the relay.
fn set_up(builder: RelayBuilder, serve: &Serve) -> RelayBuilder {
    let mut relay = builder
        .on_last_viewer(match serve.on_last_viewer {
            LastViewer::Continue => OnLastViewer::Continue,
            LastViewer::CancelAfter(time) => OnLastViewer::CancelAfter(time),
        })
        // Everyone with access is trusted with the key, and should see what is wrong.
        .expose_upstream_errors(true)
        .pass_headers_on(PASSED_ON)
        .pass_queries_on(true)
        .model(model(serve));
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
    match serve.endpoint {
        Endpoint::Chat => relay,
        Endpoint::Responses => relay.chat_over_responses(),
    }
}

/// `GET /readyz`: whether requests may come.
async fn is_ready(relay: Relay) -> HttpResponse {
    match relay.ready().await {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(failure) => failure.error_response(),
    }
}

/// Returns a relay with the store from the options, and a description of the store.
async fn builder(serve: &Serve, openai: OpenAi) -> Result<(RelayBuilder, String), Failure> {
    let memory =
        |openai| (Relay::builder(openai, MemoryStore::default(), user), "this process only".to_owned());
    let Some(url) = &serve.redis else { return Ok(memory(openai)) };
    match RedisStore::connect(url).await {
        Ok(store) => {
            let place = format!("Redis at {}", store.address());
            Ok((Relay::builder(openai, store, user), place))
        }
        Err(error @ RedisConnectError::Absent(_)) if serve.redis_optional => {
            tell(format_args!(
                "{error}: responses are kept in this process only, and are lost when it ends\n"
            ));
            Ok(memory(openai))
        }
        Err(error @ RedisConnectError::Absent(_)) => Err(Failure::Other(format!(
            "{error}; with --redis-optional, responses would be kept in this process only"
        ))),
        Err(error) => Err(Failure::config(error.to_string())),
    }
}

/// Identifies the user by a header: everyone with access may act for all users, like an application in front of this
/// server.
async fn user(request: HttpRequest) -> actix_web::Result<String> {
    /// The longest name, in bytes.
    const LONGEST: usize = 256;
    let mut names = request.headers().get_all(USER);
    let name = match (names.next(), names.next()) {
        (None, _) => return Ok("local".to_owned()),
        // A browser sends letters beyond ASCII as Latin-1, other clients as UTF-8.
        (Some(name), None) => Some(match std::str::from_utf8(name.as_bytes()) {
            Ok(name) => name.to_owned(),
            Err(_) => name.as_bytes().iter().copied().map(char::from).collect(),
        }),
        (_, Some(_)) => None,
    };
    let name =
        name.filter(|name| (1..=LONGEST).contains(&name.trim().len()) && !name.contains(char::is_control));
    name.map(|name| name.trim().to_owned()).ok_or_else(|| {
        actorstream_web::Failure::invalid("the header X-User must occur once, with a name of 1 to 256 bytes")
            .into()
    })
}

/// Returns the access rules for the listening address, and a description of who has access.
///
/// # Errors
/// If other machines can reach it, and there is no token.
fn access(serve: &Serve, listening: SocketAddr) -> Result<(Access, &'static str), Failure> {
    let from_environment = || env::var(TOKEN).ok().filter(|token| !token.is_empty());
    let mut access = Access::new().bound_to(listening).advice(|refusal| match refusal {
        Refusal::Host => "start it with --allow-host HOST if that is one of its names",
        Refusal::Origin => "start it with --allow-origin ORIGIN to allow one",
        Refusal::Remote => {
            "start it with --token TOKEN to accept requests with that token (`openssl rand -hex 32` creates one)"
        }
        _ => "",
    });
    let local = listening.ip().to_canonical().is_loopback();
    let token = serve.token.clone().or_else(from_environment);
    let open = match (&token, local) {
        (None, _) => "programs on this machine",
        (Some(_), true) => "requests from this machine with the token",
        (Some(_), false) => "requests with the token",
    };
    match token {
        Some(token) => {
            access = access.token(token.parse().map_err(|error| Failure::Usage(format!("{error}")))?);
        }
        None if local => {}
        None => {
            return Err(Failure::Usage(format!(
                "other machines can reach {listening} and would spend your key; require a token with --token TOKEN or the \
                 variable {TOKEN} (`openssl rand -hex 32` creates one)"
            )));
        }
    }
    for host in &serve.allowed_hosts {
        access = access.allow_host(host.clone());
    }
    for origin in &serve.allowed_origins {
        access = access.allow_origin(origin.clone());
    }
    Ok((access, open))
}
