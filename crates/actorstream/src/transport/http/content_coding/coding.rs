//! `ContentCoding`: the names of the codings.

/// A content coding that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentCoding {
    /// `gzip` or `x-gzip` (RFC 1952).
    Gzip,
    /// `deflate`: zlib (RFC 1950), or raw deflate (RFC 1951), which servers send by the same name.
    Deflate,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
}

/// The maximum number of codings of one body. Two occur if both a server and its proxy compress; each takes up to 16
/// MiB.
const MOST: usize = 3;

impl ContentCoding {
    /// Parses a `Content-Encoding` into its codings, in the order in which they were applied.
    ///
    /// # Errors
    /// If one cannot be decoded, or there are too many: what to do about it.
    pub(super) fn parse_list(codings: &str) -> Result<Vec<Self>, &'static str> {
        let codings: Option<Vec<Self>> = codings.split(',').map(|name| Self::parse(name.trim())).collect();
        match codings {
            Some(codings) if codings.len() <= MOST => Ok(codings),
            Some(_) => {
                Err("up to 3 codings are decoded; have the server, or the proxy before it, send identity")
            }
            None => Err(
                "gzip, deflate, br and zstd are decoded; have the server, or the proxy before it, send identity",
            ),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match () {
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("deflate") => Some(Self::Deflate),
            () if is("br") => Some(Self::Brotli),
            () if is("zstd") => Some(Self::Zstd),
            () => None,
        }
    }

    /// Returns whether a body may consist of several units of this coding: gzip members, zstd frames.
    #[cfg(feature = "compress")]
    pub(super) fn may_follow_itself(self) -> bool {
        matches!(self, Self::Gzip | Self::Zstd)
    }

    /// Returns the name for errors.
    #[cfg(feature = "compress")]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_listed_in_the_order_of_their_application() {
        let parse = ContentCoding::parse_list;
        assert_eq!(parse("gzip"), Ok(vec![ContentCoding::Gzip]));
        assert_eq!(parse("Deflate , BR"), Ok(vec![ContentCoding::Deflate, ContentCoding::Brotli]));
        assert_eq!(parse("x-gzip,ZSTD,br").unwrap().len(), 3);
        for wrong in ["compress", "gzip, foo", "", "gzip, gzip, gzip, gzip"] {
            assert!(parse(wrong).unwrap_err().contains("identity"), "{wrong}");
        }
    }
}
