//! Reads requests from a connection.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::chunked::ChunkedDecoder;
use crate::request::{Request, lists};

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 256 << 20;
const MAX_HEAD: usize = 1 << 20;
const MAX_HEADERS: usize = 256;

/// The reason why no request was read.
#[derive(Debug)]
pub(crate) enum NoRequest {
    /// The client closed the connection, or it broke.
    Gone,
    /// The request is to be answered with this status.
    Refused(u16),
}

/// Reads the next request. `buffer` holds bytes that were read before, and keeps surplus bytes. `writer` is for the
/// `100 Continue` that some clients wait for.
pub(crate) async fn read_request(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    buffer: &mut BytesMut,
    connection: usize,
) -> Result<Request, NoRequest> {
    let (mut request, length) = loop {
        if let Some((request, head)) = parse_head(buffer, connection)? {
            buffer.advance(head);
            break request;
        }
        if buffer.len() > MAX_HEAD {
            return Err(NoRequest::Refused(431));
        }
        read_more(reader, buffer).await?;
    };
    let expects = request.header("expect").is_some_and(|value| lists(value, "100-continue"));
    if expects && buffer.is_empty() {
        let go_on = writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
        go_on.map_err(|_| NoRequest::Gone)?;
    }
    request.body = match length {
        Length::Known(length) => read_known(reader, buffer, length).await?,
        Length::Chunked => read_chunked(reader, buffer).await?,
    };
    Ok(request)
}

/// The length of a request body.
#[derive(Clone, Copy, Debug)]
enum Length {
    Known(usize),
    Chunked,
}

/// Parses the head at the start of `buffer` if it is complete, and returns its length.
#[allow(clippy::type_complexity)]
fn parse_head(buffer: &[u8], connection: usize) -> Result<Option<((Request, Length), usize)>, NoRequest> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let head = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(NoRequest::Refused(431)),
        Err(_) => return Err(NoRequest::Refused(400)),
    };
    let (origin, path, query) = split_target(parsed.path.unwrap_or_default());
    let mut headers: Vec<(String, String)> = Vec::with_capacity(parsed.headers.len());
    for header in parsed.headers {
        let value = String::from_utf8_lossy(header.value).into_owned();
        headers.push((header.name.to_ascii_lowercase(), value));
    }
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        origin,
        path,
        query,
        headers,
        body: Bytes::new(),
        connection,
        index: 0,
    };
    let coding = request.header("transfer-encoding").unwrap_or_default();
    let length = match request.header("content-length") {
        _ if lists(coding, "chunked") => Length::Chunked,
        None => Length::Known(0),
        Some(value) => Length::Known(value.parse().map_err(|_| NoRequest::Refused(400))?),
    };
    Ok(Some(((request, length), head)))
}

/// Splits a request target into origin, path and query; a client of a proxy sends scheme and host.
fn split_target(target: &str) -> (Option<String>, String, Option<String>) {
    let (origin, target) = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            let end = scheme.len() + "://".len() + rest.find('/').unwrap_or(rest.len());
            (Some(target[..end].to_owned()), if end == target.len() { "/" } else { &target[end..] })
        }
        _ => (None, target),
    };
    match target.split_once('?') {
        Some((path, query)) => (origin, path.to_owned(), Some(query.to_owned())),
        None => (origin, target.to_owned(), None),
    }
}

async fn read_known(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    length: usize,
) -> Result<Bytes, NoRequest> {
    if length > MAX_BODY {
        return Err(NoRequest::Refused(413));
    }
    while buffer.len() < length {
        read_more(reader, buffer).await?;
    }
    // Copied, so that a recorded request does not keep the whole read buffer.
    let body = Bytes::copy_from_slice(&buffer[..length]);
    buffer.advance(length);
    Ok(body)
}

async fn read_chunked(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<Bytes, NoRequest> {
    let (mut decoder, mut body) = (ChunkedDecoder::new(), BytesMut::new());
    loop {
        let fed = decoder.feed(buffer, |data| body.extend_from_slice(data));
        buffer.advance(fed.map_err(|_| NoRequest::Refused(400))?);
        if decoder.is_done() {
            return Ok(body.freeze());
        }
        if body.len() > MAX_BODY {
            return Err(NoRequest::Refused(413));
        }
        read_more(reader, buffer).await?;
    }
}

async fn read_more(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<(), NoRequest> {
    // Small at first, because thousands of connections may wait here.
    buffer.reserve(if buffer.is_empty() { 1 << 10 } else { 64 << 10 });
    match reader.read_buf(buffer).await {
        Ok(0) | Err(_) => Err(NoRequest::Gone),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::split_target;

    #[test]
    fn targets_are_split() {
        let split = |target| {
            let (origin, path, query) = split_target(target);
            format!("{}{path} {query:?}", origin.map(|origin| origin + " ").unwrap_or_default())
        };
        assert_eq!(split("/v1/models"), "/v1/models None");
        assert_eq!(split("/a?b=c?d"), "/a Some(\"b=c?d\")");
        assert_eq!(split("http://host:1/a?b"), "http://host:1 /a Some(\"b\")");
        assert_eq!(split("http://host"), "http://host / None");
        assert_eq!(split("/a?to=http://b/c"), "/a Some(\"to=http://b/c\")");
    }
}
