//! `RateLimits`: the rate limits that a response head states.

use std::time::{Duration, SystemTime};

/// The rate limits of the key, as the head of a response states them. Servers state few of them, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimits {
    /// The limit on requests.
    pub requests: RateLimit,
    /// The limit on tokens.
    pub tokens: RateLimit,
}

/// One rate limit. A value that the server does not state, or that is not a number, is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number allowed in the server's period, usually a minute.
    pub limit: Option<u64>,
    /// The number left in the period.
    pub remaining: Option<u64>,
    /// The time after the head at which the whole limit is available again.
    pub reset: Option<Duration>,
}

/// A number in a reset header above this is a time since 1970, in seconds up to [`MILLISECONDS`].
const EPOCH: f64 = 1e9;

/// A time since 1970 above this is in milliseconds.
const MILLISECONDS: f64 = 1e11;

impl RateLimits {
    /// Reads the limits from headers, which `header` returns by their lower-case names, of a head that arrived at
    /// `received`. The names of OpenAI, Anthropic, Cerebras, OpenRouter and the IETF's draft are known.
    pub fn read<'a>(received: SystemTime, header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let limit = |what: &str| {
            // Of several periods, the shortest is the one that a client exhausts first.
            let value = |part: &str| {
                [
                    format!("x-ratelimit-{part}-{what}"),
                    format!("x-ratelimit-{part}-{what}-minute"),
                    format!("x-ratelimit-{part}-{what}-hour"),
                    format!("x-ratelimit-{part}-{what}-day"),
                    format!("anthropic-ratelimit-{what}-{part}"),
                ]
                .iter()
                .find_map(|name| header(name))
            };
            RateLimit::read(received, value)
        };
        let plain = |part: &str| {
            [format!("x-ratelimit-{part}"), format!("ratelimit-{part}")].iter().find_map(|name| header(name))
        };
        let (requests, tokens) = (limit("requests"), limit("tokens"));
        let requests =
            if requests == RateLimit::default() { RateLimit::read(received, plain) } else { requests };
        Self { requests, tokens }
    }
}

impl RateLimit {
    fn read<'a>(received: SystemTime, value: impl Fn(&str) -> Option<&'a str>) -> Self {
        // In a draft of the IETF, parameters follow the number, and other limits follow a comma.
        let number = |part: &str| value(part)?.split([',', ';']).next()?.trim().parse().ok();
        Self {
            limit: number("limit"),
            remaining: number("remaining"),
            reset: value("reset").and_then(|text| reset(text.trim(), received)),
        }
    }
}

/// Parses a reset: a duration (`6m0s`, `20ms`, `7.66s`), a number of seconds, a time since 1970, or a date.
fn reset(text: &str, received: SystemTime) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        let since = match number {
            MILLISECONDS.. => number / 1e3,
            EPOCH.. => number,
            _ => return Duration::try_from_secs_f64(number).ok(),
        };
        return until(Duration::try_from_secs_f64(since).ok()?, received);
    }
    duration(text).or_else(|| until(date(text)?, received))
}

/// Returns the time from the arrival of the head to a time since 1970; zero if that has passed.
fn until(since_epoch: Duration, received: SystemTime) -> Option<Duration> {
    let at = SystemTime::UNIX_EPOCH.checked_add(since_epoch)?;
    Some(at.duration_since(received).unwrap_or_default())
}

/// Parses numbers with units, such as `1h2m3.5s`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(end);
        let unit_end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_end);
        let seconds = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        sum = sum.checked_add(part)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(sum)
}

/// Parses a date of RFC 3339 in UTC (`2026-11-29T12:00:00Z`) to the time since 1970.
fn date(text: &str) -> Option<Duration> {
    let text = text.strip_suffix(['Z', 'z']).or_else(|| text.strip_suffix("+00:00"))?;
    let (day, time) = text.split_once(['T', 't', ' '])?;
    let mut day = day.splitn(3, '-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (day.next()??, day.next()??, day.next()??);
    let mut time = time.splitn(3, ':');
    let (hour, minute): (u64, u64) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
    let second: f64 = time.next()?.parse().ok()?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970, with years that begin in March, so that a leap day is a year's last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    let whole = Duration::from_secs(days * 86_400 + hour.checked_mul(3_600)? + minute.checked_mul(60)?);
    whole.checked_add(Duration::try_from_secs_f64(second).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &'static str)]) -> RateLimits {
        let received = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        RateLimits::read(received, |name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value))
    }

    fn limit(limit: u64, remaining: u64, reset: Duration) -> RateLimit {
        RateLimit { limit: Some(limit), remaining: Some(remaining), reset: Some(reset) }
    }

    #[test]
    fn limits_of_openai() {
        let limits = read(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]);
        assert_eq!(limits.requests, limit(60, 59, Duration::from_secs(1)));
        assert_eq!(limits.tokens, limit(150_000, 149_984, Duration::from_secs(360)));
    }

    #[test]
    fn limits_under_the_names_of_other_servers() {
        let anthropic = read(&[
            ("anthropic-ratelimit-tokens-limit", "10"),
            ("anthropic-ratelimit-tokens-remaining", "9"),
            // 2026-09-21T14:13:20Z is the time of the head.
            ("anthropic-ratelimit-tokens-reset", "2026-09-21T14:13:50Z"),
        ]);
        assert_eq!(anthropic.tokens, limit(10, 9, Duration::from_secs(30)));
        let day =
            read(&[("x-ratelimit-limit-requests-day", "7"), ("x-ratelimit-limit-requests-minute", "5")]);
        assert_eq!(day.requests.limit, Some(5));
        let openrouter = read(&[
            ("x-ratelimit-limit", "20"),
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "1790000060000"),
        ]);
        assert_eq!(openrouter.requests, limit(20, 3, Duration::from_secs(60)));
        let ietf = read(&[("ratelimit-limit", "100, 100;w=60"), ("ratelimit-reset", "12")]);
        assert_eq!((ietf.requests.limit, ietf.requests.reset), (Some(100), Some(Duration::from_secs(12))));
        assert_eq!(read(&[]), RateLimits::default());
    }

    #[test]
    fn a_reset_is_read_in_every_form() {
        for (text, millis) in [
            ("20ms", 20),
            ("7.66s", 7_660),
            ("2m59.56s", 179_560),
            ("1h2m3.5s", 3_723_500),
            ("1d", 86_400_000),
            ("0s", 0),
            ("0.25", 250),
            ("1790000001", 1_000),
            ("1789999999", 0),
            ("2026-09-21T14:13:21.5Z", 1_500),
            ("2026-09-21t14:13:22+00:00", 2_000),
        ] {
            let reset = read(&[("x-ratelimit-reset-tokens", text)]).tokens.reset;
            assert_eq!(reset, Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_time_is_none() {
        for text in ["", "soon", "-1", "NaN", "inf", "1e400", "5x", "s", "1s2", "9999-99-99T00:00:00Z"] {
            let limits = read(&[("x-ratelimit-reset-tokens", text), ("x-ratelimit-limit-tokens", text)]);
            assert_eq!(limits.tokens, RateLimit::default(), "{text}");
        }
        let huge = read(&[("x-ratelimit-reset-tokens", "18446744073709551615h")]);
        assert_eq!(huge.tokens.reset, None);
    }
}
