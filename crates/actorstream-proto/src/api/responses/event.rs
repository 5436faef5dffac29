//! `ResponseEvent`: one event of a streamed response, with its payload.

use std::ops::{Deref, DerefMut};

use serde::{Serialize, Serializer};

use super::generated::{ResponseStreamEvent, ResponseUsage};
use crate::json::payload::Payload;

/// One event of a streamed response. It dereferences to [`ResponseStreamEvent`] for matching.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseEvent {
    /// The event.
    pub event: ResponseStreamEvent,
    /// The event as it arrived.
    pub raw: Payload,
}

impl ResponseEvent {
    /// Returns the new text, if the event has any.
    pub fn text(&self) -> Option<&str> {
        match &self.event {
            ResponseStreamEvent::OutputTextDelta(event) => Some(&event.delta),
            _ => None,
        }
    }

    /// Returns the new reasoning or summary, if the event has any.
    pub fn reasoning(&self) -> Option<&str> {
        match &self.event {
            ResponseStreamEvent::ReasoningTextDelta(event) => Some(&event.delta),
            ResponseStreamEvent::ReasoningSummaryTextDelta(event) => Some(&event.delta),
            _ => None,
        }
    }
}

impl Deref for ResponseEvent {
    type Target = ResponseStreamEvent;

    fn deref(&self) -> &ResponseStreamEvent {
        &self.event
    }
}

impl DerefMut for ResponseEvent {
    fn deref_mut(&mut self) -> &mut ResponseStreamEvent {
        &mut self.event
    }
}

impl Serialize for ResponseEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.event.serialize(serializer)
    }
}

impl ResponseUsage {
    /// Returns whether a count may be under another name.
    pub(crate) fn is_misnamed(&self) -> bool {
        /// The positions of the fields with the tokens of input and output.
        const COUNTS: [u32; 2] = [0, 2];
        !self.extra.is_empty() && !COUNTS.into_iter().all(|count| self.extra.has(count))
    }

    /// Returns whether the usage is empty: some servers send `{}`, or only `null` fields.
    pub(crate) fn is_hollow(&self) -> bool {
        /// The positions of the fields with token counts.
        const COUNTS: [u32; 3] = [0, 2, 4];
        !COUNTS.into_iter().any(|count| self.extra.has(count))
    }
}
