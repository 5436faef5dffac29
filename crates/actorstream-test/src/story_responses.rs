//! The Responses API of the built-in upstream: it stores the last responses, so that they can be resumed.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::reply::Reply;
use crate::request::Request;
use crate::response_stream::ResponseStream;

/// How many responses are stored.
const REMEMBERED: usize = 256;

/// The responses that the upstream has generated.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    made: Mutex<VecDeque<(String, ResponseStream)>>,
}

impl Responses {
    /// Stores a response, and replies with it.
    pub(crate) fn make(&self, id: String, stream: ResponseStream, streams: bool, pace: Duration) -> Reply {
        let reply = if streams { stream.reply().pace(pace) } else { Reply::json(200, &stream.response()) };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() == REMEMBERED {
            made.pop_front();
        }
        made.push_back((id, stream));
        reply
    }

    /// Replies to a request about a stored response; `None` if it concerns none.
    pub(crate) fn answer(&self, request: &Request, pace: Duration) -> Option<Reply> {
        let (_, rest) = request.path.split_once("/responses/")?;
        let cancels = request.method == "POST" && rest.ends_with("/cancel");
        if request.method != "GET" && !cancels {
            return None;
        }
        let id = rest.split('/').next().unwrap_or_default();
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, stream)) = made.iter().find(|(known, _)| known == id) else {
            let message = format!("Response with id '{id}' not found.");
            return Some(Reply::error(404, "invalid_request_error", &message));
        };
        let query = request.query.as_deref().unwrap_or_default();
        let asked = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        Some(if cancels {
            let mut response = stream.response();
            response["status"] = "cancelled".into();
            response["output"] = Value::Array(Vec::new());
            Reply::json(200, &response)
        } else if asked("stream") == Some("true") {
            let after = asked("starting_after").and_then(|number| number.parse().ok());
            stream.reply_after(after).pace(pace)
        } else {
            Reply::json(200, &stream.response())
        })
    }
}
