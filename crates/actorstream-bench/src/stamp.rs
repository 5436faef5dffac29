//! Stamps: the time at which an event was sent, in its text.

use nix::time::{ClockId, clock_gettime};

use crate::Error;

/// What stands before a stamp in the text of an event; the time in nanoseconds follows, [`DIGITS`] digits.
pub const STAMP: &str = "sent at ";
/// How many digits a stamp has.
pub const DIGITS: usize = 19;

/// The time in nanoseconds, by the clock that all processes of the machine share.
///
/// # Errors
/// The system's.
pub fn now() -> Result<u64, Error> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(u64::try_from(time.tv_sec())? * 1_000_000_000 + u64::try_from(time.tv_nsec())?)
}

/// The text of an event that is sent now.
///
/// # Errors
/// The system's.
pub fn text() -> Result<String, Error> {
    Ok(format!("{STAMP}{:0DIGITS$} ", now()?))
}

/// The time in the text of an event.
pub fn sent(text: &str) -> Option<u64> {
    text.strip_prefix(STAMP)?.get(..DIGITS)?.parse().ok()
}

/// The value below which so many of a thousand lie. The values are sorted by it.
pub fn per_mille<T: Copy + Default + Ord>(values: &mut [T], share: usize) -> T {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    values.get(last * share / 1000).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let before = now().unwrap();
        let sent = sent(&text().unwrap()).unwrap();
        assert!((before..=now().unwrap()).contains(&sent), "{sent} is not after {before}");
    }

    #[test]
    fn other_texts_have_no_stamp() {
        for text in ["", " the", "sent at 17", "sent at noon, that is at twelve"] {
            assert_eq!(sent(text), None, "{text}");
        }
    }

    #[test]
    fn shares_are_of_the_sorted_values() {
        let mut values: Vec<u32> = (0..1001).rev().collect();
        assert_eq!((per_mille(&mut values, 500), per_mille(&mut values, 990)), (500, 990));
        assert_eq!(per_mille::<u32>(&mut [], 500), 0);
    }
}
