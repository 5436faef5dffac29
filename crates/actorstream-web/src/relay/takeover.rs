//! Takeover of generations whose producer is gone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actorstream::proto::request::body::Body;
use tokio::time::sleep;

use super::Relay;
use super::kept_request::CHAT;
use super::start::Begin;
use crate::event::{Api, End, Event, Failure, Part};
use crate::id::GenerationId;
use crate::log::again;
use crate::settings::{OnLastViewer, Takeover};
use crate::store::{ChatKey, Claim, Generation, StoreError};
use crate::viewers::Admission;

/// How often a watched generation is checked for a producer.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of orphans taken over in one pass.
const MOST: usize = 100;
/// The approximate number of bytes of a log scanned at once.
const PAGE: usize = 256 << 10;

impl Relay {
    /// Runs the heartbeat of a generation for as long as it has viewers here: announces them to the store, and takes
    /// the generation over when its producer is gone.
    pub(crate) fn mind(&self, id: GenerationId) {
        let Some(mut attendance) = self.0.viewers.attend(&id) else { return };
        let relay = self.clone();
        actix_rt::spawn(async move {
            let mut pause = POLL_INTERVAL;
            while attendance.goes_on() {
                if let OnLastViewer::CancelAfter(hold) = relay.0.settings.on_last_viewer {
                    // Announce the viewers again before the time expires.
                    pause = POLL_INTERVAL.min(hold / 3).max(Duration::from_millis(10));
                    let _ = relay.0.store.attend(&id, hold).await;
                }
                if !relay.0.is_running(&id) && !relay.adopt(&id).await {
                    return;
                }
                sleep(pause).await;
            }
        });
    }

    /// Takes over orphaned generations periodically until the relay shuts down. The first worker that mounts the
    /// routes does it for all.
    pub(crate) fn sweep(&self) {
        if self.0.sweeps.swap(true, Ordering::Relaxed) {
            return;
        }
        let relay = self.clone();
        actix_rt::spawn(async move {
            let _again = SweepsAgain(relay.clone());
            let closing = relay.0.viewers.closing();
            let sweeping = async {
                loop {
                    sleep(relay.0.settings.lease / 3).await;
                    relay.0.owners.expire();
                    relay.0.owners.tell_others().await;
                    relay.adopt_orphans().await;
                }
            };
            tokio::select! {
                () = closing => {}
                () = sweeping => {}
            }
        });
    }

    /// Takes over orphaned generations: one pass of what the routes do periodically. Must be called on an arbiter,
    /// like [`begin`](Self::begin).
    pub async fn adopt_orphans(&self) {
        match self.0.store.orphans(MOST).await {
            Ok(orphans) => {
                for id in orphans {
                    // A generation that runs here was only late with its renewal, and renews the lease itself.
                    if !self.0.is_running(&id) {
                        self.adopt(&id).await;
                    }
                }
            }
            Err(error) => tracing::debug!("orphans were not looked for: {error}"),
        }
    }

    /// Takes over a generation, if it has no producer. Returns `false` if it no longer needs one.
    async fn adopt(&self, id: &GenerationId) -> bool {
        if self.0.viewers.admission() != Admission::Open {
            return true;
        }
        let generation = match self.0.store.claim(id, self.0.settings.lease).await {
            Ok(Claim::Taken(generation)) => generation,
            Ok(Claim::Ended) | Err(StoreError::NotFound) => return false,
            Ok(Claim::Held) | Err(_) => return true,
        };
        let begin = match self.decide(&generation).await {
            Ok(begin) => begin,
            Err(error) => Begin::End(End::Error(error.into())),
        };
        if matches!(begin, Begin::Nothing) {
            tracing::info!(generation = %id, "deleted: it never became the answer of its chat");
            self.discard(id).await;
            return false;
        }
        tracing::info!(generation = %id, takeovers = generation.takeovers, ?begin, "taken over");
        let permit = self.0.owners.admit(&generation.owner);
        self.produce(&generation, begin, permit, None);
        true
    }

    async fn decide(&self, generation: &Generation) -> Result<Begin, StoreError> {
        let policy = self.0.settings.takeover;
        let fail = || Begin::End(End::Error(Failure::aborted()));
        if let Some(reason) = &generation.stop {
            return Ok(Begin::End(End::Abort { reason: reason.clone() }));
        }
        if policy == Takeover::Fail || generation.takeovers > self.0.settings.max_takeovers {
            return Ok(fail());
        }
        if generation.tail == 0 {
            return Ok(if self.is_wanted(generation).await? { Begin::Ask } else { Begin::Nothing });
        }
        if generation.api == Api::Responses
            && let Some(position) = generation.upstream.clone().filter(|position| position.seq.is_some())
            && let Ok(request) = serde_json::from_slice::<Body>(&generation.request)
            && request.get::<bool>("background") == Some(true)
        {
            return Ok(Begin::Resume(position));
        }
        if policy == Takeover::Restart && !self.has_run_tools(generation).await? {
            return Ok(Begin::Restart);
        }
        Ok(fail())
    }

    /// Returns whether a generation is bound to its chat. One that was created and never bound has no viewers, and
    /// could not be stopped.
    async fn is_wanted(&self, generation: &Generation) -> Result<bool, StoreError> {
        let request = serde_json::from_slice::<Body>(&generation.request).ok();
        let Some(chat) = request.and_then(|request| request.get::<String>(CHAT)) else { return Ok(true) };
        let key = ChatKey::chat(&generation.owner, &chat);
        let store = &self.0.store;
        Ok(again(|| store.current(&key)).await?.as_ref() == Some(&generation.id))
    }

    /// Returns whether a tool has run: it may have done something that must not be done twice.
    async fn has_run_tools(&self, generation: &Generation) -> Result<bool, StoreError> {
        let store = &self.0.store;
        let mut after = 0;
        loop {
            let page = again(|| store.read(&generation.id, after, PAGE)).await?;
            let Some(last) = page.entries.last() else { return Ok(false) };
            after = last.seq;
            let ran = |event: &Event| {
                matches!(event, Event::Part(Part::ToolOutput { .. } | Part::ToolError { .. }))
            };
            if page.entries.iter().any(|entry| ran(&entry.event)) {
                return Ok(true);
            }
        }
    }
}

/// Lets another thread take over the periodic pass when this one ends.
struct SweepsAgain(Relay);

impl Drop for SweepsAgain {
    fn drop(&mut self) {
        self.0.0.sweeps.store(false, Ordering::Relaxed);
    }
}
