//! `RedisOptions`: where Redis is, and how it is used.

use std::fmt;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, ProtocolVersion, TlsCertificates};

use super::fault;
use super::link::Patience;
use super::store::RedisStore;
use crate::store::StoreLimits;

/// Where Redis is, and how it is used.
///
/// The URL says most of it: `redis://user:password@host:6379/0?prefix=actorstream`. `rediss://` speaks TLS and trusts the
/// certificates that the operating system trusts, or those of the PEM file `?ca=FILE` instead of them. `unix:///path` leads
/// to a socket, with the user, password and database as `user`, `pass` and `db` in the query.
#[derive(Clone)]
pub struct RedisOptions {
    url: String,
    limits: StoreLimits,
    patience: Patience,
}

/// Why a URL leads to no store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisConnectError {
    /// The URL, or a file that it names, cannot be used.
    Url(String),
    /// Nothing answers at the address.
    Absent(String),
    /// What answers cannot be used: it refuses the user or the password, TLS fails, or it is too old.
    Refused(String),
}

impl RedisOptions {
    /// With this URL, and the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        let patience = Patience { answer: Duration::from_secs(1), operation: Duration::from_secs(4) };
        Self { url: url.into(), limits: StoreLimits::default(), patience }
    }

    /// The caps. `max_memory` has no meaning here: Redis has its own `maxmemory`.
    pub fn limits(mut self, limits: StoreLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How long is waited for a connection, or for the answer to a command, before another attempt. Default: 1 s.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.patience.answer = timeout;
        self
    }

    /// How long an operation is tried before it fails with [`StoreError::Unavailable`](crate::store::StoreError). It should
    /// be shorter than a third of the lease. Default: 4 s.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.patience.operation = timeout;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// When the URL cannot be used, nothing answers, or what answers cannot be used.
    pub async fn connect(self) -> Result<RedisStore, RedisConnectError> {
        let (client, prefix) = client(&self.url)?;
        RedisStore::open(client, &prefix, self.limits, self.patience).await
    }
}

/// The client of a URL, and the prefix of its keys.
fn client(url: &str) -> Result<(Client, String), RedisConnectError> {
    let invalid = |detail: &str| RedisConnectError::Url(format!("not a URL of a Redis: {detail}"));
    let url = redis::parse_redis_url(url)
        .ok_or_else(|| invalid("it must look like redis://user:password@host:6379/0 or rediss://…"))?;
    let (mut prefix, mut ca) = ("actorstream".to_owned(), None);
    for (name, value) in url.query_pairs() {
        match &*name {
            "prefix" => prefix = value.into_owned(),
            "ca" => ca = Some(value.into_owned()),
            "db" | "user" | "pass" | "protocol" => {}
            other => return Err(invalid(&format!("it takes prefix= and ca= in its query, not {other}="))),
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
        // There is one for the process; it fails if another thread has just set it, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let client = match ca {
        None => Client::open(info),
        Some(_) if !is_tls => return Err(invalid("ca= goes with rediss://")),
        Some(file) => {
            let pem = std::fs::read(&file)
                .map_err(|error| invalid(&format!("the CA certificate {file} cannot be read: {error}")))?;
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(pem) })
        }
    };
    Ok((client.map_err(|error| invalid(&error.to_string()))?, prefix))
}

impl RedisConnectError {
    pub(super) fn new(address: &ConnectionAddr, error: &redis::RedisError) -> Self {
        let is_tls = matches!(address, ConnectionAddr::TcpTls { .. });
        let is_closed = error.is_connection_dropped() && !error.is_connection_refusal();
        let detail = format!("Redis at {address}: {}", fault::describe(error));
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
        // The URL may hold a password.
        let address =
            client(&self.url).ok().map(|(client, _)| client.get_connection_info().addr().to_string());
        f.debug_struct("RedisOptions")
            .field("address", &address)
            .field("limits", &self.limits)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_says_is_used() {
        let (client, prefix) = client("redis://bob:s%20ecret@example.com:7000/3?prefix=a.b").unwrap();
        let info = client.get_connection_info();
        assert_eq!((info.addr().to_string().as_str(), prefix.as_str()), ("example.com:7000", "a.b"));
        let login = info.redis_settings();
        assert_eq!((login.username(), login.password(), login.db()), (Some("bob"), Some("s ecret"), 3));
        assert!(info.tcp_settings().nodelay());
    }

    #[test]
    fn what_is_no_url_is_told_without_its_password() {
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
            let error = client(url).expect_err(url);
            assert!(matches!(error, RedisConnectError::Url(_)), "{url}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}: {error}");
        }
        let options = RedisOptions::new("redis://u:secret@h");
        assert!(!format!("{options:?}").contains("secret"));
        assert!(format!("{options:?}").contains("h:6379"));
    }
}
