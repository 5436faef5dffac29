//! `Watches`: the generations that this process watches, and the latest entries of each.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::message::{GenerationState, Message, parse};
use crate::event::{Event, Logged};
use crate::id::GenerationId;
use crate::store::{Append, Appended, Page, Progress, StoreError};

/// The number of bytes of the latest entries kept for each watched generation. A viewer that is further behind reads
/// from Redis.
const RECENT: usize = 64 << 10;

/// The watched generations. One subscription serves all viewers of a generation in this process. The entries in its
/// messages save each viewer a request to Redis.
#[derive(Debug, Default)]
pub(super) struct Watches {
    inner: Mutex<Inner>,
    /// Notified when subscriptions must change.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    watched: HashMap<GenerationId, Watched>,
    changes: Changes,
}

/// The required changes of the subscriptions.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) over: Vec<GenerationId>,
    pub(super) new: Vec<GenerationId>,
    /// Generations that this process now writes. It knows their entries and need not receive them.
    pub(super) written_here: Vec<GenerationId>,
    /// Generations that this process wrote and another one writes now.
    pub(super) written_elsewhere: Vec<GenerationId>,
}

/// A watched generation.
#[derive(Debug)]
struct Watched {
    progress: watch::Sender<Progress>,
    known: GenerationState,
    recent: Recent,
    /// The epoch of this process, if it is the producer.
    own: Option<u64>,
    /// The last entry that a reply of Redis has shown to exist. A reader never receives fewer entries.
    shown: u64,
    /// Whether every change is notified: the generation was polled after the subscription.
    is_current: bool,
    /// Whether nothing has arrived since the last check for silence.
    silent: bool,
}

/// The latest entries, without gaps.
#[derive(Debug, Default)]
struct Recent {
    entries: VecDeque<Kept>,
    /// The number of the last entry.
    last: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    bytes: usize,
    entry: Entry,
}

#[derive(Debug)]
enum Entry {
    /// As published; it was not read yet.
    Text(Bytes),
    Event(Event),
}

impl Watches {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a generation.
    pub(super) fn watch(&self, id: &GenerationId) -> watch::Receiver<Progress> {
        let mut inner = self.inner();
        if let Some(watched) = inner.watched.get(id) {
            return watched.progress.subscribe();
        }
        let watched = Watched::new();
        let receiver = watched.progress.subscribe();
        inner.watched.insert(id.clone(), watched);
        inner.changes.new.push(id.clone());
        self.changed.notify_one();
        receiver
    }

    /// Takes the changes since the last call.
    pub(super) fn changes(&self) -> Changes {
        let mut inner = self.inner();
        let mut changes = std::mem::take(&mut inner.changes);
        let is_own = |id: &GenerationId| inner.watched.get(id).map(|watched| watched.own.is_some());
        changes.new.retain(|id| is_own(id).is_some());
        // Drop changes that no longer apply.
        changes.written_here.retain(|id| is_own(id) == Some(true));
        changes.written_elsewhere.retain(|id| is_own(id) == Some(false));
        changes
    }

    /// Returns all watched generations, for a new subscription. Until then, nothing is notified.
    pub(super) fn all(&self) -> Vec<GenerationId> {
        let mut inner = self.inner();
        for watched in inner.watched.values_mut() {
            watched.is_current = false;
        }
        let written_here = inner
            .watched
            .iter()
            .filter(|(_, watched)| watched.own.is_some())
            .map(|(id, _)| id.clone())
            .collect();
        inner.changes = Changes { written_here, ..Changes::default() };
        self.changed.notify_one();
        inner.watched.keys().cloned().collect()
    }

    /// Returns the generations without a message since the last call, and drops those without viewers.
    pub(super) fn silent(&self) -> Vec<GenerationId> {
        let mut inner = self.inner();
        let Inner { watched, changes } = &mut *inner;
        watched.retain(|id, watched| {
            let is_watched = watched.progress.receiver_count() > 0;
            if !is_watched {
                changes.over.push(id.clone());
            }
            is_watched
        });
        if !changes.over.is_empty() {
            self.changed.notify_one();
        }
        let mut silent = Vec::new();
        for (id, watched) in watched {
            if std::mem::replace(&mut watched.silent, true) {
                silent.push(id.clone());
            }
        }
        silent
    }

    /// Ends the watch of a log that is gone.
    pub(super) fn gone(&self, id: &GenerationId) {
        let mut inner = self.inner();
        if inner.watched.remove(id).is_some() {
            inner.changes.over.push(id.clone());
            self.changed.notify_one();
        }
    }

    /// Handles a message of the subscription.
    pub(super) fn message(&self, id: &GenerationId, payload: &Bytes) {
        match parse(payload) {
            Some(Message::Gone) => self.gone(id),
            Some(Message::GenerationState(state, entries)) => {
                let mut inner = self.inner();
                if let Some(watched) = inner.watched.get_mut(id) {
                    let texts = entries.texts.iter().map(|text| Entry::Text(payload.slice_ref(text)));
                    watched.recent.add(entries.first, texts);
                    if watched.learn(state) {
                        self.is_written_elsewhere_now(&mut inner, id);
                    }
                }
            }
            None => tracing::warn!(%id, "a message on the generation's channel is not of this version"),
        }
    }

    /// Handles the result of a poll.
    pub(super) fn looked(&self, id: &GenerationId, state: GenerationState) {
        let mut inner = self.inner();
        if inner.watched.get_mut(id).is_some_and(|watched| watched.learn(state)) {
            self.is_written_elsewhere_now(&mut inner, id);
        }
    }

    /// Handles the result of the poll that follows the subscription.
    pub(super) fn caught_up(&self, id: &GenerationId, state: GenerationState) {
        if let Some(watched) = self.inner().watched.get_mut(id) {
            watched.is_current = true;
        }
        self.looked(id, state);
    }

    /// Records that a reply of Redis has shown this number of entries.
    pub(super) fn has_shown(&self, id: &GenerationId, tail: u64) {
        if let Some(watched) = self.inner().watched.get_mut(id) {
            watched.shown = watched.shown.max(tail);
        }
    }

    /// Records that this process, by a reply of the store, is no longer the producer.
    pub(super) fn is_written_elsewhere(&self, id: &GenerationId) {
        let mut inner = self.inner();
        if inner.watched.get_mut(id).is_some_and(Watched::disown) {
            self.is_written_elsewhere_now(&mut inner, id);
        }
    }

    fn is_written_elsewhere_now(&self, inner: &mut Inner, id: &GenerationId) {
        inner.changes.written_elsewhere.push(id.clone());
        self.changed.notify_one();
    }

    /// Records an append of this process.
    pub(super) fn appended(&self, id: &GenerationId, append: &Append, appended: &Appended) {
        let mut inner = self.inner();
        let Inner { watched, changes } = &mut *inner;
        let Some(watched) = watched.get_mut(id) else { return };
        let ended = append.events.last().is_some_and(Event::is_end);
        let last = append.first + append.events.len() as u64 - 1;
        watched.shown = watched.shown.max(appended.tail);
        watched.recent.add(append.first, append.events.iter().cloned().map(Entry::Event));
        // The notification of a takeover may arrive before this reply.
        let is_own = !ended && append.epoch >= watched.known.epoch;
        if is_own && watched.own.replace(append.epoch).is_none() {
            changes.written_here.push(id.clone());
            self.changed.notify_one();
        }
        let stop = appended.stop.is_some();
        watched.learn(GenerationState { tail: last, ended, stop, epoch: append.epoch, leased: !ended });
    }

    /// Returns the entries after this number, if they are kept here.
    ///
    /// # Errors
    /// `Unavailable` if an entry cannot be parsed.
    pub(super) fn read(
        &self,
        id: &GenerationId,
        after: u64,
        max_bytes: usize,
    ) -> Result<Option<Page>, StoreError> {
        let mut inner = self.inner();
        let Some(watched) = inner.watched.get_mut(id) else { return Ok(None) };
        let known = watched.known;
        if known.tail < watched.shown {
            return Ok(None);
        }
        if after == known.tail && watched.is_current {
            return Ok(Some(Page { entries: Vec::new(), tail: known.tail, ended: known.ended }));
        }
        let Some(entries) = watched.recent.read(after, known.tail, max_bytes)? else { return Ok(None) };
        Ok(Some(Page { entries, tail: known.tail, ended: known.ended }))
    }
}

impl Watched {
    fn new() -> Self {
        let known = GenerationState { tail: 0, ended: false, stop: false, epoch: 0, leased: false };
        let progress = watch::Sender::new(Progress::default());
        Self {
            progress,
            known,
            recent: Recent::default(),
            own: None,
            shown: 0,
            is_current: false,
            silent: false,
        }
    }

    /// Merges a state, which may be older than the known one, and wakes the watchers if it is new. Returns whether
    /// another process has taken over a generation that this one wrote.
    fn learn(&mut self, state: GenerationState) -> bool {
        self.silent = false;
        let known = self.known;
        let newer = if state.tail >= known.tail && state.epoch >= known.epoch { state } else { known };
        let (ended, stop) = (known.ended || state.ended, known.stop || state.stop);
        let now = GenerationState { ended, stop, ..newer };
        if now != known {
            self.known = now;
            self.progress.send_modify(|progress| {
                *progress = Progress { tail: now.tail, ended, stop, changes: progress.changes + 1 };
            });
        }
        self.own.is_some_and(|own| now.epoch > own) && self.disown()
    }

    /// Records that another process may be the producer, whose appends are not notified before the next poll.
    /// Returns whether this process was the producer.
    fn disown(&mut self) -> bool {
        let was_own = self.own.take().is_some();
        self.is_current &= !was_own;
        was_own
    }
}

impl Recent {
    /// Adds the entries of an append. Entries that are already kept are ignored; entries after a gap replace the
    /// kept ones.
    fn add(&mut self, first: u64, entries: impl ExactSizeIterator<Item = Entry>) {
        if entries.len() == 0 || first <= self.last {
            return;
        }
        if first != self.last + 1 {
            self.entries.clear();
            self.bytes = 0;
        }
        self.last = first + entries.len() as u64 - 1;
        for entry in entries {
            let bytes = entry.size();
            self.bytes += bytes;
            self.entries.push_back(Kept { bytes, entry });
        }
        while self.bytes > RECENT
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
    }

    /// Returns the entries after this number, if all of them up to the tail are kept.
    fn read(&mut self, after: u64, tail: u64, max_bytes: usize) -> Result<Option<Vec<Logged>>, StoreError> {
        let before = self.last - self.entries.len() as u64;
        if !(before..self.last).contains(&after) || self.last != tail {
            return Ok(None);
        }
        let mut left = max_bytes as u64;
        let mut read = Vec::new();
        for (seq, kept) in (after + 1..).zip(self.entries.range_mut((after - before) as usize..)) {
            let event = kept.entry.event()?;
            let size = event.size();
            if size > left && !read.is_empty() {
                break;
            }
            left = left.saturating_sub(size);
            read.push(Logged { seq, event: event.clone() });
        }
        Ok(Some(read))
    }
}

impl Entry {
    /// Returns the approximate size in bytes.
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Event(event) => event.size() as usize,
        }
    }

    fn event(&mut self) -> Result<&Event, StoreError> {
        if let Self::Text(text) = self {
            *self = Self::Event(super::reply::event(text)?);
        }
        match self {
            Self::Event(event) => Ok(event),
            Self::Text(_) => Err(super::reply::unreadable()),
        }
    }
}
