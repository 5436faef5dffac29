//! What a process holds: files and threads.

use std::fs;
use std::time::{Duration, Instant};

/// How many files, sockets among them, the process has open.
pub(crate) fn open_files() -> usize {
    // The folder itself is open while it is read.
    fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

/// How many files the process may have open.
pub(crate) fn most_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    files.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX)
}

/// How many threads the process has, but for those of the test harness.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names
        .filter(|name| ["actix", "actorstream-", "upstream", "tokio-"].iter().any(|of| name.starts_with(of)))
        .count()
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holds {
    files: usize,
    threads: usize,
}

impl Holds {
    fn now() -> Self {
        Self { files: open_files(), threads: threads() }
    }

    /// What the process holds when no thread is left of what ran before.
    pub(crate) fn without_threads() -> Self {
        while threads() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        Self::now()
    }

    /// Waits until the process holds this again: threads take a moment to end after they were told to.
    pub(crate) fn again(self) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let now = Self::now();
            if now == self {
                return Ok(());
            }
            if start.elapsed() > Duration::from_secs(10) {
                return Err(format!("the process held {self:?}, and now {now:?}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
