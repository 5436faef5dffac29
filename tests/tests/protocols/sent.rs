//! The output of an encoder, decoded as a client's event stream decoder does.

use actorstream::proto::sse::SseDecoder;
use actorstream_web::event::{Api, Logged};
use actorstream_web::protocol::{Encoder, Protocol, encoder};
use bytes::BytesMut;
use serde_json::Value;

pub(crate) const GENERATION: &str = "gen_1";

pub(crate) fn new(protocol: Protocol, api: Api) -> Box<dyn Encoder> {
    encoder(protocol, api, GENERATION)
}

pub(crate) fn send(encoder: &mut dyn Encoder, log: &[Logged]) -> Vec<u8> {
    let mut out = BytesMut::new();
    log.iter().for_each(|entry| encoder.encode(entry, &mut out));
    out.to_vec()
}

pub(crate) fn send_all(protocol: Protocol, api: Api, log: &[Logged]) -> Vec<u8> {
    send(&mut *new(protocol, api), log)
}

/// An event as a client receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) data: String,
}

impl Got {
    /// Returns the data as JSON. Unpaired surrogates, which upstream may send, are not valid in Rust strings.
    pub(crate) fn json(&self) -> Value {
        let whole = || self.data.replace("\\ud83d", "").replace("\\ude00", "");
        let json = serde_json::from_str(&self.data).or_else(|_| serde_json::from_str(&whole()));
        json.unwrap_or_else(|error| panic!("{error}: {}", self.data))
    }

    pub(crate) fn r#type(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// Returns the events of a stream. The core's decoder reads them; the ids precede them.
pub(crate) fn frames(sent: &[u8]) -> Vec<Got> {
    let text = std::str::from_utf8(sent).unwrap();
    let mut ids = text.split_terminator("\n\n").map(|frame| {
        let id = frame.lines().next().and_then(|line| line.strip_prefix("id: "));
        id.map(str::to_owned)
    });
    let mut decoder = SseDecoder::new(1 << 20);
    decoder.feed(sent.to_vec().into());
    let mut got = Vec::new();
    while let Some(frame) = decoder.next_frame().unwrap() {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        got.push(Got {
            id: ids.next().unwrap(),
            event: frame.event.as_deref().map(text),
            data: text(&frame.data),
        });
    }
    assert_eq!((ids.next(), decoder.finish()), (None, None), "half an event: {text}");
    got
}
