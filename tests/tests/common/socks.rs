//! A SOCKS5 proxy for tests that records the requested addresses and connects all of them to one server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// How the proxy treats its clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// The required user and password.
    pub(crate) login: Option<(&'static str, &'static str)>,
    /// The replies to the requests, in order: 0 connects. Later ones get the last of these.
    pub(crate) replies: Vec<u8>,
}

/// A proxy on the runtime of the test.
pub(crate) struct Socks {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Socks {
    pub(crate) async fn start(to: SocketAddr, rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, to, rules.clone(), Arc::clone(&noted)));
            }
        });
        Self { addr, asked, task }
    }

    /// Returns the requested addresses so far: `name NAME:PORT` or `address ADDRESS:PORT`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Socks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn bytes(socket: &mut TcpStream, count: u8) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count.into()];
    socket.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

async fn counted(socket: &mut TcpStream) -> Option<String> {
    let count = socket.read_u8().await.ok()?;
    String::from_utf8(bytes(socket, count).await?).ok()
}

async fn serve(
    mut socket: TcpStream,
    to: SocketAddr,
    rules: Rules,
    asked: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let [5, count] = bytes(&mut socket, 2).await?[..] else { return None };
    let methods = bytes(&mut socket, count).await?;
    let method = if rules.login.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        socket.write_all(&[5, 0xff]).await.ok()?;
        return None;
    }
    socket.write_all(&[5, method]).await.ok()?;
    if let Some((user, password)) = rules.login {
        socket.read_u8().await.ok()?;
        let is_right = counted(&mut socket).await? == user && counted(&mut socket).await? == password;
        socket.write_all(&[1, u8::from(!is_right)]).await.ok()?;
        if !is_right {
            return None;
        }
    }
    let [5, 1, 0, kind] = bytes(&mut socket, 4).await?[..] else { return None };
    let host = match kind {
        1 => format!("address {}", std::net::Ipv4Addr::from(socket.read_u32().await.ok()?)),
        3 => format!("name {}", counted(&mut socket).await?),
        4 => format!("address [{}]", std::net::Ipv6Addr::from(socket.read_u128().await.ok()?)),
        _ => return None,
    };
    let port = socket.read_u16().await.ok()?;
    let reply = {
        let mut asked = asked.lock().unwrap();
        asked.push(format!("{host}:{port}"));
        rules.replies.get(asked.len() - 1).or(rules.replies.last()).copied().unwrap_or_default()
    };
    socket.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    if reply == 0 {
        let mut server = TcpStream::connect(to).await.ok()?;
        copy_bidirectional(&mut socket, &mut server).await.ok()?;
    }
    Some(())
}
