//! `Round`: a response that called tools, and the results of its calls.

use std::sync::Arc;

use crate::outcome::tokens::Tokens;

/// A tool call in a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The id that the result refers to; generated if the server sent none.
    pub id: String,
    /// Whether the id was generated.
    pub has_made_up_id: bool,
    /// The name of the tool.
    pub name: String,
    /// The arguments as the model wrote them; they should be JSON.
    pub arguments: String,
    /// Whether it is a function call; otherwise it is a call of a custom tool.
    pub is_function: bool,
    /// The choice or output item of the call.
    pub output: u64,
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The call.
    pub call: ToolCall,
    /// The result for the model.
    pub output: String,
    /// Whether the tool failed; if so, the output describes the failure.
    pub is_error: bool,
}

/// A response that called tools, and the results.
#[derive(Debug)]
pub struct Round<R> {
    /// The response.
    pub response: Arc<R>,
    /// The results, in the order of the calls.
    pub results: Vec<ToolResult>,
    /// The calls that had started and were not done when the stream ended: whether they took effect is unknown. Empty
    /// in every round except the last one of a [`StreamError`](crate::outcome::error::StreamError).
    pub unfinished: Vec<ToolCall>,
    /// The token usage of the response, if the server reports it.
    pub usage: Option<Tokens>,
}

impl<R> Clone for Round<R> {
    fn clone(&self) -> Self {
        Self {
            response: Arc::clone(&self.response),
            results: self.results.clone(),
            unfinished: self.unfinished.clone(),
            usage: self.usage,
        }
    }
}
