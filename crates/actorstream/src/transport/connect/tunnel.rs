//! A tunnel through a proxy (`CONNECT`).

use actorstream_proto::outcome::error::ErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::settings::base_url::BaseUrl;
use crate::transport::connect::proxy::Proxy;
use crate::transport::connect::stream::Stream;
use crate::transport::response_head::{HeadState, head_end, look, status};

/// How much of the proxy's response is read at a time.
const READ: usize = 512;

/// Asks the proxy at the other end of `stream` for a tunnel to a server. The head of its response may be `limit`
/// bytes long.
pub(crate) async fn open(
    mut stream: Stream,
    proxy: &Proxy,
    target: &BaseUrl,
    limit: usize,
) -> Result<Stream, ErrorKind> {
    let to = format!("{}:{}", target.host, target.port);
    let agent = concat!("actorstream/", env!("CARGO_PKG_VERSION"));
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\nuser-agent: {agent}\r\n");
    if let Some(authorization) = proxy.authorization() {
        request.push_str("proxy-authorization: ");
        request.push_str(authorization);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let broke = |error| proxy.failed(format_args!("broke the connection: {error}"));
    stream.write_all(request.as_bytes()).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;

    let (mut head, mut removed) = (Vec::new(), 0);
    loop {
        let mut bytes = [0; READ];
        let len = stream.read(&mut bytes).await.map_err(broke)?;
        head.extend_from_slice(&bytes[..len]);
        match look(&mut head, &mut removed, limit) {
            Ok(HeadState::Whole) => break,
            Ok(HeadState::More) if len > 0 => {}
            Ok(HeadState::More) => {
                return Err(proxy.failed(if head.is_empty() {
                    "closed the connection before it answered"
                } else {
                    "closed the connection in the middle of its answer"
                }));
            }
            Err(_) => {
                let what = format_args!("answered with a head of more than {limit} bytes");
                return Err(proxy.failed(what));
            }
        }
    }
    match status(&head) {
        Some(200..300) if head_end(&head) == Some(head.len()) => Ok(stream),
        // The server does not speak first, so this is not from the server.
        Some(200..300) => Err(proxy.failed("answered with more than the head of a tunnel")),
        // tinyproxy's status for a wrong password; no request has reached a server yet.
        Some(401) => Err(proxy.refused(407, target)),
        Some(status) => Err(proxy.refused(status, target)),
        None => Err(proxy.failed("did not answer with HTTP/1; is it a proxy?")),
    }
}
