//! `Credentials`: where the key of a request comes from, if it changes while the client lives.

mod file;
mod pool;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::secret::Secret;

pub use file::KeyFile;
pub use pool::KeyPool;

/// The source of the key of each request. It is asked before each attempt, so a key may change while the client lives.
///
/// Implemented for texts (a fixed key), for closures, and for the sources in this crate: [`KeyFile`], [`KeyPool`]. A closure gets a
/// [`KeyRequest`] and returns a future for the key:
///
/// ```
/// use actorstream::{CredentialsError, KeyRequest, OpenAi, Secret};
///
/// # fn main() -> Result<(), actorstream::StreamError> {
/// async fn fetch_token(renew: bool) -> Result<String, CredentialsError> {
///     // Ask a token service here; keep the token until it expires or `renew` is set.
///     Ok("a token".to_owned())
/// }
///
/// let openai = OpenAi::builder()
///     .credentials(|request: KeyRequest| async move {
///         let token = fetch_token(request.is_refused()).await?;
///         Ok(Secret::new(&token))
///     })
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// If the server refuses a key with 401, the source is asked once more, and the request is sent again at once if the key is
/// another one. Waiting for the source counts towards the `connect` timeout. A key never appears in `Debug` output or errors.
pub trait Credentials: Send + Sync + 'static {
    /// Returns the key for the next attempt.
    ///
    /// # Errors
    /// [`CredentialsError`], which ends the attempt without sending the request.
    fn key(&self, request: KeyRequest) -> KeyFuture;

    /// The server has answered an attempt that used this key. The default does nothing.
    fn report(&self, key: &Secret, answer: KeyAnswer) {
        let _ = (key, answer);
    }
}

/// A future for a key.
pub type KeyFuture = Pin<Box<dyn Future<Output = Result<Secret, CredentialsError>> + Send>>;

/// Why a key is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRequest {
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The status with which the server refused the key of the previous attempt, if it did: 401.
    pub refused: Option<u16>,
}

impl KeyRequest {
    /// Returns whether the previous key was refused, so that a kept one should be replaced.
    pub fn is_refused(self) -> bool {
        self.refused.is_some()
    }
}

/// How a server answered a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAnswer {
    /// It accepted the request, or refused it for a reason that is not the key's.
    Accepted,
    /// It refused the key (401, 403).
    Refused,
    /// The key is over its rate limit or its quota (429). The server says when to try again, if it does.
    RateLimited(Option<Duration>),
}

/// Why there is no key. The message is shown in the stream's error, so it must not contain a key.
#[derive(Debug)]
pub struct CredentialsError {
    message: Arc<str>,
    is_temporary: bool,
}

impl CredentialsError {
    /// An error that asking again will not mend: the stream ends as `Config`.
    pub fn new(message: impl Into<Arc<str>>) -> Self {
        Self { message: message.into(), is_temporary: false }
    }

    /// An error that may pass, such as of a token service that cannot be reached: the stream ends as `Transport`, and its
    /// retry policy applies.
    pub fn temporary(message: impl Into<Arc<str>>) -> Self {
        Self { message: message.into(), is_temporary: true }
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CredentialsError {}

impl From<CredentialsError> for ErrorKind {
    fn from(error: CredentialsError) -> Self {
        let message: Arc<str> = format!("there is no key for the request: {error}").into();
        if error.is_temporary {
            Self::Transport { detail: message, unsent: true }
        } else {
            Self::Config { message }
        }
    }
}

impl<F, T> Credentials for F
where
    F: Fn(KeyRequest) -> T + Send + Sync + 'static,
    T: Future<Output = Result<Secret, CredentialsError>> + Send + 'static,
{
    fn key(&self, request: KeyRequest) -> KeyFuture {
        Box::pin(self(request))
    }
}

impl Credentials for Secret {
    fn key(&self, _: KeyRequest) -> KeyFuture {
        let key = self.clone();
        Box::pin(async { Ok(key) })
    }
}

impl Credentials for String {
    fn key(&self, request: KeyRequest) -> KeyFuture {
        Secret::new(self).key(request)
    }
}

impl Credentials for &'static str {
    fn key(&self, request: KeyRequest) -> KeyFuture {
        Secret::new(self).key(request)
    }
}

/// A source of keys, held by the settings.
#[derive(Clone)]
pub(crate) struct Source(Arc<dyn Credentials>);

impl Source {
    pub(crate) fn new(credentials: impl Credentials) -> Self {
        Self(Arc::new(credentials))
    }

    /// Returns the key for an attempt.
    pub(crate) async fn key(&self, attempt: u32, refused: Option<u16>) -> Result<Secret, ErrorKind> {
        Ok(self.0.key(KeyRequest { attempt, refused }).await?)
    }

    pub(crate) fn report(&self, key: &Secret, answer: KeyAnswer) {
        self.0.report(key, answer);
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}
