//! The running tools of one response.

use std::cell::RefCell;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actorstream_proto::answer::tools::{ToolCall, ToolResult};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join_all};

use super::Tools;

/// The calls of one response. They run while this is polled, and stop when it is dropped.
pub(crate) struct Running {
    work: LocalBoxFuture<'static, ()>,
    progress: Progress,
}

/// The progress of the calls of a response.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Rc<RefCell<Vec<Call>>>);

#[derive(Debug)]
struct Call {
    call: ToolCall,
    state: State,
}

#[derive(Debug)]
enum State {
    Waits,
    Runs,
    Done { output: String, is_error: bool },
}

impl Running {
    /// Creates the calls of these tools: sequential if `one_by_one`, otherwise concurrent.
    pub(super) fn new(tools: &Tools, calls: Vec<ToolCall>, one_by_one: bool) -> Self {
        let count = calls.len();
        let calls = calls.into_iter().map(|call| Call { call, state: State::Waits }).collect();
        let progress = Progress(Rc::new(RefCell::new(calls)));
        let each = (0..count).map(|at| run(tools.clone(), progress.clone(), at));
        let work: LocalBoxFuture<'static, ()> = if one_by_one {
            let each: Vec<_> = each.collect();
            Box::pin(async move {
                for one in each {
                    one.await;
                }
            })
        } else {
            Box::pin(join_all(each).map(drop))
        };
        Self { work, progress }
    }

    /// Returns the progress, which outlives the calls.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.work.poll_unpin(cx)
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Running").field(&self.progress).finish()
    }
}

impl Progress {
    /// Takes the results of the completed calls, in order, and the calls that started and are not done.
    pub(crate) fn take(&self) -> (Vec<ToolResult>, Vec<ToolCall>) {
        let (mut results, mut unfinished) = (Vec::new(), Vec::new());
        for Call { call, state } in self.0.take() {
            match state {
                State::Done { output, is_error } => results.push(ToolResult { call, output, is_error }),
                State::Runs => unfinished.push(call),
                State::Waits => {}
            }
        }
        (results, unfinished)
    }

    fn begin(&self, at: usize) -> ToolCall {
        let mut calls = self.0.borrow_mut();
        calls[at].state = State::Runs;
        calls[at].call.clone()
    }

    fn end(&self, at: usize, (output, is_error): (String, bool)) {
        // The entry is gone if the result is no longer wanted.
        if let Some(call) = self.0.borrow_mut().get_mut(at) {
            call.state = State::Done { output, is_error };
        }
    }
}

/// Runs one call.
async fn run(tools: Tools, progress: Progress, at: usize) {
    let call = progress.begin(at);
    let ran = match tools.find(&call) {
        Some(tool) => {
            // A handler may also panic before its first await.
            let running = AssertUnwindSafe(async { (tool.handler)(&call.arguments).await });
            running.catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!(tool = call.name, "the handler of a tool panicked");
                Err("the tool failed".to_owned())
            })
        }
        None => {
            let names: Vec<_> = tools.names().collect();
            Err(format!("there is no tool {:?}; the tools are: {}", call.name, names.join(", ")))
        }
    };
    progress.end(
        at,
        match ran {
            Ok(output) => (output, false),
            Err(error) => (format!("error: {error}"), true),
        },
    );
}
