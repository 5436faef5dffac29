//! `Decoder`: one interface to the decompression libraries.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Operation as _};

use super::coding::ContentCoding;

/// The base-2 logarithm of deflate's largest window (RFC 1951).
const DEFLATE_WINDOW: u8 = 15;

/// The base-2 logarithm of zstd's largest window in HTTP: 8 MiB (RFC 9659).
const ZSTD_WINDOW: u32 = 23;

/// Decodes one coding. Its memory is bounded by the window: at most 32 KiB for gzip and deflate, 8 MiB for zstd and
/// 16 MiB for brotli, and no more than the body declares.
pub(super) enum Decoder {
    Flate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(zstd::stream::raw::Decoder<'static>),
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// The number of input bytes read.
    pub(super) read: usize,
    /// The number of output bytes written.
    pub(super) written: usize,
    /// The coded data have ended.
    pub(super) ended: bool,
}

impl Decoder {
    /// Creates a decoder for data that starts with these bytes.
    pub(super) fn new(coding: ContentCoding, first: &[u8]) -> Result<Self, String> {
        Ok(match coding {
            ContentCoding::Gzip => Self::Flate(Decompress::new_gzip(DEFLATE_WINDOW)),
            ContentCoding::Deflate => Self::Flate(Decompress::new(is_zlib(first))),
            ContentCoding::Brotli => {
                let allocator = StandardAlloc::default;
                // `new_strict` rejects the large windows of up to 1 GiB, which are not part of the coding `br`.
                Self::Brotli(Box::new(BrotliState::new_strict(allocator(), allocator(), allocator())))
            }
            ContentCoding::Zstd => {
                let mut decoder = zstd::stream::raw::Decoder::new().map_err(|error| error.to_string())?;
                let limited = decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW));
                limited.map_err(|error| error.to_string())?;
                Self::Zstd(decoder)
            }
        })
    }

    /// Returns the decoder for the next member or frame, once one has ended.
    pub(super) fn again(self) -> Result<Self, String> {
        Ok(match self {
            Self::Flate(_) => Self::Flate(Decompress::new_gzip(DEFLATE_WINDOW)),
            Self::Zstd(mut decoder) => {
                decoder.reinit().map_err(|error| error.to_string())?;
                Self::Zstd(decoder)
            }
            Self::Brotli(_) => Self::new(ContentCoding::Brotli, &[])?,
        })
    }

    /// Decodes as much of the input as the output has room for. Without input, it writes what did not fit in the
    /// previous step.
    ///
    /// # Errors
    /// If the input is not valid in the coding: what is wrong.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
        match self {
            Self::Flate(decoder) => {
                let (in_before, out_before) = (decoder.total_in(), decoder.total_out());
                let status = decoder.decompress(input, output, FlushDecompress::None);
                let moved = |before: u64, after: u64| usize::try_from(after - before).unwrap_or(usize::MAX);
                let read = moved(in_before, decoder.total_in());
                let written = moved(out_before, decoder.total_out());
                match status {
                    Ok(status) => Ok(Step { read, written, ended: status == Status::StreamEnd }),
                    // The output before the error is valid; the next step returns the error again.
                    Err(_) if written > 0 => Ok(Step { read, written, ended: false }),
                    Err(error) => Err(error.to_string()),
                }
            }
            Self::Brotli(state) => {
                let (mut read, mut written) = (0, 0);
                let result = BrotliDecompressStream(
                    &mut input.len(),
                    &mut read,
                    input,
                    &mut output.len(),
                    &mut written,
                    output,
                    &mut 0,
                    state,
                );
                match result {
                    BrotliResult::ResultFailure if written == 0 => Err(format!("{:?}", state.error_code)),
                    result => {
                        Ok(Step { read, written, ended: matches!(result, BrotliResult::ResultSuccess) })
                    }
                }
            }
            Self::Zstd(decoder) => {
                let status = decoder.run_on_buffers(input, output).map_err(|error| error.to_string())?;
                Ok(Step {
                    read: status.bytes_read,
                    written: status.bytes_written,
                    ended: status.remaining == 0,
                })
            }
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flate(_) => "Flate",
            Self::Brotli(_) => "Brotli",
            Self::Zstd(_) => "Zstd",
        })
    }
}

/// Returns whether data starts with a zlib header (RFC 1950). Raw deflate has none.
fn is_zlib(first: &[u8]) -> bool {
    let [method, flags, ..] = *first else { return false };
    method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes([method, flags]).is_multiple_of(31)
}
