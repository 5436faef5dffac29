//! What errors of Redis mean.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::{StoreError, StoreLimit};

/// What helps against an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// A new connection.
    Reconnect,
    /// Waiting for the server.
    Wait,
    /// Nothing.
    None,
}

/// What helps against it. Whatever is asked of the store may be asked again.
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

/// The error as the store's.
pub(super) fn store_error(error: &RedisError) -> StoreError {
    match error.code() {
        Some("OOM") => StoreError::Full(StoreLimit::Memory),
        _ => StoreError::unavailable(describe(error)),
    }
}

/// The error in a sentence that says what to do. It holds no secret: Redis does not repeat what it was sent to log in.
pub(super) fn describe(error: &RedisError) -> String {
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
        (ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask), _) => {
            "this is a node of a Redis Cluster, which needs a proxy in front of it"
        }
        _ if is_tls(error) => {
            "TLS with Redis failed (rediss:// speaks TLS, redis:// does not; ?ca=FILE names a CA)"
        }
        _ => return error.to_string(),
    };
    format!("{advice}: {error}")
}

/// Whether TLS is what failed.
pub(super) fn is_tls(error: &RedisError) -> bool {
    let text = error.to_string();
    ["certificate", "TLS", "handshake", "corrupt message"].iter().any(|word| text.contains(word))
}
