//! `Decoder`: the libraries that decode, behind one function.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Operation as _};

use super::coding::ContentCoding;

/// The base-2 logarithm of the largest window of deflate (RFC 1951).
const DEFLATE_WINDOW: u8 = 15;

/// The same of zstd in HTTP: 8 MiB (RFC 9659).
const ZSTD_WINDOW: u32 = 23;

/// Decodes one coding. What it holds is bounded: a window of 32 KiB for gzip and deflate, of 8 MiB for zstd, of 16 MiB for
/// brotli, each no larger than the body says.
pub(super) enum Decoder {
    Flate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(zstd::stream::raw::Decoder<'static>),
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// How many bytes of the input were read.
    pub(super) read: usize,
    /// How many bytes of the output were written.
    pub(super) written: usize,
    /// The coded data have ended.
    pub(super) ended: bool,
}

impl Decoder {
    /// A decoder of data that begin with these bytes.
    pub(super) fn new(coding: ContentCoding, first: &[u8]) -> Result<Self, String> {
        Ok(match coding {
            ContentCoding::Gzip => Self::Flate(Decompress::new_gzip(DEFLATE_WINDOW)),
            ContentCoding::Deflate => Self::Flate(Decompress::new(is_zlib(first))),
            ContentCoding::Brotli => {
                let allocator = StandardAlloc::default;
                // Without the large windows of up to 1 GiB, which the coding `br` has not.
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

    /// The decoder of more data of the same coding, behind the end of some.
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

    /// Decodes as much of the input as there is room for in the output. Without input it writes what it had no room for in the
    /// step before.
    ///
    /// # Errors
    /// When the input is not in the coding: what is wrong.
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
                    // What stands before it counts; the error comes again.
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

/// Whether data begin with the header of zlib, as RFC 1950 says; raw deflate has none.
fn is_zlib(first: &[u8]) -> bool {
    let [method, flags, ..] = *first else { return false };
    method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes([method, flags]).is_multiple_of(31)
}
