//! `Moderation`: the result of the moderation of prompt and response, if requested.

use crate::api::responses::ModerationResult;

crate::json::union::union! {
    /// The result for one side.
    pub enum ModerationOutcome by "type" {
        /// The moderation succeeded.
        Results(ModerationResults) = "moderation_results",
        /// The moderation failed.
        Error(ModerationError) = "error",
    }
}

crate::object! {
    /// The result of the moderation of prompt and response.
    pub struct Moderation {
        /// For the prompt.
        pub input: ModerationOutcome,
        /// For the response.
        pub output: ModerationOutcome,
    }

    /// A successful moderation.
    pub struct ModerationResults {
        /// `moderation_results`.
        pub r#type: String = "type",
        /// The moderation model.
        pub model: String,
        /// The result for each item.
        pub results: Vec<ModerationResult>,
    }

    /// A failed moderation.
    pub struct ModerationError {
        /// `error`.
        pub r#type: String = "type",
        /// The code.
        pub code: String,
        /// A description of the error, for people.
        pub message: String,
    }
}
