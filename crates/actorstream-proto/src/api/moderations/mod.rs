//! `POST /moderations`: classifies texts and images as harmful or not.

mod generated;

use std::borrow::Cow;

pub use generated::*;

use crate::endpoint::Endpoint;
use crate::endpoint::answer::{Answer, WholeAnswer};
use crate::json::whole::Field;
use crate::request::multipart::RequestBody;

/// The endpoint `POST /moderations`. It does not stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moderations;

impl Endpoint for Moderations {
    type Event = Answer<ModerationResponse>;

    fn operation(&self) -> &'static str {
        "moderations"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/moderations")
    }

    fn prepare(&self, _: &mut RequestBody, _: bool) {}
}

impl WholeAnswer for ModerationResponse {
    const NAME: &'static str = "moderation";
    const FIELD: Field = Field::List("results");
}

impl ModerationRequest {
    /// Creates a request to classify `input` with the server's default model.
    pub fn new(input: impl Into<ModerationRequestInput>) -> Self {
        Self { input: input.into(), ..Self::default() }
    }
}

impl ModerationRequestInputItem {
    /// Refers to an image by its URL, which may be a `data:` URL.
    pub fn image(url: impl Into<String>) -> Self {
        ModerationImage::new(ModerationImageUrl::new(url)).into()
    }
}
