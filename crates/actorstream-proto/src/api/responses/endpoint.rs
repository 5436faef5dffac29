//! The endpoints `POST /responses` and `GET /responses/{id}?stream=true`.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::event::ResponseEvent;
use crate::endpoint::{Endpoint, Method, segment};

/// The endpoint `POST /responses`.
///
/// If the stream of a response in background mode breaks, it is resumed where it broke.
#[derive(Debug, Clone, Copy, Default)]
pub struct Responses;

impl Endpoint for Responses {
    type Event = ResponseEvent;

    fn operation(&self) -> &'static str {
        "chat"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/responses")
    }

    fn resume(&self, id: &str, after: u64) -> Option<String> {
        Some(resume_path(id, Some(after)))
    }

    fn cancel(&self, id: &str) -> Option<String> {
        Some(format!("/responses/{}/cancel", segment(id)))
    }
}

/// The endpoint `GET /responses/{id}?stream=true`: the stream of a response in background mode that was started
/// earlier.
#[derive(Debug, Clone)]
pub struct ResumeResponse {
    id: String,
    after: Option<u64>,
}

impl ResumeResponse {
    /// Creates the endpoint for the response with this id. The stream starts after the event with this number, or
    /// from the beginning for `None`.
    pub fn new(id: impl Into<String>, after: impl Into<Option<u64>>) -> Self {
        Self { id: id.into(), after: after.into() }
    }
}

impl Endpoint for ResumeResponse {
    type Event = ResponseEvent;

    fn operation(&self) -> &'static str {
        "fetch_response"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Owned(resume_path(&self.id, self.after))
    }

    fn method(&self) -> Method {
        Method::Get
    }

    fn resume(&self, id: &str, after: u64) -> Option<String> {
        Some(resume_path(id, Some(after)))
    }

    fn cancel(&self, id: &str) -> Option<String> {
        Responses.cancel(id)
    }

    fn response_id(&self) -> Option<&str> {
        Some(&self.id)
    }

    fn starts_after(&self) -> Option<u64> {
        self.after
    }
}

fn resume_path(id: &str, after: Option<u64>) -> String {
    let mut path = format!("/responses/{}?stream=true", segment(id));
    if let Some(after) = after {
        // Writing to a string cannot fail.
        let _ = write!(path, "&starting_after={after}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(Responses.resume("resp_1", 7).unwrap(), "/responses/resp_1?stream=true&starting_after=7");
        assert_eq!(ResumeResponse::new("resp_1", None).path(), "/responses/resp_1?stream=true");
        assert_eq!(Responses.cancel("../x?y#z").unwrap(), "/responses/..%2Fx%3Fy%23z/cancel");
        assert_eq!(Responses.cancel("..").unwrap(), "/responses/%2E%2E/cancel");
    }
}
