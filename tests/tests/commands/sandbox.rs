//! Runs commands as a user would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use actorstream_test::Upstream;

/// The timeout of a command, which may have to be built first. It only ends a test that hangs.
const SAFETY_NET: Duration = Duration::from_secs(900);
/// The time that a server has to shut down.
const ENDS: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Sandbox {
    root: PathBuf,
    /// The home of a user with the command installed.
    home: tempfile::TempDir,
    /// The server that answers requests with a key.
    upstream: Upstream,
}

impl Sandbox {
    pub(crate) fn new(root: &Path) -> Self {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| fs::write(home.path().join(name), content).unwrap();
        write("talk.mp3", b"ID3 a talk");
        write("request.json", br#"{"model": "gpt-5", "input": "Tell me a story", "stream": true}"#);
        write("notes.txt", b"one\n");
        let changed = "git init -q && git add notes.txt && echo two >>notes.txt";
        assert!(Command::new("sh").args(["-c", changed]).current_dir(&home).status().unwrap().success());
        Self { root: root.to_owned(), home, upstream: Upstream::start(actorstream_test::story()) }
    }

    /// Runs the commands of a block: each must succeed, or serve until the end of the block.
    pub(crate) fn run(&self, commands: &[&str], is_measure: impl Fn(&str) -> bool) -> Result<(), String> {
        let mut folder = self.root.clone();
        let mut servers: Vec<Running> = Vec::new();
        for &command in commands {
            if let Some(name) = command.strip_prefix("cd ") {
                folder.push(name);
                continue;
            }
            if let Some(missing) = missing(command, &folder) {
                eprintln!("NOT RUN, there is no {missing}: {command}");
                continue;
            }
            // Another command that starts the same server replaces it.
            let program =
                |command: &str| command.split_whitespace().take(4).map(str::to_owned).collect::<Vec<_>>();
            servers.retain_mut(|server| {
                let stays = program(&server.command) != program(command);
                if !stays {
                    server.stop();
                }
                stays
            });
            eprintln!("{command}");
            let redis = command.contains("redis://").then(|| self.redis(&folder));
            if is_measure(command) {
                self.spawn(&format!("{command} --help"), &folder).ends()?;
                continue;
            }
            let mut running = self.spawn(command, &folder);
            if running.serves_or_ends()? {
                servers.extend(redis);
                servers.push(running);
            }
        }
        for mut server in servers.into_iter().rev() {
            if !server.stop() {
                return Err(format!("{} does not end with Ctrl-C", server.command));
            }
        }
        Ok(())
    }

    /// Starts the Redis that a document assumes.
    fn redis(&self, folder: &Path) -> Running {
        let running = self.spawn("exec redis-server --save '' --dir /tmp", folder);
        while TcpStream::connect("localhost:6379").is_err() {
            thread::sleep(LOOK);
        }
        running
    }

    fn spawn(&self, command: &str, folder: &Path) -> Running {
        let is_installed = command.starts_with("actorstream ") || command.contains("| actorstream ");
        let folder = if is_installed { self.home.path() } else { folder };
        let binaries = env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
        let path = format!("{}:{}", binaries.display(), env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        // Cargo sets variables about this test's package.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if ["OPENAI_", "CARGO_PKG_", "CARGO_MANIFEST_", "ACTORSTREAM_"]
                .iter()
                .any(|own| name.starts_with(own))
            {
                shell.env_remove(&*name);
            }
        }
        if command.contains("OPENAI_API_KEY=") {
            shell.env("OPENAI_BASE_URL", self.upstream.base_url());
        }
        shell
            .args(["-o", "pipefail", "-c", command])
            .current_dir(folder)
            .env("PATH", path)
            .env("CARGO_NET_OFFLINE", "true")
            .env("npm_config_offline", "true")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is sent to all of its processes.
            .process_group(0);
        Running::new(command, shell.spawn().unwrap())
    }
}

/// Returns a program that a command needs and that is missing, if any.
fn missing(command: &str, folder: &Path) -> Option<&'static str> {
    // Nothing is downloaded here; tests/web/run.sh does that.
    if command.starts_with("npm ") && !folder.join("node_modules").exists() {
        return Some("package of npm in its cache, which tests/web/run.sh fills");
    }
    let needs = [("npm ", "npm"), ("curl ", "curl"), ("redis://", "redis-server"), ("git ", "git")];
    needs.into_iter().filter(|(word, _)| command.contains(word)).map(|(_, program)| program).find(|program| {
        let found =
            Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
        !found.is_ok_and(|status| status.success())
    })
}

struct Running {
    command: String,
    child: Child,
    output: Arc<Mutex<String>>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Running {
    fn new(command: &str, mut child: Child) -> Self {
        let output = Arc::default();
        let readers = vec![
            collect(child.stdout.take().unwrap(), &output),
            collect(child.stderr.take().unwrap(), &output),
        ];
        Self { command: command.to_owned(), child, output, readers }
    }

    fn said(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Waits for the end, which must be a success.
    fn ends(&mut self) -> Result<(), String> {
        if self.serves_or_ends()? { Err(format!("{} does not end", self.command)) } else { Ok(()) }
    }

    /// Waits until it has succeeded, or serves. Returns whether it serves.
    fn serves_or_ends(&mut self) -> Result<bool, String> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                for reader in self.readers.drain(..) {
                    reader.join().unwrap();
                }
                let said = self.said();
                if !status.success() {
                    return Err(format!("{}: {status}\n{said}", self.command));
                }
                return Ok(false);
            }
            if let Some(address) = address(&self.said()) {
                answers(&address).map_err(|error| format!("{}: {error}\n{}", self.command, self.said()))?;
                return Ok(true);
            }
            if start.elapsed() > SAFETY_NET {
                return Err(format!("{} neither ends nor serves\n{}", self.command, self.said()));
            }
            thread::sleep(LOOK);
        }
    }

    /// Stops it like Ctrl-C. Returns whether it exited in time.
    fn stop(&mut self) -> bool {
        self.signal("-INT");
        let start = Instant::now();
        while start.elapsed() < ENDS {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            thread::sleep(LOOK);
        }
        false
    }

    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal("-KILL");
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, into: &Arc<Mutex<String>>) -> thread::JoinHandle<()> {
    let into = Arc::clone(into);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            into.lock().unwrap().push_str(&format!("{line}\n"));
        }
    })
}

/// Returns the address that a server reports.
fn address(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.contains("listening on") || line.contains("Local:"))?;
    let address = &line[line.find("http://")? + "http://".len()..];
    let end = address.find(|letter: char| letter.is_whitespace() || ['/', ',', '\u{1b}'].contains(&letter));
    Some(address[..end.unwrap_or(address.len())].to_owned())
}

/// Requests the page.
fn answers(address: &str) -> Result<(), String> {
    let ask = || -> std::io::Result<String> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(ENDS))?;
        write!(socket, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut status = String::new();
        BufReader::new(socket).read_line(&mut status)?;
        Ok(status)
    };
    let status = ask().map_err(|error| format!("{address}: {error}"))?;
    let is_fine = ["HTTP/1.1 2", "HTTP/1.1 4"].iter().any(|fine| status.starts_with(fine));
    if is_fine { Ok(()) } else { Err(format!("{address} answers {status}")) }
}
