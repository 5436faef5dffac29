//! The texts that change from one chunk to the next, for the template.

use super::chunk::CompletionChunk;
use super::dialect::may_be_misplaced;
use crate::answer::verdict::may_report_error;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::template::{MOST_ITEMS, Patterned};

/// A text of a chunk that changes from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The text of a choice.
    Text(usize),
    /// The padding.
    Obfuscation,
}

impl Patterned for CompletionChunk {
    type Place = Place;

    fn changing(&mut self, mut visit: impl FnMut(&mut Text, Place)) {
        for (at, choice) in self.choices.iter_mut().enumerate() {
            choice.text.iter_mut().for_each(|text| visit(text, Place::Text(at)));
        }
        self.obfuscation.iter_mut().for_each(|text| visit(text, Place::Obfuscation));
    }

    fn at(&mut self, place: Place) -> Option<&mut Text> {
        match place {
            Place::Text(at) => self.choices.get_mut(at)?.text.as_mut(),
            Place::Obfuscation => self.obfuscation.as_mut(),
        }
    }

    fn repeats(&mut self) -> bool {
        self.choices.len() <= MOST_ITEMS
            && !self.choices.iter().any(|choice| choice.logprobs.is_some() || may_be_misplaced(choice))
            && !may_report_error(&self.extra, self.choices.is_empty())
    }

    fn raw(&mut self) -> &mut Payload {
        &mut self.raw
    }
}
