//! What a request needs before it goes out: the consent of the observers, and its key.

use std::sync::Arc;

use actorstream_proto::endpoint::Method;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::Session;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tokio::time::timeout_at;

use super::authorize;
use super::guard::{Guard, Interrupt};
use crate::connector::prepared::Carried;
use crate::settings::observer::{ObservedRequest, Purpose};
use crate::settings::options::Options;
use crate::settings::quota::Limiter;
use crate::settings::secrets::with_secret;
use crate::stream::clock::now;
use crate::telemetry::observation::Observation;
use crate::transport::http::outgoing::{Outgoing, OutgoingBody};

/// What is said of a request that is about to go out.
#[derive(Debug, Clone)]
pub(super) struct Departure {
    pub(super) purpose: Purpose,
    /// The number of the attempt, from 1.
    pub(super) attempt: u32,
    /// The backend that is asked.
    pub(super) backend: Option<Arc<str>>,
}

/// Prepares a request to go out: asks the observers, then for the key, then waits for the quota. Returns the body with which an
/// observer answers it, so that it is not sent. Boxed, so that this crate compiles it, once.
pub(super) fn clear<'a>(
    observation: &'a Observation,
    options: &'a Options,
    outgoing: &'a mut Outgoing,
    carried: &'a mut Carried,
    departure: Departure,
) -> LocalBoxFuture<'a, Result<Option<Bytes>, ErrorKind>> {
    Box::pin(async move {
        let (attempt, purpose) = (departure.attempt, departure.purpose);
        let secrets = &mut carried.secrets;
        if let Some(answer) = ask_observers(observation, outgoing, secrets, departure).await? {
            return Ok(Some(answer));
        }
        if outgoing.key.is_none() {
            outgoing.key = authorize::key(options, attempt, None).await?;
        }
        if let (Some(limiter), Purpose::Response, Method::Post) = (&options.limiter, purpose, outgoing.method)
        {
            carried.queued_since = Some(now());
            let admitted = admit(limiter, options, outgoing, attempt).await;
            carried.stop_waiting();
            admitted?;
        }
        if let Some(key) = &outgoing.key {
            conceal(&mut carried.secrets, key);
        }
        Ok(None)
    })
}

/// The same for a request of a running stream; what interrupts the stream interrupts it.
pub(super) async fn clear_for<E: Event>(
    session: &mut Session<E>,
    observation: &Observation,
    guard: &mut Guard<E>,
    options: &Options,
    outgoing: &mut Outgoing,
    carried: &mut Carried,
    departure: Departure,
) -> Result<Result<Option<Bytes>, ErrorKind>, Interrupt> {
    let cleared = {
        let mut clearing = clear(observation, options, outgoing, carried, departure);
        guard.wait(&*session, |cx| clearing.as_mut().poll(cx)).await
    };
    // An interruption ends the wait, too.
    carried.stop_waiting();
    session.conceal(&carried.secrets);
    cleared
}

impl Carried {
    /// The quota is no longer waited for.
    fn stop_waiting(&mut self) {
        if let Some(since) = self.queued_since.take() {
            self.queued += now().saturating_duration_since(since);
        }
    }
}

/// How many keys are asked for in place of those whose requests pause.
const OTHER_KEYS: u32 = 8;

/// Waits for the quota, at most for the `queue` timeout, and not at all for a pause of the server that is longer. While the requests
/// with a key pause, the source is asked for another one.
async fn admit(
    limiter: &Limiter,
    options: &Options,
    outgoing: &mut Outgoing,
    attempt: u32,
) -> Result<(), ErrorKind> {
    // What an earlier attempt has left comes back first.
    outgoing.admission = None;
    let (model, tokens) = outgoing.estimate();
    let server = options.base_url.authority();
    let after = options.timeouts.queue;
    let deadline = after.and_then(|after| now().checked_add(after));
    let mut other_keys = if options.credentials.is_some() { OTHER_KEYS } else { 0 };
    loop {
        let key = outgoing.key.as_ref().or(options.api_key.as_ref());
        let patience = if other_keys > 0 { Some(now()) } else { deadline };
        let lane = (&*server, key, model.as_deref());
        let admitting = limiter.admit(lane, &options.owner, tokens, patience);
        let admitted = match deadline {
            None => admitting.await,
            Some(deadline) => timeout_at(deadline.into(), admitting).await.ok().flatten(),
        };
        if admitted.is_some() {
            outgoing.admission = admitted.map(Box::new);
            return Ok(());
        }
        if other_keys == 0 || deadline.is_some_and(|deadline| now() >= deadline) {
            let detail = limiter.describe(lane).into();
            return Err(ErrorKind::Quota { detail, after: after.unwrap_or_default() });
        }
        let other = authorize::key(options, attempt, None).await?;
        other_keys = if other == outgoing.key { 0 } else { other_keys - 1 };
        outgoing.key = other;
    }
}

async fn ask_observers(
    observation: &Observation,
    outgoing: &mut Outgoing,
    secrets: &mut Arc<[Secret]>,
    departure: Departure,
) -> Result<Option<Bytes>, ErrorKind> {
    outgoing.changes = None;
    let Some(call) = observation.call() else { return Ok(None) };
    let body = match (outgoing.method, &outgoing.body) {
        (Method::Post, OutgoingBody::Json(json)) => Some(outgoing.json(json)),
        (Method::Post, OutgoingBody::Form(_)) => None,
        (Method::Get | Method::Delete, _) => Some(Bytes::new()),
    };
    let Departure { purpose, attempt, backend } = departure;
    let mut request = ObservedRequest {
        call: Arc::clone(call),
        purpose,
        attempt,
        backend,
        method: outgoing.method,
        url: outgoing.shown_url().unwrap_or_default(),
        body,
        changes: Default::default(),
    };
    observation.before(&mut request).await?;
    let mut changes = request.changes;
    let answer = changes.answer.take();
    outgoing.changes = Some(Box::new(changes));
    for secret in outgoing.secrets() {
        conceal(secrets, &secret);
    }
    Ok(answer)
}

/// Adds a secret to those that no error may show.
pub(super) fn conceal(secrets: &mut Arc<[Secret]>, secret: &Secret) {
    if !secrets.contains(secret) {
        *secrets = with_secret(secrets, secret);
    }
}
