//! Taking over generations whose producer is gone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actorstream::proto::body::Body;
use tokio::time::sleep;

use super::Relay;
use super::start::Begin;
use crate::event::{Api, End, Event, Failure, Part};
use crate::id::GenerationId;
use crate::log::again;
use crate::settings::{OnLastViewer, Takeover};
use crate::store::{Claim, Generation, StoreError};
use crate::viewers::Doors;

/// How often it is looked whether a generation that is watched has a producer.
const LOOK: Duration = Duration::from_secs(1);
/// How many orphans one sweep takes over.
const MOST: usize = 100;
/// About how many bytes of a log are looked through at once.
const PAGE: usize = 256 << 10;

impl Relay {
    /// Looks after a generation for as long as anybody here watches it: says so to the store, and takes it over when its
    /// producer is gone.
    pub(crate) fn mind(&self, id: GenerationId) {
        let relay = self.clone();
        actix_rt::spawn(async move {
            let mut pause = LOOK;
            while relay.0.viewers.are_there(&id) {
                if let OnLastViewer::CancelAfter(hold) = relay.0.settings.on_last_viewer {
                    // Said again before that time is over.
                    pause = LOOK.min(hold / 3).max(Duration::from_millis(10));
                    let _ = relay.0.store.attend(&id, hold).await;
                }
                if !relay.adopt(&id).await {
                    return;
                }
                sleep(pause).await;
            }
        });
    }

    /// Takes over what has no producer, again and again, until the relay shuts down. The first worker that mounts the
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
                    relay.adopt_orphans().await;
                }
            };
            tokio::select! {
                () = closing => {}
                () = sweeping => {}
            }
        });
    }

    /// Takes over what has no producer: one pass of what the routes do by themselves. Needs an arbiter, as
    /// [`begin`](Self::begin) does.
    pub async fn adopt_orphans(&self) {
        match self.0.store.orphans(MOST).await {
            Ok(orphans) => {
                for id in orphans {
                    self.adopt(&id).await;
                }
            }
            Err(error) => tracing::debug!("orphans were not looked for: {error}"),
        }
    }

    /// Takes a generation over, if it has no producer. `false`: it needs none any more.
    async fn adopt(&self, id: &GenerationId) -> bool {
        if self.0.viewers.doors() != Doors::Open {
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
        tracing::info!(generation = %id, takeovers = generation.takeovers, ?begin, "taken over");
        self.produce(&generation, begin);
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
            return Ok(Begin::Ask);
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

    /// Whether a tool has run: it may have done what should not be done twice.
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

/// The thread that sweeps has ended, and another one may do it.
struct SweepsAgain(Relay);

impl Drop for SweepsAgain {
    fn drop(&mut self) {
        self.0.0.sweeps.store(false, Ordering::Relaxed);
    }
}
