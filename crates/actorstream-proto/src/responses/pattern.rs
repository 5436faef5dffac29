//! Which parts of an event change from one to the next: the deltas', so that a [template](crate::template) reads them.

use super::event::ResponseEvent;
use super::generated::ResponseStreamEvent;
use crate::payload::Payload;
use crate::template::Patterned;
use crate::text::Text;

/// The parts of a delta.
struct Parts<'a> {
    r#type: &'a mut Text,
    item_id: &'a mut Text,
    delta: &'a mut Text,
    obfuscation: &'a mut Option<Text>,
    sequence_number: &'a mut Option<u64>,
}

/// The parts of an event that is a delta; `None` for any other. (With log probabilities no delta is like another.)
#[inline]
fn parts(event: &mut ResponseStreamEvent) -> Option<Parts<'_>> {
    use ResponseStreamEvent as E;
    macro_rules! parts {
        ($event:ident) => {
            Some(Parts {
                r#type: &mut $event.r#type,
                item_id: &mut $event.item_id,
                delta: &mut $event.delta,
                obfuscation: &mut $event.obfuscation,
                sequence_number: &mut $event.sequence_number,
            })
        };
    }
    match event {
        E::OutputTextDelta(event) if event.logprobs.is_empty() => parts!(event),
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

impl Patterned for ResponseEvent {
    fn changing(&mut self, mut visit: impl FnMut(&mut Text)) {
        if let Some(parts) = parts(&mut self.event) {
            visit(parts.delta);
            parts.obfuscation.iter_mut().for_each(visit);
        }
    }

    fn fixed(&mut self, mut visit: impl FnMut(&mut Text)) {
        if let Some(parts) = parts(&mut self.event) {
            visit(parts.r#type);
            visit(parts.item_id);
        }
    }

    fn number(&mut self) -> Option<&mut u64> {
        parts(&mut self.event)?.sequence_number.as_mut()
    }

    fn raw(&mut self) -> &mut Payload {
        &mut self.raw
    }
}
