//! Certificates generated for tests, and the TLS side of a connection.

use bytes::{Buf, Bytes};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::connection::Socket;

/// A certificate authority generated for a test, for a client to trust.
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
    /// Creates an authority with a new key.
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

    /// Creates a server identity with a certificate for these DNS names and IP addresses, signed by the authority.
    ///
    /// # Panics
    ///
    /// If a name is invalid.
    #[track_caller]
    pub fn identity(&self, names: &[&str]) -> ServerIdentity {
        self.sign(Self::server(names))
    }

    /// Creates a server identity whose certificate expired years ago.
    ///
    /// # Panics
    ///
    /// If a name is invalid.
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
            Err(error) => panic!("{names:?} are not valid names for a certificate: {error}"),
        };
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "actorstream-test server");
        params
    }

    /// Creates a certificate and key for a client, both as PEM, signed by the authority.
    pub fn client_certificate(&self) -> (String, String) {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name.push(DnType::CommonName, "actorstream-test client");
        let key = KeyPair::generate().expect(MAKES);
        let certificate = params.signed_by(&key, &self.issuer).expect(MAKES);
        (certificate.pem(), key.serialize_pem())
    }

    fn sign(&self, params: CertificateParams) -> ServerIdentity {
        let key = KeyPair::generate().expect(MAKES);
        let certificate = params.signed_by(&key, &self.issuer).expect(MAKES);
        let config = server_config(WebPkiClientVerifier::no_client_auth(), certificate.der().clone(), &key);
        ServerIdentity { config, certificate, key: Arc::new(key) }
    }
}

fn server_config(
    clients: Arc<dyn ClientCertVerifier>,
    certificate: CertificateDer<'static>,
    key: &KeyPair,
) -> Arc<ServerConfig> {
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_client_cert_verifier(clients).with_single_cert(vec![certificate], secret)
        })
        .expect("a certificate and its key make a server");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
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

/// A server's certificate and key, created by [`TestCa::identity`]. It offers TLS 1.2 and 1.3, and `http/1.1` as the
/// only protocol.
#[derive(Clone)]
pub struct ServerIdentity {
    config: Arc<ServerConfig>,
    certificate: Certificate,
    key: Arc<KeyPair>,
}

impl ServerIdentity {
    /// The certificate as PEM, for another server.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key as PEM (PKCS #8).
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Creates the identity of a server that accepts only clients with a certificate of this authority; see
    /// [`TestCa::client_certificate`].
    #[must_use]
    pub fn requiring_clients_of(&self, ca: &TestCa) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(ca.issuer.der().clone()).expect("the authority's certificate is one");
        let provider = Arc::new(ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let clients = clients.build().expect("the authority is the root of clients");
        let config = server_config(clients, self.certificate.der().clone(), &self.key);
        Self { config, ..self.clone() }
    }

    /// Performs the handshake on a connection from which `read` was already read.
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

/// A connection that replays what was read from it.
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
