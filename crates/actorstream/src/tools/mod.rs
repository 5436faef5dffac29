//! `Tools`: the tools that the model may call, and their handlers.

use std::fmt;
use std::sync::Arc;

use actorstream_proto::answer::tools::{ToolCall, read_arguments};
use actorstream_proto::api::chat::request::FunctionDefinition;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

mod past;
mod rounds;
mod running;

pub(crate) use past::Past;
pub(crate) use rounds::{BeginRounds, Rounds, Step, ToolLoop};

/// The default maximum number of requests to the model.
const MAX_ROUNDS: u32 = 10;

/// Runs a tool with the arguments that the model wrote.
type Handler = dyn Fn(&str) -> LocalBoxFuture<'static, Result<String, String>> + Send + Sync;

/// The tools that a model may call, each with its handler.
///
/// Passed to [`Call::tools`](crate::Call::tools), they form a loop: as long as the model's response consists of calls
/// of these tools, they run, and the model is asked again with their results. All responses go to the same target,
/// which receives one end: that of the last response, with the previous [`rounds`](crate::Finish::rounds).
///
/// The calls of one response run concurrently (or one after another if the request has `parallel_tool_calls: false`)
/// on the thread that runs the stream, so they must not block. The model receives their results in the order of the
/// calls. If a tool fails or panics, if arguments do not fit, or if a tool does not exist, the model receives the
/// error as the result of the call; the stream continues.
///
/// The loop ends when a response needs something that only the caller can supply: the result of a tool that the
/// request declares in addition to these, the output of a shell or a computer, or an approval. That response is the
/// last, and [`Finish::results`](crate::Finish::results) contains the results of its calls of these tools.
///
/// However the stream ends, its end has the previous rounds: in [`Finish::rounds`](crate::Finish::rounds) or
/// [`StreamError::rounds`](crate::StreamError::rounds).
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
/// let request = ChatRequest::new("gpt-6-luna").user("What is the weather in Rome?");
/// openai.chat().tools(tools).stream_fn(request, |event| {
///     if let StreamEvent::Data(chunk) = event {
///         print!("{}", chunk.content().unwrap_or_default());
///     }
/// });
/// # Ok(())
/// # }
/// ```
///
/// With the feature `schemars`, [`Tools::typed`] derives the schema of the arguments from their type.
#[derive(Clone, Default)]
pub struct Tools {
    tools: Vec<Arc<Tool>>,
    max_rounds: Option<u32>,
}

struct Tool {
    definition: FunctionDefinition,
    handler: Box<Handler>,
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        f.debug_struct("Tools").field("names", &names).field("max_rounds", &self.most_rounds()).finish()
    }
}

impl Tools {
    /// Returns an empty set of tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function. `handler` receives the arguments and returns the result for the model: a string verbatim, any
    /// other value as JSON with its fields in the order in which the type serializes them, or an error, which the
    /// model also receives.
    ///
    /// A function without arguments uses `()` or a unit struct as its argument type; whatever the model writes is
    /// ignored.
    ///
    /// Two functions with the same name make every call with these tools fail with a `Config` error.
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

    /// Adds a function called `name` whose arguments are the fields of a type. The type's schema and doc comment
    /// describe the function to the model. See [`function`](Self::function).
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
        self.add(FunctionDefinition::of::<A>(name), handler, actorstream_proto::answer::structured::parse)
    }

    /// Sets the maximum number of requests to the model: at least 1; default: 10. If the last response still calls
    /// tools, the stream ends with [`TooManyRounds`](crate::ErrorKind::TooManyRounds).
    #[must_use]
    pub fn max_rounds(mut self, max: u32) -> Self {
        self.max_rounds = Some(max.max(1));
        self
    }

    fn add<A, F, Fut, T, E>(
        mut self,
        definition: FunctionDefinition,
        handler: F,
        parse: fn(&str) -> serde_json::Result<A>,
    ) -> Self
    where
        A: DeserializeOwned + 'static,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + 'static,
        T: Serialize,
        E: fmt::Display,
    {
        let handler = move |arguments: &str| -> LocalBoxFuture<'static, Result<String, String>> {
            match read_arguments(arguments, parse) {
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

    /// Merges the tools of both; the maximum number of rounds is that of `others`, if set.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.tools.extend(others.tools);
        self.max_rounds = others.max_rounds.or(self.max_rounds);
        self
    }

    fn most_rounds(&self) -> u32 {
        self.max_rounds.unwrap_or(MAX_ROUNDS)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(|tool| tool.definition.name.as_str())
    }

    /// Returns the tool that a call names, if it is one of these.
    fn find(&self, call: &ToolCall) -> Option<&Arc<Tool>> {
        self.tools.iter().find(|tool| call.is_function && tool.definition.name == call.name)
    }
}

/// Serializes a result for the model.
fn write<T: Serialize>(output: &T) -> Result<String, String> {
    let json = serde_json::to_string(output)
        .map_err(|error| format!("the result cannot be written as JSON: {error}"))?;
    // A string is sent without its quotes.
    Ok(if json.starts_with('"') { serde_json::from_str(&json).unwrap_or(json) } else { json })
}
