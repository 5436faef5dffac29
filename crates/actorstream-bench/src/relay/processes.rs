//! What other processes have used, their children included.

use std::fs;
use std::time::Duration;

use crate::Error;

/// Processes that belong together: those that are named, and what they have started.
#[derive(Debug, Clone)]
pub struct Processes {
    roots: Vec<u32>,
}

/// What processes have used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// CPU time, in user space and in the kernel.
    pub cpu: Duration,
    /// Resident memory now, in KiB. What processes share counts for each.
    pub resident: u64,
}

impl Processes {
    /// The processes of these ids, and their children.
    pub fn of(roots: Vec<u32>) -> Self {
        Self { roots }
    }

    /// What they have used since they were started, but for threads that have ended.
    ///
    /// # Errors
    /// Where there is no `/proc`, or one of the named ones is gone.
    pub fn used(&self) -> Result<Used, Error> {
        let mut used = Used::default();
        for id in self.all()? {
            let Ok((_, status)) = stat(id) else { continue };
            used.cpu += cpu(id)?;
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let resident =
                resident.and_then(|text| text.trim().trim_end_matches("kB").trim_end().parse().ok());
            used.resident += resident.unwrap_or(0);
        }
        Ok(used)
    }

    fn all(&self) -> Result<Vec<u32>, Error> {
        for root in &self.roots {
            stat(*root).map_err(|error| format!("process {root}: {error}"))?;
        }
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Ok((stat, _)) = stat(id) {
                parents.push((id, stat[1].parse::<u32>()?));
            }
        }
        let mut all = self.roots.clone();
        let mut at = 0;
        while at < all.len() {
            let parent = all[at];
            all.extend(
                parents
                    .iter()
                    .filter(|(id, of)| *of == parent && !self.roots.contains(id))
                    .map(|(id, _)| *id),
            );
            at += 1;
        }
        Ok(all)
    }
}

/// The CPU time of a process's threads, to the nanosecond.
fn cpu(id: u32) -> Result<Duration, Error> {
    let mut all = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        let Ok(times) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        all += times.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(all))
}

/// The fields of a process's `stat` after its name, and its `status`.
fn stat(id: u32) -> Result<(Vec<String>, String), Error> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no stat")?;
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    Ok((fields.split(' ').map(str::to_owned).collect(), status))
}
