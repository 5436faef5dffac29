//! `Body`: a JSON request, created from any serializable type, to which the client adds fields.

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::outcome::error::StreamError;

/// The fields of a request, each as the JSON text that its serializer wrote: an `f32` of 0.7 stays `0.7`.
#[derive(Debug, Clone, Default)]
pub struct Body {
    fields: Vec<(String, Box<RawValue>)>,
}

impl Body {
    /// Creates the body of a request.
    ///
    /// # Errors
    /// A `Config` error if the request cannot be serialized, or is not a JSON object.
    pub fn new<R: Serialize + ?Sized>(request: &R) -> Result<Self, StreamError> {
        let json = serde_json::to_vec(request).map_err(|error| {
            StreamError::config(format!("the request cannot be written as JSON: {error}"))
        })?;
        serde_json::from_slice(&json)
            .map_err(|_| StreamError::config("the request must be a JSON object, such as {\"model\": …}"))
    }

    /// Reads the wanted fields of a JSON text.
    ///
    /// # Errors
    /// If the text is not a JSON object, or has more wanted fields than `most`.
    pub fn read(json: &str, most: usize, wanted: impl Fn(&str) -> bool) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let body = deserializer.deserialize_map(Fields { most, wanted })?;
        deserializer.end()?;
        Ok(body)
    }

    /// Iterates over the names of the fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// Sets a field, at its current position if it exists. Duplicates are removed.
    pub fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        let Ok(value) = serde_json::value::to_raw_value(value) else { return };
        let Some(first) = self.fields.iter().position(|(field, _)| field == name) else {
            self.fields.push((name.to_owned(), value));
            return;
        };
        self.fields[first].1 = value;
        let mut index = 0;
        self.fields.retain(|(field, _)| {
            index += 1;
            index <= first + 1 || field != name
        });
    }

    /// Removes a field.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(field, _)| field != name);
    }

    /// Returns the value of a field, if it exists and has this type. Of duplicate fields, the last one counts, as for
    /// most parsers.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (_, value) = self.fields.iter().rfind(|(field, _)| field == name)?;
        serde_json::from_str(value.get()).ok()
    }

    /// Returns whether the quoted text occurs anywhere in the values.
    pub fn mentions(&self, text: &str) -> bool {
        let quoted = format!("\"{text}\"");
        self.fields
            .iter()
            .any(|(_, value)| memchr::memmem::find(value.get().as_bytes(), quoted.as_bytes()).is_some())
    }

    /// Returns the body as it is sent.
    pub fn to_bytes(&self) -> Bytes {
        // An escaped name may be longer; this is only the capacity.
        let length = |(name, value): &(String, Box<RawValue>)| name.len() + value.get().len() + 4;
        let mut bytes = Vec::with_capacity(2 + self.fields.iter().map(length).sum::<usize>());
        // Writing fields that are already JSON cannot fail.
        let _ = serde_json::to_writer(&mut bytes, self);
        bytes.into()
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields { most: usize::MAX, wanted: |_: &str| true })
    }
}

/// Two bodies are equal when their fields have the same names and texts, in the same order.
impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.fields.iter().zip(&other.fields);
        self.fields.len() == other.fields.len()
            && pairs.into_iter().all(|((name, value), (other_name, other_value))| {
                name == other_name && value.get() == other_value.get()
            })
    }
}

/// Deserializes the wanted fields, up to a maximum number.
struct Fields<W> {
    most: usize,
    wanted: W,
}

impl<'de, W: Fn(&str) -> bool> Visitor<'de> for Fields<W> {
    type Value = Body;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
        let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if !(self.wanted)(&name) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if fields.len() == self.most {
                return Err(A::Error::custom(format_args!("there are more than {} fields", self.most)));
            }
            fields.push((name, map.next_value()?));
        }
        Ok(Body { fields })
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
        assert!(body.mentions("m") && !body.mentions("o"));
        body.remove("n");
        assert_eq!(body.get::<u32>("n"), None);
    }

    #[test]
    fn of_a_field_that_is_there_twice_the_last_one_counts_and_all_are_replaced() {
        let mut body: Body = serde_json::from_str(r#"{"model":"a","n":1,"mod\u0065l":"b","x":2}"#).unwrap();
        assert_eq!(body.get::<String>("model").as_deref(), Some("b"));
        body.set("model", "c");
        assert_eq!(body.to_bytes(), r#"{"model":"c","n":1,"x":2}"#);
    }

    #[test]
    fn a_request_must_be_an_object() {
        for bad in [json!([1]), json!("x"), json!(null)] {
            assert!(Body::new(&bad).unwrap_err().to_string().contains("JSON object"));
        }
    }
}
