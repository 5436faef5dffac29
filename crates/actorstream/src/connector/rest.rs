//! The rest of a body after the end of its stream, read so that the connection can be reused.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::poll_fn;

use crate::transport::http::answer::Answer;

/// How long the connector waits for the rest of a body after the end of its stream, so that the connection can be
/// reused.
pub(super) const DRAIN: Duration = Duration::from_secs(1);

/// A future that reads the rest of a body.
pub(super) type Rest = Pin<Box<dyn Future<Output = ()>>>;

/// Reads the rest of a response for at most [`DRAIN`].
pub(super) fn drain(mut answer: Box<Answer>) -> Rest {
    Box::pin(async move {
        let _ = tokio::time::timeout(DRAIN, answer.drain()).await;
    })
}

/// Runs `work` while reading the rest of a body. What is still unread when the work is done is dropped.
pub(super) async fn beside<T>(rest: Rest, work: impl Future<Output = T>) -> T {
    let (mut rest, mut work) = (Some(rest), pin!(work));
    poll_fn(|cx| {
        if rest.as_mut().is_some_and(|rest| rest.as_mut().poll(cx).is_ready()) {
            rest = None;
        }
        work.as_mut().poll(cx)
    })
    .await
}
