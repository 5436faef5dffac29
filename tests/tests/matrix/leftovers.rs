//! The resources of a process: files and threads.

use std::fs;
use std::time::{Duration, Instant};

/// Returns the number of open files, including sockets.
pub(crate) fn open_files() -> usize {
    // The directory itself is open while it is read.
    fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

/// Returns the maximum number of open files.
pub(crate) fn most_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    files.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX)
}

/// Returns the number of threads, except those of the test harness.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names
        .filter(|name| ["actix", "actorstream-", "upstream", "tokio-"].iter().any(|of| name.starts_with(of)))
        .count()
}

/// The resources of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holds {
    files: usize,
    threads: usize,
}

impl Holds {
    fn now() -> Self {
        Self { files: open_files(), threads: threads() }
    }

    /// Returns the resources once all threads of earlier runs have ended.
    pub(crate) fn without_threads() -> Self {
        while threads() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        Self::now()
    }

    /// Waits until the process holds only these resources again: threads take a moment to end.
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
