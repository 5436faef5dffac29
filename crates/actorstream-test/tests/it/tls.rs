//! TLS, and its failures.

use actorstream_test::{Gate, Reply, Script, TestCa, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use std::io;
use std::sync::Arc;

async fn connect(upstream: &Upstream, ca: &TestCa) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(ca.der())).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let socket = TcpStream::connect(upstream.addr()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await
}

async fn ask(client: &mut TlsStream<TcpStream>) -> (String, io::Result<usize>) {
    let request = b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut answer = String::new();
    let end = client.read_to_string(&mut answer).await;
    (answer, end)
}

fn upstream(ca: &TestCa, script: impl Into<Script>) -> Upstream {
    let identity = ca.identity(&["localhost", "127.0.0.1"]);
    Upstream::builder().tls(&identity).spawn(script).unwrap()
}

#[tokio::test]
async fn answers_and_says_goodbye() {
    let ca = TestCa::new();
    assert!(ca.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    let upstream = upstream(&ca, Reply::sse().event("a").done());
    assert!(upstream.url().starts_with("https://127.0.0.1:"));
    let mut client = connect(&upstream, &ca).await.unwrap();
    let (answer, end) = ask(&mut client).await;
    assert!(answer.ends_with("data: [DONE]\n\n\r\n"), "{answer}");
    assert_eq!(end.unwrap(), answer.len());
    assert_eq!(upstream.bytes_written(), answer.len() as u64);
}

#[tokio::test]
async fn a_close_without_notice() {
    let ca = TestCa::new();
    let upstream = upstream(&ca, Reply::sse_until_close().event("a").cut());
    let mut client = connect(&upstream, &ca).await.unwrap();
    let (_, end) = ask(&mut client).await;
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_reset() {
    let ca = TestCa::new();
    let gate = Gate::new();
    let upstream = upstream(&ca, Reply::sse().gate(&gate).reset());
    let mut client = connect(&upstream, &ca).await.unwrap();
    gate.open();
    let (_, end) = ask(&mut client).await;
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_client_going_away_is_noticed() {
    let ca = TestCa::new();
    let upstream = upstream(&ca, Reply::sse().hold());
    let client = connect(&upstream, &ca).await.unwrap();
    drop(client);
    upstream.peer_closed(0).await;
    upstream.all_closed().await;
}

#[tokio::test]
async fn garbage_instead_of_a_handshake() {
    let ca = TestCa::new();
    let garbage = Reply::raw().bytes("HTTP/1.1 400 Bad Request\r\n\r\n");
    let upstream = upstream(&ca, Script::on_accept(garbage));
    let error = connect(&upstream, &ca).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_handshake_that_is_late() {
    let ca = TestCa::new();
    let gate = Gate::new();
    let upstream = upstream(&ca, Script::on_accept(Reply::raw().gate(&gate)));
    let client = async {
        let mut client = connect(&upstream, &ca).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    };
    let open = async {
        gate.reached().await;
        // The client's first message arrives before the gate opens, and is buffered by the connection.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        gate.open();
    };
    tokio::join!(client, open);
}

#[tokio::test]
async fn certificates_that_are_no_good() {
    let ca = TestCa::new();
    let other = TestCa::new();
    for identity in [
        ca.expired_identity(&["localhost"]),
        ca.identity(&["elsewhere.example"]),
        other.identity(&["localhost"]),
    ] {
        assert!(identity.key_pem().contains("PRIVATE KEY"));
        let upstream = Upstream::builder().tls(&identity).spawn(Reply::status(200)).unwrap();
        let error = connect(&upstream, &ca).await.unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
        upstream.peer_closed(0).await;
        upstream.all_closed().await;
    }
}
