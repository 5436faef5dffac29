//! The relay and its peers as gateways: an upstream that stamps its events with the time, viewers that read the stamps, and
//! what the processes between them take meanwhile.

mod load;
mod processes;
mod upstream;
mod viewers;

pub use load::{Load, load};
pub use processes::{Processes, Used};
pub use upstream::serve;
pub use viewers::{Watched, watch};

use nix::time::{ClockId, clock_gettime};

use crate::Error;

/// What stands before a stamp in the text of an event; the time in nanoseconds follows, 19 digits.
const STAMP: &[u8] = b"sent at ";
/// How many digits a stamp has.
const DIGITS: usize = 19;

/// The time in nanoseconds, by the clock that all processes of the machine share.
fn now() -> Result<u64, Error> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(u64::try_from(time.tv_sec())? * 1_000_000_000 + u64::try_from(time.tv_nsec())?)
}

/// The value below which so many of a thousand lie. The values are sorted by it.
fn per_mille(values: &mut [u32], share: usize) -> u32 {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    values.get(last * share / 1000).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_sorted_values() {
        let mut values: Vec<u32> = (0..1001).rev().collect();
        assert_eq!((per_mille(&mut values, 500), per_mille(&mut values, 990)), (500, 990));
        assert_eq!(per_mille(&mut [], 500), 0);
    }
}
