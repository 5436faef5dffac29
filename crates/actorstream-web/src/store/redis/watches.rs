//! `Watches`: the generations that this process watches, and the latest entries of each.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::message::{Message, News, parse};
use crate::event::{Event, Logged};
use crate::id::GenerationId;
use crate::store::{Append, Appended, Hint, Page, StoreError};

/// How many bytes of the latest entries are kept of each generation that is watched. A viewer that is further behind reads
/// from Redis.
const RECENT: usize = 64 << 10;

/// The generations that are watched. One subscription serves all viewers of a generation in this process, and the entries
/// that come with its messages spare each of them a way to Redis.
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
}

/// A generation that is watched.
#[derive(Debug)]
struct Watched {
    hint: watch::Sender<Hint>,
    known: News,
    recent: Recent,
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
    /// The last number that this process was told to be in the log: who wrote it shall read it.
    acknowledged: u64,
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
    pub(super) fn watch(&self, id: &GenerationId) -> watch::Receiver<Hint> {
        let mut inner = self.inner();
        if let Some(watched) = inner.watched.get(id) {
            return watched.hint.subscribe();
        }
        let watched = Watched::new();
        let receiver = watched.hint.subscribe();
        inner.watched.insert(id.clone(), watched);
        inner.changes.new.push(id.clone());
        self.changed.notify_one();
        receiver
    }

    /// What changed since it was asked for last.
    pub(super) fn changes(&self) -> Changes {
        let mut inner = self.inner();
        let mut changes = std::mem::take(&mut inner.changes);
        changes.new.retain(|id| inner.watched.contains_key(id));
        changes
    }

    /// All that are watched, to be subscribed to anew.
    pub(super) fn all(&self) -> Vec<GenerationId> {
        let mut inner = self.inner();
        inner.changes = Changes::default();
        inner.watched.keys().cloned().collect()
    }

    /// Those of which nothing was heard since this was asked last; those that nobody watches any more are dropped.
    pub(super) fn silent(&self) -> Vec<GenerationId> {
        let mut inner = self.inner();
        let Inner { watched, changes } = &mut *inner;
        watched.retain(|id, watched| {
            let is_watched = watched.hint.receiver_count() > 0;
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
            Some(Message::News(news, entries)) => {
                if let Some(watched) = self.inner().watched.get_mut(id) {
                    let texts = entries.texts.iter().map(|text| Entry::Text(payload.slice_ref(text)));
                    watched.recent.add(entries.first, texts);
                    watched.learn(news);
                }
            }
            None => tracing::warn!(%id, "a message on the generation's channel is not of this version"),
        }
    }

    /// It was looked at.
    pub(super) fn looked(&self, id: &GenerationId, news: News) {
        if let Some(watched) = self.inner().watched.get_mut(id) {
            watched.learn(news);
        }
    }

    /// This process has appended to it.
    pub(super) fn appended(&self, id: &GenerationId, append: &Append, appended: &Appended) {
        let mut inner = self.inner();
        let Some(watched) = inner.watched.get_mut(id) else { return };
        let ended = append.events.last().is_some_and(Event::is_end);
        let last = append.first + append.events.len() as u64 - 1;
        watched.recent.acknowledged = watched.recent.acknowledged.max(appended.tail);
        if last == appended.tail && last > watched.known.tail {
            watched.recent.add(append.first, append.events.iter().cloned().map(Entry::Event));
            let stop = appended.stop.is_some();
            watched.learn(News { tail: last, ended, stop, epoch: append.epoch, leased: !ended });
        }
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
        let Some(entries) = watched.recent.read(after, max_bytes)? else { return Ok(None) };
        let tail = watched.recent.last;
        let ended = watched.known.ended && watched.known.tail == tail;
        Ok(Some(Page { entries, tail, ended }))
    }
}

impl Watched {
    fn new() -> Self {
        let known = News { tail: 0, ended: false, stop: false, epoch: 0, leased: false };
        Self { hint: watch::Sender::new(Hint::default()), known, recent: Recent::default(), silent: false }
    }

    /// Takes note of what came, which may be older than what is known, and wakes those who watch if it is news.
    fn learn(&mut self, news: News) {
        self.silent = false;
        let known = self.known;
        let newer = if news.tail >= known.tail && news.epoch >= known.epoch { news } else { known };
        let (ended, stop) = (known.ended || news.ended, known.stop || news.stop);
        let now = News { ended, stop, ..newer };
        if now != known {
            self.known = now;
            self.hint.send_modify(|hint| {
                *hint = Hint { tail: now.tail, ended, stop, changes: hint.changes + 1 };
            });
        }
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

    fn read(&mut self, after: u64, max_bytes: usize) -> Result<Option<Vec<Logged>>, StoreError> {
        let before = self.last - self.entries.len() as u64;
        if !(before..self.last).contains(&after) || self.last < self.acknowledged {
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
