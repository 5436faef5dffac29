//! `Log`: one generation in memory.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::event::{Event, Logged};
use crate::store::{
    Append, Appended, Claim, Generation, NewGeneration, Page, Progress, Renewed, StoreError, StoreLimit,
    StoreLimits,
};

/// One generation.
#[derive(Debug)]
pub(super) struct Log {
    generation: Generation,
    created: Instant,
    entries: Vec<Event>,
    bytes: u64,
    /// The tail at the start of the producer's epoch: earlier entries are from another producer.
    inherited: u64,
    leased_until: Option<Instant>,
    attended_until: Instant,
    progress: watch::Sender<Progress>,
}

/// The effect of an append.
pub(super) struct Added {
    pub(super) appended: Appended,
    pub(super) bytes: u64,
    pub(super) ended: bool,
}

impl Log {
    pub(super) fn new(new: &NewGeneration, now: Instant) -> Self {
        let generation = Generation {
            id: new.id.clone(),
            owner: new.owner.clone(),
            api: new.api,
            request: new.request.clone(),
            upstream: None,
            epoch: 1,
            tail: 0,
            ended: false,
            stop: None,
            leased: true,
            takeovers: 0,
            age: Duration::ZERO,
        };
        Self {
            generation,
            created: now,
            entries: Vec::new(),
            bytes: 0,
            inherited: 0,
            leased_until: Some(now + new.lease),
            attended_until: now + new.attended,
            progress: watch::Sender::new(Progress::default()),
        }
    }

    /// Returns whether it equals what `new` would create, so that a repeated creation has no effect.
    pub(super) fn is_fresh(&self, new: &NewGeneration) -> bool {
        let held = &self.generation;
        held.tail == 0 && held.epoch == 1 && held.owner == new.owner && held.request == new.request
    }

    pub(super) fn append(
        &mut self,
        append: &Append,
        now: Instant,
        limits: &StoreLimits,
        room: u64,
    ) -> Result<Added, StoreError> {
        let Append { epoch, first, events, .. } = append;
        let Some((last, before)) = events.split_last() else {
            return Err(StoreError::Invalid("an append has at least one entry"));
        };
        if before.iter().any(Event::is_end) {
            return Err(StoreError::Invalid("an end can only be the last entry"));
        }
        self.check_epoch(*epoch)?;
        let tail = self.generation.tail;
        if *first > self.inherited && first.saturating_add(before.len() as u64) <= tail {
            // A repetition, because the reply was lost.
            return Ok(Added { appended: self.appended(), bytes: 0, ended: false });
        }
        if self.generation.ended {
            return Err(StoreError::Closed);
        }
        if *first != tail + 1 {
            return Err(StoreError::Gap { tail });
        }
        let bytes = events.iter().map(Event::size).sum::<u64>();
        if !(before.is_empty() && last.is_end()) {
            self.check_caps(events.len() as u64, bytes, now, limits, room).map_err(StoreError::Full)?;
        }
        self.entries.extend(events.iter().cloned());
        self.bytes += bytes;
        let ended = last.is_end();
        let generation = &mut self.generation;
        generation.tail += events.len() as u64;
        generation.ended = ended;
        if let Some(upstream) = &append.upstream {
            generation.upstream = Some(upstream.clone());
        }
        self.leased_until = (!ended).then(|| now + append.lease);
        self.progress();
        Ok(Added { appended: self.appended(), bytes, ended })
    }

    fn check_caps(
        &self,
        events: u64,
        bytes: u64,
        now: Instant,
        limits: &StoreLimits,
        room: u64,
    ) -> Result<(), StoreLimit> {
        let over = [
            (now - self.created > limits.max_age, StoreLimit::Age),
            (self.generation.tail + events > limits.max_events, StoreLimit::Events),
            (self.bytes + bytes > limits.max_bytes, StoreLimit::Bytes),
            (bytes > room, StoreLimit::Memory),
        ];
        over.into_iter().find(|(over, _)| *over).map_or(Ok(()), |(_, limit)| Err(limit))
    }

    fn appended(&self) -> Appended {
        Appended { tail: self.generation.tail, stop: self.generation.stop.clone() }
    }

    pub(super) fn read(&self, after: u64, max_bytes: usize) -> Page {
        let from = usize::try_from(after).unwrap_or(usize::MAX).min(self.entries.len());
        let mut left = max_bytes as u64;
        let mut entries = Vec::new();
        for (seq, event) in (after.saturating_add(1)..).zip(&self.entries[from..]) {
            let size = event.size();
            if size > left && !entries.is_empty() {
                break;
            }
            left = left.saturating_sub(size);
            entries.push(Logged { seq, event: event.clone() });
        }
        Page { entries, tail: self.generation.tail, ended: self.generation.ended }
    }

    pub(super) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(super) fn generation(&self, now: Instant) -> Generation {
        Generation { leased: self.is_leased(now), age: now - self.created, ..self.generation.clone() }
    }

    pub(super) fn renew(&mut self, epoch: u64, lease: Duration, now: Instant) -> Result<Renewed, StoreError> {
        self.check_open(epoch)?;
        self.leased_until = Some(now + lease);
        Ok(Renewed { stop: self.generation.stop.clone(), attended: now < self.attended_until })
    }

    pub(super) fn claim(&mut self, lease: Duration, now: Instant) -> Claim {
        if self.generation.ended {
            return Claim::Ended;
        }
        if self.is_leased(now) {
            return Claim::Held;
        }
        self.generation.epoch += 1;
        self.generation.takeovers += 1;
        self.inherited = self.generation.tail;
        self.leased_until = Some(now + lease);
        self.progress();
        Claim::Taken(Box::new(self.generation(now)))
    }

    pub(super) fn release(&mut self, epoch: u64) -> Result<(), StoreError> {
        self.check_open(epoch)?;
        self.leased_until = None;
        self.progress();
        Ok(())
    }

    pub(super) fn request_stop(&mut self, reason: &str) {
        if !self.generation.ended && self.generation.stop.is_none() {
            self.generation.stop = Some(reason.to_owned());
            self.progress();
        }
    }

    pub(super) fn attend(&mut self, until: Instant) {
        self.attended_until = self.attended_until.max(until);
    }

    pub(super) fn is_orphan(&self, now: Instant) -> bool {
        !self.generation.ended && !self.is_leased(now)
    }

    fn is_leased(&self, now: Instant) -> bool {
        self.leased_until.is_some_and(|until| now < until)
    }

    fn check_epoch(&self, epoch: u64) -> Result<(), StoreError> {
        if epoch == self.generation.epoch { Ok(()) } else { Err(StoreError::Fenced) }
    }

    fn check_open(&self, epoch: u64) -> Result<(), StoreError> {
        self.check_epoch(epoch)?;
        if self.generation.ended { Err(StoreError::Closed) } else { Ok(()) }
    }

    fn progress(&self) {
        let Generation { tail, ended, ref stop, .. } = self.generation;
        self.progress.send_modify(|progress| {
            *progress = Progress { tail, ended, stop: stop.is_some(), changes: progress.changes + 1 };
        });
    }
}
