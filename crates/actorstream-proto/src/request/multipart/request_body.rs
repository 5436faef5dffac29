//! The kinds of request bodies.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Form;
use crate::outcome::error::StreamError;
use crate::request::body::Body;

/// The body of a request: JSON for most endpoints, a form for those that accept files.
///
/// Fields can be added to both, so that the client can set `stream`.
#[derive(Clone, Debug)]
pub enum RequestBody {
    /// A JSON object.
    Json(Body),
    /// A form.
    Multipart(Form),
}

impl RequestBody {
    /// Sets a field, at its current position if it exists.
    pub fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        match self {
            Self::Json(body) => body.set(name, value),
            Self::Multipart(form) => form.set(name, value),
        }
    }

    /// Removes a field.
    pub fn remove(&mut self, name: &str) {
        match self {
            Self::Json(body) => body.remove(name),
            Self::Multipart(form) => form.remove(name),
        }
    }

    /// Returns the value of a field, if it exists and has this type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        match self {
            Self::Json(body) => body.get(name),
            Self::Multipart(form) => form.get(name),
        }
    }

    /// Returns the number in a field, in any notation (`2`, `2.0`); 1 if there is none.
    pub(crate) fn count(&self, name: &str) -> usize {
        let count = self.get::<f64>(name).filter(|count| *count >= 0.0 && count.fract() == 0.0);
        count.map_or(1, |count| count as usize)
    }
}

impl From<Body> for RequestBody {
    fn from(body: Body) -> Self {
        Self::Json(body)
    }
}

impl From<Form> for RequestBody {
    fn from(form: Form) -> Self {
        Self::Multipart(form)
    }
}

/// Anything that can be sent as a request: types that serialize to a JSON object, a [`Form`], and request types that
/// hold files.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request",
    label = "this can be sent neither as JSON nor as a form",
    note = "a request is anything that implements `serde::Serialize` and is a JSON object, a `Form`, or a request that holds files"
)]
pub trait ToRequestBody {
    /// Returns the body of the request.
    ///
    /// # Errors
    /// A `Config` error if the request cannot be encoded, for example because it is not a JSON object.
    fn to_request_body(&self) -> Result<RequestBody, StreamError>;
}

impl<R: Serialize + ?Sized> ToRequestBody for R {
    fn to_request_body(&self) -> Result<RequestBody, StreamError> {
        Body::new(self).map(RequestBody::Json)
    }
}

/// Implements [`ToRequestBody`] for a type that is not serializable, and for references to it.
macro_rules! request_body {
    ($request:ty, $body:expr) => {
        impl $crate::request::multipart::ToRequestBody for $request {
            fn to_request_body(
                &self,
            ) -> ::std::result::Result<
                $crate::request::multipart::RequestBody,
                $crate::outcome::error::StreamError,
            > {
                $body(self)
            }
        }

        impl $crate::request::multipart::ToRequestBody for &$request {
            fn to_request_body(
                &self,
            ) -> ::std::result::Result<
                $crate::request::multipart::RequestBody,
                $crate::outcome::error::StreamError,
            > {
                $body(self)
            }
        }
    };
}
pub(crate) use request_body;

request_body!(Form, |form: &Form| Ok(RequestBody::Multipart(form.clone())));
request_body!(RequestBody, |body: &RequestBody| Ok(body.clone()));
