//! `Moderation`: what a check of the prompt and of the answer found, if it was asked for.

use crate::responses::ModerationResult;

crate::union::union! {
    /// What the check of one side found.
    pub enum ModerationOutcome by "type" {
        /// The check was made.
        Results(ModerationResults) = "moderation_results",
        /// The check failed.
        Error(ModerationError) = "error",
    }
}

crate::object! {
    /// What a check of the prompt and of the answer found.
    pub struct Moderation {
        /// Of the prompt.
        pub input: ModerationOutcome,
        /// Of the answer.
        pub output: ModerationOutcome,
    }

    /// A check that was made.
    pub struct ModerationResults {
        /// `moderation_results`.
        pub r#type: String = "type",
        /// The model that checked.
        pub model: String,
        /// What it found, for each thing that was checked.
        pub results: Vec<ModerationResult>,
    }

    /// A check that failed.
    pub struct ModerationError {
        /// `error`.
        pub r#type: String = "type",
        /// The code.
        pub code: String,
        /// What went wrong, for people.
        pub message: String,
    }
}
