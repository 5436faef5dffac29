//! `PartialAnswer`: a structured answer, readable while it streams.

use serde_json::Value;

use crate::answer::output::{Change, Position, View, Viewable};
use crate::json::partial_json::JsonInText;

/// A JSON answer, as far as it has arrived. It receives a stream's events anywhere (in a closure, an actor, a polling
/// loop), and holds the value of their text. An [`OutputClient`](https://docs.rs/actorstream) receives the same
/// through its `value_delta`.
///
/// The text may contain more than the JSON, as in [`JsonInText`]. If several texts arrive, such as the answers of
/// several tool rounds, the value is that of the last one. Of several choices (`n`), each needs its own
/// `PartialAnswer`.
///
/// ```
/// use actorstream_proto::api::chat::ChatCompletionChunk;
/// use actorstream_proto::answer::partial_answer::PartialAnswer;
/// use serde_json::json;
///
/// let mut answer = PartialAnswer::new();
/// for (content, value) in [("{\\\"name\\\": \\\"Ad", json!({"name": "Ad"})), ("a\\\"}", json!({"name": "Ada"}))] {
///     let chunk = format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{content}"}}}}]}}"#);
///     let chunk: ChatCompletionChunk = serde_json::from_str(&chunk).unwrap();
///     assert_eq!(answer.push(&chunk), Some(&value));
/// }
/// assert!(answer.is_complete());
/// ```
#[derive(Debug)]
pub struct PartialAnswer<E: Viewable> {
    view: E::View,
    json: JsonInText,
    /// The position of the text that is read.
    at: Option<Position>,
    /// Whether that text is complete.
    done: bool,
}

impl<E: Viewable> Default for PartialAnswer<E> {
    fn default() -> Self {
        Self { view: E::View::lean(), json: JsonInText::new(), at: None, done: false }
    }
}

impl<E: Viewable> PartialAnswer<E> {
    /// Creates an empty answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Receives the next event. Returns the value as far as it has arrived, if this may have changed it.
    pub fn push(&mut self, event: &E) -> Option<&Value> {
        let Self { view, json, at: place, done } = self;
        let mut changed = false;
        view.push(event, &mut |change| {
            let (at, text, whole) = match change {
                Change::TextDelta { at, delta, .. } => (at, delta, false),
                // The deltas, if any, are the text.
                Change::TextDone { at, .. } if *place == Some(at) => {
                    *done = true;
                    return;
                }
                Change::TextDone { at, text } => (at, text, true),
                _ => return,
            };
            if *done || *place != Some(at) {
                *json = JsonInText::new();
                *place = Some(at);
            }
            *done = whole;
            changed |= json.push(text);
        });
        changed.then(|| self.json.value())
    }

    /// Returns the value as far as it has arrived; `null` before there is any.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.json.value()
    }

    /// Returns whether the value is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.json.is_complete()
    }

    /// Deserializes the value into a type of your own, once it fits. A type whose fields are `Option`s or have a
    /// `serde(default)` fits from the first byte on; the end of a text may be missing in it. A type whose
    /// [`Schema`](crate::answer::structured::Schema) wraps it in a field `value` is unwrapped.
    #[cfg(feature = "schemars")]
    #[must_use]
    pub fn read<T>(&self) -> Option<T>
    where
        T: serde::de::DeserializeOwned + schemars::JsonSchema,
    {
        crate::answer::structured::read_partial(self.value())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::chat::ChatCompletionChunk;
    use crate::api::responses::ResponseEvent;
    use crate::endpoint::event::Event;

    fn chunk(content: &str, finish_reason: Option<&str>) -> ChatCompletionChunk {
        let choice = json!({"index": 0, "delta": {"content": content}, "finish_reason": finish_reason});
        serde_json::from_value(json!({ "choices": [choice] })).unwrap()
    }

    fn event(event: &Value) -> ResponseEvent {
        let frame = crate::sse::Frame { data: event.to_string().into(), ..Default::default() };
        ResponseEvent::decode(frame, &mut Default::default()).unwrap().event
    }

    #[test]
    fn each_text_is_a_value_of_its_own() {
        let mut answer = PartialAnswer::new();
        assert_eq!(answer.push(&chunk("Wait: {\"a\":", None)), Some(&json!({})));
        assert_eq!(answer.push(&chunk(" 1}", Some("tool_calls"))), Some(&json!({"a": 1})));
        assert_eq!(answer.push(&chunk("", None)), None);
        // The answer of the next round.
        assert_eq!(answer.push(&chunk("{\"b\": [1", None)), Some(&json!({"b": []})));
        assert!(!answer.is_complete());
        assert_eq!(answer.push(&chunk("]}", Some("stop"))), Some(&json!({"b": [1]})));
        assert!(answer.is_complete());
    }

    #[test]
    fn a_text_without_deltas_is_read_when_it_is_whole() {
        let text = |kind: &str, output: u64, field: &str, text: &str| {
            event(
                &json!({"type": format!("response.output_text.{kind}"), "item_id": "m", "output_index": output,
                "content_index": 0, field: text}),
            )
        };
        let mut answer = PartialAnswer::new();
        assert_eq!(answer.push(&text("delta", 0, "delta", "Let me see.")), None);
        assert_eq!(answer.push(&text("done", 0, "text", "Let me see.")), None);
        assert_eq!(answer.push(&text("done", 1, "text", "{\"a\": 1}")), Some(&json!({"a": 1})));
    }

    #[cfg(feature = "schemars")]
    #[test]
    fn a_value_is_one_of_a_type_once_it_fits() {
        #[derive(Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
        struct Person {
            name: String,
            #[serde(default)]
            age: Option<u8>,
        }
        let mut answer = PartialAnswer::new();
        answer.push(&chunk("{", None));
        assert_eq!(answer.read::<Person>(), None);
        answer.push(&chunk("\"name\": \"A", None));
        assert_eq!(answer.read(), Some(Person { name: "A".into(), age: None }));
        let mut list = PartialAnswer::new();
        list.push(&chunk("{\"value\": [1, 2", None));
        assert_eq!(list.read::<Vec<u8>>(), Some(vec![1]));
    }
}
