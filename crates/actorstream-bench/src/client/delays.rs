//! How long events are under way: from the stamp of the server to whoever takes them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::Error;
use crate::stamp::{now, per_mille, sent};
use crate::usage::cpu;

/// How far apart streams begin. The server sends an event each 20 ms: they are spread over all of these milliseconds.
const APART: Duration = Duration::from_millis(7);
/// For how long all streams run before anything is measured.
const WARM: Duration = Duration::from_secs(2);
/// How long events were under way, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Delays {
    /// How many events were measured.
    pub events: usize,
    /// Half of them took no longer.
    pub p50: u64,
    /// 99 % of them took no longer.
    pub p99: u64,
    /// None took longer.
    pub max: u64,
    /// The CPU time of the client meanwhile.
    pub cpu: Duration,
}

/// What the streams of a client have seen since it was last taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Delayed(Arc<Mutex<Vec<u64>>>);

impl Delayed {
    /// An event has arrived. Its text is read after the clock.
    pub(super) fn arrived<'a>(&self, text: impl FnOnce() -> Option<&'a str>) {
        let Ok(now) = now() else { return };
        if let Some(sent) = text().and_then(sent) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(now.saturating_sub(sent));
        }
    }

    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Opens so many streams and measures for that time.
pub(super) async fn measure(
    streams: usize,
    time: Duration,
    delayed: &Delayed,
    mut open: impl FnMut(),
) -> Result<Delays, Error> {
    for _ in 0..streams {
        open();
        sleep(APART).await;
    }
    sleep(WARM).await;
    delayed.take();
    let before = cpu()?;
    sleep(time).await;
    let cpu = cpu()?.total - before.total;
    let mut delays = delayed.take();
    Ok(Delays {
        events: delays.len(),
        p50: per_mille(&mut delays, 500),
        p99: per_mille(&mut delays, 990),
        max: delays.last().copied().unwrap_or_default(),
        cpu,
    })
}
