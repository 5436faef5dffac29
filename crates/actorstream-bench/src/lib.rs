//! Measures actorstream beside its peers: user-space instructions and allocations per event (by callgrind, which
//! repeats), CPU time per event, and resident memory per open stream. `run.sh` runs all of it; `docs/performance.md` is what it
//! found.
//!
//! * [`corpus`]: the events, the same for everybody, and how they are cut into reads.
//! * [`decode`] and [`typed`]: bytes → frames, and bytes → typed events, in memory; each with its peers.
//! * [`shapes`]: events of every shape that servers send ([`shape`]), with a peer.
//! * [`json`]: JSON that arrives in pieces, parsed as it comes and parsed again and again.
//! * [`client`]: socket → whoever takes the events; each client with its peers.
//! * [`plan`]: what the loopback server is to send, which a client asks for in the path of its base URL.
//! * [`usage`]: what the process has used; [`callgrind`]: what another one does; [`process`]: the others.
//!
//! * [`stamp`]: the time at which an event was sent, which tells for how long it was under way.
//! * `relay`: the relay as a gateway, beside others.
//!
//! The binaries: `server` and `client` are the two ends of a socket, each a process of its own so that one is
//! measured without the other; `off` is a client with each thing off and on; `decode` does the work in memory; `report`
//! runs them and writes the table. `guard` compares what `decode` takes with what is recorded, and needs neither sockets
//! nor peers to be built.
//! The benches (`cargo bench`) time the work in memory.

pub mod callgrind;
#[cfg(feature = "sockets")]
pub mod client;
pub mod corpus;
pub mod decode;
pub mod json;
pub mod plan;
pub mod process;
#[cfg(feature = "relay")]
pub mod relay;
#[path = "../../actorstream-properties/src/shapes.rs"]
pub mod shape;
pub mod shapes;
pub mod stamp;
pub mod typed;
pub mod usage;

/// A count below a million, with a comma after the thousands.
pub fn thousands(count: f64) -> String {
    let count = count.round() as u64;
    if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) }
}

/// Whatever went wrong; a measurement has nothing to decide by it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
