//! Parses the replies of the scripts.

use std::time::Duration;

use bytes::Bytes;
use redis::Value;

use super::message::GenerationState;
use crate::event::{Event, Logged};
use crate::id::GenerationId;
use crate::store::{
    Append, Appended, Generation, Page, Renewed, StoreError, StoreLimit, Tally, UpstreamPosition,
};

/// The values of a reply, after the status word.
pub(super) struct Reply {
    values: std::vec::IntoIter<Value>,
}

/// Returns the error for a reply that this version does not understand.
pub(super) fn unreadable() -> StoreError {
    // Retrying does not help.
    StoreError::Invalid("what Redis holds was not written by this version of actorstream")
}

/// Parses an entry of a log.
pub(super) fn event(text: &[u8]) -> Result<Event, StoreError> {
    serde_json::from_slice(text).map_err(|_| unreadable())
}

impl Reply {
    /// Splits a reply into its status word and the rest.
    ///
    /// # Errors
    /// The error that the status word represents.
    pub(super) fn new(value: Value) -> Result<(String, Self), StoreError> {
        let Value::Array(values) = value else { return Err(unreadable()) };
        let mut reply = Self { values: values.into_iter() };
        let word = reply.text()?;
        Err(match word.as_str() {
            "none" => StoreError::NotFound,
            "fenced" => StoreError::Fenced,
            "closed" => StoreError::Closed,
            "exists" => StoreError::Exists,
            "gap" => StoreError::Gap { tail: reply.number()? },
            "full" => StoreError::Full(match reply.text()?.as_str() {
                "age" => StoreLimit::Age,
                "events" => StoreLimit::Events,
                "bytes" => StoreLimit::Bytes,
                _ => StoreLimit::Generations,
            }),
            "unreadable" => unreadable(),
            "lost" => StoreError::unavailable(
                "Redis has lost entries of the log; its maxmemory-policy must be noeviction",
            ),
            _ => return Ok((word, reply)),
        })
    }

    pub(super) fn value(&mut self) -> Result<Value, StoreError> {
        self.values.next().ok_or_else(unreadable)
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, StoreError> {
        match self.value()? {
            Value::BulkString(bytes) => Ok(bytes.into()),
            Value::SimpleString(text) => Ok(text.into_bytes().into()),
            _ => Err(unreadable()),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        String::from_utf8(self.bytes()?.into()).map_err(|_| unreadable())
    }

    /// Returns a text, or `None`.
    pub(super) fn optional(&mut self) -> Result<Option<String>, StoreError> {
        match self.value()? {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| unreadable()),
            _ => Err(unreadable()),
        }
    }

    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        redis::from_redis_value(self.value()?).map_err(|_| unreadable())
    }

    pub(super) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.number()? == 1)
    }

    pub(super) fn appended(mut self) -> Result<Appended, StoreError> {
        Ok(Appended { tail: self.number()?, stop: self.optional()? })
    }

    pub(super) fn renewed(mut self) -> Result<Renewed, StoreError> {
        Ok(Renewed { stop: self.optional()?, attended: self.flag()? })
    }

    pub(super) fn tally(mut self) -> Result<Tally, StoreError> {
        Ok(Tally { generations: self.number()?, viewers: self.number()?, bytes: self.number()? })
    }

    pub(super) fn page(mut self, after: u64) -> Result<Page, StoreError> {
        let (tail, ended) = (self.number()?, self.flag()?);
        let mut entries = Vec::with_capacity(self.values.len());
        for seq in (after.saturating_add(1)..).take(self.values.len()) {
            entries.push(Logged { seq, event: event(&self.bytes()?)? });
        }
        Ok(Page { entries, tail, ended })
    }

    /// Parses the reply of `look.lua`. Also returns the remaining milliseconds of the lease.
    pub(super) fn look(mut self) -> Result<(GenerationState, u64), StoreError> {
        let (tail, ended, stop, epoch) = (self.number()?, self.flag()?, self.flag()?, self.number()?);
        let left = self.number()?;
        Ok((GenerationState { tail, ended, stop, epoch, leased: left > 0 }, left))
    }

    pub(super) fn generation(mut self, id: &GenerationId) -> Result<Generation, StoreError> {
        let (now, leased) = (self.number()?, self.flag()?);
        let Value::Array(fields) = self.value()? else { return Err(unreadable()) };
        let mut fields = Self { values: fields.into_iter() };
        let mut generation = Generation {
            id: id.clone(),
            owner: String::new(),
            api: crate::event::Api::Chat,
            request: Bytes::new(),
            upstream: None,
            epoch: 0,
            tail: 0,
            ended: false,
            stop: None,
            leased,
            takeovers: 0,
            age: Duration::ZERO,
        };
        let (mut upstream_id, mut upstream_seq) = (None, None);
        while fields.values.len() > 0 {
            match fields.text()?.as_str() {
                "owner" => generation.owner = fields.text()?,
                "api" => generation.api = api(fields.text()?)?,
                "request" => generation.request = fields.bytes()?,
                "epoch" => generation.epoch = fields.number()?,
                "tail" => generation.tail = fields.number()?,
                "ended" => generation.ended = fields.flag()?,
                "stop" => generation.stop = Some(fields.text()?),
                "takeovers" => {
                    generation.takeovers = u32::try_from(fields.number()?).unwrap_or(u32::MAX);
                }
                "created" => generation.age = Duration::from_millis(now.saturating_sub(fields.number()?)),
                "upstream_id" => upstream_id = Some(fields.text()?),
                "upstream_seq" => upstream_seq = fields.text()?.parse().ok(),
                _ => drop(fields.value()?),
            }
        }
        generation.upstream = upstream_id.map(|id| UpstreamPosition { id, seq: upstream_seq });
        Ok(generation)
    }
}

/// Parses the name of an endpoint, which [`api_name`] writes.
fn api(name: String) -> Result<crate::event::Api, StoreError> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(|_| unreadable())
}

/// Returns the name of an endpoint in Redis.
pub(super) fn api_name(api: crate::event::Api) -> String {
    match serde_json::to_value(api) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

/// Serializes the entries of an append.
pub(super) fn texts(append: &Append) -> Result<Vec<Vec<u8>>, StoreError> {
    let text = |event| serde_json::to_vec(event).map_err(|_| StoreError::Invalid("an entry is not JSON"));
    append.events.iter().map(text).collect()
}
