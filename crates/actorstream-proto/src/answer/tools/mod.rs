//! Tools that the application runs, and the request that follows their calls.
//!
//! A response may consist of tool calls instead of text. The application then runs them, and sends the request again
//! with the calls and their results appended: this is a *round*. [`CallsTools`] is the endpoint's part of it; the
//! core does not run the tools.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::endpoint::Endpoint;
use crate::endpoint::event::Event;
use crate::request::body::Body;

mod arguments;
pub(crate) mod choice;
mod function;

pub use crate::outcome::round::{Round, ToolCall, ToolResult};
pub use arguments::read_arguments;
pub use function::FunctionDefinition;

/// The response type of an endpoint.
type ResponseOf<P> = <<P as Endpoint>::Event as Event>::Response;

/// An endpoint whose responses can call tools of the application.
pub trait CallsTools: Endpoint {
    /// Adds a function to the tools of a request.
    fn offer(&self, body: &mut Body, function: &FunctionDefinition);

    /// Returns the names of the functions and custom tools in a request.
    fn offered(&self, body: &Body) -> Vec<String>;

    /// Returns the calls of functions and custom tools in a response, in order, except those that the server has run
    /// itself.
    fn tool_calls(&self, response: &ResponseOf<Self>) -> Vec<ToolCall>;

    /// Returns whether a response requests something that only the caller can supply, besides the results of its
    /// [`tool_calls`](Self::tool_calls): the output of a shell, a computer's screenshot, an approval. Default: no.
    fn asks_caller(&self, response: &ResponseOf<Self>) -> bool {
        let _ = response;
        false
    }

    /// Returns whether a call in a response reports itself as incomplete. Default: no.
    fn is_cut(&self, response: &ResponseOf<Self>) -> bool {
        let _ = response;
        false
    }

    /// Converts a request into the one that follows the response, by appending the response and the results of its
    /// calls. The response is sent back as it arrived, without what a request must not have: fields that only a
    /// response has, and reasoning that the server cannot look up. A `tool_choice` that forces a call is removed,
    /// since it would force one forever; the tools that it allows are kept.
    fn answer_calls(&self, body: &mut Body, response: &ResponseOf<Self>, results: &[ToolResult]);
}

/// Appends to a list of a request, without rewriting the existing items.
pub(crate) fn push<T: Serialize>(body: &mut Body, name: &str, items: impl IntoIterator<Item = T>) {
    let mut list = body.get::<Vec<Box<RawValue>>>(name).unwrap_or_default();
    list.extend(items.into_iter().filter_map(|item| serde_json::value::to_raw_value(&item).ok()));
    body.set(name, &list);
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
