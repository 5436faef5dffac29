//! Asks the source of keys before an attempt.

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::timeouts::Timeout;
use futures_util::future::LocalBoxFuture;
use tokio::time::timeout;

use super::guard::{Guard, Interrupt};
use super::running::Running;
use crate::settings::options::Options;

/// The status of a refused key.
pub(super) const UNAUTHORIZED: u16 = 401;

/// Returns the key for an attempt; `None` if the settings have no source of keys. Waiting counts towards the `connect` timeout.
/// Boxed, so that this crate compiles it, once.
pub(super) fn key(
    options: &Options,
    attempt: u32,
    refused: Option<u16>,
) -> LocalBoxFuture<'_, Result<Option<Secret>, ErrorKind>> {
    Box::pin(async move {
        let Some(source) = &options.credentials else { return Ok(None) };
        let asking = source.key(attempt, refused);
        let key = match options.timeouts.connect {
            None => asking.await?,
            Some(after) => match timeout(after, asking).await {
                Ok(key) => key?,
                Err(_) => return Err(ErrorKind::Timeout { timeout: Timeout::Connect, after }),
            },
        };
        Ok(Some(key))
    })
}

/// Asks for the key of an attempt; what interrupts the stream interrupts the wait.
pub(super) async fn authorize<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    options: &Options,
    attempt: u32,
    refused: Option<u16>,
) -> Result<Result<Option<Secret>, ErrorKind>, Interrupt> {
    let mut asking = key(options, attempt, refused);
    guard.wait(&running.session, |cx| asking.as_mut().poll(cx)).await
}
