//! Moderation of what goes in and comes out.

use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;

/// Runs a moderation model over the request and the answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moderation {
    /// The moderation model, such as `omni-moderation-latest`.
    pub model: String,
    /// What follows from its findings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<ModerationPolicy>,
}

impl Moderation {
    /// Moderation by `model`.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), policy: None }
    }

    /// Sets what follows from findings about the request.
    #[must_use]
    pub fn input(mut self, mode: impl Into<ModerationMode>) -> Self {
        self.policy.get_or_insert_with(Default::default).input = Some(mode.into().into());
        self
    }

    /// Sets what follows from findings about the answer.
    #[must_use]
    pub fn output(mut self, mode: impl Into<ModerationMode>) -> Self {
        self.policy.get_or_insert_with(Default::default).output = Some(mode.into().into());
        self
    }
}

/// What follows from the findings of moderation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModerationPolicy {
    /// For the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<ModerationRule>,
    /// For the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ModerationRule>,
}

/// One half of a [`ModerationPolicy`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModerationRule {
    /// What is done.
    pub mode: ModerationMode,
}

impl From<ModerationMode> for ModerationRule {
    fn from(mode: ModerationMode) -> Self {
        Self { mode }
    }
}

string_enum! {
    /// What is done with the findings of moderation.
    pub enum ModerationMode {
        /// They are reported.
        Score = "score",
        /// Flagged content is held back.
        Block = "block",
    }
}
