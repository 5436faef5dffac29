//! `Meaning`: what an answer says, however it is written.

use super::plain::{Answer, Close, Endpoint, Item};

/// What an answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meaning {
    /// The kind of the end: `completed`, `incomplete`, or the name of the error.
    pub end: String,
    /// Why each choice ended.
    pub reasons: Vec<String>,
    /// What each choice says; those that say nothing are left out.
    pub choices: Vec<(u64, Said)>,
    /// The tokens: input, cached, output, reasoning, total.
    pub usage: Option<[u64; 5]>,
}

/// What a choice says. Nothing in it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The texts: one for each choice, or each part of a message.
    pub texts: Vec<String>,
    /// The refusals.
    pub refusals: Vec<String>,
    /// The reasoning.
    pub reasoning: Vec<String>,
    /// The calls: id, name, arguments.
    pub calls: Vec<[String; 3]>,
}

impl Said {
    /// Adds a text to a list, unless it is empty.
    pub fn add(list: &mut Vec<String>, text: &str) {
        if !text.is_empty() {
            list.push(text.to_owned());
        }
    }

    /// The same in an order that does not depend on when what came.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        for list in [&mut self.texts, &mut self.refusals, &mut self.reasoning] {
            list.sort_unstable();
        }
        self.calls.sort_unstable();
        self
    }
}

impl Meaning {
    /// What an answer says.
    pub fn of(answer: &Answer) -> Self {
        let end = match answer.close {
            Close::Cut => "truncated",
            Close::Error => "provider",
            Close::Complete if answer.choices.iter().any(|choice| choice.reason.is_some_and(is_short)) => {
                "incomplete"
            }
            Close::Complete => "completed",
        };
        let mut choices = Vec::new();
        for (index, choice) in (0..).zip(&answer.choices) {
            let said = said(&choice.items, answer.endpoint != Endpoint::Responses);
            if said != Said::default() {
                choices.push((index, said));
            }
        }
        let reasons = answer.choices.iter().filter_map(|choice| choice.reason);
        let reasons: Vec<String> = match answer.endpoint {
            _ if answer.close != Close::Complete => Vec::new(),
            Endpoint::Chat | Endpoint::Completions => reasons.map(str::to_owned).collect(),
            Endpoint::Responses => reasons.filter(|reason| is_short(reason)).map(long_reason).collect(),
        };
        let usage = answer
            .usage
            .map(|usage| [usage.input[0], usage.input[1], usage.output[0], usage.output[1], usage.total()]);
        Self { end: end.to_owned(), reasons, choices, usage }
    }
}

/// Whether an answer that ended so is incomplete.
pub(super) fn is_short(reason: &str) -> bool {
    matches!(reason, "length" | "content_filter")
}

/// The reason in the words of Responses.
pub(super) fn long_reason(reason: &str) -> String {
    if reason == "length" { "max_output_tokens".to_owned() } else { reason.to_owned() }
}

fn said(items: &[Item], joined: bool) -> Said {
    let mut said = Said::default();
    for item in items {
        match item {
            Item::Reasoning(pieces) => Said::add(&mut said.reasoning, &pieces.concat()),
            Item::Message(parts) => {
                for part in parts {
                    let list = if part.refusal { &mut said.refusals } else { &mut said.texts };
                    Said::add(list, &part.pieces.concat());
                }
            }
            Item::Call(call) => {
                said.calls.push([call.id.clone(), call.name.to_owned(), call.pieces.concat()]);
            }
        }
    }
    if joined {
        for list in [&mut said.texts, &mut said.refusals, &mut said.reasoning] {
            let all = std::mem::take(list).concat();
            Said::add(list, &all);
        }
    }
    said
}
