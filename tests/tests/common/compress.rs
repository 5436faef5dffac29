//! Compresses bodies as servers and proxies do.
#![allow(dead_code)]

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// The encodings under test: the names of the codings, and `raw deflate`, which is also sent as `deflate`.
pub(crate) const CODINGS: [&str; 5] = ["gzip", "deflate", "raw deflate", "br", "zstd"];

/// Returns the `Content-Encoding` of such a body.
pub(crate) fn header(coding: &str) -> &str {
    coding.rsplit(' ').next().unwrap()
}

/// Compresses a body.
pub(crate) fn compress(coding: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let (mut flushed, last) = compress_pieces(coding, &[body.as_ref()]);
    flushed.push(last);
    flushed.concat()
}

/// Returns the beginning of a compressed body that starts with `start`, and bytes that continue it with one more
/// `piece` each time they are repeated.
pub(crate) fn compress_endless(coding: &str, start: &[u8], piece: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (flushed, _) = compress_pieces(coding, &[start, piece, piece, piece]);
    (flushed[..3].concat(), flushed[3].clone())
}

/// Compresses the pieces of a body and flushes each of them. Also returns the bytes that end the body.
pub(crate) fn compress_pieces(coding: &str, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
    fn run<W: Write>(
        mut encoder: W,
        pieces: &[&[u8]],
        written: impl Fn(&W) -> &Vec<u8>,
        finish: impl FnOnce(W) -> Vec<u8>,
    ) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut before = 0;
        let mut flushed = Vec::new();
        for piece in pieces {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
            flushed.push(written(&encoder)[before..].to_vec());
            before = written(&encoder).len();
        }
        let last = finish(encoder)[before..].to_vec();
        (flushed, last)
    }
    let out = Vec::new;
    let level = Compression::default();
    match coding {
        "gzip" => run(GzEncoder::new(out(), level), pieces, GzEncoder::get_ref, |it| it.finish().unwrap()),
        "deflate" => {
            run(ZlibEncoder::new(out(), level), pieces, ZlibEncoder::get_ref, |it| it.finish().unwrap())
        }
        "raw deflate" => {
            run(DeflateEncoder::new(out(), level), pieces, DeflateEncoder::get_ref, |it| it.finish().unwrap())
        }
        "br" => {
            let encoder = brotli::CompressorWriter::new(out(), 4096, 5, 22);
            run(encoder, pieces, |it| it.get_ref(), brotli::CompressorWriter::into_inner)
        }
        "zstd" => {
            let encoder = zstd::stream::write::Encoder::new(out(), 3).unwrap();
            run(encoder, pieces, |it| it.get_ref(), |it| it.finish().unwrap())
        }
        other => panic!("no coding {other}"),
    }
}
