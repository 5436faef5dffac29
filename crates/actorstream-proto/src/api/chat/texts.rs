//! `Texts`: how far the texts of a message have arrived.

use super::chunk::Delta;
use crate::answer::came::Came;
use crate::json::text::Text;

/// How far the texts of a message have arrived.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) content: Came,
    pub(super) refusal: Came,
    pub(super) reasoning_content: Came,
    pub(super) reasoning: Came,
}

impl Texts {
    pub(super) fn push(&mut self, news: &Delta) {
        let push = |came: &mut Came, text: &Option<Text>| {
            if let Some(text) = text {
                came.push(text);
            }
        };
        push(&mut self.content, &news.content);
        if news.has_rare() {
            push(&mut self.refusal, &news.refusal);
            push(&mut self.reasoning_content, &news.reasoning_content);
            push(&mut self.reasoning, &news.reasoning);
        }
    }
}
