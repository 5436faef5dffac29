//! A proxy between a store and its Redis, which loses data on request.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// A running proxy, which stops accepting on drop.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    control: Arc<Control>,
}

#[derive(Default)]
struct Control {
    over: AtomicBool,
    /// Whether messages of channels are dropped.
    deaf: AtomicBool,
    /// The loss for the next request that contains these bytes.
    marked: Mutex<Option<(Vec<u8>, Loss)>>,
    /// The random numbers that determine after how many replies a connection is cut.
    dice: Mutex<Option<fastrand::Rng>>,
    cuts: AtomicU32,
}

/// The data that a cut connection loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The second half of the request.
    Request,
    /// The reply.
    Reply,
}

impl Proxy {
    /// Starts a proxy for this port of the loopback interface.
    pub(crate) fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let control = Arc::new(Control::default());
        let shared = Arc::clone(&control);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(server) = TcpStream::connect(("127.0.0.1", to)) {
                    join(client, server, &shared);
                }
            }
        });
        Self { port, control }
    }

    /// Cuts the connection of the next request that contains these bytes.
    pub(crate) fn cut_at(&self, bytes: &str, loss: Loss) {
        *self.control.marked.lock().unwrap() = Some((bytes.as_bytes().to_vec(), loss));
    }

    /// From now on, loses replies and cuts their connections at random, with this seed.
    pub(crate) fn cut_at_random(&self, seed: u64) {
        println!("the seed of the cuts is {seed}");
        *self.control.dice.lock().unwrap() = Some(fastrand::Rng::with_seed(seed));
    }

    /// Sets whether messages of channels are dropped.
    pub(crate) fn deaf(&self, deaf: bool) {
        self.control.deaf.store(deaf, Ordering::Relaxed);
    }

    /// Returns the number of connections that were cut.
    pub(crate) fn cuts(&self) -> u32 {
        self.control.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.control.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Copies in both directions, each on a thread, until one side closes or the connection is cut.
fn join(client: TcpStream, server: TcpStream, control: &Arc<Control>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let lose_reply = Arc::new(AtomicBool::new(false));
    let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (shared, lose) = (Arc::clone(control), Arc::clone(&lose_reply));
    std::thread::spawn(move || {
        copy(from_client, to_server, |chunk| match shared.loss(chunk) {
            Some(Loss::Request) => Some(chunk.len() / 2),
            Some(Loss::Reply) => {
                lose.store(true, Ordering::SeqCst);
                None
            }
            None => None,
        });
    });
    let shared = Arc::clone(control);
    std::thread::spawn(move || {
        let mut left = shared.throw();
        copy(server, client, |chunk| {
            if shared.deaf.load(Ordering::Relaxed)
                && chunk.windows(11).any(|window| window == b"\r\nmessage\r\n")
            {
                chunk.clear();
            }
            left = left.saturating_sub(1);
            if left == 0 || lose_reply.load(Ordering::SeqCst) {
                shared.cuts.fetch_add(1, Ordering::Relaxed);
                return Some(0);
            }
            None
        });
    });
}

/// Copies until the end. `cut` may change a chunk, and returns after how many bytes of it to cut the connection.
fn copy(mut from: TcpStream, mut to: TcpStream, mut cut: impl FnMut(&mut Vec<u8>) -> Option<usize>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let mut chunk = buffer[..read].to_vec();
        let cut = cut(&mut chunk);
        if to.write_all(&chunk[..cut.unwrap_or(chunk.len())]).is_err() || cut.is_some() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

impl Control {
    fn loss(&self, chunk: &[u8]) -> Option<Loss> {
        let mut marked = self.marked.lock().unwrap();
        let (bytes, loss) = marked.as_ref()?;
        let loss = *loss;
        if !chunk.windows(bytes.len()).any(|window| window == bytes) {
            return None;
        }
        *marked = None;
        if loss == Loss::Request {
            self.cuts.fetch_add(1, Ordering::Relaxed);
        }
        Some(loss)
    }

    /// Returns after how many replies a new connection is cut.
    fn throw(&self) -> u32 {
        let mut dice = self.dice.lock().unwrap();
        dice.as_mut().map_or(u32::MAX, |dice| dice.u32(6..40))
    }
}
