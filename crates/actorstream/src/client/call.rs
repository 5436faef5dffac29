//! `Call`: a request to an endpoint, with its own settings.

use std::fmt;
use std::sync::Arc;

use actorstream_proto::answer::tools::CallsTools;
use actorstream_proto::api::responses::{Responses, ResumeResponse};
use actorstream_proto::endpoint::Framing;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::endpoint::{Endpoint, Method};
use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::request::multipart::{RequestBody, ToRequestBody};
use actorstream_proto::session::limits::Limits;
use actorstream_proto::session::retry::RetryPolicy;
use actorstream_proto::session::timeouts::Timeouts;
use actorstream_proto::session::{OnMalformed, ResumePoint, Settings};
use awc::http::Uri;

use crate::client::OpenAi;
use crate::connector;
use crate::connector::prepared::{Prepared, Recovery};
use crate::settings::options::Options;
use crate::settings::setters::option_setters;
use crate::stream::events::EventStream;
use crate::stream::handle::{ResponseFuture, StreamHandle};
use crate::stream::stream_event::StreamEvent;
use crate::stream::target::{IntoTarget, Target};
use crate::telemetry::Telemetry;
use crate::telemetry::observation::Observation;
use crate::tools::{BeginRounds, ToolLoop, Tools};
use crate::transport::http::outgoing::{Outgoing, OutgoingBody};

/// The response type of an endpoint.
type ResponseOf<P> = <<P as Endpoint>::Event as Event>::Response;

/// A call to an endpoint. Settings made here apply to this call only and replace the client's.
///
/// ```no_run
/// # fn main() -> Result<(), actorstream::StreamError> {
/// use std::time::Duration;
/// use actorstream::{Timeouts, ChatRequest, OpenAi};
///
/// let openai = OpenAi::from_env()?;
/// let answer = openai
///     .chat()
///     .header("x-trace-id", "42")
///     .timeouts(Timeouts::default().total(Duration::from_secs(30)))
///     .create(ChatRequest::new("gpt-6-luna").user("Hello"));
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is made with `stream`, `events` or `create`"]
pub struct Call<P: Endpoint> {
    pub(super) client: OpenAi,
    pub(super) endpoint: P,
    pub(super) options: Arc<Options>,
    pub(super) tools: Option<Arc<dyn BeginRounds<ResponseOf<P>>>>,
}

impl<P: fmt::Debug + Endpoint> fmt::Debug for Call<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("client", &self.client)
            .field("endpoint", &self.endpoint)
            .field("options", &self.options)
            .field("tools", &self.tools)
            .finish()
    }
}

impl<P: Endpoint> Clone for Call<P> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            endpoint: self.endpoint.clone(),
            options: Arc::clone(&self.options),
            tools: self.tools.clone(),
        }
    }
}

impl<P: Endpoint> Call<P> {
    pub(crate) fn new(client: OpenAi, endpoint: P) -> Self {
        let options = Arc::clone(&client.inner.options);
        Self { client, endpoint, options, tools: None }
    }

    option_setters!(options);

    fn options(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }

    /// Streams the response to `target`: the `Addr` of an actor with [`#[streaming_client]`](crate::StreamingClient),
    /// a closure, a `Recipient`, or the sender of a bounded channel.
    ///
    /// The request is anything that serializes to a JSON object (the crate's own builders, another crate's types,
    /// `serde_json::json!`), or a form: a [`Form`](crate::proto::request::multipart::Form), or a builder whose
    /// request holds files. A file given by its path is read while it is sent. The client sets the field `stream`,
    /// except for a [`Custom`](crate::Custom) endpoint, whose request is sent unchanged.
    ///
    /// Returns immediately and may be called from any thread. All errors are delivered to the target. Dropping the
    /// handle has no effect on the stream.
    ///
    /// A closure needs a type annotation on its argument here (`|event: StreamEvent<ChatCompletionChunk>| …`);
    /// [`stream_fn`](Self::stream_fn) does not.
    pub fn stream<R, T>(&self, request: R, target: T) -> StreamHandle<ResponseOf<P>>
    where
        R: ToRequestBody,
        T: IntoTarget<P::Event>,
    {
        self.start(&request, target.into_target(), true)
    }

    /// Streams the response to a closure, like [`stream`](Self::stream), without a type annotation on the closure's
    /// argument. The closure runs on the thread that runs the stream and must not block.
    pub fn stream_fn<R, F>(&self, request: R, callback: F) -> StreamHandle<ResponseOf<P>>
    where
        R: ToRequestBody,
        F: FnMut(StreamEvent<P::Event>) + Send + 'static,
    {
        self.stream(request, callback)
    }

    /// Streams the response as a `futures` stream of events that includes the end. While it is not polled, nothing is
    /// read from the server. Dropping it cancels the request.
    pub fn events<R: ToRequestBody>(&self, request: R) -> EventStream<P::Event> {
        EventStream::start(|target| self.start(&request, target, true))
    }

    /// Requests the whole response without streaming. Dropping the returned future cancels the request.
    ///
    /// The timeouts `queue`, `connect`, `response`, `idle` and `total` apply, since the server may be silent until
    /// the whole response is ready. For a `GET`, `lookup` replaces `response`.
    pub fn create<R: ToRequestBody>(&self, request: R) -> ResponseFuture<ResponseOf<P>> {
        ResponseFuture::new(self.start(&request, Target::Nobody, false))
    }

    fn start<R: ToRequestBody>(
        &self,
        request: &R,
        target: Target<P::Event>,
        streamed: bool,
    ) -> StreamHandle<ResponseOf<P>> {
        let mut telemetry = Telemetry::start(&self.options, self.endpoint.operation(), streamed);
        let mut observation = Observation::start(&self.options, self.endpoint.operation(), streamed);
        let request = self.prepare(request, streamed, &mut telemetry, &mut observation);
        let options = Arc::clone(&self.options);
        connector::start(&self.client.inner, options, request, target, telemetry, observation)
    }

    fn prepare<R: ToRequestBody>(
        &self,
        request: &R,
        streamed: bool,
        telemetry: &mut Telemetry,
        observation: &mut Observation,
    ) -> Result<Prepared<ResponseOf<P>>, StreamError> {
        self.options.check()?;
        let options = &self.options;
        let method = self.endpoint.method();
        let mut choices = 1;
        let mut body = OutgoingBody::empty();
        let mut rounds = None;
        if method == Method::Post {
            let mut fields = request.to_request_body()?;
            self.endpoint.prepare(&mut fields, streamed);
            telemetry.request(&fields);
            observation.request(&fields);
            choices = self.endpoint.choices(&fields);
            if let Some(tools) = &self.tools {
                let RequestBody::Json(fields) = &mut fields else {
                    return Err(StreamError::config(
                        "tools are offered in a request of JSON, and this one is a form",
                    ));
                };
                rounds = Some(tools.begin(fields, choices)?);
            }
            body = fields.into();
        }
        let uri = options.uri(&self.endpoint.path()).map_err(StreamError::config)?;
        let framing = if streamed { self.endpoint.framing() } else { Framing::Whole };
        let first = Outgoing::new(method, uri, body, framing);
        let settings = Settings {
            timeouts: options.timeouts.clone(),
            limits: options.limits.clone(),
            on_malformed: options.on_malformed,
            // Tool calls are read from the response.
            keep_response: options.keep_response || rounds.is_some(),
            choices,
            ends_on_close: self.endpoint.ends_on_close(),
            framing,
            lookup: method != Method::Post,
            verbatim: self.endpoint.is_verbatim(),
            resume: self.endpoint.resume("", 0).is_some(),
            secrets: options.secrets_with(self.client.inner.connect.proxies.secrets_of(&options.base_url)),
            response_id: self.endpoint.response_id().map(str::to_owned),
            url: first.shown_url(),
        };
        let recovery = Box::new(Recover { endpoint: self.endpoint.clone(), options: Arc::clone(options) });
        Ok(Prepared {
            first,
            settings: self.client.inner.settings.share(settings),
            starts_after: self.endpoint.starts_after(),
            recovery,
            rounds,
        })
    }
}

impl<P: CallsTools + Sync + fmt::Debug> Call<P> {
    /// Lets the model call these tools. As long as its response consists of calls of these tools, they run, and the
    /// model is asked again with their results; see [`Tools`]. The response is kept, regardless of
    /// [`keep_response`](Self::keep_response).
    ///
    /// A second call adds to the existing tools.
    pub fn tools(mut self, tools: Tools) -> Self {
        let tools = match &self.tools {
            Some(before) => before.tools().clone().and(tools),
            None => tools,
        };
        self.tools = Some(Arc::new(ToolLoop { endpoint: self.endpoint.clone(), tools }));
        self
    }
}

impl Call<Responses> {
    /// Resumes the stream of a response in background mode after the event with this number (`sequence_number`), or
    /// streams it from its beginning for `None`. The call has no request body: `stream((), target)`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), actorstream::StreamError> {
    /// use actorstream::{OpenAi, StreamEvent};
    ///
    /// let openai = OpenAi::from_env()?;
    /// openai.responses().resume("resp_123", 41).stream_fn((), |event| {
    ///     if let StreamEvent::Data(event) = event {
    ///         print!("{}", event.text().unwrap_or_default());
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume(&self, id: impl Into<String>, after: impl Into<Option<u64>>) -> Call<ResumeResponse> {
        Call {
            client: self.client.clone(),
            endpoint: ResumeResponse::new(id, after),
            options: Arc::clone(&self.options),
            tools: None,
        }
    }
}

struct Recover<P> {
    endpoint: P,
    options: Arc<Options>,
}

impl<P: Endpoint> Recovery for Recover<P> {
    fn resume(&self, point: &ResumePoint) -> Option<Outgoing> {
        let path = self.endpoint.resume(&point.id, point.after)?;
        let uri = self.options.uri(&path).ok()?;
        Some(Outgoing::new(Method::Get, uri, OutgoingBody::empty(), Framing::Events))
    }

    fn uri(&self, options: &Options) -> Result<Uri, String> {
        options.uri(&self.endpoint.path())
    }

    fn with(&self, options: &Arc<Options>) -> Box<dyn Recovery> {
        Box::new(Self { endpoint: self.endpoint.clone(), options: Arc::clone(options) })
    }

    fn cancel(&self, id: &str) -> Option<Outgoing> {
        let path = self.endpoint.cancel(id)?;
        let uri = self.options.uri(&path).ok()?;
        Some(Outgoing::new(Method::Post, uri, OutgoingBody::empty(), Framing::Whole))
    }
}

impl<P> fmt::Debug for Recover<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recover")
    }
}
