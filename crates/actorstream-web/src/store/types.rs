//! What the operations of a store take and give.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::event::{Api, Event, Logged};
use crate::id::GenerationId;

/// A generation that is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGeneration {
    /// Its id.
    pub id: GenerationId,
    /// Whose it is; others do not find it.
    pub owner: String,
    /// The endpoint.
    pub api: Api,
    /// The request, as JSON, for who takes the generation over. It is kept as long as the log.
    pub request: Bytes,
    /// The producer's first lease.
    pub lease: Duration,
    /// How long the generation counts as watched before anybody does.
    pub attended: Duration,
}

/// Entries that are to be appended.
#[derive(Debug, Clone)]
pub struct Append {
    /// The producer's epoch.
    pub epoch: u64,
    /// The number of the first entry.
    pub first: u64,
    /// The entries, at least one. An end can only be the last.
    pub events: Vec<Event>,
    /// How far upstream's own stream has come with them, if it has come further.
    pub upstream: Option<UpstreamPosition>,
    /// The lease from now on.
    pub lease: Duration,
}

/// Where in upstream's stream a generation is: what upstream needs to go on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamPosition {
    /// Upstream's id of the response.
    pub id: String,
    /// The `sequence_number` of the last event that is in the log; `None` if none has one.
    pub seq: Option<u64>,
}

/// What an append gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The number of the last entry in the log.
    pub tail: u64,
    /// Why the producer is asked to stop, if it is.
    pub stop: Option<String>,
}

/// What a renewal gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// Why the producer is asked to stop, if it is.
    pub stop: Option<String>,
    /// Whether anybody watches, as far as [`attend`](super::Store::attend) has said so.
    pub attended: bool,
}

/// Entries that were read.
#[derive(Debug, Clone)]
pub struct Page {
    /// The entries, in order.
    pub entries: Vec<Logged>,
    /// The number of the last entry in the log.
    pub tail: u64,
    /// Whether that is the end.
    pub ended: bool,
}

/// What is known of a generation beside its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its id.
    pub id: GenerationId,
    /// Whose it is.
    pub owner: String,
    /// The endpoint.
    pub api: Api,
    /// The request, as JSON.
    pub request: Bytes,
    /// How far upstream's own stream has come, where it can be gone on with.
    pub upstream: Option<UpstreamPosition>,
    /// The epoch of the producer.
    pub epoch: u64,
    /// The number of the last entry, 0 if there is none.
    pub tail: u64,
    /// Whether the log has its end.
    pub ended: bool,
    /// Why the producer is asked to stop, if it is.
    pub stop: Option<String>,
    /// Whether a producer holds a lease. An ended generation has none.
    pub leased: bool,
    /// How often it was taken over.
    pub takeovers: u32,
    /// How long ago it was created.
    pub age: Duration,
}

/// What a claim gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The generation is the caller's, in the epoch that it says.
    Taken(Box<Generation>),
    /// Another producer holds a lease.
    Held,
    /// It has its end.
    Ended,
}

/// What has happened to a generation, as far as is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hint {
    /// The number of the last entry.
    pub tail: u64,
    /// The log has its end.
    pub ended: bool,
    /// The producer is asked to stop.
    pub stop: bool,
    /// Counts what the others do not show, such as a claim or a lease that was released.
    pub changes: u64,
}

/// Names a chat of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChatKey {
    /// Whose it is.
    pub owner: String,
    /// Its name, as the owner's client says it.
    pub chat: String,
}

impl ChatKey {
    /// A chat.
    pub fn chat(owner: &str, id: &str) -> Self {
        Self { owner: owner.to_owned(), chat: format!("chat/{id}") }
    }

    /// The chat of one generation that a response is, by upstream's id of it.
    pub fn response(owner: &str, id: &str) -> Self {
        Self { owner: owner.to_owned(), chat: format!("response/{id}") }
    }
}

/// What a generation answers in its chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// What is answered: the same key, the same turn.
    pub key: String,
    /// It is to be answered anew, if it was answered before.
    pub again: bool,
}

/// What binding a generation to a chat gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// It is the current one now.
    New {
        /// The one that was.
        previous: Option<GenerationId>,
    },
    /// This one answers the turn already.
    Same(GenerationId),
}
