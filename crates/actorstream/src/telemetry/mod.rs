//! Spans and metrics of calls, named as OpenTelemetry's conventions for generative AI name them.
//!
//! A call has one span, from the call to its end, below the caller's span. Without a subscriber that wants it, nothing of it is
//! computed.

mod conventions;
mod messages;
#[cfg(feature = "metrics")]
mod metrics;
pub(crate) mod observation;
mod provider;
mod request;

use std::fmt;
use std::time::Duration;

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::json::text::Text;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::finish::Outcome;
#[cfg(feature = "metrics")]
use actorstream_proto::outcome::timeout::Timeout;
use actorstream_proto::outcome::timings::Timings;
use actorstream_proto::outcome::tokens::Tokens;
use actorstream_proto::request::multipart::RequestBody;
use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::settings::options::Options;
use conventions::Conventions;
use request::RequestFields;

/// The span and the metrics of one call; nothing if nobody wants either.
pub(crate) struct Telemetry(Option<Box<Active>>);

/// A call that is observed.
struct Active {
    span: Span,
    call: CallInfo,
    /// How long the target was waited for.
    waited: Duration,
    /// Whether the span gets the messages.
    with_messages: bool,
}

/// What is known of a call, and tells its measurements from those of others.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "only metrics read all of it"))]
struct CallInfo {
    operation: &'static str,
    provider: &'static str,
    host: Box<str>,
    port: u16,
    streamed: bool,
    model: Option<Box<str>>,
}

impl Telemetry {
    /// The call begins. The span's parent is the current span.
    pub(crate) fn start(options: &Options, operation: &'static str, streamed: bool) -> Self {
        let server = &options.base_url;
        let span = info_span!(
            target: "actorstream",
            "gen_ai.client.inference",
            otel.name = Empty,
            otel.kind = "client",
            otel.status_code = Empty,
            otel.status_description = Empty,
            gen_ai.operation.name = operation,
            gen_ai.provider.name = Empty,
            gen_ai.conversation.id = Empty,
            gen_ai.request.model = Empty,
            gen_ai.request.choice.count = Empty,
            gen_ai.request.max_tokens = Empty,
            gen_ai.request.temperature = Empty,
            gen_ai.request.top_p = Empty,
            gen_ai.request.frequency_penalty = Empty,
            gen_ai.request.presence_penalty = Empty,
            gen_ai.request.seed = Empty,
            gen_ai.request.stop_sequences = Empty,
            gen_ai.request.stream = Empty,
            gen_ai.request.reasoning.level = Empty,
            gen_ai.request.previous_response.id = Empty,
            gen_ai.output.type = Empty,
            gen_ai.system_instructions = Empty,
            gen_ai.input.messages = Empty,
            gen_ai.output.messages = Empty,
            gen_ai.response.id = Empty,
            gen_ai.response.model = Empty,
            gen_ai.response.finish_reasons = Empty,
            gen_ai.response.time_to_first_chunk = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.usage.cache_read.input_tokens = Empty,
            gen_ai.usage.reasoning.output_tokens = Empty,
            error.type = Empty,
            server.address = Empty,
            server.port = Empty,
        );
        if span.is_disabled() && !cfg!(feature = "metrics") {
            return Self(None);
        }
        let host = server.host.trim_start_matches('[').trim_end_matches(']');
        let provider = provider::of(host);
        let call =
            CallInfo { operation, provider, host: host.into(), port: server.port, streamed, model: None };
        span.record("gen_ai.provider.name", provider);
        span.record("server.address", host);
        span.record("server.port", server.port);
        span.record("otel.name", operation);
        if streamed {
            span.record("gen_ai.request.stream", true);
        }
        #[cfg(feature = "metrics")]
        metrics::opened(&call);
        Self(Some(Box::new(Active {
            span,
            call,
            waited: Duration::ZERO,
            with_messages: options.record_messages,
        })))
    }

    /// The request is known.
    pub(crate) fn request(&mut self, body: &RequestBody) {
        let Some(active) = &mut self.0 else { return };
        let fields = RequestFields::read(body);
        if let Some(model) = &fields.model {
            active.span.record("otel.name", format!("{} {model}", active.call.operation).as_str());
            active.call.model = Some(model.as_str().into());
        }
        if !active.span.is_disabled() {
            fields.record(&active.span, Conventions::get());
            if let (true, RequestBody::Json(body)) = (active.with_messages, body) {
                for (field, said) in [
                    ("gen_ai.system_instructions", messages::instructions(body)),
                    ("gen_ai.input.messages", messages::input(body)),
                ] {
                    if let Some(said) = said {
                        active.span.record(field, said.to_string().as_str());
                    }
                }
            }
        }
    }

    /// The span, in which the stream runs.
    pub(crate) fn span(&self) -> Span {
        self.0.as_ref().map_or_else(Span::none, |active| active.span.clone())
    }

    /// The target was waited for.
    pub(crate) fn waited(&mut self, time: Duration) {
        if let Some(active) = &mut self.0 {
            active.waited += time;
        }
    }

    /// The call has ended. Nothing is recorded after that.
    pub(crate) fn end<E: Event>(&mut self, outcome: &Outcome<E::Response>) {
        let Some(active) = self.0.take() else { return };
        let response = match outcome {
            Ok(finish) => Some(&*finish.response),
            Err(error) => error.partial::<E::Response>(),
        };
        if let Some(response) = response.filter(|_| active.with_messages && !active.span.is_disabled())
            && let Some(messages) = messages::output(response)
        {
            active.span.record("gen_ai.output.messages", messages.to_string().as_str());
        }
        let end = match outcome {
            Ok(finish) => {
                let identity = E::identity(&finish.response);
                EndInfo {
                    id: identity.id,
                    model: identity.model,
                    reasons: finish.finish_reasons.iter().map(Text::as_str).collect(),
                    tokens: finish.usage.as_deref().copied(),
                    timings: finish.timings,
                    attempts: finish.attempts,
                    error: None,
                }
            }
            Err(error) => {
                let partial = error.partial::<E::Response>();
                let identity = partial.map(E::identity).unwrap_or_default();
                EndInfo {
                    id: identity.id,
                    model: identity.model,
                    // A reason was expected and did not come.
                    reasons: vec!["error"],
                    tokens: partial.and_then(E::tokens),
                    timings: error.timings,
                    attempts: error.attempts,
                    error: Some((&error.kind, error.to_string())),
                }
            }
        };
        end.record(&active);
        #[cfg(feature = "metrics")]
        metrics::ended(&active.call, &end, active.waited);
    }
}

/// How a call ended.
struct EndInfo<'a> {
    id: Option<&'a str>,
    model: Option<&'a str>,
    reasons: Vec<&'a str>,
    tokens: Option<Tokens>,
    timings: Timings,
    #[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "metrics read it"))]
    attempts: u32,
    error: Option<(&'a ErrorKind, String)>,
}

#[cfg(feature = "metrics")]
impl EndInfo<'_> {
    /// The timeout that ended the call.
    fn timeout(&self) -> Option<Timeout> {
        match self.error {
            Some((ErrorKind::Timeout { timeout, .. }, _)) => Some(*timeout),
            Some((ErrorKind::Quota { .. }, _)) => Some(Timeout::Queue),
            _ => None,
        }
    }

    /// The mean time between two events.
    fn mean_pause(&self) -> Option<Duration> {
        let Timings { first_event: Some(first), last_event: Some(last), events, .. } = self.timings else {
            return None;
        };
        let pauses = u32::try_from(events.checked_sub(1)?).ok().filter(|pauses| *pauses > 0)?;
        Some(last.saturating_sub(first) / pauses)
    }
}

impl EndInfo<'_> {
    fn record(&self, Active { span, call, .. }: &Active) {
        if span.is_disabled() {
            return;
        }
        if let Some(id) = self.id {
            span.record("gen_ai.response.id", id);
        }
        if let Some(model) = self.model {
            span.record("gen_ai.response.model", model);
        }
        let reports_failures = Conventions::get() == Conventions::Latest;
        if !self.reasons.is_empty() && (self.error.is_none() || reports_failures) {
            let reasons = serde_json::to_string(&self.reasons).unwrap_or_default();
            span.record("gen_ai.response.finish_reasons", reasons.as_str());
        }
        if let Some(first) = self.timings.first_event.filter(|_| call.streamed) {
            span.record("gen_ai.response.time_to_first_chunk", first.as_secs_f64());
        }
        if let Some(tokens) = self.tokens {
            span.record("gen_ai.usage.input_tokens", tokens.input);
            span.record("gen_ai.usage.output_tokens", tokens.output);
            span.record("gen_ai.usage.cache_read.input_tokens", tokens.cached);
            span.record("gen_ai.usage.reasoning.output_tokens", tokens.reasoning);
        }
        if let Some((kind, message)) = &self.error {
            span.record("error.type", error_type(kind));
            span.record("otel.status_code", "ERROR");
            span.record("otel.status_description", message.as_str());
        }
    }
}

/// Returns the class of an error: few different values, as measurements are told apart by it.
fn error_type(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Refused(refused) => match refused.status {
            400 => "400",
            401 => "401",
            403 => "403",
            404 => "404",
            408 => "408",
            409 => "409",
            413 => "413",
            422 => "422",
            429 => "429",
            500 => "500",
            502 => "502",
            503 => "503",
            504 => "504",
            529 => "529",
            other => match other / 100 {
                3 => "3xx",
                4 => "4xx",
                _ => "5xx",
            },
        },
        ErrorKind::Timeout { timeout, .. } => timeout.error_type(),
        ErrorKind::Quota { .. } => "timeout.queue",
        other => other.name(),
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Telemetry").field(&self.0.as_ref().map(|active| &active.call)).finish()
    }
}
