//! The service from which awc obtains connections.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::session::timeouts::Timeout;
use awc::http::Uri;

use crate::transport::connect::connections::Connections;
use crate::transport::connect::{ConnectSettings, connect};
use crate::transport::http::exchange::Exchange;
use crate::transport::http::io::Io;

/// Opens connections: DNS, TCP, proxy and TLS, all within the connect timeout of the request.
#[derive(Debug, Clone)]
pub(crate) struct ConnectService {
    pub(crate) settings: Arc<ConnectSettings>,
    /// The connection pool.
    pub(crate) connections: Rc<Connections>,
}

impl Service<ConnectInfo<Uri>> for ConnectService {
    type Response = Connection<Uri, Io>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, request: ConnectInfo<Uri>) -> Self::Future {
        let Self { settings, connections } = self.clone();
        Box::pin(async move {
            let Some(exchange) = Exchange::current() else {
                return Err(ConnectError::Io(io::Error::other("asked outside an exchange")));
            };
            let kept = exchange.may_use_kept().then(|| connections.take(exchange.base_url())).flatten();
            if let Some(stream) = kept {
                exchange.stream.replace(Some(stream));
                return Ok(Connection::new(request.request().clone(), Io::new(&exchange)));
            }
            exchange.connected.set(true);
            let connecting = connect(&settings, exchange.base_url(), exchange.head_limit());
            let connected = match exchange.connect_timeout() {
                Some(after) => match tokio::time::timeout(after, connecting).await {
                    Ok(connected) => connected,
                    Err(_) => Err(ErrorKind::Timeout { timeout: Timeout::Connect, after }),
                },
                None => connecting.await,
            };
            match connected {
                Ok(stream) => {
                    exchange.stream.replace(Some(stream));
                    Ok(Connection::new(request.request().clone(), Io::new(&exchange)))
                }
                Err(kind) => {
                    exchange.fail(kind);
                    Err(ConnectError::Unresolved)
                }
            }
        })
    }
}
