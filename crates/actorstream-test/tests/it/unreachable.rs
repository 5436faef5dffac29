//! Addresses that accept no connections.

use actorstream_test::{Blackhole, Reply, Upstream};

use std::io::ErrorKind;
use std::net::TcpStream;

#[test]
fn refused() {
    let url = Upstream::refused_url();
    let addr = url.strip_prefix("http://").unwrap().strip_suffix("/v1").unwrap();
    let error = TcpStream::connect(addr).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn swallowed() {
    let blackhole = Blackhole::new();
    assert!(blackhole.base_url().ends_with("/v1"));
    let mut connect = std::pin::pin!(tokio::net::TcpStream::connect(blackhole.addr()));
    // However often it is polled, the connection is neither made nor refused.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
        let looked = std::future::poll_fn(|context| {
            std::task::Poll::Ready(connect.as_mut().poll(context).is_pending())
        });
        assert!(looked.await);
    }
}

/// On a separate address, so that no other test takes the port meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn a_port_of_ones_own() {
    let builder = Upstream::builder().host([127, 0, 0, 77].into());
    let first = builder.clone().start(Reply::status(200)).unwrap();
    let port = first.addr().port();
    let builder = builder.port(port).backlog(1);
    let taken = builder.clone().start(Reply::status(200));
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(first);
    let again = builder.start(Reply::status(200)).unwrap();
    assert_eq!(again.base_url(), format!("http://127.0.0.77:{port}/v1"));
}
