//! `Body`: a JSON request that anything serializable can be, and that the client adds a field to.

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::StreamError;

/// The fields of a request, each as the JSON text that its own serializer wrote: a `f32` of 0.7 stays `0.7`.
#[derive(Debug, Clone, Default)]
pub struct Body {
    fields: Vec<(String, Box<RawValue>)>,
}

impl Body {
    /// The body of a request.
    ///
    /// # Errors
    /// A `Config` error when the request cannot be serialized, or is no JSON object.
    pub fn new<R: Serialize + ?Sized>(request: &R) -> Result<Self, StreamError> {
        let json = serde_json::to_vec(request).map_err(|error| {
            StreamError::config(format!("the request cannot be written as JSON: {error}"))
        })?;
        serde_json::from_slice(&json)
            .map_err(|_| StreamError::config("the request must be a JSON object, such as {\"model\": …}"))
    }

    /// Sets a field, in its place if it is there.
    pub fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        let Ok(value) = serde_json::value::to_raw_value(value) else { return };
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }

    /// Removes a field.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(field, _)| field != name);
    }

    /// The value of a field, if it is there and of this type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        serde_json::from_str(value.get()).ok()
    }

    /// The body as it goes out.
    pub fn to_bytes(&self) -> Bytes {
        // Fields that are JSON already cannot fail to be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Body;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Body { fields })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_callers_json_goes_out_to_the_letter() {
        #[derive(Serialize)]
        struct Request {
            temperature: f32,
            stream: bool,
            model: &'static str,
        }
        let mut body = Body::new(&Request { temperature: 0.7, stream: false, model: "m" }).unwrap();
        body.set("stream", &true);
        body.set("n", &2);
        assert_eq!(body.to_bytes(), r#"{"temperature":0.7,"stream":true,"model":"m","n":2}"#);
        assert_eq!(body.get::<u32>("n"), Some(2));
        assert_eq!(body.get::<u32>("model"), None);
        body.remove("n");
        assert_eq!(body.get::<u32>("n"), None);
    }

    #[test]
    fn a_request_must_be_an_object() {
        for bad in [json!([1]), json!("x"), json!(null)] {
            assert!(Body::new(&bad).unwrap_err().to_string().contains("JSON object"));
        }
    }
}
