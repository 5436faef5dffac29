//! What this process has used.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::Error;

/// CPU time, in user space and in all.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    /// In user space.
    pub user: Duration,
    /// There and in the kernel.
    pub total: Duration,
}

/// The CPU time so far.
///
/// # Errors
/// The system's.
pub fn cpu() -> Result<Cpu, Error> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let user = Duration::from_micros(usage.user_time().num_microseconds().try_into()?);
    let system = Duration::from_micros(usage.system_time().num_microseconds().try_into()?);
    Ok(Cpu { user, total: user + system })
}

/// The resident memory, in KiB.
///
/// # Errors
/// Where there is no `/proc`.
pub fn resident() -> Result<u64, Error> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim_end().parse()?)
}
