//! A redis-server for one test, in a separate directory.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actorstream_web::store::{RedisOptions, RedisStore, StoreLimits};

/// A running redis-server, which is stopped on drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Returns a number that no other test has.
pub(crate) fn number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

impl Server {
    /// Starts a server that stores nothing on disk.
    pub(crate) fn start() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// Starts a server that writes each command to its append-only file before it replies.
    pub(crate) fn durable() -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts a server with these arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let directory =
            std::env::temp_dir().join(format!("actorstream-redis-{}-{}", std::process::id(), number()));
        std::fs::create_dir_all(&directory).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        // Another process may take the port first.
        for _ in 0..10 {
            let port = free_port();
            let mut server = Self {
                child: spawn(port, &directory, &arguments),
                port,
                directory: directory.clone(),
                arguments: arguments.clone(),
            };
            if server.answers() {
                return server;
            }
        }
        panic!("redis-server (Debian package redis-server) did not start in {}", directory.display());
    }

    /// Waits until it answers. Returns `false` if it has exited.
    fn answers(&mut self) -> bool {
        for _ in 0..400 {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if ["PONG", "NOAUTH"].iter().any(|answer| self.command(&["PING"]).contains(answer)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("redis-server does not answer");
    }

    /// Returns the output of redis-cli for a command. It uses the socket in the server's directory, where no other
    /// server listens.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("redis-cli").arg("-s").arg(socket(&self.directory)).args(arguments).output();
        let output = output.expect("redis-cli (Debian package redis-tools) runs");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Kills it, and restarts it after a pause.
    pub(crate) fn restart(&mut self, pause: Duration) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::thread::sleep(pause);
        self.child = spawn(self.port, &self.directory, &self.arguments);
        assert!(self.answers(), "redis-server comes back");
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Returns its URL, with an unused prefix.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Returns an empty store.
    pub(crate) async fn store(&self) -> RedisStore {
        store(&self.url(), StoreLimits::default()).await
    }
}

/// Returns a free port outside the range of outgoing connections, so that a restarted server finds it free.
pub(crate) fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| fastrand::u16(10_000..32_000));
    ports.take(1000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port is free")
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("socket")
}

/// Returns the URL of the server on this port, with an unused prefix.
pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/0?prefix=t{}", number())
}

/// Returns a store with timeouts for a busy machine.
pub(crate) async fn store(url: &str, limits: StoreLimits) -> RedisStore {
    let options = RedisOptions::new(url).limits(limits).operation_timeout(Duration::from_secs(20));
    options.connect().await.unwrap()
}

/// Returns the server's program: `REDIS_SERVER`, or the one on the path.
pub(crate) fn program() -> std::ffi::OsString {
    std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

fn spawn(port: u16, directory: &Path, arguments: &[String]) -> Child {
    // A killed server leaves its socket behind.
    let _ = std::fs::remove_file(socket(directory));
    Command::new(program())
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
        .arg(directory)
        .arg("--unixsocket")
        .arg(socket(directory))
        .args(["--enable-debug-command", "local"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server (Debian package redis-server) starts")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
