//! `Metrics`: the metrics of upstream calls, in the text format of Prometheus.

mod registry;
mod text;

use std::sync::Arc;

use actix_web::{HttpResponse, web};

use crate::exit::Failure;
use registry::Registry;

/// The metrics of this process.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Registry>);

impl Metrics {
    /// Begins to count.
    ///
    /// # Errors
    /// If this process already counts.
    pub(crate) fn start() -> Result<Self, Failure> {
        let registry = Arc::new(Registry::default());
        metrics::set_global_recorder(Arc::clone(&registry))
            .map_err(|error| Failure::Other(format!("the metrics cannot be counted: {error}")))?;
        Ok(Self(registry))
    }

    /// Adds `GET /metrics`.
    pub(crate) fn configure(&self, config: &mut web::ServiceConfig) {
        let Self(registry) = self.clone();
        config.route(
            "",
            web::get().to(move || {
                let text = text::render(&registry);
                async {
                    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
                }
            }),
        );
    }
}
