//! `Plan`: what the loopback server is to send.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What one answer is made of. As text it is the start of a request's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many events.
    pub events: usize,
    /// How many of them in one HTTP chunk.
    pub per_chunk: usize,
    /// How long to wait before each chunk; the chunks of an answer without a pause are written many at once.
    pub pause: Duration,
    /// Whether the answer stays open after its events, for as long as the client does.
    pub open: bool,
}

impl Plan {
    /// As fast as the client reads.
    pub fn saturated(events: usize, per_chunk: usize) -> Self {
        Self { events, per_chunk, pause: Duration::ZERO, open: false }
    }

    /// One event each millisecond.
    pub fn paced(events: usize) -> Self {
        Self { pause: Duration::from_millis(1), ..Self::saturated(events, 1) }
    }

    /// One event, and then silence.
    pub fn open() -> Self {
        Self { open: true, ..Self::saturated(1, 1) }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, per_chunk, pause, open } = self;
        write!(f, "/{events}/{per_chunk}/{}/{open}", pause.as_micros())
    }
}

impl FromStr for Plan {
    type Err = crate::Error;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let mut parts = path.trim_start_matches('/').split('/');
        let mut part = || parts.next().ok_or("the path is no plan");
        Ok(Self {
            events: part()?.parse()?,
            per_chunk: part()?.parse()?,
            pause: Duration::from_micros(part()?.parse()?),
            open: part()?.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_from_a_path() {
        for plan in [Plan::saturated(3200, 32), Plan::paced(7), Plan::open()] {
            assert_eq!(format!("{plan}/v1/chat/completions").parse::<Plan>().unwrap(), plan);
        }
        "/v1/chat/completions".parse::<Plan>().unwrap_err();
    }
}
