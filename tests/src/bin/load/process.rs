//! What this process holds, and the upstream beside it.

use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::Failure;

/// What this process holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holds {
    /// Resident memory in KiB.
    pub(crate) memory: u64,
    /// Open files, sockets among them.
    pub(crate) files: usize,
    pub(crate) threads: usize,
}

impl Holds {
    pub(crate) fn now() -> Result<Self, Failure> {
        let status = fs::read_to_string("/proc/self/status")?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        Ok(Self {
            memory: memory.trim().trim_end_matches(" kB").parse()?,
            // The folder itself is open while it is read.
            files: fs::read_dir("/proc/self/fd")?.count() - 1,
            threads: fs::read_dir("/proc/self/task")?.count(),
        })
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, files, threads } = self;
        write!(f, "{memory} KiB resident, {files} files, {threads} threads")
    }
}

/// The upstream, in a process of its own; it ends with this one.
#[derive(Debug)]
pub(crate) struct Beside {
    child: Child,
    pub(crate) base_url: String,
}

impl Beside {
    pub(crate) fn start() -> Result<Self, Failure> {
        // It needs a file for each stream, however few this process may have.
        let mut child = Command::new("sh")
            .args(["-c", r#"ulimit -n "$(ulimit -Hn)"; exec "$0" upstream"#])
            .arg(std::env::current_exe()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut base_url = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut base_url)?;
        }
        Ok(Self { child, base_url: base_url.trim_end().to_owned() })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Fails with these words unless it is so.
pub(crate) fn ensure(is_so: bool, words: impl FnOnce() -> String) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(words().into()) }
}
