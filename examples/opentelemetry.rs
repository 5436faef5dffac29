//! An actix-web service whose requests, and the calls of models in them, are exported as spans to an OpenTelemetry collector.
//!
//! ```sh
//! PORT=8080 cargo run -p actorstream-examples --example opentelemetry
//! curl 'http://127.0.0.1:8080/?prompt=Hello'
//! ```
//!
//! The spans go to `OTEL_EXPORTER_OTLP_ENDPOINT` (default: `http://localhost:4318`) over OTLP as JSON, in batches. The span of a call
//! is a child of that of the HTTP request, which tracing-actix-web opens, and has OpenTelemetry's fields for generative AI. An observer
//! passes the trace on to the model's server. The exporter speaks HTTP without TLS, as to a collector on the same machine.
//!
//! With `OPENAI_API_KEY` set it calls OpenAI, with `OPENAI_BASE_URL` another server, and with neither a scripted
//! upstream on this machine.

use std::env;
use std::error::Error;

use actix_web::{App, HttpResponse, HttpServer, get, web};
use actorstream::{ChatRequest, Denied, ObservedRequest, OpenAi};
use opentelemetry::propagation::{Injector, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Deserialize;
use tracing::Span;
use tracing_actix_web::TracingLogger;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Deserialize)]
struct Question {
    prompt: String,
}

/// Sets the headers of a request.
struct Headers<'a>(&'a mut ObservedRequest);

impl Injector for Headers<'_> {
    fn set(&mut self, name: &str, value: String) {
        self.0.set_header(name, value);
    }
}

/// Adds `traceparent` to a request: observers are called in the span of the call.
fn pass_trace_on(request: &mut ObservedRequest) -> Result<(), Denied> {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Headers(request));
    Ok(())
}

#[get("/")]
async fn answer(openai: web::Data<OpenAi>, question: web::Query<Question>) -> HttpResponse {
    let request = ChatRequest::new("gpt-6-luna").user(question.into_inner().prompt).include_usage();
    // A closure that needs no events: the whole response comes with the end.
    match openai.chat().observer(pass_trace_on).stream_fn(request, |_| {}).await {
        Ok(finish) => HttpResponse::Ok().body(finish.response.content().unwrap_or_default().to_owned()),
        Err(error) => HttpResponse::BadGateway().body(format!("{error}\n")),
    }
}

/// Exports the spans of level `info` until it is shut down.
fn export() -> Result<SdkTracerProvider, Box<dyn Error>> {
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpJson).build()?;
    let service = Resource::builder().with_service_name("actorstream-example").build();
    let provider = SdkTracerProvider::builder().with_resource(service).with_batch_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("actorstream"));
    tracing_subscriber::registry().with(layer).with(LevelFilter::INFO).init();
    Ok(provider)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let provider = export()?;
    let (openai, _upstream) = actorstream_examples::client()?;
    let port: u16 = match env::var("PORT") {
        Ok(port) => port.parse()?,
        Err(_) => 8080,
    };
    let openai = web::Data::new(openai);
    let server = HttpServer::new(move || {
        App::new().wrap(TracingLogger::default()).app_data(openai.clone()).service(answer)
    })
    .workers(2)
    .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        eprintln!("listening on http://{address}");
    }
    server.run().await?;
    // The spans that wait for their batch.
    provider.shutdown()?;
    Ok(())
}
