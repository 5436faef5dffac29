//! Certificates made on the spot, and the TLS side of a connection.

use bytes::{Buf, Bytes};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::connection::Socket;

/// A certificate authority made on the spot, for a client to trust.
///
/// ```
/// use actorstream_test::{Reply, TestCa, Upstream};
///
/// let ca = TestCa::new();
/// let identity = ca.identity(&["localhost", "127.0.0.1"]);
/// let upstream = Upstream::builder()
///     .tls(&identity)
///     .start(Reply::sse().done().end())?;
/// assert!(upstream.url().starts_with("https://127.0.0.1:"));
/// // Now have the client trust `ca.der()` or `ca.pem()`.
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

const MAKES: &str = "these parameters make a certificate";

impl TestCa {
    /// A new authority with a key of its own.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "actorstream-test authority");
        let key = KeyPair::generate().expect(MAKES);
        let issuer = CertifiedIssuer::self_signed(params, key).expect(MAKES);
        Self { issuer }
    }

    /// Its certificate as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its certificate as DER.
    pub fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// A server with a certificate for these DNS names and IP addresses, signed by the authority.
    ///
    /// # Panics
    ///
    /// If a name is none.
    #[track_caller]
    pub fn identity(&self, names: &[&str]) -> ServerIdentity {
        self.sign(Self::server(names))
    }

    /// A server whose certificate expired years ago.
    ///
    /// # Panics
    ///
    /// If a name is none.
    #[track_caller]
    pub fn expired_identity(&self, names: &[&str]) -> ServerIdentity {
        let mut params = Self::server(names);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        self.sign(params)
    }

    #[track_caller]
    fn server(names: &[&str]) -> CertificateParams {
        let owned: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = match CertificateParams::new(owned) {
            Ok(params) => params,
            Err(error) => panic!("{names:?} are no names for a certificate: {error}"),
        };
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "actorstream-test server");
        params
    }

    fn sign(&self, params: CertificateParams) -> ServerIdentity {
        let key = KeyPair::generate().expect(MAKES);
        let certificate = params.signed_by(&key, &self.issuer).expect(MAKES);
        let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], secret)
            })
            .expect("a certificate and its key make a server");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        ServerIdentity { config: Arc::new(config), certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Default for TestCa {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TestCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestCa").finish_non_exhaustive()
    }
}

/// A certificate of a server and its key, made by [`TestCa::identity`]. Offers TLS 1.2 and 1.3,
/// and `http/1.1` as the only protocol.
#[derive(Clone)]
pub struct ServerIdentity {
    config: Arc<ServerConfig>,
    certificate: String,
    key: String,
}

impl ServerIdentity {
    /// The certificate as PEM, for a server of your own.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The private key as PEM (PKCS #8).
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// Shakes hands on a connection from which `read` was read already.
    pub(crate) async fn handshake(&self, socket: TcpStream, read: Bytes) -> io::Result<TlsStream<Rewound>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        acceptor.accept(Rewound { read, socket }).await
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity").finish_non_exhaustive()
    }
}

impl Socket for TlsStream<Rewound> {
    fn tcp(&self) -> &TcpStream {
        &self.get_ref().0.socket
    }
}

/// A connection that gives once more what was read from it.
#[derive(Debug)]
pub(crate) struct Rewound {
    read: Bytes,
    socket: TcpStream,
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.socket).poll_read(context, buffer);
        }
        let length = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..length]);
        self.read.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
