//! `BodyDecoder` without the feature `compress`: an empty type.

use crate::transport::http::body::Piece;

use super::coding::ContentCoding;

/// A decoder that cannot be created.
#[derive(Debug)]
pub(in crate::transport::http) enum BodyDecoder {}

impl BodyDecoder {
    pub(super) fn new(_: Vec<ContentCoding>) -> Result<Self, &'static str> {
        Err(
            "compile actorstream with the feature `compress`, which decodes it, or have the server send identity",
        )
    }

    pub(in crate::transport::http) fn begin_read(&mut self) {
        match *self {}
    }

    pub(in crate::transport::http) fn has_more(&self) -> bool {
        match *self {}
    }

    pub(in crate::transport::http) fn decoded_before(&self) -> usize {
        match *self {}
    }

    pub(in crate::transport::http) fn next(&mut self, _: impl FnMut() -> Option<Piece>) -> Option<Piece> {
        match *self {}
    }
}
