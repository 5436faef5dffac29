//! `Index`: all the logs in memory, until when they are kept, and which is whose chat's.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::log::Log;
use crate::id::GenerationId;
use crate::store::{Bound, ChatKey, NewGeneration, StoreError, StoreLimit, StoreLimits, Turn};

/// About how many bytes an empty log takes.
const EMPTY: u64 = 1024;

/// All the logs. Its lock is taken before a log's, never while holding one.
#[derive(Debug, Default)]
pub(super) struct Index {
    places: HashMap<GenerationId, Place>,
    /// When each log expires, the first one first.
    expiries: BTreeSet<(Instant, GenerationId)>,
    chats: HashMap<ChatKey, Current>,
    bytes: u64,
    /// Those of `bytes` that logs have which ended, and can make room.
    ended_bytes: u64,
    /// How many logs ended.
    ended: usize,
}

#[derive(Debug)]
struct Place {
    log: Arc<Mutex<Log>>,
    expires: Instant,
    bytes: u64,
    ended: bool,
    /// The chats that it is the current generation of.
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

    /// Drops what has expired.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((expires, id)) = self.expiries.first().cloned()
            && expires <= now
        {
            self.remove(&id);
        }
    }

    /// A log has grown by so many bytes.
    pub(super) fn grown(&mut self, id: &GenerationId, bytes: u64) {
        if let Some(place) = self.places.get_mut(id) {
            place.bytes += bytes;
            self.bytes += bytes;
        }
    }

    /// A log has ended, and is kept until then.
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

    /// How many bytes more there is room for.
    pub(super) fn room(&self, limits: &StoreLimits) -> u64 {
        limits.max_memory.saturating_add(self.ended_bytes).saturating_sub(self.bytes)
    }

    /// Drops those that ended first until the logs fit.
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
            // It would never be removed.
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
