//! Content codings (RFC 9110, section 8.4): decodes bodies that a server, or a proxy in front of it, has compressed
//! although the request asks for `identity`.
//!
//! Bytes are decoded as soon as the coding permits: an event that the server flushed is decoded without waiting for
//! the next read. The output is returned in pieces and limited per read, so that a small body that decodes to a huge
//! one neither takes memory nor starves other streams.

#[cfg(not(feature = "compress"))]
mod absent;
#[cfg(feature = "compress")]
mod body_decoder;
mod coding;
#[cfg(feature = "compress")]
mod decoder;
#[cfg(feature = "compress")]
mod layer;
#[cfg(feature = "compress")]
mod start;

use actorstream_proto::session::head::Head;

#[cfg(not(feature = "compress"))]
pub(super) use absent::BodyDecoder;
#[cfg(feature = "compress")]
pub(super) use body_decoder::BodyDecoder;

use coding::ContentCoding;

/// Returns the decoder for a body with this head; `None` if the body is in no coding, or in one that cannot be
/// decoded. In the latter case, the head receives advice for the error.
pub(super) fn decoder(head: &mut Head) -> Option<Box<BodyDecoder>> {
    let codings = ContentCoding::parse_list(head.content_encoding.as_deref()?);
    match codings.and_then(BodyDecoder::new) {
        Ok(decoder) => {
            head.is_decoded = true;
            Some(Box::new(decoder))
        }
        Err(advice) => {
            head.coding_advice = Some(advice);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(coding: &str) -> Head {
        Head::read(200, |name| (name == "content-encoding").then_some(coding))
    }

    #[test]
    fn a_coding_that_is_not_decoded_comes_with_advice() {
        for coding in ["compress", "foo", "gzip, foo", "exi, br"] {
            let mut head = head(coding);
            assert!(decoder(&mut head).is_none() && !head.is_decoded, "{coding}");
            assert!(head.coding_advice.unwrap().contains("identity"), "{coding}");
        }
        for none in ["", "identity", "none, utf-8"] {
            let mut head = head(none);
            assert!(
                decoder(&mut head).is_none() && !head.is_decoded && head.coding_advice.is_none(),
                "{none}"
            );
        }
    }

    #[test]
    fn a_known_coding_is_decoded_where_the_feature_is_on() {
        for coding in ["gzip", "X-Gzip", "deflate", "BR", "zstd", "gzip, br , zstd"] {
            let mut head = head(coding);
            assert_eq!(decoder(&mut head).is_some(), cfg!(feature = "compress"), "{coding}");
            assert_eq!(head.is_decoded, cfg!(feature = "compress"), "{coding}");
            let advice = head.coding_advice.unwrap_or("the feature `compress`");
            assert!(advice.contains("the feature `compress`"), "{advice}");
        }
    }
}
