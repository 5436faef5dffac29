//! Classifies and formats errors of Redis.

use actorstream::proto::outcome::secret::Secret;
use redis::{ConnectionInfo, ErrorKind, RedisError, ServerErrorKind};

use crate::store::{StoreError, StoreLimit};

/// The remedy for an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Open a new connection.
    Reconnect,
    /// Wait for the server.
    Wait,
    /// There is none.
    None,
}

/// Returns the remedy for an error. Every operation of the store may be repeated.
pub(super) fn remedy(error: &RedisError) -> Remedy {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse => Remedy::Reconnect,
        ErrorKind::Server(kind) => match kind {
            // A replica, or a primary that became one: the address may lead to another server now.
            ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown => Remedy::Reconnect,
            ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown => {
                Remedy::Wait
            }
            _ => Remedy::None,
        },
        _ => match error.code() {
            Some("BUSY" | "UNBLOCKED") => Remedy::Wait,
            _ if error.is_unrecoverable_error() => Remedy::Reconnect,
            _ => Remedy::None,
        },
    }
}

/// Formats errors without the password: the server at the address may not be Redis, and may repeat what it was sent.
#[derive(Clone)]
pub(super) struct Words {
    password: Secret,
}

impl Words {
    /// Creates a formatter for connections with this login.
    pub(super) fn of(info: &ConnectionInfo) -> Self {
        let password = info.redis_settings().password();
        Self { password: Secret::password(password.unwrap_or_default()) }
    }

    /// Converts an error to one of the store.
    pub(super) fn store_error(&self, error: &RedisError) -> StoreError {
        match error.code() {
            Some("OOM") => StoreError::Full(StoreLimit::Memory),
            // Retrying does not help.
            Some("WRONGTYPE") => {
                StoreError::Invalid("a key in Redis is of a type that this store does not write")
            }
            Some("ERR") if error.to_string().contains("user_script:") => {
                StoreError::Invalid("a key in Redis holds what this store does not write")
            }
            _ => StoreError::unavailable(self.describe(error)),
        }
    }

    /// Describes the error and what to do.
    pub(super) fn describe(&self, error: &RedisError) -> String {
        self.password.redact(&describe(error)).into_owned()
    }
}

fn describe(error: &RedisError) -> String {
    let advice = match (error.kind(), error.code()) {
        (_, Some("WRONGPASS")) | (ErrorKind::AuthenticationFailed, _) => {
            "Redis refuses the user name or the password of the URL"
        }
        (_, Some("NOAUTH")) => "Redis wants a password: redis://user:password@host",
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) | (_, Some("NOPERM")) => {
            "the Redis user lacks a permission (docs/scale-out.md lists what it needs)"
        }
        (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => {
            "this Redis is a replica; the URL must lead to the primary"
        }
        _ if is_tls(error) => {
            "TLS with Redis failed (rediss:// speaks TLS, redis:// does not; ?ca=FILE names a CA)"
        }
        _ => return error.to_string(),
    };
    format!("{advice}: {error}")
}

/// Returns whether TLS failed.
pub(super) fn is_tls(error: &RedisError) -> bool {
    let text = error.to_string();
    ["certificate", "TLS", "handshake", "corrupt message"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use redis::IntoConnectionInfo;

    use super::*;

    #[test]
    fn a_password_that_comes_back_is_taken_out() {
        for url in ["redis://u:s%20ecret%2f1@h", "unix:///s?user=u&pass=s%20ecret%2f1"] {
            let words = Words::of(&url.into_connection_info().unwrap());
            for said in ["s ecret/1", "s%20ecret%2F1", "s%20ecret%2f1", "s+ecret%2F1", "s ecret/"] {
                let error = RedisError::from((ErrorKind::Io, "no Redis", format!("you said AUTH u {said}")));
                for shown in [words.describe(&error), words.store_error(&error).to_string()] {
                    assert!(!shown.contains("ecret") && shown.contains("AUTH u ***"), "{shown}");
                }
            }
        }
        let words = Words::of(&"redis://h".into_connection_info().unwrap());
        let error = RedisError::from((ErrorKind::Io, "no Redis", "*** it is".to_owned()));
        assert_eq!(words.describe(&error), error.to_string());
    }
}
