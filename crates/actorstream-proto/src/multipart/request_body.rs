//! What kind of body a request has.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Form;
use crate::body::Body;
use crate::error::StreamError;

/// The body of a request: JSON for most endpoints, a form for those that take files.
///
/// Either takes further fields, so that whoever sends it can decide about `stream`.
#[derive(Clone, Debug)]
pub enum RequestBody {
    /// A JSON object.
    Json(Body),
    /// A form.
    Multipart(Form),
}

impl RequestBody {
    /// Sets a field, in its place if it is there.
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

    /// The value of a field, if it is there and of this type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        match self {
            Self::Json(body) => body.get(name),
            Self::Multipart(form) => form.get(name),
        }
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

/// Anything that can be sent as a request: what can be serialized as a JSON object, a [`Form`], and the requests that
/// hold files.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no request",
    label = "this can be sent neither as JSON nor as a form",
    note = "a request is anything that implements `serde::Serialize` and is a JSON object, a `Form`, or a request that holds files"
)]
pub trait ToRequestBody {
    /// The body of the request.
    ///
    /// # Errors
    /// A `Config` error when the request cannot be written, such as one that is no JSON object.
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
        impl $crate::multipart::ToRequestBody for $request {
            fn to_request_body(
                &self,
            ) -> ::std::result::Result<$crate::multipart::RequestBody, $crate::error::StreamError> {
                $body(self)
            }
        }

        impl $crate::multipart::ToRequestBody for &$request {
            fn to_request_body(
                &self,
            ) -> ::std::result::Result<$crate::multipart::RequestBody, $crate::error::StreamError> {
                $body(self)
            }
        }
    };
}
pub(crate) use request_body;

request_body!(Form, |form: &Form| Ok(RequestBody::Multipart(form.clone())));
request_body!(RequestBody, |body: &RequestBody| Ok(body.clone()));
