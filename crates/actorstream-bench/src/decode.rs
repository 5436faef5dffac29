//! Bytes → frames: actorstream's decoder and its peers. Each gives the bytes of data it saw, so that none of the work
//! can be left out.

use actorstream_proto::sse::SseDecoder;
use bytes::Bytes;
#[cfg(feature = "peers")]
pub use peers::{eventsource_stream, sse_stream};

/// Decodes these reads and gives the bytes of data in them.
pub type Decoder = fn(&[Bytes]) -> usize;

/// All the decoders, ours first.
pub const DECODERS: &[(&str, Decoder)] = &[
    ("actorstream", actorstream),
    #[cfg(feature = "peers")]
    ("eventsource-stream", eventsource_stream),
    #[cfg(feature = "peers")]
    ("sse-stream", sse_stream),
    ("memchr", memchr),
];

/// No event comes near this.
pub(crate) const MAX_EVENT: usize = 16 << 20;

/// actorstream's.
pub fn actorstream(reads: &[Bytes]) -> usize {
    let mut decoder = SseDecoder::new(MAX_EVENT);
    let mut seen = 0;
    for read in reads {
        decoder.feed(read.clone());
        while let Ok(Some(frame)) = decoder.next_frame() {
            seen += frame.data.len();
        }
    }
    seen
}

/// The floor: finds the ends of the lines, and does nothing else.
pub fn memchr(reads: &[Bytes]) -> usize {
    reads.iter().map(|read| memchr::memchr_iter(b'\n', read).sum::<usize>()).sum()
}

#[cfg(feature = "peers")]
mod peers {
    //! The decoders of others.

    use bytes::Bytes;
    use eventsource_stream::Eventsource;
    use futures_util::{FutureExt, StreamExt};
    use sse_stream::SseByteStream;

    use super::body;

    /// The one that async-openai uses.
    pub fn eventsource_stream(reads: &[Bytes]) -> usize {
        let mut events = body(reads).eventsource();
        let mut seen = 0;
        while let Some(Some(Ok(event))) = events.next().now_or_never() {
            seen += event.data.len();
        }
        seen
    }

    /// The one of the Rust MCP SDK.
    pub fn sse_stream(reads: &[Bytes]) -> usize {
        let mut events = SseByteStream::new(body(reads));
        let mut seen = 0;
        while let Some(Some(Ok(event))) = events.next().now_or_never() {
            seen += event.data.map_or(0, |data| data.len());
        }
        seen
    }
}

/// Reads as the body of an HTTP client.
#[cfg(feature = "types")]
pub(crate) fn body(
    reads: &[Bytes],
) -> impl futures_util::Stream<Item = Result<Bytes, std::convert::Infallible>> + Unpin {
    futures_util::stream::iter(reads.iter().cloned().map(Ok))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{self, BLOCK, Cut};

    #[test]
    fn all_see_the_same() {
        let events = corpus::reads(Cut::Events);
        let expected = events.iter().map(Bytes::len).sum::<usize>() - BLOCK * "data: \n\n".len();
        for cut in [Cut::Events, Cut::Bytes(16 << 10)] {
            for (name, decoder) in DECODERS.iter().filter(|(name, _)| *name != "memchr") {
                assert_eq!(decoder(&corpus::reads(cut)), expected, "{name}");
            }
        }
    }
}
