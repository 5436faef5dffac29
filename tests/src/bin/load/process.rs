//! The resources of a process, and child processes.

use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Failure;

/// The resources of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holds {
    /// Resident memory in KiB.
    pub(crate) memory: u64,
    /// Open files, including sockets.
    pub(crate) files: usize,
    pub(crate) threads: usize,
}

impl Holds {
    /// Returns the resources of this process.
    pub(crate) fn now() -> Result<Self, Failure> {
        // The directory itself is open while it is read.
        Self::of("self").map(|holds| Self { files: holds.files - 1, ..holds })
    }

    fn of(process: impl fmt::Display) -> Result<Self, Failure> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        Ok(Self {
            memory: memory.trim().trim_end_matches(" kB").parse()?,
            files: fs::read_dir(format!("/proc/{process}/fd"))?.count(),
            threads: fs::read_dir(format!("/proc/{process}/task"))?.count(),
        })
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, files, threads } = self;
        write!(f, "{memory} KiB resident, {files} files, {threads} threads")
    }
}

/// The upstream or the relay in a separate process, which ends with this one.
#[derive(Debug)]
pub(crate) struct Beside {
    child: Child,
    pub(crate) base_url: String,
}

impl Beside {
    /// Starts `load` with these arguments, and waits for its base URL.
    pub(crate) fn start<const N: usize>(arguments: [&str; N]) -> Result<Self, Failure> {
        // It needs a file for each stream, even if this process has a low limit.
        let mut child = Command::new("sh")
            .args(["-c", r#"ulimit -n "$(ulimit -Hn)"; exec "$0" "$@""#])
            .arg(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut base_url = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut base_url)?;
        }
        Ok(Self { child, base_url: base_url.trim_end().to_owned() })
    }

    /// Returns its resources.
    pub(crate) fn holds(&self) -> Result<Holds, Failure> {
        Holds::of(self.child.id())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Waits until a process has no more files and threads than before, which may take half a minute because of pooled
/// connections. Fails if that does not happen.
pub(crate) async fn settle(
    before: Holds,
    holds: impl Fn() -> Result<Holds, Failure>,
) -> Result<Holds, Failure> {
    for _ in 0..60 {
        let now = holds()?;
        if now.files <= before.files && now.threads <= before.threads {
            return Ok(now);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(format!("there was {before}, and now there is {}", holds()?).into())
}

/// Fails with this message unless the condition is true.
pub(crate) fn ensure(is_so: bool, words: impl FnOnce() -> String) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(words().into()) }
}
