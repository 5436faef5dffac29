//! The metrics of calls, for whatever recorder the application has installed.

use std::time::Duration;

use metrics::{Label, counter, gauge, histogram};

use super::conventions::Conventions;
use super::{CallInfo, EndInfo, error_type};

/// A call has begun.
pub(super) fn opened(call: &CallInfo) {
    gauge!("actorstream.streams.open", server(call)).increment(1.0);
}

/// A call has ended. Its target was waited for `waited` in all.
pub(super) fn ended(call: &CallInfo, end: &EndInfo<'_>, waited: Duration) {
    gauge!("actorstream.streams.open", server(call)).decrement(1.0);
    let labels = labels(call, end);
    let mut failed = labels.clone();
    failed.extend(end.error.as_ref().map(|(kind, _)| Label::new("error.type", error_type(kind))));
    counter!("actorstream.attempts", labels.clone()).increment(end.attempts.into());
    if let Some(timeout) = end.timeout() {
        let mut labels = labels.clone();
        labels.push(Label::new("timeout", timeout.name()));
        counter!("actorstream.timeouts", labels).increment(1);
    }
    histogram!("actorstream.backpressure.wait", labels.clone()).record(waited.as_secs_f64());
    let is_latest = Conventions::get() == Conventions::Latest;
    let (duration, first, per_chunk) = if is_latest {
        (
            "gen_ai.client.inference.duration",
            "gen_ai.client.inference.time_to_first_chunk",
            "gen_ai.client.inference.time_per_output_chunk",
        )
    } else {
        (
            "gen_ai.client.operation.duration",
            "gen_ai.client.operation.time_to_first_chunk",
            "gen_ai.client.operation.time_per_output_chunk",
        )
    };
    histogram!(duration, failed).record(end.timings.total.as_secs_f64());
    if call.streamed {
        if let Some(at) = end.timings.first_event {
            histogram!(first, labels.clone()).record(at.as_secs_f64());
        }
        if let Some(mean) = end.mean_pause() {
            histogram!(per_chunk, labels.clone()).record(mean.as_secs_f64());
        }
    }
    tokens(&labels, end, is_latest);
}

fn tokens(labels: &[Label], end: &EndInfo<'_>, is_latest: bool) {
    let Some(tokens) = end.tokens else { return };
    let with = |name: &'static str, value: &'static str| {
        let mut labels = labels.to_vec();
        labels.push(Label::new(name, value));
        labels
    };
    if !is_latest {
        for (kind, count) in [("input", tokens.input), ("output", tokens.output)] {
            // Counts of tokens are far below 2⁵³.
            histogram!("gen_ai.client.token.usage", with("gen_ai.token.type", kind)).record(count as f64);
        }
        return;
    }
    for (name, count) in [
        ("gen_ai.client.inference.operation.input_tokens", tokens.input),
        ("gen_ai.client.inference.operation.output_tokens", tokens.output),
    ] {
        histogram!(name, labels.to_vec()).record(count as f64);
    }
    for (name, count) in [
        ("gen_ai.client.inference.usage.input_tokens", tokens.input),
        ("gen_ai.client.inference.usage.output_tokens", tokens.output),
        ("gen_ai.client.inference.usage.cache_read.input_tokens", tokens.cached),
        ("gen_ai.client.inference.usage.reasoning.output_tokens", tokens.reasoning),
    ] {
        counter!(name, with("gen_ai.token.modality", "unknown")).increment(count);
    }
}

/// The labels that are known when a call begins.
fn server(call: &CallInfo) -> Vec<Label> {
    vec![
        Label::new("gen_ai.operation.name", call.operation),
        Label::new("gen_ai.provider.name", call.provider),
        Label::new("server.address", call.host.to_string()),
        Label::new("server.port", call.port.to_string()),
    ]
}

fn labels(call: &CallInfo, end: &EndInfo<'_>) -> Vec<Label> {
    let mut labels = server(call);
    let models = [("gen_ai.request.model", call.model.as_deref()), ("gen_ai.response.model", end.model)];
    for (name, model) in models {
        labels.extend(model.map(|model| Label::new(name, model.to_owned())));
    }
    labels
}
