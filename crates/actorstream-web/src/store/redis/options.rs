//! `RedisOptions`: the address of Redis, and how it is used.

use std::fmt;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, ProtocolVersion, TlsCertificates};

use super::fault::{self, Words};
use super::link::RedisTimeouts;
use super::source::Source;
use super::store::RedisStore;
use crate::store::StoreLimits;

/// The address of Redis, and how it is used.
///
/// The URL contains most of it: `redis://user:password@host:6379/0?prefix=actorstream`. `rediss://` uses TLS with the
/// certificates that the operating system trusts, or with those of the PEM file in `?ca=FILE` instead. `unix:///path`
/// names a socket, with the user, password and database as `user`, `pass` and `db` in the query.
///
/// The address is that of a server, of any node of a Redis Cluster, or of any sentinel; the store asks there which it
/// is. `?primary=NAME` selects one of several primaries that a sentinel monitors. User and password are those of the
/// servers, and of sentinels that require them.
#[derive(Clone)]
pub struct RedisOptions {
    url: String,
    limits: StoreLimits,
    timeouts: RedisTimeouts,
}

/// Why a connection to Redis failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisConnectError {
    /// The URL, or a file that it names, is invalid.
    Url(String),
    /// Nothing answers at the address.
    Absent(String),
    /// The server cannot be used: it refuses the user or the password, TLS fails, or it is too old.
    Refused(String),
}

impl RedisOptions {
    /// Creates options with this URL and the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        let timeouts = RedisTimeouts { answer: Duration::from_secs(1), operation: Duration::from_secs(4) };
        Self { url: url.into(), limits: StoreLimits::default(), timeouts }
    }

    /// Sets the limits. `max_memory` has no effect: Redis has its own `maxmemory`.
    pub fn limits(mut self, limits: StoreLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long to wait for a connection, or for the reply to a command, before another attempt. Default: 1 s.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.answer = timeout;
        self
    }

    /// Sets how long an operation is retried before it fails with
    /// [`StoreError::Unavailable`](crate::store::StoreError). It should be shorter than a third of the lease.
    /// Default: 4 s.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.operation = timeout;
        self
    }

    /// Connects to Redis.
    ///
    /// # Errors
    /// If the URL is invalid, nothing answers, or the server cannot be used.
    pub async fn connect(self) -> Result<RedisStore, RedisConnectError> {
        let (source, prefix) = source(&self.url)?;
        let source = source.find_out(self.timeouts).await.map_err(RedisConnectError::Refused)?;
        RedisStore::open(source, &prefix, self.limits, self.timeouts).await
    }
}

/// Returns the source of a URL, and the prefix of the keys.
fn source(url: &str) -> Result<(Source, String), RedisConnectError> {
    let invalid = |detail: &str| RedisConnectError::Url(format!("not a Redis URL: {detail}"));
    let url = redis::parse_redis_url(url)
        .ok_or_else(|| invalid("it must look like redis://user:password@host:6379/0 or rediss://…"))?;
    let (mut prefix, mut ca, mut primary) = ("actorstream".to_owned(), None, None);
    for (name, value) in url.query_pairs() {
        match &*name {
            "prefix" => prefix = value.into_owned(),
            "ca" => ca = Some(value.into_owned()),
            "primary" => primary = Some(value.into_owned()),
            "db" | "user" | "pass" | "protocol" => {}
            other => {
                return Err(invalid(&format!(
                    "it takes prefix=, primary= and ca= in its query, not {other}="
                )));
            }
        }
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if !(1..=64).contains(&prefix.len()) || !prefix.bytes().all(fits) {
        return Err(invalid("a prefix has 1 to 64 letters, digits, '-', '_', '.' and ':'"));
    }
    let info = url.into_connection_info().map_err(|error| invalid(&error.to_string()))?;
    let login = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let login = login.set_lib_name("actorstream", env!("CARGO_PKG_VERSION"));
    let info = info.set_redis_settings(login).set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    if is_tls && rustls::crypto::CryptoProvider::get_default().is_none() {
        // The provider is global to the process. This fails if another thread has just set it, which is equivalent.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let pem = match ca {
        None => None,
        Some(_) if !is_tls => return Err(invalid("ca= goes with rediss://")),
        Some(file) => Some(
            std::fs::read(&file)
                .map_err(|error| invalid(&format!("the CA certificate {file} cannot be read: {error}")))?,
        ),
    };
    let opened = match &pem {
        None => Client::open(info.clone()),
        Some(pem) => {
            let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem.clone()) };
            Client::build_with_tls(info.clone(), certificates)
        }
    };
    // Errors in the file are reported here.
    opened.map_err(|error| invalid(&error.to_string()))?;
    Ok((Source::new(info, pem, primary), prefix))
}

impl RedisConnectError {
    pub(super) fn new(address: &ConnectionAddr, error: &redis::RedisError, words: &Words) -> Self {
        let is_tls = matches!(address, ConnectionAddr::TcpTls { .. });
        let is_closed = error.is_connection_dropped() && !error.is_connection_refusal();
        let detail = format!("Redis at {address}: {}", words.describe(error));
        match error.kind() {
            ErrorKind::Io if fault::is_tls(error) => Self::Refused(detail),
            ErrorKind::Io if is_closed && !is_tls => {
                Self::Refused(format!("{detail} (a port that speaks TLS wants rediss://)"))
            }
            ErrorKind::Io if is_closed => Self::Refused(detail),
            ErrorKind::Io if error.is_timeout() && is_tls => {
                Self::Absent(format!("{detail} (a port that does not speak TLS wants redis://)"))
            }
            ErrorKind::Io => Self::Absent(detail),
            _ => Self::Refused(detail),
        }
    }
}

impl fmt::Display for RedisConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Url(detail) | Self::Absent(detail) | Self::Refused(detail)) = self;
        f.write_str(detail)
    }
}

impl std::error::Error for RedisConnectError {}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may contain a password.
        let address = source(&self.url).ok().map(|(source, _)| source.address().to_string());
        f.debug_struct("RedisOptions")
            .field("address", &address)
            .field("limits", &self.limits)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_in_the_url_are_used() {
        let (source, prefix) = source("redis://bob:s%20ecret@example.com:7000/3?prefix=a.b").unwrap();
        let info = source.info();
        assert_eq!((info.addr().to_string().as_str(), prefix.as_str()), ("example.com:7000", "a.b"));
        let login = info.redis_settings();
        assert_eq!((login.username(), login.password(), login.db()), (Some("bob"), Some("s ecret"), 3));
        assert!(info.tcp_settings().nodelay());
    }

    #[test]
    fn an_invalid_url_is_reported_without_its_password() {
        for url in [
            "http://u:secret@h",
            "redis://u:secret@h/x",
            "redis://u:secret@h?prefix=",
            "redis://u:secret@h?prefix=a{b}",
            "redis://u:secret@h?perfix=a",
            "redis://u:secret@h?ca=/x",
            "rediss://u:secret@h?ca=/does/not/exist",
            "rediss://u:secret@h/#secret",
            "secret",
        ] {
            let error = source(url).expect_err(url);
            assert!(matches!(error, RedisConnectError::Url(_)), "{url}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}: {error}");
        }
        let options = RedisOptions::new("redis://u:secret@h");
        assert!(!format!("{options:?}").contains("secret"));
        assert!(format!("{options:?}").contains("h:6379"));
    }
}
