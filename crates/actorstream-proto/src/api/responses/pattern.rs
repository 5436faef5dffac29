//! The parts of a delta event that change from one to the next, for the [template](crate::template).

use bytes::Bytes;

use super::event::ResponseEvent;
use super::generated::ResponseStreamEvent;
use crate::endpoint::event::Event;
use crate::json::deferred::Deferred;
use crate::json::extra::Extra;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::outcome::error_signs::{is_telling, may_tell};
use crate::sse::Frame;
use crate::template::Patterned;

/// The parts of a delta event.
struct Parts<'a> {
    r#type: &'a mut Text,
    delta: &'a mut Text,
    obfuscation: &'a mut Option<Text>,
    sequence_number: &'a mut Option<u64>,
}

/// Returns the parts of a delta event; `None` for any other event.
#[inline]
fn parts(event: &mut ResponseStreamEvent) -> Option<Parts<'_>> {
    use ResponseStreamEvent as E;
    macro_rules! parts {
        ($event:ident) => {
            Some(Parts {
                r#type: &mut $event.r#type,
                delta: &mut $event.delta,
                obfuscation: &mut $event.obfuscation,
                sequence_number: &mut $event.sequence_number,
            })
        };
    }
    match event {
        E::OutputTextDelta(event) => parts!(event),
        E::ReasoningTextDelta(event) => parts!(event),
        E::ReasoningSummaryTextDelta(event) => parts!(event),
        E::RefusalDelta(event) => parts!(event),
        E::FunctionCallArgumentsDelta(event) => parts!(event),
        E::McpCallArgumentsDelta(event) => parts!(event),
        E::CustomToolCallInputDelta(event) => parts!(event),
        E::CodeInterpreterCallCodeDelta(event) => parts!(event),
        _ => None,
    }
}

/// The unknown fields of a delta event.
fn extra_of(event: &ResponseStreamEvent) -> Option<&Extra> {
    use ResponseStreamEvent as E;
    Some(match event {
        E::OutputTextDelta(event) => &event.extra,
        E::ReasoningTextDelta(event) => &event.extra,
        E::ReasoningSummaryTextDelta(event) => &event.extra,
        E::RefusalDelta(event) => &event.extra,
        E::FunctionCallArgumentsDelta(event) => &event.extra,
        E::McpCallArgumentsDelta(event) => &event.extra,
        E::CustomToolCallInputDelta(event) => &event.extra,
        E::CodeInterpreterCallCodeDelta(event) => &event.extra,
        _ => return None,
    })
}

/// The types of delta events.
const TYPES: [&str; 8] = [
    "response.output_text.delta",
    "response.reasoning_text.delta",
    "response.reasoning_summary_text.delta",
    "response.refusal.delta",
    "response.function_call_arguments.delta",
    "response.mcp_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.code_interpreter_call_code.delta",
];

/// A text of an event that changes from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The delta.
    Delta,
    /// The padding.
    Obfuscation,
    /// The log probabilities.
    Logprobs,
}

impl Patterned for ResponseEvent {
    type Place = Place;

    fn parse(payload: &Bytes) -> Option<Self> {
        let frame = Frame { event: None, data: payload.clone() };
        let mut event = Self::decode(frame, &mut Default::default()).ok()?.event;
        if let Some(parts) = parts(&mut event.event)
            && let Some(known) = TYPES.into_iter().find(|known| parts.r#type == known)
        {
            // Copies of a static text need no reference count.
            *parts.r#type = Text::from_static(known);
        }
        Some(event)
    }

    fn changing(&mut self, mut visit: impl FnMut(&mut Text, Place)) {
        if let Some(parts) = parts(&mut self.event) {
            visit(parts.delta, Place::Delta);
            parts.obfuscation.iter_mut().for_each(|text| visit(text, Place::Obfuscation));
        }
    }

    #[inline]
    fn at(&mut self, place: Place) -> Option<&mut Text> {
        let parts = parts(&mut self.event)?;
        match place {
            Place::Delta => Some(parts.delta),
            Place::Obfuscation => parts.obfuscation.as_mut(),
            Place::Logprobs => None,
        }
    }

    fn take_json(&mut self, mut visit: impl FnMut(&[u8], Place)) {
        if let ResponseStreamEvent::OutputTextDelta(event) = &mut self.event
            && !event.logprobs.is_none()
        {
            visit(&std::mem::take(&mut event.logprobs).json(), Place::Logprobs);
        }
    }

    fn read_json(&mut self, _: Place, read: &Bytes, at: usize) -> Option<usize> {
        let ResponseStreamEvent::OutputTextDelta(event) = &mut self.event else { return None };
        let (logprobs, end) = Deferred::in_line(read, at)?;
        event.logprobs = logprobs;
        Some(end)
    }

    fn number(&mut self) -> Option<&mut u64> {
        parts(&mut self.event)?.sequence_number.as_mut()
    }

    fn repeats(&mut self) -> bool {
        // Where there is no delta, the text may be another field's; and what is said beside it may be an error.
        let decides = |name: &str| {
            ["text", "choices", "response"].contains(&name) || is_telling(name) || may_tell(name)
        };
        extra_of(&self.event).is_none_or(|extra| !extra.names().any(decides))
    }

    fn raw(&mut self) -> &mut Payload {
        &mut self.raw
    }
}
