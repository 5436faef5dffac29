//! `GET /models` and `GET /models/{id}`: the models of a server.

mod generated;

use std::borrow::Cow;

pub use generated::{Model, ModelList};

use crate::endpoint::answer::{Answer, WholeAnswer};
use crate::endpoint::{Custom, Endpoint, Method, segment};
use crate::json::whole::Field;
use crate::request::multipart::RequestBody;

/// The endpoint `GET /models`. It does not stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Models;

impl Models {
    /// The endpoint `GET /models/{id}`.
    pub fn get(id: &str) -> Custom<Answer<Model>> {
        Custom::get(format!("/models/{}", segment(id))).events()
    }
}

impl Endpoint for Models {
    type Event = Answer<ModelList>;

    fn operation(&self) -> &'static str {
        "models"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/models")
    }

    fn method(&self) -> Method {
        Method::Get
    }

    fn prepare(&self, _: &mut RequestBody, _: bool) {}
}

impl WholeAnswer for ModelList {
    const NAME: &'static str = "list of models";
    const FIELD: Field = Field::List("data");
}

impl WholeAnswer for Model {
    const NAME: &'static str = "model";
    const FIELD: Field = Field::Any("id");
}
