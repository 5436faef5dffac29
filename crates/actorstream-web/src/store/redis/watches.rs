//! `Watches`: the generations that this process watches, and the latest entries of each.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::message::{GenerationState, Message, parse};
use crate::event::{Event, Logged};
use crate::id::GenerationId;
use crate::store::{Append, Appended, Page, Progress, StoreError};

/// How many bytes of the latest entries are kept for each watched generation. A viewer that is further behind reads
/// from Redis.
const RECENT: usize = 64 << 10;

/// The watched generations. One subscription serves all viewers of a generation in this process, and the entries in
/// its messages save each of them a request to Redis.
#[derive(Debug, Default)]
pub(super) struct Watches {
    inner: Mutex<Inner>,
    /// Something is to be subscribed to, or not any more.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    watched: HashMap<GenerationId, Watched>,
    changes: Changes,
}

/// What is to be subscribed to, and what not any more.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) over: Vec<GenerationId>,
    pub(super) new: Vec<GenerationId>,
    /// Those that this process writes now: it knows what it appends, and need not be sent it.
    pub(super) written_here: Vec<GenerationId>,
    /// Those that it wrote, and another one does now.
    pub(super) written_elsewhere: Vec<GenerationId>,
}

/// A generation that is watched.
#[derive(Debug)]
struct Watched {
    progress: watch::Sender<Progress>,
    known: GenerationState,
    recent: Recent,
    /// The epoch in which this process writes it, if it does.
    own: Option<u64>,
    /// The last entry that a reply of Redis has shown to be there. A reader is never given less.
    shown: u64,
    /// Every change is notified: the generation was looked at after it was subscribed to.
    is_current: bool,
    /// Nothing was heard of it since it was looked at last.
    silent: bool,
}

/// The latest entries, without gaps.
#[derive(Debug, Default)]
struct Recent {
    entries: VecDeque<Kept>,
    /// The number of the last one.
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
    /// As it was published. Nobody has read it yet.
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

    /// What changed since it was asked for last.
    pub(super) fn changes(&self) -> Changes {
        let mut inner = self.inner();
        let mut changes = std::mem::take(&mut inner.changes);
        let is_own = |id: &GenerationId| inner.watched.get(id).map(|watched| watched.own.is_some());
        changes.new.retain(|id| is_own(id).is_some());
        // Only what is so still.
        changes.written_here.retain(|id| is_own(id) == Some(true));
        changes.written_elsewhere.retain(|id| is_own(id) == Some(false));
        changes
    }

    /// All that are watched, to be subscribed to anew. Until then, nothing is notified.
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

    /// The log is gone: its watch ends.
    pub(super) fn gone(&self, id: &GenerationId) {
        let mut inner = self.inner();
        if inner.watched.remove(id).is_some() {
            inner.changes.over.push(id.clone());
            self.changed.notify_one();
        }
    }

    /// A message came.
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

    /// It was looked at.
    pub(super) fn looked(&self, id: &GenerationId, state: GenerationState) {
        let mut inner = self.inner();
        if inner.watched.get_mut(id).is_some_and(|watched| watched.learn(state)) {
            self.is_written_elsewhere_now(&mut inner, id);
        }
    }

    /// It was subscribed to, and then looked at.
    pub(super) fn caught_up(&self, id: &GenerationId, state: GenerationState) {
        if let Some(watched) = self.inner().watched.get_mut(id) {
            watched.is_current = true;
        }
        self.looked(id, state);
    }

    /// A reply of Redis has shown that it has so many entries.
    pub(super) fn has_shown(&self, id: &GenerationId, tail: u64) {
        if let Some(watched) = self.inner().watched.get_mut(id) {
            watched.shown = watched.shown.max(tail);
        }
    }

    /// This process writes it no more, as far as it was told.
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

    /// This process has appended to it.
    pub(super) fn appended(&self, id: &GenerationId, append: &Append, appended: &Appended) {
        let mut inner = self.inner();
        let Inner { watched, changes } = &mut *inner;
        let Some(watched) = watched.get_mut(id) else { return };
        let ended = append.events.last().is_some_and(Event::is_end);
        let last = append.first + append.events.len() as u64 - 1;
        watched.shown = watched.shown.max(appended.tail);
        watched.recent.add(append.first, append.events.iter().cloned().map(Entry::Event));
        // The reply may be read after the notification of a takeover.
        let is_own = !ended && append.epoch >= watched.known.epoch;
        if is_own && watched.own.replace(append.epoch).is_none() {
            changes.written_here.push(id.clone());
            self.changed.notify_one();
        }
        let stop = appended.stop.is_some();
        watched.learn(GenerationState { tail: last, ended, stop, epoch: append.epoch, leased: !ended });
    }

    /// The entries after this number, if they are here.
    ///
    /// # Errors
    /// `Unavailable` when an entry cannot be read.
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

    /// Takes note of what came, which may be older than what is known, and wakes those who watch if it is new. Gives whether
    /// another process writes the generation that this one has written.
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

    /// Another process may write it: what it appends is not notified before the next look. Gives whether this process wrote
    /// it.
    fn disown(&mut self) -> bool {
        let was_own = self.own.take().is_some();
        self.is_current &= !was_own;
        was_own
    }
}

impl Recent {
    /// Adds the entries of an append. What is here already is not added again, and what does not follow replaces it.
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

    /// The entries after this number, if they are here up to the tail.
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
    /// About how many bytes it takes.
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
