//! The fields of a stored request that are not sent upstream.

use actorstream::proto::request::body::Body;
use serde::Deserialize;

use crate::protocol::{Encoder, Protocol, encoder, encoder_continuing};
use crate::store::Generation;

/// The field with the chat that the generation is to be bound to.
pub(super) const CHAT: &str = "actorstream_chat";
/// The field with the client's message that the response continues.
pub(super) const CONTINUES: &str = "actorstream_continues";

/// Removes the fields: they are not sent upstream, and clients cannot set them.
pub(super) fn strip(body: &mut Body) {
    body.remove(CHAT);
    body.remove(CONTINUES);
}

/// Returns the encoder for a viewer of a generation.
pub(crate) fn encoder_of(protocol: Protocol, generation: &Generation) -> Box<dyn Encoder> {
    let (api, id) = (generation.api, generation.id.as_str());
    match protocol {
        Protocol::UiMessage => match continued(&generation.request) {
            Some(message) => encoder_continuing(api, id, &message),
            None => encoder(protocol, api, id),
        },
        Protocol::OpenAi | Protocol::Text => encoder(protocol, api, id),
    }
}

/// Returns the message that the response to a stored request continues.
fn continued(request: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Continues {
        #[serde(rename = "actorstream_continues")]
        message: Option<String>,
    }
    // Most requests do not have the field, and some are long.
    memchr::memmem::find(request, CONTINUES.as_bytes())?;
    serde_json::from_slice::<Continues>(request).ok()?.message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_that_is_continued_is_read_from_its_field_alone() {
        assert_eq!(continued(br#"{"model":"m","actorstream_continues":"a"}"#).as_deref(), Some("a"));
        for request in [
            r#"{"model":"m"}"#,
            r#"{"messages":[{"actorstream_continues":"a"}]}"#,
            r#"{"messages":"\"actorstream_continues\":\"a\""}"#,
            r#"{"actorstream_continues":1}"#,
        ] {
            assert_eq!(continued(request.as_bytes()), None, "{request}");
        }
    }
}
