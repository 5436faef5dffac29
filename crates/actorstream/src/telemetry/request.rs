//! `RequestFields`: the fields of a request that its span reports.

use actorstream_proto::request::multipart::RequestBody;
use serde_json::Value;
use tracing::Span;

use super::conventions::Conventions;

/// The fields of a request that its span reports. A field of another type than the API's is left out.
#[derive(Debug, Default)]
pub(super) struct RequestFields {
    pub(super) model: Option<String>,
    conversation: Option<String>,
    previous_response: Option<String>,
    choices: Option<u64>,
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    seed: Option<i64>,
    stop: Option<String>,
    reasoning: Option<String>,
    output: Option<&'static str>,
}

impl RequestFields {
    /// Reads the fields from a request; a form has only its model.
    pub(super) fn read(body: &RequestBody) -> Self {
        let RequestBody::Json(body) = body else {
            return Self { model: body.get("model"), ..Self::default() };
        };
        let text = |name| body.get::<String>(name);
        let number = |name| body.get::<f64>(name);
        let object = |name| body.get::<Value>(name).unwrap_or_default();
        let member = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
        let limits = ["max_completion_tokens", "max_output_tokens", "max_tokens"];
        let stop = match object("stop") {
            Value::String(stop) => Some(vec![stop]),
            Value::Array(stops) => Some(stops.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            _ => None,
        };
        let format = [object("response_format"), object("text")["format"].take()]
            .iter()
            .find_map(|format| member(format, "type"));
        Self {
            model: text("model"),
            conversation: text("conversation").or_else(|| member(&object("conversation"), "id")),
            previous_response: text("previous_response_id"),
            choices: body.get("n").filter(|n| *n != 1),
            max_tokens: limits.iter().find_map(|name| body.get(name)),
            temperature: number("temperature"),
            top_p: number("top_p"),
            frequency_penalty: number("frequency_penalty"),
            presence_penalty: number("presence_penalty"),
            seed: body.get("seed"),
            stop: stop.and_then(|stop| serde_json::to_string(&stop).ok()),
            reasoning: text("reasoning_effort").or_else(|| member(&object("reasoning"), "effort")),
            output: match format.as_deref() {
                Some("text") => Some("text"),
                Some("json_object" | "json_schema") => Some("json"),
                _ => None,
            },
        }
    }

    /// Records the fields that are there.
    pub(super) fn record(&self, span: &Span, conventions: Conventions) {
        let text = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                span.record(name, value.as_str());
            }
        };
        let whole = |name: &str, value: Option<u64>| {
            if let Some(value) = value {
                span.record(name, value);
            }
        };
        let number = |name: &str, value: Option<f64>| {
            if let Some(value) = value {
                span.record(name, value);
            }
        };
        text("gen_ai.request.model", &self.model);
        text("gen_ai.conversation.id", &self.conversation);
        whole("gen_ai.request.choice.count", self.choices);
        whole("gen_ai.request.max_tokens", self.max_tokens);
        number("gen_ai.request.temperature", self.temperature);
        number("gen_ai.request.top_p", self.top_p);
        number("gen_ai.request.frequency_penalty", self.frequency_penalty);
        number("gen_ai.request.presence_penalty", self.presence_penalty);
        text("gen_ai.request.stop_sequences", &self.stop);
        if let Some(seed) = self.seed {
            span.record("gen_ai.request.seed", seed);
        }
        if let Some(output) = self.output {
            span.record("gen_ai.output.type", output);
        }
        if conventions == Conventions::Latest {
            text("gen_ai.request.reasoning.level", &self.reasoning);
            text("gen_ai.request.previous_response.id", &self.previous_response);
        }
    }
}
