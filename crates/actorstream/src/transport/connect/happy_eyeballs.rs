//! Connects to the first of several addresses that answers (RFC 8305), so that an unreachable one costs little.
//!
//! The addresses are sorted by the operating system (RFC 6724). The DNS lookup comes first: it returns the addresses
//! of both families at once.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use actix_rt::net::TcpStream;
use actix_rt::time::sleep;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;

/// How long an address may be silent before the next one is tried in parallel.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to one of these addresses. The losing attempts are dropped.
///
/// # Errors
/// With the outcome of each attempt, if all failed.
pub(crate) async fn connect(addresses: Vec<SocketAddr>) -> Result<TcpStream, Vec<(SocketAddr, io::Error)>> {
    let mut waiting = alternate(addresses).into_iter().peekable();
    let mut attempts = FuturesUnordered::new();
    let mut failed = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            attempts.push(async move { (address, TcpStream::connect(address).await) });
        }
        let more = waiting.peek().is_some();
        let delay = pin!(async { if more { sleep(ATTEMPT_DELAY).await } else { pending().await } });
        match select(attempts.next(), delay).await {
            Either::Left((Some((_, Ok(stream))), _)) => return Ok(stream),
            Either::Left((Some((address, Err(error))), _)) => {
                failed.push((address, error));
                if attempts.is_empty() && !more {
                    return Err(failed);
                }
            }
            // There was no address.
            Either::Left((None, _)) => return Err(failed),
            Either::Right(((), _)) => {}
        }
    }
}

/// Alternates between the families of the addresses, starting with the first one's; within a family the order is
/// kept.
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let count = addresses.len();
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else { return addresses };
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut turns = Vec::with_capacity(count);
    while turns.len() < count {
        turns.extend(one.next());
        turns.extend(other.next());
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_families_take_turns() {
        for (given, turns) in [
            (
                &["[::1]:1", "[::2]:1", "1.0.0.1:1", "1.0.0.2:1"][..],
                &["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1"][..],
            ),
            (
                &["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1", "[::1]:1"],
                &["1.0.0.1:1", "[::1]:1", "1.0.0.2:1", "1.0.0.3:1"],
            ),
            (&["1.0.0.2:1", "1.0.0.1:1"], &["1.0.0.2:1", "1.0.0.1:1"]),
            (&[], &[]),
        ] {
            assert_eq!(alternate(addresses(given)), addresses(turns));
        }
    }
}
