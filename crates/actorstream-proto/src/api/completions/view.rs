//! `CompletionView`: the changes that the chunks of a text completion make to the response.

use super::chunk::CompletionChunk;
use crate::answer::output::{Change, Growing, Position, View, Viewable};
use crate::answer::usage::Usage;

impl Viewable for CompletionChunk {
    type View = CompletionView;
}

/// The view of a text completion: texts and usage. Log probabilities are not reported, because they are not a list
/// of tokens.
#[derive(Debug, Default)]
pub struct CompletionView {
    texts: Vec<(u32, Growing)>,
    /// Whether texts are not kept.
    lean: bool,
    usage: Option<Usage>,
}

impl View<CompletionChunk> for CompletionView {
    fn lean() -> Self {
        Self { lean: true, ..Self::default() }
    }

    fn push(&mut self, chunk: &CompletionChunk, tell: &mut dyn FnMut(Change<'_>)) {
        for choice in &chunk.choices {
            let known =
                self.texts.iter().position(|(index, _)| *index == choice.index).unwrap_or_else(|| {
                    self.texts.push((choice.index, Growing::default()));
                    self.texts.len() - 1
                });
            let (at, text) = (Position { output: choice.index.into(), part: 0 }, &mut self.texts[known].1);
            if let Some(delta) = &choice.text
                && let Some(snapshot) = text.push(delta, !self.lean)
            {
                tell(Change::TextDelta { at, delta, snapshot });
            }
        }
        if let Some(usage) = &chunk.usage
            && Usage::update(&mut self.usage, usage)
            && let Some(usage) = &self.usage
        {
            tell(Change::Usage(usage.tokens()));
        }
    }

    fn finish(&mut self, tell: &mut dyn FnMut(Change<'_>)) {
        for (index, text) in &mut self.texts {
            if let Some(text) = text.end() {
                tell(Change::TextDone { at: Position { output: (*index).into(), part: 0 }, text });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_each_choice_and_usage() {
        let mut view = CompletionView::default();
        let mut said = Vec::new();
        let mut tell = |change: Change<'_>| {
            said.push(match change {
                Change::TextDelta { at, delta, snapshot } => format!("{} {delta} of {snapshot}", at.output),
                Change::TextDone { at, text } => format!("{} done {text}", at.output),
                Change::Usage(tokens) => format!("usage {}", tokens.total),
                other => panic!("{other:?}"),
            });
        };
        for chunk in [
            json!({"choices": [{"index": 0, "text": "He"}, {"index": 1, "text": "B"}]}),
            json!({"choices": [{"index": 0, "text": "y", "finish_reason": "stop"}]}),
            json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}),
        ] {
            view.push(&serde_json::from_value(chunk).unwrap(), &mut tell);
        }
        view.finish(&mut tell);
        assert_eq!(said, ["0 He of He", "1 B of B", "0 y of Hey", "usage 3", "0 done Hey", "1 done B"]);
    }
}
