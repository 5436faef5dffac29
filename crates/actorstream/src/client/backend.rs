//! `Backend`: a server that answers where the client's own does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::OpenAi;
use crate::connector::backends;
use crate::connector::shared::Shared;

/// A server that answers where the client's own does not, as a client with its own base URL, key, timeouts, certificates and proxy.
///
/// ```
/// use std::time::Duration;
/// use actorstream::{Backend, OpenAi, Timeouts};
///
/// # fn main() -> Result<(), actorstream::StreamError> {
/// let reserve = OpenAi::builder().base_url("https://reserve.example.com/v1").api_key("another key").build()?;
/// let openai = OpenAi::builder()
///     .api_key("a key")
///     // A slow start fails over, too.
///     .timeouts(Timeouts::default().first_event(Duration::from_secs(20)))
///     .backend(Backend::new(&reserve).name("reserve").model("gpt-6-luna", "luna-6"))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// The next backend is asked when a connection cannot be made or breaks before the response, on the statuses 401, 403, 408, 429 and
/// 500 and above, and when the `connect`, `first_event`, `response` or `lookup` timeout expires; never after an event. When
/// all have failed, the client's retry policy applies, and all of them are asked again. A backend that fails five times in a row is left
/// alone for 30 s; then one request tries it. The `total` timeout is that of the call.
///
/// The key, the headers and the query parameters of the client's own server are not sent to a backend; those of a single call are
/// neither. What a call sets about the stream itself (retries, limits, `keep_response`, …) holds for all backends.
#[derive(Debug, Clone)]
pub struct Backend {
    pub(super) client: OpenAi,
    name: Option<String>,
    weight: u32,
    models: BTreeMap<String, String>,
}

impl Backend {
    /// A backend with the settings of a client. Backends of that client are not asked.
    pub fn new(client: &OpenAi) -> Self {
        Self { client: client.clone(), name: None, weight: 1, models: BTreeMap::new() }
    }

    /// Sets its name in [`Attempt`](crate::Attempt)s. Default: the host of its base URL.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how often it is asked first, compared with the others, where the client balances
    /// ([`balance`](crate::OpenAiBuilder::balance)). Default, and least: 1, which is also the client's own.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sends this model's name there in place of the requested one. Other names are sent as they are.
    #[must_use]
    pub fn model(mut self, requested: impl Into<String>, there: impl Into<String>) -> Self {
        self.models.insert(requested.into(), there.into());
        self
    }

    pub(super) fn build(self) -> backends::Backend<Arc<Shared>> {
        let Self { client, name, weight, models } = self;
        let name = name.unwrap_or_else(|| client.inner.options.base_url.host.clone());
        backends::Backend::new(Some(name.into()), Some(client.inner), weight, models)
    }
}
