//! Runs of the command, as a process.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actorstream_test::{ChatStream, Script, Upstream};
use serde_json::{Value, json};

/// Given to every run as the key, and in no output.
pub(crate) const KEY: &str = "sk-secret-0123456789";

/// Nothing here depends on time; this only ends a test that hangs.
pub(crate) const SAFETY_NET: Duration = Duration::from_secs(60);

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_actorstream"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OPENAI_") {
            command.env_remove(name);
        }
    }
    command.env_remove("ACTORSTREAM_TOKEN");
    command.args(arguments).env("RUST_BACKTRACE", "1").env_remove("RUST_LOG");
    if arguments.first() == Some(&"serve") {
        // On stdout, where no test looks at it by chance.
        command.env("RUST_LOG", "trace");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn new(child: Child) -> Self {
        let id = child.id();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(SAFETY_NET) else {
            let _ = Command::new("kill").arg(id.to_string()).status();
            panic!("the command does not end");
        };
        let output = output.unwrap();
        let ran = Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!format!("{ran:?}").contains("secret"), "a key is shown: {ran:?}");
        ran
    }

    /// The lines of `--jsonl`.
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last line, which is the only one that is no event.
    #[track_caller]
    pub(crate) fn end(&self) -> Value {
        let mut records = self.records();
        let end = records.pop().unwrap();
        let is_event = |record: &Value| {
            let names: Vec<&str> = keys(record).into_iter().filter(|name| *name != "event").collect();
            names == ["data", "raw"]
        };
        assert!(records.iter().all(is_event), "{records:?}");
        end
    }
}

pub(crate) fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

pub(crate) fn run(arguments: &[&str]) -> Ran {
    Ran::new(command(arguments).spawn().unwrap())
}

/// Runs the command against an upstream that does `script`, with the key.
pub(crate) fn ask(script: impl Into<Script>, arguments: &[&str]) -> (Ran, Upstream) {
    let upstream = Upstream::start(script);
    let ran = run(&at(&upstream.base_url(), arguments));
    (ran, upstream)
}

pub(crate) fn at<'a>(base_url: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--base-url", base_url, "--api-key", KEY]].concat()
}

pub(crate) fn hello() -> ChatStream {
    ChatStream::new().reasoning_content("Let me see.").content("Hello, world").usage(9, 3)
}

pub(crate) fn chunk(text: &str) -> String {
    json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string()
}

pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(SAFETY_NET, future).await.unwrap() })
}

pub(crate) fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

pub(crate) fn file(name: &str, content: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The first line, and the rest of the output to be read.
pub(crate) fn first_line<R: Read>(from: R) -> (String, BufReader<R>) {
    let mut from = BufReader::new(from);
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    (line, from)
}

pub(crate) fn pipes(child: &mut Child) -> (ChildStdout, ChildStderr) {
    (child.stdout.take().unwrap(), child.stderr.take().unwrap())
}

/// What a server answers to a request that is given to the letter.
pub(crate) fn ask_raw(address: &str, request: &str) -> String {
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// The request of a chat with one message, with more headers.
pub(crate) fn chat_post(address: &str, more: &str) -> String {
    chat_post_with(&format!("host: {address}\r\n{more}content-type: application/json\r\n"))
}

/// The same with these lines in its head.
fn chat_post_with(lines: &str) -> String {
    let body = r#"{"id":"c","trigger":"submit-message","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"Hi"}]}]}"#;
    format!("POST /api/chat HTTP/1.1\r\n{lines}content-length: {}\r\n\r\n{body}", body.len())
}

/// A server that runs until it is dropped.
pub(crate) struct Serving {
    pub(crate) child: Child,
    /// Where it listens, without a scheme.
    pub(crate) address: String,
    pub(crate) err: BufReader<ChildStderr>,
    pub(crate) out: ChildStdout,
}

impl Serving {
    /// Starts `actorstream serve` with these options.
    pub(crate) fn start(base_url: &str, options: &[&str]) -> Self {
        Self::spawn(&mut command(&at(base_url, &[&["serve", "--port", "0"], options].concat())))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (out, err) = pipes(&mut child);
        let (line, err) = first_line(err);
        let address =
            line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { child, address, err, out }
    }

    pub(crate) fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }

    /// What is answered to a request for a path, with these lines in its head.
    pub(crate) fn get(&self, path: &str, head: &[&str]) -> String {
        let lines: String = head.iter().map(|line| format!("{line}\r\n")).collect();
        let local = format!("127.0.0.1:{}", self.port());
        ask_raw(&local, &format!("GET {path} HTTP/1.1\r\n{lines}connection: close\r\n\r\n"))
    }

    /// What is answered to a chat of one message.
    pub(crate) fn chat(&self, head: &[&str]) -> String {
        let lines: String = head.iter().map(|line| format!("{line}\r\n")).collect();
        let local = format!("127.0.0.1:{}", self.port());
        ask_raw(&local, &chat_post_with(&format!("{lines}connection: close\r\n")))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
