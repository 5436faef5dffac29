//! The arguments and results of store operations.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::event::{Api, Event, Logged};
use crate::id::GenerationId;

/// A generation to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGeneration {
    /// Its id.
    pub id: GenerationId,
    /// Its owner; others cannot find it.
    pub owner: String,
    /// The endpoint.
    pub api: Api,
    /// The request, as JSON, for a producer that takes over. It is kept as long as the log.
    pub request: Bytes,
    /// The producer's first lease.
    pub lease: Duration,
    /// How long the generation counts as watched before it has viewers.
    pub attended: Duration,
}

/// Entries to append.
#[derive(Debug, Clone)]
pub struct Append {
    /// The producer's epoch.
    pub epoch: u64,
    /// The number of the first entry.
    pub first: u64,
    /// The entries, at least one. An end can only be the last.
    pub events: Vec<Event>,
    /// The position in upstream's stream after these entries, if it has advanced.
    pub upstream: Option<UpstreamPosition>,
    /// The new lease.
    pub lease: Duration,
}

/// A position in upstream's stream, with which upstream can resume it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamPosition {
    /// Upstream's id of the response.
    pub id: String,
    /// The `sequence_number` of the last event that is in the log; `None` if none has one.
    pub seq: Option<u64>,
}

/// The result of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The number of the last entry in the log.
    pub tail: u64,
    /// The reason, if the producer is asked to stop.
    pub stop: Option<String>,
}

/// The result of a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// The reason, if the producer is asked to stop.
    pub stop: Option<String>,
    /// Whether the generation has viewers, according to [`attend`](super::Store::attend).
    pub attended: bool,
}

/// Entries that were read.
#[derive(Debug, Clone)]
pub struct Page {
    /// The entries, in order.
    pub entries: Vec<Logged>,
    /// The number of the last entry in the log.
    pub tail: u64,
    /// Whether that entry is the end.
    pub ended: bool,
}

/// The state of a generation, without its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its id.
    pub id: GenerationId,
    /// Its owner.
    pub owner: String,
    /// The endpoint.
    pub api: Api,
    /// The request, as JSON.
    pub request: Bytes,
    /// The position in upstream's stream, if it can be resumed.
    pub upstream: Option<UpstreamPosition>,
    /// The epoch of the producer.
    pub epoch: u64,
    /// The number of the last entry, 0 if there is none.
    pub tail: u64,
    /// Whether the log has ended.
    pub ended: bool,
    /// The reason, if the producer is asked to stop.
    pub stop: Option<String>,
    /// Whether a producer holds a lease. An ended generation has none.
    pub leased: bool,
    /// How often it was taken over.
    pub takeovers: u32,
    /// How long ago it was created.
    pub age: Duration,
}

/// The result of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The caller is the producer, with the epoch in the generation.
    Taken(Box<Generation>),
    /// Another producer holds a lease.
    Held,
    /// The generation has ended.
    Ended,
}

/// What is known about the changes of a generation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the last entry.
    pub tail: u64,
    /// Whether the log has ended.
    pub ended: bool,
    /// Whether the producer is asked to stop.
    pub stop: bool,
    /// Counts the changes that the other fields do not show, such as a claim or a released lease.
    pub changes: u64,
}

/// The resources of an owner that a process holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Running generations.
    pub generations: u64,
    /// Viewers.
    pub viewers: u64,
    /// Bytes of running and of kept logs.
    pub bytes: u64,
}

/// Identifies a chat of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChatKey {
    /// Its owner.
    pub owner: String,
    /// Its name, as the owner's client sends it.
    pub chat: String,
}

impl ChatKey {
    /// Returns the key of a chat.
    pub fn chat(owner: &str, id: &str) -> Self {
        Self { owner: owner.to_owned(), chat: format!("chat/{id}") }
    }

    /// Returns the key of the chat that represents a response, by upstream's id. It has one generation.
    pub fn response(owner: &str, id: &str) -> Self {
        Self { owner: owner.to_owned(), chat: format!("response/{id}") }
    }
}

/// The turn of a chat that a generation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Identifies the turn: equal keys mean the same turn.
    pub key: String,
    /// Whether to answer the turn again, even if it was answered before.
    pub again: bool,
}

/// The result of binding a generation to a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// The generation is now the current one.
    New {
        /// The previous one.
        previous: Option<GenerationId>,
    },
    /// This generation already answers the turn.
    Same(GenerationId),
}
