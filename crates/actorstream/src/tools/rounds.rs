//! The loop of a call with tools: the tools that run after a response, and the next request.

use std::collections::HashSet;
use std::fmt;

use actorstream_proto::answer::tools::{CallsTools, ToolCall, ToolResult};
use actorstream_proto::endpoint::Endpoint;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use actorstream_proto::outcome::finish::{Finish, Status};
use actorstream_proto::request::body::Body;
use bytes::Bytes;

use super::Tools;
use super::running::Running;

/// Starts the tool loop of each call.
pub(crate) trait BeginRounds<R>: fmt::Debug + Send + Sync {
    /// Adds the tools to the request.
    fn begin(&self, body: &mut Body, choices: usize) -> Result<Box<dyn Rounds<R>>, StreamError>;

    /// The tools.
    fn tools(&self) -> &Tools;
}

/// The rounds of one stream.
pub(crate) trait Rounds<R>: fmt::Debug + Send {
    /// Runs the tools that an answer calls.
    fn run(&mut self, answer: &Finish<R>) -> Result<Step, ErrorKind>;

    /// Returns the body of the next request.
    fn next(&mut self, answer: &R, results: &[ToolResult]) -> Bytes;
}

/// What follows a response.
pub(crate) enum Step {
    /// Nothing: this response is the last.
    Finish,
    /// Tools run, and the response is the last: the remaining calls are left to the caller.
    RunAndFinish(Running),
    /// Tools run, and the next request follows.
    RunAndAsk(Running),
}

/// The tools of one stream, and its endpoint.
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
        let mut names: HashSet<&str> = callers.iter().map(String::as_str).collect();
        for tool in &self.tools.tools {
            let name = tool.definition.name.as_str();
            if !names.insert(name) {
                return Err(StreamError::config(format!("there are two tools called {name:?}; rename one")));
            }
            self.endpoint.offer(body, &tool.definition);
        }
        Ok(Box::new(Looping {
            endpoint: self.endpoint.clone(),
            tools: self.tools.clone(),
            one_by_one: body.get::<bool>("parallel_tool_calls") == Some(false),
            callers,
            body: body.clone(),
            asked: 1,
            made_up: HashSet::new(),
        }))
    }

    fn tools(&self) -> &Tools {
        &self.tools
    }
}

type ResponseOf<P> = <<P as Endpoint>::Event as Event>::Response;

#[derive(Debug)]
struct Looping<P: Endpoint> {
    endpoint: P,
    tools: Tools,
    /// The request disables parallel tool calls.
    one_by_one: bool,
    /// The tools of the request that the caller runs.
    callers: Vec<String>,
    body: Body,
    /// The number of requests sent to the model.
    asked: u32,
    /// The generated ids.
    made_up: HashSet<String>,
}

impl<P: CallsTools + fmt::Debug> Rounds<ResponseOf<P>> for Looping<P> {
    fn run(&mut self, answer: &Finish<ResponseOf<P>>) -> Result<Step, ErrorKind> {
        // The calls of a response that was cut short may be incomplete.
        if answer.status == Status::Incomplete || self.endpoint.is_cut(&answer.response) {
            return Ok(Step::Finish);
        }
        let mut calls = self.endpoint.tool_calls(&answer.response);
        let asks_caller = calls.iter().any(|call| self.callers.contains(&call.name))
            || self.endpoint.asks_caller(&answer.response);
        if asks_caller {
            // A call of an unknown tool is also left to the caller.
            calls.retain(|call| self.tools.find(call).is_some());
        }
        if calls.is_empty() {
            return Ok(Step::Finish);
        }
        let max = self.tools.most_rounds();
        if !asks_caller && self.asked >= max {
            return Err(ErrorKind::TooManyRounds { max });
        }
        self.name(&mut calls);
        let running = Running::new(&self.tools, calls, self.one_by_one);
        Ok(if asks_caller { Step::RunAndFinish(running) } else { Step::RunAndAsk(running) })
    }

    fn next(&mut self, answer: &ResponseOf<P>, results: &[ToolResult]) -> Bytes {
        self.endpoint.answer_calls(&mut self.body, answer, results);
        self.asked += 1;
        self.body.to_bytes()
    }
}

impl<P: Endpoint> Looping<P> {
    /// Makes the generated ids unique: among those of this response, of the previous rounds, of the caller's request
    /// and, since they are random, of the server's later ids.
    fn name(&mut self, calls: &mut [ToolCall]) {
        for at in 0..calls.len() {
            if !calls[at].has_made_up_id {
                continue;
            }
            calls[at].id = loop {
                let id = random_id();
                let known = self.made_up.contains(&id) || self.body.mentions(&id);
                if !known && calls.iter().all(|call| call.id != id) {
                    break id;
                }
            };
            self.made_up.insert(calls[at].id.clone());
        }
    }
}

/// Returns an id that every server accepts: one of them requires nine letters and digits.
fn random_id() -> String {
    let random = std::iter::repeat_with(fastrand::alphanumeric).take(5);
    "call".chars().chain(random).collect()
}
