//! A redis-server of one test, in a directory of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actorstream_web::store::{RedisOptions, RedisStore, StoreLimits};

/// A running redis-server. It ends when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A number that no other test has.
pub(crate) fn number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

impl Server {
    /// Starts one that keeps nothing on disk.
    pub(crate) fn start() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// Starts one whose log of commands is written before a command is answered.
    pub(crate) fn durable() -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts one with these arguments.
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

    /// Waits until it answers; false if it has ended.
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

    /// What redis-cli prints for a command. It asks at the socket in the server's directory, where no other one answers.
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

    /// Kills it, and starts it again after a pause.
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

    /// Its URL, with a prefix that nobody has used.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// An empty store.
    pub(crate) async fn store(&self) -> RedisStore {
        store(&self.url(), StoreLimits::default()).await
    }
}

/// A port that nobody listens at, and that the system gives to no outgoing connection: a server that is started again finds
/// it free.
pub(crate) fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| fastrand::u16(10_000..32_000));
    ports.take(1000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port is free")
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("socket")
}

/// The URL of what listens on this port, with a prefix that nobody has used.
pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/0?prefix=t{}", number())
}

/// A store that has patience with a busy machine.
pub(crate) async fn store(url: &str, limits: StoreLimits) -> RedisStore {
    let options = RedisOptions::new(url).limits(limits).operation_timeout(Duration::from_secs(20));
    options.connect().await.unwrap()
}

/// The server's program: `REDIS_SERVER`, or the one on the path.
pub(crate) fn program() -> std::ffi::OsString {
    std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

fn spawn(port: u16, directory: &Path, arguments: &[String]) -> Child {
    // What was killed has left its socket behind.
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
