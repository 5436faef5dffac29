//! `Tools`: what the model may call, and what runs then.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actorstream_proto::body::Body;
use actorstream_proto::chat::request::FunctionDefinition;
use actorstream_proto::endpoint::Endpoint;
use actorstream_proto::error::{ErrorKind, StreamError};
use actorstream_proto::event::Event;
use actorstream_proto::finish::{Finish, Status};
use actorstream_proto::tools::{CallsTools, Round, ToolCall, ToolResult};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join_all};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Runs a tool with the arguments that the model wrote.
type Handler = dyn Fn(&str) -> LocalBoxFuture<'static, Result<String, String>> + Send + Sync;

/// The tools that a model may call, each with what runs when it does.
///
/// Given to a call with [`Call::tools`](crate::Call::tools), they make a loop: as long as the model's answer is calls of
/// them, they run, and the model is asked again with their results. All answers go to the same target, which gets one
/// end: that of the last answer, with the [`rounds`](crate::Finish::rounds) before it.
///
/// The calls of one answer run side by side, on the thread that runs the stream (so they must not block), and their
/// results go to the model in the order of the calls. A tool that fails or panics, arguments that do not fit, and the name of
/// no tool are told to the model as the call's result; they do not end the stream. A call of a tool that the request offers
/// beside these is the caller's to run: the answer that holds one is the last.
///
/// ```no_run
/// # fn main() -> Result<(), actorstream::StreamError> {
/// use actorstream::{ChatRequest, FunctionDefinition, OpenAi, StreamEvent, Tools};
/// use serde_json::json;
///
/// #[derive(serde::Deserialize)]
/// struct City {
///     name: String,
/// }
///
/// let weather = FunctionDefinition::new("weather")
///     .description("The weather in a city.")
///     .parameters(json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}));
/// let tools = Tools::new()
///     .function(weather, |city: City| async move { Ok::<_, String>(format!("It is sunny in {}.", city.name)) });
///
/// let openai = OpenAi::from_env()?;
/// let request = ChatRequest::new("gpt-4o").user("What is the weather in Rome?");
/// openai.chat().tools(tools).stream_fn(request, |event| {
///     if let StreamEvent::Data(chunk) = event {
///         print!("{}", chunk.content().unwrap_or_default());
///     }
/// });
/// # Ok(())
/// # }
/// ```
///
/// With the feature `schemars`, [`Tools::typed`] makes the schema of the arguments from their type.
#[derive(Clone)]
pub struct Tools {
    tools: Vec<Arc<Tool>>,
    max_rounds: u32,
}

struct Tool {
    definition: FunctionDefinition,
    handler: Box<Handler>,
}

impl Default for Tools {
    fn default() -> Self {
        Self { tools: Vec::new(), max_rounds: 10 }
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.tools.iter().map(|tool| &tool.definition.name).collect();
        f.debug_struct("Tools").field("names", &names).field("max_rounds", &self.max_rounds).finish()
    }
}

impl Tools {
    /// No tools yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function. `handler` gets the arguments, and gives what the model is told: a string as it is, anything else
    /// as JSON; or an error, which the model is told too.
    ///
    /// Two functions of one name make every call with these tools fail with a `Config` error.
    #[must_use]
    pub fn function<A, F, Fut, T, E>(self, definition: FunctionDefinition, handler: F) -> Self
    where
        A: DeserializeOwned + 'static,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + 'static,
        T: Serialize,
        E: fmt::Display,
    {
        self.add(definition, handler, |arguments| serde_json::from_str(arguments))
    }

    /// Adds a function called `name` whose arguments are the fields of a type; its schema and its doc comment tell the
    /// model what it does. See [`function`](Self::function).
    ///
    /// ```
    /// use actorstream::Tools;
    ///
    /// /// The weather in a city.
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Weather {
    ///     /// The city's name.
    ///     city: String,
    /// }
    ///
    /// let tools = Tools::new()
    ///     .typed("weather", |ask: Weather| async move { Ok::<_, String>(format!("It is sunny in {}.", ask.city)) });
    /// ```
    #[cfg(feature = "schemars")]
    #[must_use]
    pub fn typed<A, F, Fut, T, E>(self, name: impl Into<String>, handler: F) -> Self
    where
        A: DeserializeOwned + schemars::JsonSchema + 'static,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + 'static,
        T: Serialize,
        E: fmt::Display,
    {
        self.add(FunctionDefinition::of::<A>(name), handler, actorstream_proto::structured::parse)
    }

    /// Sets how many times the model is asked at most, from 1 on; 10 unless set. If it still calls tools then, the stream
    /// ends with [`TooManyRounds`](ErrorKind::TooManyRounds).
    #[must_use]
    pub fn max_rounds(mut self, max: u32) -> Self {
        self.max_rounds = max.max(1);
        self
    }

    fn add<A, F, Fut, T, E>(
        mut self,
        definition: FunctionDefinition,
        handler: F,
        parse: fn(&str) -> serde_json::Result<A>,
    ) -> Self
    where
        A: 'static,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + 'static,
        T: Serialize,
        E: fmt::Display,
    {
        let handler = move |arguments: &str| -> LocalBoxFuture<'static, Result<String, String>> {
            // Models call a function that takes nothing with nothing.
            let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
            match parse(arguments) {
                Ok(arguments) => {
                    let running = handler(arguments);
                    Box::pin(async move {
                        running.await.map_err(|error| error.to_string()).and_then(|output| write(&output))
                    })
                }
                Err(error) => Box::pin(std::future::ready(Err(format!("the arguments do not fit: {error}")))),
            }
        };
        self.tools.push(Arc::new(Tool { definition, handler: Box::new(handler) }));
        self
    }

    fn find(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.iter().find(|tool| tool.definition.name == name)
    }

    /// Runs one call.
    async fn run(self, call: ToolCall) -> ToolResult {
        let ran = match self.find(&call.name).filter(|_| call.is_function) {
            Some(tool) => {
                // A handler may panic before its first wait, too.
                let running = AssertUnwindSafe(async { (tool.handler)(&call.arguments).await });
                running.catch_unwind().await.unwrap_or_else(|_| {
                    tracing::error!(tool = call.name, "the handler of a tool panicked");
                    Err("the tool failed".to_owned())
                })
            }
            None => {
                let names: Vec<_> = self.tools.iter().map(|tool| tool.definition.name.as_str()).collect();
                Err(format!("there is no tool {:?}; the tools are: {}", call.name, names.join(", ")))
            }
        };
        match ran {
            Ok(output) => ToolResult { call, output, is_error: false },
            Err(error) => ToolResult { call, output: format!("error: {error}"), is_error: true },
        }
    }
}

/// What the model is told.
fn write<T: Serialize>(output: &T) -> Result<String, String> {
    match serde_json::to_value(output) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        Ok(value) => Ok(value.to_string()),
        Err(error) => Err(format!("the result cannot be written as JSON: {error}")),
    }
}

/// The tools of one answer, which run.
pub(crate) type Running = LocalBoxFuture<'static, Vec<ToolResult>>;

/// What a call with tools begins with each request.
pub(crate) trait BeginRounds<R>: fmt::Debug + Send + Sync {
    /// Adds the tools to the request.
    fn begin(&self, body: &mut Body, choices: usize) -> Result<Box<dyn Rounds<R>>, StreamError>;
}

/// The rounds of one stream.
pub(crate) trait Rounds<R>: fmt::Debug + Send {
    /// Runs the tools that an answer calls. `None` if there is nothing to run: the answer is the last.
    fn run(&mut self, answer: &Finish<R>) -> Result<Option<Running>, ErrorKind>;

    /// The body of the request that follows.
    fn next(&mut self, answer: Arc<R>, results: Vec<ToolResult>) -> Bytes;

    /// The rounds so far.
    fn take(&mut self) -> Vec<Round<R>>;
}

/// Tools, and the endpoint that is to be told of them.
#[derive(Debug)]
pub(crate) struct ToolLoop<P> {
    pub(crate) endpoint: P,
    pub(crate) tools: Tools,
}

impl<P> BeginRounds<ResponseOf<P>> for ToolLoop<P>
where
    P: CallsTools + Sync + fmt::Debug,
{
    fn begin(&self, body: &mut Body, choices: usize) -> Result<Box<dyn Rounds<ResponseOf<P>>>, StreamError> {
        if choices > 1 {
            return Err(StreamError::config("tools go on from one choice; leave `n` out of the request"));
        }
        let callers = self.endpoint.offered(body);
        let mut names = callers.clone();
        for tool in &self.tools.tools {
            let name = &tool.definition.name;
            if names.contains(name) {
                return Err(StreamError::config(format!("there are two tools called {name:?}; rename one")));
            }
            names.push(name.clone());
            self.endpoint.offer(body, &tool.definition);
        }
        Ok(Box::new(Looping {
            endpoint: self.endpoint.clone(),
            tools: self.tools.clone(),
            callers,
            body: body.clone(),
            rounds: Vec::new(),
        }))
    }
}

type ResponseOf<P> = <<P as Endpoint>::Event as Event>::Response;

#[derive(Debug)]
struct Looping<P: Endpoint> {
    endpoint: P,
    tools: Tools,
    /// The tools of the request that the caller runs.
    callers: Vec<String>,
    body: Body,
    rounds: Vec<Round<ResponseOf<P>>>,
}

impl<P: CallsTools + fmt::Debug> Rounds<ResponseOf<P>> for Looping<P> {
    fn run(&mut self, answer: &Finish<ResponseOf<P>>) -> Result<Option<Running>, ErrorKind> {
        // The calls of an answer that was cut short may be cut too.
        let short = answer.finish_reasons.first().is_some_and(|reason| *reason == "length");
        if short || answer.status == Status::Incomplete {
            return Ok(None);
        }
        let calls = self.endpoint.tool_calls(&answer.response);
        if calls.is_empty() || calls.iter().any(|call| self.callers.contains(&call.name)) {
            return Ok(None);
        }
        let max = self.tools.max_rounds;
        if self.rounds.len() + 1 >= max as usize {
            return Err(ErrorKind::TooManyRounds { max });
        }
        let running: Vec<_> = calls.into_iter().map(|call| self.tools.clone().run(call)).collect();
        Ok(Some(Box::pin(join_all(running))))
    }

    fn next(&mut self, answer: Arc<ResponseOf<P>>, results: Vec<ToolResult>) -> Bytes {
        self.endpoint.answer_calls(&mut self.body, &answer, &results);
        self.rounds.push(Round { response: answer, results });
        self.body.to_bytes()
    }

    fn take(&mut self) -> Vec<Round<ResponseOf<P>>> {
        std::mem::take(&mut self.rounds)
    }
}
