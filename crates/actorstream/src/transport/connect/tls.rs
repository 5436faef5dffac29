//! TLS: rustls with ALPN `http/1.1`, and the trusted certificates.

use std::sync::{Arc, OnceLock};
use std::{fmt, io};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::transport::connect::stream::Stream;

/// The trusted certificates. The configuration is built for the first TLS connection: loading the system's
/// certificates takes some milliseconds, which plain connections avoid.
#[derive(Clone, Default)]
pub(crate) struct TlsSettings {
    extra: Vec<CertificateDer<'static>>,
    only_extra: bool,
    /// The client's certificate with its chain, and its key.
    identity: Option<Arc<Identity>>,
    built: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
}

/// The client's certificate with its chain, and its private key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl TlsSettings {
    /// Sets the client's certificate with its chain, and its key, in PEM. The errors contain no part of either.
    pub(crate) fn set_identity(&mut self, chain: &[u8], key: &[u8]) -> Result<(), String> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| "the client certificate is not valid PEM".to_owned())?;
        if chain.is_empty() {
            return Err("the client certificate holds no BEGIN CERTIFICATE".into());
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| "the key of the client certificate is not a private key in PEM".to_owned())?;
        self.identity = Some(Arc::new(Identity { chain, key }));
        self.built = Arc::default();
        // Report a key that does not match the certificate now, not at the first connection.
        self.config().map(drop)
    }

    /// Trusts the certificates of a PEM file in addition to the usual ones.
    pub(crate) fn add_pem(&mut self, pem: &[u8]) -> Result<(), String> {
        let before = self.extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.extra
                .push(certificate.map_err(|error| format!("the CA certificate is not valid PEM: {error}"))?);
        }
        if self.extra.len() == before {
            return Err("the CA certificate holds no BEGIN CERTIFICATE".into());
        }
        self.built = Arc::default();
        Ok(())
    }

    /// Trusts only the added certificates.
    pub(crate) fn only_extra(&mut self) {
        self.only_extra = true;
        self.built = Arc::default();
    }

    /// Returns the configuration; the first call builds it.
    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.built.get_or_init(|| self.build().map(Arc::new)).clone()
    }

    /// Performs the handshake with a server or a proxy, verifying the name or address in its URL.
    pub(crate) async fn handshake(&self, stream: Stream, host: &str, port: u16) -> Result<Stream, String> {
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|_| format!("{host} is not a valid name for TLS"))?;
        let connector = TlsConnector::from(self.config()?);
        match connector.connect(name, stream).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) => Err(format!("no TLS connection to {host}:{port}: {}", explain(&error))),
        }
    }

    fn build(&self) -> Result<ClientConfig, String> {
        let mut roots = RootCertStore::empty();
        if !self.only_extra {
            #[cfg(feature = "webpki-roots")]
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            #[cfg(feature = "native-roots")]
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        for certificate in &self.extra {
            let added = roots.add(certificate.clone());
            added.map_err(|error| format!("the CA certificate cannot be used: {error}"))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let mut config = match self.identity.as_deref() {
            None => config.with_no_client_auth(),
            Some(Identity { chain, key }) => config
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| format!("the client certificate cannot be used: {error}"))?,
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("extra_certificates", &self.extra.len())
            .field("only_extra", &self.only_extra)
            .field("client_certificate", &self.identity.is_some())
            .finish()
    }
}

/// Describes a TLS error and what to do.
fn explain(error: &io::Error) -> String {
    let rustls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match rustls {
        Some(rustls::Error::InvalidCertificate(certificate)) => {
            format!(
                "the server's certificate is not valid: {certificate}; for a private CA add its certificate"
            )
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "the server does not speak TLS; should it be http://?".into()
        }
        _ => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "the server closed the connection in the handshake".into()
            }
            _ => error.to_string(),
        },
    }
}
