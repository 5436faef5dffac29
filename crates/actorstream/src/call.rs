//! `Call`: a request to an endpoint, with what is set for it alone.

use std::fmt;
use std::sync::Arc;

use actorstream_proto::budget::Budgets;
use actorstream_proto::endpoint::{Endpoint, Method};
use actorstream_proto::error::StreamError;
use actorstream_proto::event::Event;
use actorstream_proto::limits::Limits;
use actorstream_proto::multipart::{Form, RequestBody, ToRequestBody};
use actorstream_proto::responses::{Responses, ResumeResponse};
use actorstream_proto::retry::RetryPolicy;
use actorstream_proto::session::{Framing, OnMalformed, ResumePoint, Settings};
use actorstream_proto::tools::CallsTools;
use awc::http::Uri;
use bytes::Bytes;

use crate::client::OpenAi;
use crate::connector;
use crate::events::EventStream;
use crate::handle::{Response, StreamHandle};
use crate::options::{Options, option_setters};
use crate::stream_event::StreamEvent;
use crate::target::{IntoTarget, Target};
use crate::tools::{BeginRounds, Rounds, ToolLoop, Tools};

/// The response type of an endpoint.
type ResponseOf<P> = <<P as Endpoint>::Event as Event>::Response;

/// A call of an endpoint. What is set here holds for this call alone, in place of what the client was set up with.
///
/// ```no_run
/// # fn main() -> Result<(), actorstream::StreamError> {
/// use std::time::Duration;
/// use actorstream::{Budgets, ChatRequest, OpenAi};
///
/// let openai = OpenAi::from_env()?;
/// let answer = openai
///     .chat()
///     .header("x-trace-id", "42")
///     .budgets(Budgets::default().total(Duration::from_secs(30)))
///     .create(ChatRequest::new("gpt-4o").user("Hello"));
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is made with `stream`, `events` or `create`"]
pub struct Call<P: Endpoint> {
    client: OpenAi,
    endpoint: P,
    options: Arc<Options>,
    tools: Option<Arc<dyn BeginRounds<ResponseOf<P>>>>,
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

    /// Streams the answer to `target`: the `Addr` of an actor with [`#[streaming_client]`](crate::StreamingClient), a
    /// closure, a `Recipient`, or a bounded channel's sender.
    ///
    /// The request is anything that serializes to a JSON object (the crate's own builders, another crate's types,
    /// `serde_json::json!`), or a form: a [`Form`](crate::proto::multipart::Form), or a builder whose request holds files.
    /// A file that is named by its path is read while it is sent. The field `stream` is set on the way (but not for a
    /// [`Custom`](crate::Custom) endpoint, whose request goes out as it is).
    ///
    /// This returns at once and may be called from anywhere; whatever goes wrong is told to the target. Dropping the
    /// handle changes nothing.
    ///
    /// A closure needs its argument's type here (`|event: StreamEvent<ChatCompletionChunk>| …`); see
    /// [`stream_fn`](Self::stream_fn).
    pub fn stream<R, T>(&self, request: R, target: T) -> StreamHandle<ResponseOf<P>>
    where
        R: ToRequestBody,
        T: IntoTarget<P::Event>,
    {
        self.start(&request, target.into_target(), true)
    }

    /// Streams the answer to a closure, as [`stream`](Self::stream) does; the type of the closure's argument need not
    /// be written. The closure runs on the thread that runs the stream and should not block.
    pub fn stream_fn<R, F>(&self, request: R, callback: F) -> StreamHandle<ResponseOf<P>>
    where
        R: ToRequestBody,
        F: FnMut(StreamEvent<P::Event>) + Send + 'static,
    {
        self.stream(request, callback)
    }

    /// Streams the answer to whoever pulls: a `futures` stream of events, the end among them. While nobody pulls,
    /// nothing is read. Dropping it cancels the request.
    pub fn events<R: ToRequestBody>(&self, request: R) -> EventStream<P::Event> {
        EventStream::start(|target| self.start(&request, target, true))
    }

    /// Asks for the whole answer, unstreamed. Dropping what this returns cancels the request.
    ///
    /// Of the budgets only queue, connect and total count, since the server is silent until the answer is whole.
    pub fn create<R: ToRequestBody>(&self, request: R) -> Response<ResponseOf<P>> {
        Response::new(self.start(&request, Target::Nobody, false))
    }

    fn start<R: ToRequestBody>(
        &self,
        request: &R,
        target: Target<P::Event>,
        streamed: bool,
    ) -> StreamHandle<ResponseOf<P>> {
        let request = self.prepare(request, streamed);
        connector::start(&self.client.inner, Arc::clone(&self.options), request, target)
    }

    fn prepare<R: ToRequestBody>(
        &self,
        request: &R,
        streamed: bool,
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
        let uri = options.base_url.uri(&self.endpoint.path(), &options.query).map_err(StreamError::config)?;
        let settings = Settings {
            budgets: options.budgets.clone(),
            limits: options.limits.clone(),
            on_malformed: options.on_malformed,
            // The calls of an answer are run from its response.
            keep_response: options.keep_response || rounds.is_some(),
            choices,
            ends_on_close: self.endpoint.ends_on_close(),
            framing: if streamed { self.endpoint.framing() } else { Framing::Whole },
            resume: self.endpoint.resume("", 0).is_some(),
            secrets: options
                .secrets_with(self.client.inner.connect.proxies.authorization_to(&options.base_url)),
            response_id: self.endpoint.response_id().map(str::to_owned),
        };
        let first = Outgoing { method, uri, body, framing: settings.framing };
        let recovery = Box::new(Recover { endpoint: self.endpoint.clone(), options: Arc::clone(options) });
        Ok(Prepared {
            first,
            settings: Arc::new(settings),
            starts_after: self.endpoint.starts_after(),
            recovery,
            rounds,
        })
    }
}

impl<P: CallsTools + Sync + fmt::Debug> Call<P> {
    /// Lets the model call these tools: as long as its answer is calls of them, they run, and it is asked again with
    /// their results; see [`Tools`]. The response is kept, whatever [`keep_response`](Self::keep_response) says.
    pub fn tools(mut self, tools: Tools) -> Self {
        self.tools = Some(Arc::new(ToolLoop { endpoint: self.endpoint.clone(), tools }));
        self
    }
}

impl Call<Responses> {
    /// The stream of a response in background mode that was begun before, after the event of this number
    /// (`sequence_number`); from its beginning for `None`. It has no request: `stream((), target)`.
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

/// A request that is ready to be sent, as often as need be.
#[derive(Debug)]
pub(crate) struct Prepared<R> {
    pub(crate) first: Outgoing,
    pub(crate) settings: Arc<Settings>,
    pub(crate) starts_after: Option<u64>,
    pub(crate) recovery: Box<dyn Recovery>,
    /// What follows an answer that calls tools.
    pub(crate) rounds: Option<Box<dyn Rounds<R>>>,
}

/// What goes out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) body: OutgoingBody,
    pub(crate) framing: Framing,
}

impl Outgoing {
    /// Lets go of the body, since the request is not sent again: prompts are long, and streams last.
    #[inline]
    pub(crate) fn let_go(&mut self) {
        if !matches!(&self.body, OutgoingBody::Json(json) if json.is_empty()) {
            self.body = OutgoingBody::empty();
        }
    }
}

/// The body of a request.
#[derive(Debug)]
pub(crate) enum OutgoingBody {
    Json(Bytes),
    /// Written anew each time it is sent: its files are opened then.
    Form(Box<Form>),
}

impl OutgoingBody {
    fn empty() -> Self {
        Self::Json(Bytes::new())
    }
}

impl From<RequestBody> for OutgoingBody {
    fn from(body: RequestBody) -> Self {
        match body {
            RequestBody::Json(body) => Self::Json(body.to_bytes()),
            RequestBody::Multipart(form) => Self::Form(Box::new(form)),
        }
    }
}

/// The requests that go on with a response, or stop it.
pub(crate) trait Recovery: fmt::Debug + Send {
    /// Goes on after the resume point.
    fn resume(&self, point: &ResumePoint) -> Option<Outgoing>;
    /// Stops the response of this id.
    fn cancel(&self, id: &str) -> Option<Outgoing>;
}

struct Recover<P> {
    endpoint: P,
    options: Arc<Options>,
}

impl<P: Endpoint> Recovery for Recover<P> {
    fn resume(&self, point: &ResumePoint) -> Option<Outgoing> {
        let path = self.endpoint.resume(&point.id, point.after)?;
        let uri = self.options.base_url.uri(&path, &self.options.query).ok()?;
        Some(Outgoing { method: Method::Get, uri, body: OutgoingBody::empty(), framing: Framing::Events })
    }

    fn cancel(&self, id: &str) -> Option<Outgoing> {
        let path = self.endpoint.cancel(id)?;
        let uri = self.options.base_url.uri(&path, &self.options.query).ok()?;
        Some(Outgoing { method: Method::Post, uri, body: OutgoingBody::empty(), framing: Framing::Whole })
    }
}

impl<P> fmt::Debug for Recover<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recover")
    }
}
