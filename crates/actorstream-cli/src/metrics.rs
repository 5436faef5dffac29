//! `Metrics`: the metrics of upstream calls, in the text format of Prometheus.

use actix_web::{HttpResponse, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::exit::Failure;

/// The bounds of histograms of times, in seconds, as OpenTelemetry's conventions for generative AI have them.
const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// The bounds of histograms of tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// The metrics of this process.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to count.
    ///
    /// # Errors
    /// If this process already counts.
    pub(crate) fn start() -> Result<Self, Failure> {
        let tokens = |builder: PrometheusBuilder, end: &str| {
            builder.set_buckets_for_metric(Matcher::Suffix(end.to_owned()), &TOKENS)
        };
        let started = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(|builder| tokens(builder, "token.usage"))
            .and_then(|builder| tokens(builder, "operation.input_tokens"))
            .and_then(|builder| tokens(builder, "operation.output_tokens"))
            .and_then(PrometheusBuilder::install_recorder);
        started.map(Self).map_err(|error| Failure::Other(format!("the metrics cannot be counted: {error}")))
    }

    /// Adds `GET /metrics`.
    pub(crate) fn configure(&self, config: &mut web::ServiceConfig) {
        let Self(handle) = self.clone();
        config.route(
            "",
            web::get().to(move || {
                handle.run_upkeep();
                let text = handle.render();
                async {
                    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
                }
            }),
        );
    }
}
