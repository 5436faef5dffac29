//! What a request needs before it goes out: the consent of the observers, and its key.

use std::sync::Arc;

use actorstream_proto::endpoint::Method;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::Session;
use actorstream_proto::session::timeouts::Timeout;
use bytes::Bytes;
use tokio::time::timeout;

use super::authorize;
use super::guard::{Guard, Interrupt};
use crate::connector::prepared::Carried;
use crate::settings::observer::{ObservedRequest, Purpose};
use crate::settings::options::Options;
use crate::settings::quota::{Admission, Limiter};
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
/// observer answers it, so that it is not sent.
pub(super) async fn clear(
    observation: &Observation,
    options: &Options,
    outgoing: &mut Outgoing,
    carried: &mut Carried,
    departure: Departure,
) -> Result<Option<Bytes>, ErrorKind> {
    let (attempt, purpose) = (departure.attempt, departure.purpose);
    let secrets = &mut carried.secrets;
    if let Some(answer) = ask_observers(observation, outgoing, secrets, departure).await? {
        return Ok(Some(answer));
    }
    if outgoing.key.is_none() {
        outgoing.key = authorize::key(options, attempt, None).await?;
    }
    if let Some(key) = &outgoing.key {
        conceal(secrets, key);
    }
    if let (Some(limiter), Purpose::Response, Method::Post) = (&options.limiter, purpose, outgoing.method) {
        carried.queued_since = Some(now());
        let admitted = admit(limiter, options, outgoing).await;
        carried.stop_waiting();
        outgoing.admission = Some(admitted?);
    }
    Ok(None)
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
        let clearing = clear(observation, options, outgoing, carried, departure);
        let mut clearing = std::pin::pin!(clearing);
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

/// Waits for the quota, at most for the `queue` timeout.
async fn admit(limiter: &Limiter, options: &Options, outgoing: &Outgoing) -> Result<Admission, ErrorKind> {
    let (model, tokens) = outgoing.estimate();
    let server = options.base_url.authority();
    let key = outgoing.key.as_ref().or(options.api_key.as_ref());
    let admitting = limiter.admit((&server, key, model.as_deref()), options.owner.as_ref(), tokens);
    match options.timeouts.queue {
        None => Ok(admitting.await),
        Some(after) => {
            let admitted = timeout(after, admitting).await;
            admitted.map_err(|_| ErrorKind::Timeout { timeout: Timeout::Queue, after })
        }
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
