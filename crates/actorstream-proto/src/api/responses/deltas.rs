//! The deltas of a response's events, and the texts that they belong to.

use std::collections::BTreeMap;

use super::event::ResponseEvent;
use super::generated::ResponseStreamEvent;
use crate::json::text::Text;

/// Repairs deltas that were split inside a character, and keeps nothing else: the part of a
/// [`ResponseAccumulator`](super::accumulator::ResponseAccumulator) that is needed even if no response is wanted.
#[derive(Debug, Default)]
pub struct ResponseDeltas {
    /// The unpaired surrogates at the ends of texts so far.
    pub(super) carries: BTreeMap<Growing, u16>,
}

impl ResponseDeltas {
    /// Joins the event's delta, if it has one, with the unpaired surrogate at the end of the previous delta of its
    /// text.
    pub fn join(&mut self, event: &mut ResponseEvent) {
        let Some(Delta { text, delta, .. }) = delta_of(&mut event.event) else { return };
        let mut carry = self.carries.remove(&text).unwrap_or(0);
        delta.join(&mut carry);
        if carry != 0 {
            self.carries.insert(text, carry);
        }
    }
}

/// The delta of an event.
pub(super) struct Delta<'a> {
    /// The text that it belongs to.
    pub(super) text: Growing,
    /// The id of the item, if the event contains it.
    pub(super) item: &'a str,
    /// The new text.
    pub(super) delta: &'a mut Text,
}

/// Returns the delta of an event, if it has one.
#[inline]
pub(super) fn delta_of(event: &mut ResponseStreamEvent) -> Option<Delta<'_>> {
    use ResponseStreamEvent as E;
    macro_rules! delta {
        ($event:ident, $text:expr) => {
            Delta { text: $text, item: &$event.item_id, delta: &mut $event.delta }
        };
    }
    let (content, summary) = (Parts::Content, Parts::Summary);
    Some(match event {
        E::OutputTextDelta(event) => {
            delta!(event, Growing::in_part(event.output_index, content, event.content_index, Field::Text))
        }
        E::RefusalDelta(event) => {
            delta!(event, Growing::in_part(event.output_index, content, event.content_index, Field::Refusal))
        }
        E::ReasoningTextDelta(event) => {
            delta!(event, Growing::in_part(event.output_index, content, event.content_index, Field::Thought))
        }
        E::ReasoningSummaryTextDelta(event) => {
            delta!(event, Growing::in_part(event.output_index, summary, event.summary_index, Field::Text))
        }
        E::FunctionCallArgumentsDelta(event) => {
            delta!(event, Growing::of(event.output_index, Field::Arguments))
        }
        E::McpCallArgumentsDelta(event) => delta!(event, Growing::of(event.output_index, Field::Arguments)),
        E::CustomToolCallInputDelta(event) => delta!(event, Growing::of(event.output_index, Field::Input)),
        E::CodeInterpreterCallCodeDelta(event) => delta!(event, Growing::of(event.output_index, Field::Code)),
        E::ShellCallCommandDelta(event) => Delta {
            text: Growing::in_part(event.output_index, Parts::Commands, event.command_index, Field::Text),
            item: "",
            delta: &mut event.delta,
        },
        _ => return None,
    })
}

/// A text that grows: a field of an item, or of a part in a list of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Growing {
    /// The item's index in the output, from the event.
    pub(super) item: u64,
    /// The list of parts, and the index in it.
    pub(super) part: Option<(Parts, u64)>,
    pub(super) field: Field,
}

/// The lists of parts of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Parts {
    Content,
    Summary,
    /// The commands of a shell call, which are texts themselves.
    Commands,
}

/// The field that contains a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Text,
    /// The text of a reasoning.
    Thought,
    Refusal,
    Arguments,
    Input,
    Code,
}

impl Parts {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Summary => "summary",
            Self::Commands => "commands",
        }
    }
}

impl Field {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Thought => "text",
            Self::Refusal => "refusal",
            Self::Arguments => "arguments",
            Self::Input => "input",
            Self::Code => "code",
        }
    }
}

impl Growing {
    /// Returns the types of the items that have such a text.
    pub(super) fn types(self) -> &'static [&'static str] {
        match (self.part, self.field) {
            (Some((Parts::Summary, _)), _) => &["reasoning"],
            (Some((Parts::Commands, _)), _) => &["shell_call"],
            (_, Field::Thought) => &["reasoning"],
            (_, Field::Text | Field::Refusal) => &["message"],
            (_, Field::Arguments) => &["function_call", "mcp_call"],
            (_, Field::Input) => &["custom_tool_call"],
            (_, Field::Code) => &["code_interpreter_call"],
        }
    }

    pub(super) fn of(item: u64, field: Field) -> Self {
        Self { item, part: None, field }
    }

    pub(super) fn in_part(item: u64, list: Parts, part: u64, field: Field) -> Self {
        Self { item, part: Some((list, part)), field }
    }
}
