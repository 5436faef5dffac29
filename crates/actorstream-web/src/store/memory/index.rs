//! `Index`: all logs in memory, their expiry, and the current generation of each chat.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::log::Log;
use crate::id::GenerationId;
use crate::store::{Bound, ChatKey, NewGeneration, StoreError, StoreLimit, StoreLimits, Turn};

/// The approximate size of an empty log in bytes.
const EMPTY: u64 = 1024;

/// All logs. The index is locked before a log, never while holding a log's lock.
#[derive(Debug, Default)]
pub(super) struct Index {
    places: HashMap<GenerationId, Place>,
    /// The expiry of each log, earliest first.
    expiries: BTreeSet<(Instant, GenerationId)>,
    chats: HashMap<ChatKey, Current>,
    bytes: u64,
    /// The part of `bytes` that belongs to ended logs, which can be evicted.
    ended_bytes: u64,
    /// The number of ended logs.
    ended: usize,
}

#[derive(Debug)]
struct Place {
    log: Arc<Mutex<Log>>,
    expires: Instant,
    bytes: u64,
    ended: bool,
    /// The chats of which this is the current generation.
    chats: Vec<ChatKey>,
}

#[derive(Debug)]
struct Current {
    turn: String,
    id: GenerationId,
}

impl Index {
    pub(super) fn create(
        &mut self,
        new: &NewGeneration,
        now: Instant,
        limits: &StoreLimits,
    ) -> Result<(), StoreError> {
        self.expire(now);
        if let Some(place) = self.places.get(&new.id) {
            let is_fresh = place.log.lock().unwrap_or_else(PoisonError::into_inner).is_fresh(new);
            return if is_fresh { Ok(()) } else { Err(StoreError::Exists) };
        }
        if self.places.len() - self.ended >= limits.max_generations {
            return Err(StoreError::Full(StoreLimit::Generations));
        }
        let expires = now + limits.max_age + limits.ttl;
        let log = Arc::new(Mutex::new(Log::new(new, now)));
        let bytes = EMPTY + new.request.len() as u64;
        if bytes > self.room(limits) {
            return Err(StoreError::Full(StoreLimit::Memory));
        }
        self.bytes += bytes;
        self.expiries.insert((expires, new.id.clone()));
        let place = Place { log, expires, bytes, ended: false, chats: Vec::new() };
        self.places.insert(new.id.clone(), place);
        self.make_room(limits);
        Ok(())
    }

    pub(super) fn get(&mut self, id: &GenerationId, now: Instant) -> Option<Arc<Mutex<Log>>> {
        let place = self.places.get(id)?;
        if place.expires <= now {
            self.remove(id);
            return None;
        }
        Some(Arc::clone(&place.log))
    }

    pub(super) fn remove(&mut self, id: &GenerationId) {
        let Some(place) = self.places.remove(id) else { return };
        self.expiries.remove(&(place.expires, id.clone()));
        self.bytes -= place.bytes;
        if place.ended {
            self.ended_bytes -= place.bytes;
            self.ended -= 1;
        }
        for chat in place.chats {
            if self.chats.get(&chat).is_some_and(|current| current.id == *id) {
                self.chats.remove(&chat);
            }
        }
        // Release the capacity that a burst needed.
        if self.places.len() < self.places.capacity() / 8 {
            self.places.shrink_to(4 * self.places.len());
            self.chats.shrink_to(4 * self.chats.len());
        }
    }

    /// Drops expired logs.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((expires, id)) = self.expiries.first().cloned()
            && expires <= now
        {
            self.remove(&id);
        }
    }

    /// Records that a log has grown by this many bytes.
    pub(super) fn grown(&mut self, id: &GenerationId, bytes: u64) {
        if let Some(place) = self.places.get_mut(id) {
            place.bytes += bytes;
            self.bytes += bytes;
        }
    }

    /// Records that a log has ended, and is kept until `expires`.
    pub(super) fn keep_until(&mut self, id: &GenerationId, expires: Instant) {
        if let Some(place) = self.places.get_mut(id) {
            self.expiries.remove(&(place.expires, id.clone()));
            place.expires = expires;
            if !place.ended {
                place.ended = true;
                self.ended_bytes += place.bytes;
                self.ended += 1;
            }
            self.expiries.insert((expires, id.clone()));
        }
    }

    /// Returns the number of bytes that can still be added.
    pub(super) fn room(&self, limits: &StoreLimits) -> u64 {
        limits.max_memory.saturating_add(self.ended_bytes).saturating_sub(self.bytes)
    }

    /// Evicts logs, in the order in which they ended, until the others fit.
    pub(super) fn make_room(&mut self, limits: &StoreLimits) {
        while self.bytes > limits.max_memory && self.evict() {}
    }

    /// Drops the log that ended first.
    fn evict(&mut self) -> bool {
        let ended = |id: &GenerationId| self.places.get(id).is_some_and(|place| place.ended);
        let Some(id) = self.expiries.iter().map(|(_, id)| id).find(|id| ended(id)).cloned() else {
            return false;
        };
        self.remove(&id);
        true
    }

    pub(super) fn bind(&mut self, chat: &ChatKey, turn: &Turn, id: &GenerationId, now: Instant) -> Bound {
        self.expire(now);
        if let Some(current) = self.chats.get(chat) {
            if current.id == *id {
                return Bound::New { previous: None };
            }
            if current.turn == turn.key && !turn.again {
                return Bound::Same(current.id.clone());
            }
        }
        if let Some(place) = self.places.get_mut(id) {
            place.chats.push(chat.clone());
        } else {
            // A binding to a missing log would never be removed.
            return Bound::New { previous: None };
        }
        let current = Current { turn: turn.key.clone(), id: id.clone() };
        Bound::New { previous: self.chats.insert(chat.clone(), current).map(|current| current.id) }
    }

    pub(super) fn current(&self, chat: &ChatKey) -> Option<GenerationId> {
        self.chats.get(chat).map(|current| current.id.clone())
    }

    pub(super) fn all(&self) -> Vec<(GenerationId, Arc<Mutex<Log>>)> {
        self.places.iter().map(|(id, place)| (id.clone(), Arc::clone(&place.log))).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
