//! `option_setters`: the setters of [`Options`](super::options::Options).

/// The setters that a client's builder and a call share.
macro_rules! option_setters {
    ($options:ident) => {
        /// Sets the API key. It is sent as `Authorization: Bearer …`, unless [`api_key_header`](Self::api_key_header)
        /// is set, and never appears in `Debug` output or errors. An empty key counts as unset.
        pub fn api_key(mut self, key: impl AsRef<str>) -> Self {
            self.$options().set_api_key(key.as_ref());
            self
        }

        /// Sets a source of keys, which is asked before each attempt: a key that changes, a pool of keys, a token service. It
        /// replaces the [`api_key`](Self::api_key), and the other way round. The key is sent in the same way.
        pub fn credentials(mut self, credentials: impl $crate::Credentials) -> Self {
            self.$options().set_credentials($crate::settings::credentials::Source::new(credentials));
            self
        }

        /// Sends the key verbatim in this header instead of `Authorization: Bearer`. An empty name restores the
        /// default.
        pub fn api_key_header(mut self, name: impl AsRef<str>) -> Self {
            self.$options().set_api_key_header(name.as_ref());
            self
        }

        /// Sets the base URL, such as `https://api.openai.com/v1`. Its query is added to every request.
        ///
        /// If the client is configured for Azure (`OpenAiBuilder::azure`), the Azure settings do not apply to another
        /// base URL: neither its header and version nor the client's key, so a call needs a key of its own.
        pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
            self.$options().set_base_url(url.as_ref());
            self
        }

        /// Sets the organization (`OpenAI-Organization`). An empty value counts as unset.
        pub fn organization(mut self, organization: impl AsRef<str>) -> Self {
            self.$options().set_organization(organization.as_ref());
            self
        }

        /// Sets the project (`OpenAI-Project`). An empty value counts as unset.
        pub fn project(mut self, project: impl AsRef<str>) -> Self {
            self.$options().set_project(project.as_ref());
            self
        }

        /// Sets a header of the request and replaces one with the same name. Its value never appears in `Debug`
        /// output or errors.
        pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.$options().set_header(name.as_ref(), value.as_ref());
            self
        }

        /// Sets a query parameter of the request. A call's parameter replaces the client's of the same name, and both
        /// replace the base URL's. Setting a name twice in the same place adds a second parameter.
        pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.$options().set_query(name.as_ref(), value.as_ref());
            self
        }

        /// Sets the timeouts.
        pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
            self.$options().timeouts = timeouts;
            self
        }

        /// Sets which requests are retried, and how often.
        pub fn retry(mut self, retry: RetryPolicy) -> Self {
            self.$options().retry = retry;
            self
        }

        /// Sets the maximum number of retries, without changing the rest of the [`retry`](Self::retry) policy.
        pub fn max_retries(mut self, max_retries: u32) -> Self {
            self.$options().retry.max_retries = max_retries;
            self
        }

        /// Adds an observer, which sees each request before it goes out, and what becomes of it; see
        /// [`Observer`]($crate::Observer). That of a call comes after those of the client.
        pub fn observer(mut self, observer: impl $crate::Observer) -> Self {
            self.$options().observers.add(observer);
            self
        }

        /// Observes the head of each response, including responses to attempts that are retried and to requests that
        /// resume a stream. The closure is called on the thread that runs the stream and must not block. It is added to the
        /// [observers](Self::observer).
        pub fn on_head(self, observe: impl Fn(&$crate::ResponseHead) + Send + Sync + 'static) -> Self {
            self.observer($crate::settings::observer::OnHead(observe))
        }

        /// Sets for whom calls are made, for [observers](Self::observer) and spend limits. It is not sent to the server. An empty
        /// name counts as unset.
        pub fn owner(mut self, owner: impl AsRef<str>) -> Self {
            self.$options().owner = Some(owner.as_ref()).filter(|owner| !owner.is_empty()).map(Into::into);
            self
        }

        /// Sets what tokens cost, for the cost that [observers](Self::observer) get.
        pub fn prices(mut self, prices: $crate::Prices) -> Self {
            self.$options().prices = Some(prices);
            self
        }

        /// Writes all exchanges with servers to files, without secrets; see [`Recording`](crate::Recording).
        pub fn record(mut self, recording: $crate::Recording) -> Self {
            self.$options().recording = Some(recording);
            self
        }

        /// Sets whether closures, channels, event streams and recipients get [`StreamEvent::Start`](crate::StreamEvent::Start),
        /// with the head of the response, before the first event. Default: no. Client actors always get it, as `handle_start`;
        /// and [`StreamRef::head`](crate::StreamRef::head) has the head for all targets.
        pub fn with_start(mut self, with_start: bool) -> Self {
            self.$options().with_start = with_start;
            self
        }

        /// Sets whether the span of a call gets the messages of the request and the response, in the form of OpenTelemetry's conventions
        /// (`gen_ai.input.messages`, `gen_ai.output.messages`, `gen_ai.system_instructions`): whatever users and models wrote, and
        /// what tools returned. Images, sounds and files are left out. Default: no.
        pub fn record_messages(mut self, record_messages: bool) -> Self {
            self.$options().record_messages = record_messages;
            self
        }

        /// Sets the bounds on what a server can make a stream hold.
        pub fn limits(mut self, limits: Limits) -> Self {
            self.$options().limits = limits;
            self
        }

        /// Sets how an event that is not JSON is handled.
        pub fn on_malformed(mut self, on_malformed: OnMalformed) -> Self {
            self.$options().on_malformed = on_malformed;
            self
        }

        /// Sets whether the texts of the response are kept and delivered with the end. Default: yes. Without them, a
        /// stream's memory does not grow with its length, and the final response holds everything but the texts.
        pub fn keep_response(mut self, keep: bool) -> Self {
            self.$options().keep_response = keep;
            self
        }
    };
}
pub(crate) use option_setters;
